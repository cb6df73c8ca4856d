//! One request on the wire and the judgement of how it ended.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ETAG, HeaderMap, RETRY_AFTER};
use http::response;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::call::Answer;
use super::connect::causes;
use super::outcome::{Failure, Outcome};
use super::pool::{Fault, Host, Outbound};

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For the whole call.
    pub timeout: Duration,
    /// For the reply's body.
    pub max_reply_bytes: usize,
}

/// Sends the request once. Whoever gives it up drops it: then the connection is not used again.
pub(super) async fn run(
    host: &Arc<Host>,
    request: &mut Outbound,
    max_reply_bytes: usize,
) -> Outcome {
    let (response, mut lent) = match host.send(request).await {
        Ok(answered) => answered,
        Err(Fault::NotSent(failure)) => return Outcome::NotSent(failure),
        Err(Fault::Lost(error)) => return Outcome::Unknown(cut(&error, host.name())),
    };
    let (head, body) = response.into_parts();
    let body = {
        // The request is out, so whatever fails here is unknown.
        let whole = pin!(whole(body, host.name(), max_reply_bytes));
        lent.driven(whole).await
    };
    match body {
        Ok(body) => {
            host.keep(lent);
            Outcome::Answered(answer(&head, body))
        }
        // The connection is not kept: what is left of the reply would be the next one's.
        Err(failure) => Outcome::Unknown(failure),
    }
}

fn answer(head: &response::Parts, body: Bytes) -> Answer {
    let seconds = text(&head.headers, &RETRY_AFTER).and_then(|text| text.parse().ok());
    Answer {
        status: head.status.as_u16(),
        etag: text(&head.headers, &ETAG).map(str::to_owned),
        retry_after: seconds.map(Duration::from_secs),
        body,
        in_clear: false,
    }
}

/// Reads the reply's body to its end.
async fn whole(mut body: Incoming, host: &str, limit: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::ReplyTooLarge {
        host: host.into(),
        limit,
    };
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|error| cut(&error, host))?.into_data() else {
            continue;
        };
        if chunk.len() > limit - first.len().max(rest.len()) {
            return Err(too_large());
        }
        // Most replies come in one piece, which need not be copied.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
            continue;
        }
        if rest.is_empty() {
            // No more than `limit`, so it fits a usize.
            rest.reserve((announced as usize).max(first.len() + chunk.len()));
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&chunk);
    }
    Ok(match rest.is_empty() {
        true => first,
        false => rest.freeze(),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// How the connection ended, in words of ours: errors of HTTP/2 carry text of the peer.
///
/// It proves nothing: hyper tells "closed before the message completed" alike for a request that was read and for one
/// that was not (hyper issue 2136).
fn cut(error: &hyper::Error, host: &str) -> Failure {
    let reason = causes(error).find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return Some(error.kind().to_string());
        }
        let error = cause.downcast_ref::<hyper::Error>()?;
        if error.is_timeout() {
            Some("the other side fell silent".to_owned())
        } else if error.is_incomplete_message() {
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
