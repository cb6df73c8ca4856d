//! A REST host that keeps books, so that it can be asked afterwards where the money is. It loses answers at random, before
//! and after it did the work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::upstream::{Act, Seen, Upstream, reply};

/// Something that moved money.
#[derive(Clone, Debug)]
pub struct Movement {
    pub id: String,
    pub kind: &'static str,
    /// The merchant's reference: that of the request.
    pub code: String,
    pub taken_back: bool,
}

/// A customer token.
#[derive(Clone, Debug)]
pub struct Customer {
    pub instruments: usize,
}

/// The books.
#[derive(Default)]
pub struct Books {
    pub movements: Vec<Movement>,
    /// Where a transaction id stands in `movements`.
    own: BTreeMap<String, usize>,
    pub customers: BTreeMap<String, Customer>,
    /// POSTs whose transaction id had come before.
    pub repeated: Vec<String>,
    next: u64,
    chance: Option<Chance>,
}

/// The host and its books.
pub struct Ledger {
    pub host: Upstream,
    pub books: Arc<Mutex<Books>>,
}

impl Ledger {
    pub fn start(seed: u64) -> Ledger {
        let books = Arc::new(Mutex::new(Books {
            next: 7_000_000_000_000_000_000,
            chance: Some(Chance::new(seed)),
            ..Books::default()
        }));
        let kept = Arc::clone(&books);
        let host = Upstream::start(move |seen| kept.lock().unwrap().answer(seen));
        Ledger { host, books }
    }

    /// From now on every answer arrives.
    pub fn behave(&self) {
        self.books.lock().unwrap().chance = None;
    }
}

fn refuse(reason: &str) -> Act {
    reply(400, &json!({"status": "INVALID_REQUEST", "reason": reason}))
}

impl Books {
    fn answer(&mut self, seen: &Seen) -> Act {
        let (before, after) = match &mut self.chance {
            Some(chance) => (chance.one_in(25), chance.one_in(12)),
            None => (false, false),
        };
        if before {
            return Act::Cut(Vec::new());
        }
        let act = self.act(seen);
        if after { Act::Cut(Vec::new()) } else { act }
    }

    fn act(&mut self, seen: &Seen) -> Act {
        let path: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), &path[..]) {
            ("POST", ["pts", "v2", "payments"]) => {
                let sale = seen.json()["processingInformation"]["capture"] == true;
                self.movement(seen, if sale { "sale" } else { "authorization" })
            }
            ("POST", ["pts", "v2", "payments", id, "captures"]) => match self.stands(id) {
                true => self.movement(seen, "capture"),
                false => refuse("AUTH_ALREADY_REVERSED"),
            },
            ("POST", ["pts", "v2", kind @ ("reversals" | "voids")]) => self.by_own_id(seen, kind),
            ("POST", ["pts", "v2", _, id, "voids" | "reversals"]) => {
                let at = self
                    .movements
                    .iter()
                    .position(|movement| movement.id == *id);
                at.map_or_else(|| refuse("INVALID_DATA"), |at| self.take_back(at))
            }
            ("POST", ["tms", "v1", "instrumentidentifiers"]) => reply(
                201,
                &json!({"id": "7010000000016241111", "state": "ACTIVE"}),
            ),
            ("POST", ["tms", "v2", "customers"]) => self.customer(),
            ("POST", ["tms", "v2", "customers", id, _]) => match self.customers.get_mut(*id) {
                Some(customer) => {
                    customer.instruments += 1;
                    reply(201, &json!({"id": "C0FFEE00000000000000000000000002"}))
                }
                None => reply(404, &json!({})),
            },
            ("DELETE", ["tms", "v2", "customers", id]) => match self.customers.remove(*id) {
                Some(_) => Act::Reply(204, String::new(), Vec::new()),
                None => reply(410, &json!({})),
            },
            (method, _) => panic!("{method} {}", seen.path),
        }
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("{}001", self.next)
    }

    fn movement(&mut self, seen: &Seen, kind: &'static str) -> Act {
        let reference = &seen.json()["clientReferenceInformation"];
        let own = reference["transactionId"].as_str().unwrap().to_owned();
        if self.own.contains_key(&own) {
            self.repeated.push(own);
            return refuse("INVALID_DATA");
        }
        let id = self.fresh();
        self.own.insert(own, self.movements.len());
        self.movements.push(Movement {
            id: id.clone(),
            kind,
            code: reference["code"].as_str().unwrap().to_owned(),
            taken_back: false,
        });
        let status = if kind == "capture" {
            "PENDING"
        } else {
            "AUTHORIZED"
        };
        reply(201, &json!({"id": id, "status": status}))
    }

    fn stands(&self, id: &str) -> bool {
        self.movements
            .iter()
            .any(|movement| movement.id == id && !movement.taken_back)
    }

    fn by_own_id(&mut self, seen: &Seen, kind: &str) -> Act {
        let body: Value = seen.json();
        let own = body["clientReferenceInformation"]["transactionId"]
            .as_str()
            .unwrap();
        let Some(at) = self.own.get(own).copied() else {
            return refuse("INVALID_DATA");
        };
        match (kind, self.movements[at].kind) {
            ("voids", "authorization") => refuse("NOT_VOIDABLE"),
            ("reversals", "capture") => refuse("INVALID_DATA"),
            _ => self.take_back(at),
        }
    }

    fn take_back(&mut self, at: usize) -> Act {
        let movement = &mut self.movements[at];
        let is_authorization = movement.kind == "authorization";
        if std::mem::replace(&mut movement.taken_back, true) {
            return refuse(if is_authorization {
                "AUTH_ALREADY_REVERSED"
            } else {
                "NOT_VOIDABLE"
            });
        }
        let status = if is_authorization {
            "REVERSED"
        } else {
            "VOIDED"
        };
        reply(201, &json!({"id": self.fresh(), "status": status}))
    }

    fn customer(&mut self) -> Act {
        let id = format!("C{:031}", self.next);
        self.next += 1;
        let customer = Customer { instruments: 0 };
        self.customers.insert(id.clone(), customer);
        reply(201, &json!({"id": id}))
    }
}
