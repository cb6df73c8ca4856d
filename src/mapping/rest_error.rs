//! What REST says is wrong, whichever of its error families says it.

use std::borrow::Cow;

use serde_json::Value;

use super::path::JsonPath;
use super::read::Read;
use super::reader::{Reader, Slot};

/// What REST says is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RestError<'r> {
    /// `status`.
    pub status: Option<Cow<'r, str>>,
    /// `errors[].type`, or the `reason` of other families.
    pub kind: Option<Cow<'r, str>>,
    /// `errors[].message`, or what other families have in its place.
    pub message: Option<Cow<'r, str>>,
    /// The paths that the details name, location first.
    pub blamed: Vec<String>,
    /// Whether there are details, be it that they name nothing.
    pub detailed: bool,
}

/// How a reply of REST is read.
#[derive(Debug, PartialEq)]
pub struct Reading {
    /// The places that are read.
    pub reader: Reader,
    /// Those among them where REST says what is wrong.
    pub errors: ErrorPlaces,
}

impl Reading {
    /// Reads what is wrong; whatever else is to be read is added to it.
    pub fn of_errors() -> Reading {
        let mut reader = Reader::default();
        let errors = ErrorPlaces::new(&mut reader);
        Reading { reader, errors }
    }

    /// The same with all places known, without room for more.
    pub fn ready(mut self) -> Reading {
        self.reader.tighten();
        self
    }
}

/// Where the error families say it (rest-api, section 5): `errors[]`, `errorInformation`, the reply itself, and
/// `response.rmsg`.
#[derive(Debug, PartialEq)]
pub struct ErrorPlaces {
    status: Slot,
    families: [Family; 3],
    other_message: Slot,
}

/// Where one family says it.
#[derive(Debug, PartialEq)]
struct Family {
    /// What must be there for it to speak; the last always does.
    speaks: Option<Slot>,
    kind: Slot,
    reason: Slot,
    message: Slot,
    details: Slot,
}

impl ErrorPlaces {
    /// The places, to be read by this reader.
    pub fn new(reader: &mut Reader) -> ErrorPlaces {
        let mut slot = |path: &str| {
            // The paths are those below, and a test reads them all.
            reader.slot(&JsonPath::parse(path).expect("a path of this file"))
        };
        let mut family = |at: &str| {
            let speaks = (!at.is_empty()).then(|| slot(at));
            let mut member = |name: &str| match at {
                "" => slot(name),
                at => slot(&format!("{at}.{name}")),
            };
            Family {
                speaks,
                kind: member("type"),
                reason: member("reason"),
                message: member("message"),
                details: member("details"),
            }
        };
        ErrorPlaces {
            families: [family("errors[#0]"), family("errorInformation"), family("")],
            status: slot("status"),
            other_message: slot("response.rmsg"),
        }
    }
}

impl<'r> RestError<'r> {
    /// What a reply says.
    pub fn read(places: &ErrorPlaces, read: &'r Read) -> RestError<'r> {
        let [first, second, last] = &places.families;
        let speaks = |family: &&Family| family.speaks.is_none_or(|at| read.has(at));
        let family = [first, second].into_iter().find(speaks).unwrap_or(last);
        let details = match read.tree(family.details) {
            Some(Value::Array(details)) => details,
            _ => Vec::new(),
        };
        RestError {
            status: read.string(places.status),
            kind: read
                .string(family.kind)
                .or_else(|| read.string(family.reason)),
            message: read
                .string(family.message)
                .or_else(|| read.string(places.other_message)),
            detailed: !details.is_empty(),
            blamed: details.iter().filter_map(blamed).collect(),
        }
    }
}

fn blamed(detail: &Value) -> Option<String> {
    let text = |key: &str| {
        detail
            .get(key)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
    };
    match (text("location"), text("name").or_else(|| text("field"))) {
        (Some(location), Some(name)) => Some(format!("{location}.{name}")),
        (None, Some(name)) => Some(name.to_owned()),
        (Some(location), None) => Some(location.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(reply: &Value, test: impl Fn(RestError<'_>)) {
        let mut reader = Reader::default();
        let places = ErrorPlaces::new(&mut reader);
        let read = reader.read(reply.to_string().into()).expect("JSON");
        test(RestError::read(&places, &read));
    }

    #[test]
    fn reads_the_error_families() {
        let tms = json!({"errors": [{"type": "invalidFields", "message": "m",
            "details": [{"name": "number", "location": "card"}]}]});
        check(&tms, |error| {
            assert_eq!(error.kind.as_deref(), Some("invalidFields"));
            assert_eq!(error.message.as_deref(), Some("m"));
            assert_eq!(error.blamed, ["card.number"]);
            assert!(error.detailed);
        });
        let auth = json!({"response": {"rmsg": "Authentication Failed"}});
        check(&auth, |error| {
            assert_eq!(error.message.as_deref(), Some("Authentication Failed"));
        });
        let pts = json!({"status": "INVALID_REQUEST", "reason": "INVALID_DATA", "message": "m",
            "details": [{"field": "a.b", "reason": "INVALID_DATA"}]});
        check(&pts, |error| {
            assert_eq!(error.status.as_deref(), Some("INVALID_REQUEST"));
            assert_eq!(error.kind.as_deref(), Some("INVALID_DATA"));
            assert_eq!(error.blamed, ["a.b"]);
        });
        let declined = json!({"status": "DECLINED", "errorInformation": {"reason": "CV_FAILED", "message": "c"}});
        check(&declined, |error| {
            assert_eq!(error.kind.as_deref(), Some("CV_FAILED"));
            assert_eq!(error.message.as_deref(), Some("c"));
            assert!(!error.detailed);
        });
        check(&Value::Null, |error| {
            assert_eq!(error, RestError::default())
        });
    }
}
