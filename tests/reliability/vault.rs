//! A token vault that keeps one customer's merchant data, with its ETag, and fails where it is told to.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::upstream::{Act, CUSTOMER, Seen, Upstream, error, tms};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The instrument is not answered.
    InstrumentLost,
    /// The customer's change is refused.
    ChangeRefused,
    /// The customer's change is not answered, and was not made.
    ChangeLost,
    /// The customer's change is not answered, but was made.
    AnswerLost,
    /// The customer's first change is not answered, but was made; later ones are refused.
    DoneThenRefused,
    /// The deletion is not answered, but was made.
    DeletionLost,
}

#[derive(Default)]
struct Kept {
    /// The merchant data; nothing where there is no customer.
    data: Option<Value>,
    version: u32,
    fault: Option<Fault>,
}

/// The vault.
pub struct Vault {
    pub host: Upstream,
    kept: Arc<Mutex<Kept>>,
}

impl Vault {
    pub fn start() -> Vault {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let vault = Arc::clone(&kept);
        let host = Upstream::start(move |seen| vault.lock().unwrap().answer(seen));
        Vault { host, kept }
    }

    /// From now on this goes wrong; or nothing.
    pub fn fail(&self, fault: Option<Fault>) {
        self.kept.lock().unwrap().fault = fault;
    }

    /// What it holds of the merchant's data; nothing where there is no customer.
    pub fn data(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        kept.data.as_ref().map(Value::to_string)
    }
}

impl Kept {
    fn answer(&mut self, seen: &Seen) -> Act {
        let customer = format!("/tms/v2/customers/{CUSTOMER}");
        let here = seen.path.eq_ignore_ascii_case(&customer);
        match (seen.method.as_str(), self.fault) {
            ("POST", _) if seen.path == "/tms/v2/customers" => {
                self.store(seen);
                tms(seen)
            }
            ("POST", Some(Fault::InstrumentLost)) if seen.path.ends_with("instruments") => {
                Act::Silence
            }
            ("PATCH", Some(Fault::ChangeRefused)) if here => {
                error(400, "invalidFields", "x", "y", "no")
            }
            ("PATCH", Some(Fault::ChangeLost)) if here => Act::Silence,
            ("PATCH", Some(Fault::DoneThenRefused)) if here => {
                if seen.headers["if-match"] != self.etag() {
                    return error(412, "conditionFailed", "x", "y", "changed");
                }
                if self.version > 1 {
                    return error(400, "invalidFields", "x", "y", "no");
                }
                self.store(seen);
                Act::Cut(Vec::new())
            }
            ("PATCH", fault) if here => {
                assert_eq!(seen.headers["if-match"], self.etag());
                self.store(seen);
                match fault {
                    Some(Fault::AnswerLost) => Act::Silence,
                    _ => self.read(),
                }
            }
            ("DELETE", fault) if here => {
                self.data = None;
                match fault {
                    Some(Fault::DeletionLost) => Act::Silence,
                    _ => tms(seen),
                }
            }
            ("GET", _) if here => self.read(),
            _ => tms(seen),
        }
    }

    fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    fn store(&mut self, seen: &Seen) {
        let sent = seen.json()["merchantDefinedInformation"].take();
        if sent.is_array() {
            for element in sent.as_array().unwrap() {
                let length = element["value"].as_str().unwrap().chars().count();
                assert!(length <= 100, "{length} characters: {element}");
            }
            self.data = Some(sent);
        } else if self.data.is_none() {
            self.data = Some(json!([]));
        }
        self.version += 1;
    }

    fn read(&self) -> Act {
        let Some(data) = &self.data else {
            return error(404, "notFound", "x", "y", "no such customer");
        };
        let body = json!({"id": CUSTOMER, "merchantDefinedInformation": data});
        let etag = format!("ETag: {}\r\n", self.etag());
        Act::Reply(200, etag, body.to_string().into_bytes())
    }
}
