//! One request on the wire and the judgement of how it ended.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{DATE, ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Request, Response};

use super::call::Answer;
use super::outcome::{Failure, Outcome};

/// The longest text of a system or TLS error that is passed on, in characters.
const REASON_CHARS_MAX: usize = 200;

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For name resolution, TCP and TLS.
    pub connect_timeout: Duration,
    /// For the whole call.
    pub timeout: Duration,
    /// For the reply's body.
    pub max_reply_bytes: usize,
}

/// Sends the request once.
pub(super) async fn run(client: &Client, request: Request, host: &str, limits: &Limits) -> Outcome {
    let whole = async {
        match client.execute(request).await {
            Ok(response) => read(response, host, limits.max_reply_bytes).await,
            Err(error) => classify(&error, host, limits),
        }
    };
    match tokio::time::timeout(limits.timeout, whole).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Unknown(Failure::Timeout {
            host: host.into(),
            limit: limits.timeout,
        }),
    }
}

/// Reads the reply to its end; the request is out, so whatever fails here is unknown.
async fn read(response: Response, host: &str, limit: usize) -> Outcome {
    let status = response.status().as_u16();
    let etag = text(response.headers(), &ETAG).map(str::to_owned);
    let date =
        text(response.headers(), &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let seconds = text(response.headers(), &RETRY_AFTER).and_then(|text| text.parse().ok());
    match body(response, host, limit).await {
        Ok(body) => Outcome::Answered(Answer {
            status,
            etag,
            date,
            retry_after: seconds.map(Duration::from_secs),
            body,
            in_clear: false,
        }),
        Err(failure) => Outcome::Unknown(failure),
    }
}

async fn body(mut response: Response, host: &str, limit: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::ReplyTooLarge {
        host: host.into(),
        limit,
    };
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(too_large());
    }
    // No more than `limit`, so it fits a usize.
    let mut body = BytesMut::with_capacity(announced as usize);
    while let Some(chunk) = response.chunk().await.map_err(|error| cut(&error, host))? {
        if chunk.len() > limit - body.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Only a request that could not be built and a connection that was never ready prove that
/// nothing was sent. A connection that ends under a request proves nothing: hyper tells "closed
/// before the message completed" alike for a request that was read and for one that was not
/// (hyper issue 2136).
fn classify(error: &reqwest::Error, host: &str, limits: &Limits) -> Outcome {
    let owned = host.to_owned();
    if error.is_builder() {
        let reason = "the HTTP library cannot express it";
        return Outcome::NotSent(Failure::InvalidCall {
            host: owned,
            reason,
        });
    }
    if !error.is_connect() {
        return Outcome::Unknown(cut(error, host));
    }
    let reason = || printable(&innermost(error).to_string());
    Outcome::NotSent(if error.is_dns() {
        Failure::Resolve {
            host: owned,
            reason: reason(),
        }
    } else if is_tls(error) {
        Failure::Tls {
            host: owned,
            reason: reason(),
        }
    } else if error.is_timeout() {
        Failure::ConnectTimeout {
            host: owned,
            limit: limits.connect_timeout,
        }
    } else {
        Failure::Connect {
            host: owned,
            reason: reason(),
        }
    })
}

/// How the connection ended, in words of ours: errors of HTTP/2 carry text of the peer.
fn cut(error: &reqwest::Error, host: &str) -> Failure {
    let reason = causes(error).find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return Some(error.kind().to_string());
        }
        let error = cause.downcast_ref::<hyper::Error>()?;
        if error.is_incomplete_message() {
            Some("closed by the other side".to_owned())
        } else if error.is_parse() {
            Some("the reply is not HTTP".to_owned())
        } else {
            None
        }
    });
    let reason = reason.unwrap_or_else(|| "ended by the HTTP layer".to_owned());
    Failure::Cut {
        host: host.to_owned(),
        reason,
    }
}

/// TLS errors reach us inside I/O errors of two kinds that connecting alone never gives.
fn is_tls(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            )
        })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| beneath(cause))
}

/// An I/O error's `source` passes over the error it wraps, which is what tells TLS from TCP.
fn beneath<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}

/// The outer errors only repeat that something failed.
fn innermost(error: &reqwest::Error) -> &dyn StdError {
    causes(error)
        .last()
        .map_or(error as &dyn StdError, |cause| cause)
}

/// On one line and of bounded length: a certificate's names are text of the peer.
fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(REASON_CHARS_MAX).map(clean).collect()
}
