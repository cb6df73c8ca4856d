//! The listener: bytes to requests, authentication, dispatch, headers, the log line.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::sandbox::auth::{self, Received};
use crate::sandbox::call::Call;
use crate::sandbox::fault::{self, Cut, Fault, Sent, UnknownFault};
use crate::sandbox::ids::Ids;
use crate::sandbox::pts;
use crate::sandbox::reply::Reply;
use crate::sandbox::settings::{Merchant, Settings};
use crate::sandbox::tms;

/// The largest body that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a connection may take to send a head, or stay idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may take to end once shutdown began.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after a failed accept, for instance when file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the sandbox on `listener` until `shutdown` completes; then finishes open requests.
///
/// # Errors
///
/// Only when the operating system gives no entropy and `settings` has no seed.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let seed = match settings.seed {
        Some(seed) => seed,
        None => Ids::entropy()?,
    };
    let sandbox = Arc::new(Sandbox::new(settings, seed));
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => serve(&sandbox, stream, &graceful),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("open requests did not end in time");
    }
    Ok(())
}

/// Serves one connection in its own task.
fn serve(sandbox: &Arc<Sandbox>, stream: TcpStream, graceful: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let sandbox = Arc::clone(sandbox);
    let service = service_fn(move |request| {
        let sandbox = Arc::clone(&sandbox);
        async move { sandbox.answer(request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended early");
        }
    });
}

/// The simulated host: its keys and its state.
struct Sandbox {
    merchants: Vec<Merchant>,
    /// Ids of replies, apart from those of tokens so that reads don't shift the latter.
    reply_ids: Ids,
    /// One lock a request; nothing waits while it is held.
    state: Mutex<State>,
}

/// What the services keep; payments use tokens and make them.
struct State {
    tokens: tms::State,
    payments: pts::State,
}

impl Sandbox {
    fn new(settings: Settings, seed: u64) -> Self {
        let rules = pts::Rules {
            balances: settings.balances,
            settlement: settings.settlement,
        };
        Self {
            merchants: settings.merchants,
            reply_ids: Ids::new(!seed),
            state: Mutex::new(State {
                tokens: tms::State::new(seed),
                payments: pts::State::new(seed.rotate_left(32), rules),
            }),
        }
    }

    /// Answers, with the fault that the request asks for.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Sent>, Cut> {
        let (parts, body) = request.into_parts();
        let body = read_body(body).await;
        let fault = match Fault::read(&parts.headers) {
            Ok(fault) => fault,
            Err(UnknownFault) => {
                let reply = Reply::message(400, "x-sandbox-fault names no fault");
                return Ok(self.respond(reply));
            }
        };
        if let Some(fault) = fault {
            tracing::info!(?fault, path = parts.uri.path(), "fault asked for");
        }
        match fault {
            Some(Fault::CutBefore) => return Err(Cut),
            Some(Fault::Status(status)) => return Ok(fault::page(status)),
            _ => {}
        }
        let response = self.work(&parts, body);
        match fault {
            Some(Fault::CutAfter) => return Err(Cut),
            Some(Fault::HalfBody) => return Ok(response.map(Sent::half)),
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            _ => {}
        }
        Ok(response)
    }

    /// Does what is asked, and logs it.
    fn work(&self, parts: &Parts, body: Result<Bytes, Reply>) -> Response<Sent> {
        let (reply, merchant) = match body {
            Ok(body) => self.dispatch(parts, &body),
            Err(reply) => (reply, None),
        };
        tracing::info!(
            method = %parts.method,
            path = parts.uri.path(),
            status = reply.status,
            merchant = merchant.unwrap_or("-"),
            "answered"
        );
        self.respond(reply)
    }

    /// Authenticates, then has the request served.
    fn dispatch(&self, parts: &Parts, body: &[u8]) -> (Reply, Option<&str>) {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let received = Received {
            method: parts.method.as_str(),
            target,
            headers: &parts.headers,
            body,
        };
        let now = SystemTime::now();
        let merchant = match auth::authenticate(&received, &self.merchants, now) {
            Ok(merchant) => merchant.id.as_str(),
            Err(refusal) => {
                tracing::warn!(
                    method = %parts.method,
                    path = parts.uri.path(),
                    reason = %refusal,
                    "authentication failed"
                );
                return (Reply::unauthorized(), None);
            }
        };
        let call = Call {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
            body,
            now,
        };
        (self.serve(merchant, &call), Some(merchant))
    }

    /// Calls the service that owns the path.
    fn serve(&self, merchant: &str, call: &Call<'_>) -> Reply {
        // A panic while the lock was held may have left one token half changed, which a simulator
        // can live with; refusing every later request would hide the panic behind it.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { tokens, payments } = &mut *state;
        match call.path.starts_with("/tms/") {
            true => tms::answer(tokens, merchant, call),
            false => pts::answer(payments, tokens, merchant, call),
        }
    }

    fn respond(&self, reply: Reply) -> Response<Sent> {
        let body = reply.body.map(|body| body.to_string());
        let mut response = Response::new(Sent::whole(body.unwrap_or_default().into()));
        // Every status here is a constant of this module's callers; 500 would show a typo.
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if reply.status != 204 {
            let content_type = HeaderValue::from_static(reply.content_type);
            headers.insert(CONTENT_TYPE, content_type);
        }
        let correlation = HeaderName::from_static("v-c-correlation-id");
        insert(headers, correlation, &self.reply_ids.correlation());
        let transaction = HeaderName::from_static("uniquetransactionid");
        insert(headers, transaction, &self.reply_ids.transaction());
        if let Some(etag) = reply.etag {
            insert(headers, ETAG, &format!("\"{etag}\""));
        }
        if let Some(location) = reply.location {
            insert(headers, LOCATION, &location);
        }
        response
    }
}

/// Adds a header of a value made here, which is always ASCII.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Reads a body within the limits of size and time.
async fn read_body<B>(body: B) -> Result<Bytes, Reply>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Reply::message(413, "The request is too large"))
        }
        Ok(Err(_)) => Err(Reply::message(400, "The request could not be read")),
        Err(_) => Err(Reply::message(408, "The request took too long")),
    }
}
