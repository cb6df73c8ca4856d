//! An answer to an operator: JSON, or a file.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::sandbox::fault::Sent;
use crate::sandbox::reply::Reply;

/// An answer to an operator.
pub(crate) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    /// 200 with JSON.
    pub(super) fn json(body: &Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// A file.
    pub(super) fn file(content: Vec<u8>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: "application/octet-stream",
            body: content,
        }
    }

    /// A refusal that says why.
    pub(super) fn refusal(status: StatusCode, message: &str) -> Self {
        Self::new(status, &json!({"message": message}))
    }

    fn new(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json;charset=utf-8",
            body: format!("{body}\n").into(),
        }
    }

    /// The answer as it is sent.
    pub(crate) fn respond(self) -> Response<Sent> {
        let mut response = Response::new(Sent::whole(self.body.into()));
        *response.status_mut() = self.status;
        let content_type = HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let status = StatusCode::from_u16(reply.status);
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: reply.content_type,
            body: reply.text().into(),
        }
    }
}
