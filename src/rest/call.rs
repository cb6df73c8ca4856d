//! One REST call as the plan asks for it, and the reply as it came.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

/// One request to the REST API, before authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// GET, POST, PUT, PATCH or DELETE; only POST, PUT and PATCH may have a body.
    pub method: Method,
    /// Path and query exactly as they go on the wire: percent-encoded (ids by
    /// [`path_segment`](super::path_segment)), beginning with `/`.
    pub path: String,
    /// The entity tag for the `If-Match` header, quotes and all, as an [`Answer`] gave it.
    pub if_match: Option<String>,
    /// The JSON text to send.
    pub body: Option<Bytes>,
    /// Whether the API takes the body sealed, where the merchant has that switched on.
    pub sealable: bool,
    /// The form in which the reply is asked for.
    pub accept: Accept,
}

/// The form in which a reply is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Accept {
    /// JSON, numbers masked.
    #[default]
    Json,
    /// The same object with its numbers unmasked, sealed for the merchant's response key.
    Jose,
}

impl Accept {
    /// The `Accept` header that stands for it, where it is not the usual one.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Accept::Json => None,
            Accept::Jose => Some("application/jose"),
        }
    }
}

/// What the server answered, whatever the status: judging it is the caller's work.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `ETag` header, quotes and all, for a later [`Call::if_match`].
    pub etag: Option<String>,
    /// The `Retry-After` header, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// The body, complete and within the client's limit; opened, if it came sealed.
    pub body: Bytes,
    /// The body was asked for sealed, and came in the clear.
    pub in_clear: bool,
}

/// Prints no body: bodies hold card numbers.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// Prints no body: replies hold account data and tokens.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("etag", &self.etag)
            .field("body_bytes", &self.body.len())
            .field("in_clear", &self.in_clear)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_lengths_and_no_body() {
        let call = Call {
            method: Method::POST,
            path: "/pts/v2/payments".into(),
            if_match: Some("\"canary-tag\"".into()),
            body: Some(Bytes::from_static(b"canary-body")),
            sealable: true,
            accept: Accept::Json,
        };
        let shown = format!("{call:?}");
        assert!(shown.contains("POST") && shown.contains("/pts/v2/payments"));
        assert!(shown.contains("11") && !shown.contains("canary"), "{shown}");

        let body = Bytes::from_static(b"canary-reply");
        let answer = Answer {
            status: 201,
            etag: None,
            retry_after: None,
            body,
            in_clear: false,
        };
        let shown = format!("{answer:?}");
        assert!(
            shown.contains("201") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
