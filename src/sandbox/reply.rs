//! A reply before it is bytes.

use serde_json::{Value, json};

/// What a resource answers; the server adds the headers that every reply has.
#[derive(Debug)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// The `ETag` header, without quotes.
    pub(crate) etag: Option<String>,
    /// The `Location` header.
    pub(crate) location: Option<String>,
    /// The media type of the body.
    pub(crate) content_type: &'static str,
    /// The JSON body; `None` sends none.
    pub(crate) body: Option<Value>,
    /// A body that is sent in the place of the other.
    sealed: Option<String>,
}

/// The media type of TMS, and of the infrastructure.
const JSON: &str = "application/json;charset=utf-8";
/// The media type of payments.
const HAL: &str = "application/hal+json;charset=utf-8";

impl Reply {
    /// A reply with a JSON body.
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            etag: None,
            location: None,
            content_type: JSON,
            body: Some(body),
            sealed: None,
        }
    }

    /// A reply with a JSON body of the payments' media type.
    pub(crate) fn hal(status: u16, body: Value) -> Self {
        Self {
            content_type: HAL,
            ..Self::json(status, body)
        }
    }

    /// 202, without a body.
    pub(crate) fn accepted() -> Self {
        Self {
            status: 202,
            ..Self::no_content()
        }
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self {
            status: 204,
            etag: None,
            location: None,
            content_type: JSON,
            body: None,
            sealed: None,
        }
    }

    /// The body as it is sent; empty when there is none.
    pub(crate) fn text(&self) -> String {
        match (&self.sealed, &self.body) {
            (Some(sealed), _) => sealed.clone(),
            (None, Some(body)) => body.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The reply with its body sealed.
    pub(crate) fn with_text(mut self, content_type: &'static str, sealed: String) -> Self {
        self.content_type = content_type;
        self.sealed = Some(sealed);
        self
    }

    /// The reply with an `ETag`.
    pub(crate) fn with_etag(mut self, etag: &str) -> Self {
        self.etag = Some(etag.to_owned());
        self
    }

    /// The reply with a `Location`.
    pub(crate) fn with_location(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// 401, the same for every cause: the real host does not tell a caller why.
    pub(crate) fn unauthorized() -> Self {
        Self::json(401, json!({"response": {"rmsg": "Authentication Failed"}}))
    }

    /// 404 for a path that is no resource.
    pub(crate) fn no_such_resource() -> Self {
        Self::message(404, "The requested resource does not exist")
    }

    /// A reply of the infrastructure, outside any service: `{"message": …}`.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        Self::json(status, json!({"message": message}))
    }
}
