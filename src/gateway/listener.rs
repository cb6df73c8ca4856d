//! HTTP: connections, limits, shutdown.
//!
//! Old clients are met half-way: any path, HTTP/1.0, header names of any case. Nothing can hide a request inside another:
//! two lengths that differ are refused, and after chunks beside a length, where hyper goes by the chunks, the connection ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tracing::{info, warn};

use crate::config::Server;
use crate::pace::{self, UnderWay};
use crate::patience;
use crate::scmp::Charset;
use crate::workers::Workers;

use super::waiting::Waiting;
use super::{Gateway, Response, greeting};

/// How much of a body that is over the limit is read and thrown away, in bytes.
const DISCARDED_MAX: usize = 16 << 20;

/// How many connections beyond the limit are told so at a time; others are closed.
const REFUSALS_MAX: usize = 64;

/// Where the page came from that a browser's request is for.
const SITE: &str = "sec-fetch-site";

/// The type of most replies.
const UTF_8: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What connections share. They and every request under way hold it; the shutdown waits until none is left.
struct Shared {
    gateway: Arc<Gateway>,
    max_body: usize,
    receive_timeout: Duration,
    /// Says when the last one let go.
    _under_way: mpsc::Sender<Infallible>,
}

/// Takes requests until `shutdown`, then finishes what is under way, for as long as the settings allow.
pub async fn run(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    server: &Server,
    workers: &Workers,
    shutdown: impl Future<Output = ()>,
) {
    let (under_way, mut ended) = mpsc::channel(1);
    let connections = Arc::new(Semaphore::new(server.max_connections));
    let (closing, closed) = watch::channel(false);
    let shared = Arc::new(Shared {
        gateway,
        max_body: server.max_body,
        receive_timeout: server.receive_timeout,
        _under_way: under_way,
    });
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut shutdown => break,
        };
        // One too many is told so at once: waiting in line would outlast its patience, and then be carried out unseen.
        let free = Arc::clone(&connections).try_acquire_owned();
        let full = free.is_err();
        let Ok(permit) = free.or_else(|_| Arc::clone(&refusals).try_acquire_owned()) else {
            continue;
        };
        let (shared, closed) = (Arc::clone(&shared), closed.clone());
        let serve = move |stream: TcpStream| async move {
            let waiting = Waiting::new(closed);
            let served = pin!(serve_one(stream, &shared, &waiting, full));
            // A client that breaks off is its own affair: its request runs to its end all the same.
            waiting.serve(served).await;
            drop(permit);
        };
        if let Err(error) = workers.serve(stream, serve) {
            warn!("cannot serve a connection: {error}");
        }
    }
    drop(listener);
    drop(shared);
    info!("shutting down: finishing what is under way");
    closing.send_replace(true);
    // Connections hold it, too.
    match tokio::time::timeout(server.drain_timeout, ended.recv()).await {
        Ok(_none) => info!("all requests are finished"),
        Err(_) => warn!("requests were still under way at the end of server.drain_timeout"),
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let mut pause = Duration::from_millis(5);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _set = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                warn!("cannot accept a connection: {error}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

/// Serves one connection.
async fn serve_one(stream: TcpStream, shared: &Arc<Shared>, waiting: &Waiting, full: bool) {
    if !greeting::is_http(&stream).await {
        return greeting::answer(stream, shared.gateway.not_scmp()).await;
    }
    let service = service_fn(|request| {
        waiting.ends();
        // What is given to a future has its room there more than once.
        let asked = Asked::of(request);
        async move {
            let response = respond(asked, shared, full).await;
            waiting.begins();
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            // See `waiting`.
            .header_read_timeout(None)
            // An old client may close its half once the request is sent, and some read header names by exact case.
            .half_close(true)
            .title_case_headers(true)
            .writev(false)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut told = false;
    let _ended = poll_fn(|context| {
        if !told && waiting.is_closing() {
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
}

async fn respond(asked: Asked, shared: &Arc<Shared>, full: bool) -> http::Response<Full<Bytes>> {
    let version = asked.version;
    let (status, response) = match asked.refused {
        Some(status) => (status, shared.gateway.not_scmp()),
        None => answer(asked.content_type, asked.body, shared, full).await,
    };
    let mut response = http_response(status, response);
    // A connection whose request was not read to its end cannot be used again, nor does HTTP/1.0 expect to.
    if version < Version::HTTP_11 {
        // Or else hyper promises, to who asked for it, to keep the connection.
        *response.version_mut() = Version::HTTP_10;
    }
    if version < Version::HTTP_11 || status != StatusCode::OK || full {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn answer(
    content_type: Option<HeaderValue>,
    body: Incoming,
    shared: &Arc<Shared>,
    full: bool,
) -> (StatusCode, Response) {
    let gateway = &shared.gateway;
    let mut over = false;
    let received = {
        let body = pin!(whole(body, shared.max_body, &mut over));
        patience::within(shared.receive_timeout, body).await
    };
    let body = match received {
        _ if over => {
            return (
                StatusCode::PAYLOAD_TOO_LARGE,
                gateway.too_large(shared.max_body),
            );
        }
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return (StatusCode::BAD_REQUEST, gateway.not_scmp()),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, gateway.not_scmp()),
    };
    if full {
        return (StatusCode::OK, gateway.overloaded());
    }
    // By itself: were the client to hang up, a call could otherwise be cut off half-way.
    let running = Arc::clone(shared);
    let under_way = UnderWay::begin();
    let (answer, answered) = oneshot::channel();
    let work = async move {
        let content_type = content_type.as_ref().and_then(|value| value.to_str().ok());
        let response = running.gateway.answer(content_type, &body).await;
        drop((running, under_way));
        // Whoever asked may be gone.
        let _gone = answer.send(response);
    };
    // The box first, and the work written into it: it is large, for it has room for all that a request needs, and would
    // be copied.
    let work = Box::write(Box::new_uninit(), work);
    pace::run(Box::into_pin(work));
    let answer = answered.await;
    (StatusCode::OK, answer.unwrap_or_else(|_| gateway.failed()))
}

/// The whole body, and whether it is over the limit. What is over it is read and thrown away: an old client writes
/// everything before it reads anything, and a connection closed on unread bytes is reset, which would cost it the reply.
async fn whole(mut body: Incoming, limit: usize, over: &mut bool) -> Result<Bytes, hyper::Error> {
    let (mut first, mut kept) = (Bytes::new(), BytesMut::new());
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        read += data.len();
        *over = read > limit;
        match *over {
            // Most bodies come in one piece, which need not be copied.
            false if read == data.len() => first = data,
            false => {
                kept.extend_from_slice(&std::mem::take(&mut first));
                kept.extend_from_slice(&data);
            }
            true => (first, kept) = (Bytes::new(), BytesMut::new()),
        }
        if read > limit.saturating_add(DISCARDED_MAX) {
            break;
        }
    }
    Ok(match kept.is_empty() {
        true => first,
        false => kept.freeze(),
    })
}

/// A request whose body is still to be read.
struct Asked {
    version: Version,
    /// What it is refused with, if it is.
    refused: Option<StatusCode>,
    /// What it says its body is.
    content_type: Option<HeaderValue>,
    body: Incoming,
}

impl Asked {
    fn of(request: Request<Incoming>) -> Asked {
        let (version, head) = (request.version(), Head::of(request.headers()));
        let refused = if head.is_ambiguous() {
            Some(StatusCode::BAD_REQUEST)
        } else if head.of_a_page {
            Some(StatusCode::FORBIDDEN)
        } else if request.method() != Method::POST && request.method() != Method::PUT {
            Some(StatusCode::OK)
        } else {
            None
        };
        Asked {
            version,
            refused,
            content_type: head.content_type,
            body: request.into_body(),
        }
    }
}

/// What matters of a request's headers.
#[derive(Default)]
struct Head {
    lengths: usize,
    encodings: usize,
    /// Whether a web page sends it that was talked into posting here: no old client sends what tells so.
    of_a_page: bool,
    content_type: Option<HeaderValue>,
}

impl Head {
    fn of(headers: &HeaderMap) -> Head {
        let mut head = Head::default();
        for (name, value) in headers {
            match name {
                _ if *name == CONTENT_LENGTH => head.lengths += 1,
                _ if *name == TRANSFER_ENCODING => head.encodings += 1,
                _ if *name == ORIGIN || *name == SITE => head.of_a_page = true,
                _ if *name == CONTENT_TYPE && head.content_type.is_none() => {
                    head.content_type = Some(value.clone());
                }
                _ => {}
            }
        }
        head
    }

    /// Whether the headers leave it open where the request ends.
    fn is_ambiguous(&self) -> bool {
        self.lengths > 1 || self.encodings > 1 || (self.lengths == 1 && self.encodings == 1)
    }
}

fn http_response(status: StatusCode, response: Response) -> http::Response<Full<Bytes>> {
    let mut http = http::Response::new(Full::new(Bytes::from(response.body)));
    *http.status_mut() = status;
    let content_type = match response.charset {
        Charset::Utf8 => Ok(UTF_8),
        other => HeaderValue::try_from(format!("text/plain; charset={}", other.label())),
    };
    if let Ok(value) = content_type {
        http.headers_mut().insert(CONTENT_TYPE, value);
    }
    http
}
