//! The errors of TMS:
//! `{"errors":[{"type":…,"message":…,"details":[{"name":…,"location":…}]}]}`.

use serde_json::{Value, json};

use crate::sandbox::reply::Reply;

/// A field to blame: its own name, and the dotted path of the object that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    /// The field's name.
    pub(crate) name: String,
    /// Where it is; empty at the top.
    pub(crate) location: String,
}

impl Detail {
    /// A detail out of its two parts.
    pub(crate) fn new(name: &str, location: &str) -> Self {
        Self {
            name: name.to_owned(),
            location: location.to_owned(),
        }
    }

    fn path(&self) -> String {
        if self.location.is_empty() {
            self.name.clone()
        } else {
            format!("{}.{}", self.location, self.name)
        }
    }

    fn to_json(&self) -> Value {
        if self.location.is_empty() {
            json!({"name": self.name})
        } else {
            json!({"name": self.name, "location": self.location})
        }
    }
}

/// Why a request to TMS fails; the text is the reply's message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TmsError {
    /// The body is absent, broken, or no object.
    #[error("Invalid HTTP Body")]
    InvalidBody,
    /// A header has a wrong form.
    #[error("Invalid header")]
    InvalidHeader(&'static str),
    /// A header is missing.
    #[error("Missing required headers")]
    MissingHeader(&'static str),
    /// The body has to be sealed.
    #[error("The request has to be encrypted")]
    Unsealed,
    /// Fields have values that they cannot have.
    #[error("Invalid field values")]
    InvalidFields(Vec<Detail>),
    /// Fields are missing.
    #[error("Missing required fields")]
    MissingFields(Vec<Detail>),
    /// Fields that exclude each other.
    #[error("Invalid combination of fields")]
    InvalidCombination(Vec<Detail>),
    /// A card instrument cannot become a bank one, nor the reverse.
    #[error("The payment method of a payment instrument cannot be changed")]
    UnsupportedModification,
    /// The merchant is not allowed to.
    #[error("Request not permitted")]
    Forbidden,
    /// What it depends on was not made.
    #[error("Creation not attempted due to previous errors")]
    NotAttempted,
    /// The token never was there, or is another merchant's.
    #[error("Token not found")]
    NotFound,
    /// The token was deleted.
    #[error("Token not available")]
    Gone,
    /// Payment instruments use the identifier.
    #[error("Action cannot be performed as the InstrumentIdentifier has PaymentInstruments")]
    IdentifierInUse {
        /// Where they are listed.
        instruments: String,
    },
    /// The default among several cannot go.
    #[error("Action cannot be performed as the {0} is the customers default")]
    IsDefault(&'static str),
    /// `If-Match` names another version.
    #[error(
        "Action cannot be performed as the if-match header value does not match the token etag"
    )]
    Stale,
}

impl TmsError {
    /// One invalid field.
    pub(crate) fn invalid(name: &str, location: &str) -> Self {
        Self::InvalidFields(vec![Detail::new(name, location)])
    }

    /// One missing field.
    pub(crate) fn missing(name: &str, location: &str) -> Self {
        Self::MissingFields(vec![Detail::new(name, location)])
    }

    /// The dotted paths of the fields to blame.
    pub(crate) fn members(&self) -> Vec<String> {
        match self {
            Self::InvalidFields(details)
            | Self::MissingFields(details)
            | Self::InvalidCombination(details) => details.iter().map(Detail::path).collect(),
            _ => Vec::new(),
        }
    }

    /// HTTP status and error type (spec).
    pub(crate) fn class(&self) -> (u16, &'static str) {
        match self {
            Self::InvalidBody => (400, "invalidRequest"),
            Self::InvalidHeader(_) => (400, "invalidHeaders"),
            Self::MissingHeader(_) => (400, "missingHeaders"),
            Self::Unsealed => (400, "invalidRequest"),
            Self::InvalidFields(_) => (400, "invalidFields"),
            Self::MissingFields(_) => (400, "missingFields"),
            Self::InvalidCombination(_) => (400, "invalidCombination"),
            Self::UnsupportedModification => (400, "unsupportedPaymentMethodModification"),
            Self::Forbidden => (403, "forbidden"),
            Self::NotAttempted => (424, "notAttempted"),
            Self::NotFound => (404, "notFound"),
            Self::Gone => (410, "notAvailable"),
            Self::IdentifierInUse { .. } => (409, "instrumentIdentifierDeletionError"),
            Self::IsDefault(_) => (409, "conflict"),
            Self::Stale => (412, "conflict"),
        }
    }

    fn details(&self) -> Vec<Value> {
        match self {
            Self::InvalidFields(details)
            | Self::MissingFields(details)
            | Self::InvalidCombination(details) => details.iter().map(Detail::to_json).collect(),
            Self::InvalidHeader(name) | Self::MissingHeader(name) => vec![json!({"name": name})],
            _ => Vec::new(),
        }
    }

    /// The reply that says so.
    pub(crate) fn to_reply(&self) -> Reply {
        let (status, _) = self.class();
        let mut body = json!({"errors": [self.to_json()]});
        if let Self::IdentifierInUse { instruments } = self {
            body["_links"] = json!({"paymentInstruments": {"href": instruments}});
        }
        Reply::json(status, body)
    }

    /// The error as an element of `errors`.
    pub(crate) fn to_json(&self) -> Value {
        let (_, class) = self.class();
        let mut error = json!({"type": class, "message": self.to_string()});
        let details = self.details();
        if !details.is_empty() {
            error["details"] = Value::Array(details);
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_there_only_when_a_field_is_to_blame() {
        let reply = TmsError::invalid("number", "card").to_reply();
        assert_eq!(reply.status, 400);
        assert_eq!(
            reply.body.unwrap()["errors"][0]["details"],
            json!([{"name": "number", "location": "card"}])
        );
        let reply = TmsError::Gone.to_reply();
        assert_eq!(reply.status, 410);
        assert!(reply.body.unwrap()["errors"][0].get("details").is_none());
    }
}
