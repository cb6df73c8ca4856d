//! Faults of the way, which no host sends on purpose: asked for by the request header
//! `x-sandbox-fault`, so that a client's recovery can be tested.
//!
//! | value | does |
//! |---|---|
//! | `cut-before` | closes the connection without a reply; nothing was done |
//! | `cut-after` | does the work, then closes the connection without a reply |
//! | `half-body` | does the work, then closes the connection in the middle of the reply's body |
//! | `delay=MS` | does the work, then waits; at most a minute |
//! | `status=NNN` | answers an HTML page of that status (400 to 599), as proxies do; nothing was done. 429 and 503 come with `Retry-After: 1` |
//!
//! The header is neither signed nor authenticated: it is no part of the API.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// The request header.
const HEADER: &str = "x-sandbox-fault";
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_secs(60);

/// A fault that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    CutBefore,
    CutAfter,
    HalfBody,
    Delay(Duration),
    Status(StatusCode),
}

/// A value of the header that names no fault.
#[derive(Debug)]
pub(crate) struct UnknownFault;

impl Fault {
    /// Reads the header.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, UnknownFault> {
        let Some(value) = headers.get(HEADER) else {
            return Ok(None);
        };
        let value = value.to_str().map_err(|_| UnknownFault)?.trim();
        let fault = match value.split_once('=') {
            None if value == "cut-before" => Self::CutBefore,
            None if value == "cut-after" => Self::CutAfter,
            None if value == "half-body" => Self::HalfBody,
            Some(("delay", millis)) => {
                let millis = millis.parse().map_err(|_| UnknownFault)?;
                Self::Delay(Duration::from_millis(millis).min(DELAY_MAX))
            }
            Some(("status", status)) => {
                let status = status.parse::<StatusCode>().map_err(|_| UnknownFault)?;
                let is_error = status.is_client_error() || status.is_server_error();
                Self::Status(is_error.then_some(status).ok_or(UnknownFault)?)
            }
            _ => return Err(UnknownFault),
        };
        Ok(Some(fault))
    }
}

/// The end of a connection without a reply.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut, as the request asked")
    }
}

impl std::error::Error for Cut {}

/// The page of a proxy between the caller and the host.
pub(crate) fn page(status: StatusCode) -> Response<Sent> {
    let text = format!("<html><body><h1>{status}</h1></body></html>\n");
    let mut response = Response::new(Sent::whole(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    if matches!(status.as_u16(), 429 | 503) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A reply's body, which may break off.
pub(crate) struct Sent {
    rest: Bytes,
    length: usize,
    ending: Ending,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// Broken off, once the server had a turn to write what it has.
    BreaksOff,
    BreaksOffNow,
}

impl Sent {
    /// A body that is sent to its end.
    pub(crate) fn whole(body: Bytes) -> Self {
        Self {
            length: body.len(),
            rest: body,
            ending: Ending::Whole,
        }
    }

    /// The same, broken off in the middle; its announced length stays.
    pub(crate) fn half(mut self) -> Self {
        self.rest.truncate(self.length / 2);
        self.ending = Ending::BreaksOff;
        self
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::BreaksOff => {
                self.ending = Ending::BreaksOffNow;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::BreaksOffNow => Poll::Ready(Some(Err(io::Error::other(Cut)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.ending == Ending::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Result<Option<Fault>, UnknownFault> {
        let value = HeaderValue::from_static(value);
        Fault::read(&HeaderMap::from_iter([(HEADER.parse().unwrap(), value)]))
    }

    #[test]
    fn values() {
        let status = |code| Fault::Status(StatusCode::from_u16(code).unwrap());
        let delay = |millis| Fault::Delay(Duration::from_millis(millis));
        for (value, fault) in [
            ("cut-before", Fault::CutBefore),
            ("cut-after", Fault::CutAfter),
            ("half-body", Fault::HalfBody),
            ("delay=20", delay(20)),
            ("delay=999999", delay(60_000)),
            ("status=502", status(502)),
        ] {
            assert_eq!(read(value).unwrap(), Some(fault), "{value}");
        }
        for value in [
            "",
            "cut",
            "delay=x",
            "status=200",
            "status=99",
            "cut-after=1",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
        assert_eq!(Fault::read(&HeaderMap::new()).unwrap(), None);
    }
}
