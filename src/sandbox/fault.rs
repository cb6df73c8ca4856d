//! Faults of the way, which no host sends on purpose: asked for by the request header
//! `x-sandbox-fault`, or planned by an operator, so that a client's recovery can be tested.
//!
//! | value | does |
//! |---|---|
//! | `cut-before` | closes the connection without a reply; nothing was done |
//! | `cut-after` | does the work, then closes the connection without a reply |
//! | `half-body` | does the work, then closes the connection in the middle of the reply's body |
//! | `delay=MS` | does the work, then waits; at most a minute |
//! | `delay-before=MS` | waits, then does the work; at most a minute |
//! | `silence` | says nothing for a minute; nothing was done |
//! | `status=NNN` | answers an HTML page of that status (200, or 400 to 599), as proxies do; nothing was done |
//! | `status-after=NNN` | does the work, then answers such a page |
//! | `server-timeout` | does the work, then answers 502 `SERVER_TIMEOUT`, as the host does when it did not see it end |
//! | `wrong-etag` | does the work and replies with another ETag than the token's |
//!
//! 429 and 503 come with `Retry-After: 1`; `status=429,5` says 5 seconds instead.
//!
//! The header is neither signed nor authenticated: it is no part of the API.

mod body;

use std::fmt;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

pub(crate) use body::Sent;

/// The request header.
const HEADER: &str = "x-sandbox-fault";
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// What 429 and 503 say when nothing else is asked for.
const RETRY_SECONDS: u32 = 1;

/// A fault that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    CutBefore,
    CutAfter,
    HalfBody,
    DelayBefore(Duration),
    Delay(Duration),
    Silence,
    Page(Page),
    PageAfter(Page),
    ServerTimeout,
    WrongEtag,
}

/// The page of a proxy between the caller and the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    status: StatusCode,
    retry_seconds: Option<u32>,
}

/// A value that names no fault.
#[derive(Debug)]
pub(crate) struct UnknownFault;

impl Fault {
    /// Reads the header.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Result<Option<Self>, UnknownFault> {
        let Some(value) = headers.get(HEADER) else {
            return Ok(None);
        };
        let value = value.to_str().map_err(|_| UnknownFault)?;
        Self::read(value.trim()).map(Some)
    }

    /// Reads one of the values in the table above.
    pub(crate) fn read(value: &str) -> Result<Self, UnknownFault> {
        Ok(match value.split_once('=') {
            None => match value {
                "cut-before" => Self::CutBefore,
                "cut-after" => Self::CutAfter,
                "half-body" => Self::HalfBody,
                "silence" => Self::Silence,
                "server-timeout" => Self::ServerTimeout,
                "wrong-etag" => Self::WrongEtag,
                _ => return Err(UnknownFault),
            },
            Some(("delay", millis)) => Self::Delay(read_delay(millis)?),
            Some(("delay-before", millis)) => Self::DelayBefore(read_delay(millis)?),
            Some(("status", status)) => Self::Page(Page::read(status)?),
            Some(("status-after", status)) => Self::PageAfter(Page::read(status)?),
            _ => return Err(UnknownFault),
        })
    }

    /// What happens before the work; an answer means that there will be no work.
    pub(crate) async fn before(self) -> Option<Result<Response<Sent>, Cut>> {
        match self {
            Self::CutBefore => Some(Err(Cut)),
            Self::Page(asked) => Some(Ok(page(asked.status, asked.retry_seconds))),
            Self::Silence => {
                tokio::time::sleep(DELAY_MAX).await;
                Some(Err(Cut))
            }
            Self::DelayBefore(delay) => {
                tokio::time::sleep(delay).await;
                None
            }
            _ => None,
        }
    }

    /// What happens to the answer of the work.
    pub(crate) async fn after(self, mut response: Response<Sent>) -> Result<Response<Sent>, Cut> {
        match self {
            Self::CutAfter => return Err(Cut),
            Self::PageAfter(asked) => return Ok(page(asked.status, asked.retry_seconds)),
            Self::ServerTimeout => return Ok(server_timeout()),
            Self::HalfBody => return Ok(response.map(Sent::half)),
            Self::Delay(delay) => tokio::time::sleep(delay).await,
            Self::WrongEtag => {
                let wrong = HeaderValue::from_static("\"00000000000000000000000000000000\"");
                response.headers_mut().insert(ETAG, wrong);
            }
            Self::CutBefore | Self::DelayBefore(_) | Self::Silence | Self::Page(_) => {}
        }
        Ok(response)
    }
}

fn read_delay(millis: &str) -> Result<Duration, UnknownFault> {
    let millis = millis.parse().map_err(|_| UnknownFault)?;
    Ok(Duration::from_millis(millis).min(DELAY_MAX))
}

impl Page {
    /// Reads `503`, or `503,30`.
    fn read(text: &str) -> Result<Self, UnknownFault> {
        let (status, retry) = match text.split_once(',') {
            Some((status, retry)) => {
                let retry = retry.trim().parse().map_err(|_| UnknownFault)?;
                (status, Some(retry))
            }
            None => (text, None),
        };
        let status: StatusCode = status.parse().map_err(|_| UnknownFault)?;
        // 204 has no page, and 3xx would lead somewhere.
        let is_error = status.is_client_error() || status.is_server_error();
        if !is_error && status != StatusCode::OK {
            return Err(UnknownFault);
        }
        let is_told = matches!(status.as_u16(), 429 | 503);
        Ok(Self {
            status,
            retry_seconds: retry.or(is_told.then_some(RETRY_SECONDS)),
        })
    }
}

/// The end of a connection without a reply.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was cut, as was asked for")
    }
}

impl std::error::Error for Cut {}

/// An HTML page, as of a proxy.
pub(crate) fn page(status: StatusCode, retry_seconds: Option<u32>) -> Response<Sent> {
    let text = format!("<html><body><h1>{status}</h1></body></html>\n");
    let mut response = Response::new(Sent::whole(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    if let Some(seconds) = retry_seconds {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// What the host says when it waited in vain for a part of itself.
fn server_timeout() -> Response<Sent> {
    let message = "Error - The request was received but there was a server timeout.";
    let body = json!({"status": "SERVER_ERROR", "reason": "SERVER_TIMEOUT", "message": message});
    let mut response = Response::new(Sent::whole(body.to_string().into()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let page = |status, retry_seconds| Page {
            status: StatusCode::from_u16(status).unwrap(),
            retry_seconds,
        };
        let delay = Duration::from_millis;
        for (value, fault) in [
            ("cut-before", Fault::CutBefore),
            ("cut-after", Fault::CutAfter),
            ("half-body", Fault::HalfBody),
            ("wrong-etag", Fault::WrongEtag),
            ("delay=20", Fault::Delay(delay(20))),
            ("delay=999999", Fault::Delay(delay(60_000))),
            ("delay-before=20", Fault::DelayBefore(delay(20))),
            ("silence", Fault::Silence),
            ("server-timeout", Fault::ServerTimeout),
            ("status=200", Fault::Page(page(200, None))),
            ("status=502", Fault::Page(page(502, None))),
            ("status=503", Fault::Page(page(503, Some(1)))),
            ("status=429,30", Fault::Page(page(429, Some(30)))),
            ("status-after=502", Fault::PageAfter(page(502, None))),
        ] {
            let read = Fault::read(value).unwrap();
            assert_eq!(read, fault, "{value}");
        }
        for value in [
            "",
            "cut",
            "delay=x",
            "status=204",
            "status=302",
            "status=99",
            "cut-after=1",
            "status=503,x",
        ] {
            assert!(Fault::read(value).is_err(), "{value}");
        }
        assert_eq!(Fault::of_headers(&HeaderMap::new()).unwrap(), None);
    }
}
