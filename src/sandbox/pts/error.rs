//! The refusals of PTS:
//! `{"submitTimeUtc":…,"status":…,"reason":…,"message":…,"details":[{"field":…,"reason":…}]}`.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::reason::{self, Reason};
use super::submit_time;
use crate::sandbox::reply::Reply;

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) enum PtsError {
    /// Fields are missing.
    Missing(Vec<String>),
    /// Fields have values that they cannot have; none are named when no field is to blame, as
    /// with an unknown id in the path.
    Invalid(Vec<String>),
    /// A rule of the business stands against it.
    Refused(&'static Reason),
    /// The transaction is another merchant's.
    NotOwned,
}

impl PtsError {
    /// INVALID_DATA without details.
    pub(crate) fn no_field() -> Self {
        Self::Invalid(Vec::new())
    }

    /// The refusal of a code.
    pub(crate) fn code(code: u16) -> Self {
        match reason::find(code) {
            Some(reason) => Self::Refused(reason),
            None => Self::no_field(),
        }
    }

    /// The reply that says so.
    pub(crate) fn to_reply(&self, now: SystemTime) -> Reply {
        let (code, fields) = match self {
            Self::Missing(fields) => (101, fields.as_slice()),
            Self::Invalid(fields) => (102, fields.as_slice()),
            Self::Refused(reason) => return refusal(reason, &[], now),
            Self::NotOwned => return not_found(now),
        };
        match reason::find(code) {
            Some(reason) => refusal(reason, fields, now),
            None => not_found(now),
        }
    }
}

fn refusal(reason: &Reason, fields: &[String], now: SystemTime) -> Reply {
    let mut body = json!({
        "submitTimeUtc": submit_time(now),
        "status": reason.status,
        "reason": reason.name,
        "message": reason.message,
    });
    if !fields.is_empty() {
        let detail = |field| json!({"field": field, "reason": reason.name});
        body["details"] = fields.iter().map(detail).collect::<Vec<Value>>().into();
    }
    Reply::hal(reason.http, body)
}

/// The text has the space that the real host's has.
fn not_found(now: SystemTime) -> Reply {
    let information =
        json!({"reason": "NOT_FOUND ", "message": "The requested resource does not exist."});
    let body = json!({
        "submitTimeUtc": submit_time(now), "status": "404", "errorInformation": information,
    });
    Reply::hal(404, body)
}
