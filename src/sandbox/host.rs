//! The simulated host: one request in, one reply out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::sandbox::admin;
use crate::sandbox::auth::{self, Received, Refusal, Rules, Sender};
use crate::sandbox::call::{Call, View};
use crate::sandbox::clock::Clock;
use crate::sandbox::fault::{self, Cut, Fault, Sent, UnknownFault};
use crate::sandbox::ids::Ids;
use crate::sandbox::keys::{Certificate, jwe};
use crate::sandbox::merchants::Merchants;
use crate::sandbox::mle::{self, Opener};
use crate::sandbox::plan::Plan;
use crate::sandbox::pts;
use crate::sandbox::reply::Reply;
use crate::sandbox::server::SandboxError;
use crate::sandbox::settings::Settings;
use crate::sandbox::store::{State, Store};
use crate::sandbox::tms;

/// The largest body that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The media type of a sealed retrieval.
const JOSE: &str = "application/jose";

/// How often messages were sealed, so that a client can be seen to do it.
#[derive(Debug, Default)]
pub(crate) struct Seals {
    /// Requests that were opened.
    pub(crate) requests: AtomicU64,
    /// Replies that were sealed.
    pub(crate) replies: AtomicU64,
}

/// The simulated host: its keys and its state.
pub(crate) struct Host {
    /// What it was started with.
    pub(crate) settings: Settings,
    merchants: Merchants,
    opener: Option<Opener>,
    /// The clock that everything goes by.
    pub(crate) clock: Clock,
    /// The faults that wait for their request.
    pub(crate) plan: Plan,
    /// How often messages were sealed.
    pub(crate) seals: Seals,
    /// Ids of replies, apart from those of tokens so that reads don't shift the latter.
    reply_ids: Ids,
    /// One lock a request; nothing waits while it is held.
    state: Mutex<State>,
    /// Where the state is kept, when it is.
    pub(super) store: Option<Store>,
}

impl Host {
    /// Prepares a host; reads its state when it is kept.
    pub(crate) fn new(settings: Settings) -> Result<Self, SandboxError> {
        let seed = settings.seed.unwrap_or_else(Ids::any_seed);
        let opener = settings.keys.as_ref().map(|keys| Opener::new(keys.host()));
        let store = settings.state.as_deref().map(Store::open).transpose()?;
        let mut state = State::new(seed, &settings);
        let clock = Clock::starting_at(settings.clock);
        if let Some(kept) = store.as_ref().map(Store::read).transpose()?.flatten() {
            state.restore(kept, &settings, &clock);
        }
        Ok(Self {
            merchants: Merchants::new(settings.merchants.clone()),
            opener: opener.transpose()?,
            clock,
            plan: Plan::of(&settings.faults),
            seals: Seals::default(),
            reply_ids: Ids::new(!seed),
            state: Mutex::new(state),
            store,
            settings,
        })
    }

    /// Forgets everything but its settings.
    pub(crate) fn reset(&self, seed: Option<u64>) {
        let seed = seed.or(self.settings.seed).unwrap_or_else(Ids::any_seed);
        *self.state() = State::new(seed, &self.settings);
        self.plan.reset(&self.settings.faults);
        self.seals.requests.store(0, Ordering::Relaxed);
        self.seals.replies.store(0, Ordering::Relaxed);
        match self.settings.clock {
            Some(start) => self.clock.set(start),
            None => self.clock.unset(),
        }
    }

    /// The tokens and transactions.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held may have left one token half changed, which a simulator
        // can live with; refusing every later request would hide the panic behind it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who may call.
    pub(crate) fn merchants(&self) -> &Merchants {
        &self.merchants
    }

    /// Answers, with the fault that the request or an operator asked for.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Sent>, Cut> {
        let (parts, body) = request.into_parts();
        let body = read_body(body).await;
        if admin::is_admin(parts.uri.path()) {
            let reply = body.map_or_else(
                |reply| reply.into(),
                |body| admin::answer(self, parts.method.as_str(), parts.uri.path(), &body),
            );
            self.until_kept().await;
            return Ok(reply.respond());
        }
        let fault = match Fault::of_headers(&parts.headers) {
            Ok(fault) => fault.or_else(|| self.plan.take(&parts.method, parts.uri.path())),
            Err(UnknownFault) => {
                let reply = Reply::message(400, "x-sandbox-fault names no fault");
                return Ok(self.respond(reply, None));
            }
        };
        if let Some(fault) = &fault {
            tracing::info!(?fault, path = parts.uri.path(), "fault asked for");
        }
        if let Some(fault) = &fault
            && let Some(ended) = fault.before().await
        {
            return ended;
        }
        let response = self.work(&parts, body).await;
        match fault {
            Some(fault) => fault.after(response).await,
            None => Ok(response),
        }
    }

    /// Does what is asked, and logs it.
    async fn work(&self, parts: &Parts, body: Result<Bytes, Reply>) -> Response<Sent> {
        let (reply, sender) = match body {
            Ok(body) => self.admit(parts, &body).await,
            Err(reply) => (reply, None),
        };
        if parts.method != Method::GET {
            self.until_kept().await;
        }
        tracing::info!(
            method = %parts.method,
            path = parts.uri.path(),
            status = reply.status,
            merchant = sender.map_or("-", |sender| sender.merchant.id.as_str()),
            "answered"
        );
        self.respond(reply, sender.and_then(|sender| sender.reply))
    }

    /// Authenticates, opens what is sealed, then has the request served.
    async fn admit(&self, parts: &Parts, body: &[u8]) -> (Reply, Option<Sender<'_>>) {
        let now = self.clock.now();
        let sender = match self.authenticate(parts, body, now) {
            Ok(sender) => sender,
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
        let opened = mle::open(body, sender.by_token, self.opener.as_ref()).await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                tracing::warn!(path = parts.uri.path(), %reason, "sealed request not opened");
                let reply = Reply::message(400, "The encrypted request could not be read");
                return (reply, Some(sender));
            }
        };
        if opened.is_some() {
            self.seals.requests.fetch_add(1, Ordering::Relaxed);
        } else if self.opener.is_some() && tms::needs_seal(parts.uri.path()) {
            tracing::warn!(path = parts.uri.path(), "this operation has to be sealed");
            return (tms::unsealed(), Some(sender));
        }
        let call = Call {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
            body: opened.as_deref().unwrap_or(body),
            now,
            view: view(parts),
        };
        let reply = match call.view.is_unmasked {
            true => self.serve_unmasked(sender, &call),
            false => self.serve(sender, &call),
        };
        (reply, Some(sender))
    }

    fn authenticate(
        &self,
        parts: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Sender<'_>, Refusal> {
        let target = parts.uri.path_and_query();
        let received = Received {
            method: parts.method.as_str(),
            target: target.map_or("/", |target| target.as_str()),
            host: parts.uri.authority().map(|authority| authority.as_str()),
            headers: &parts.headers,
            body,
        };
        let rules = Rules {
            merchants: &self.merchants,
            now,
            date_away_max: self.settings.date_away_max,
            parentheses: self.settings.parentheses,
        };
        auth::authenticate(&received, &rules)
    }

    /// Calls the service that owns the path.
    fn serve(&self, sender: Sender<'_>, call: &Call<'_>) -> Reply {
        let merchant = &sender.merchant.id;
        let reply = {
            let mut state = self.state();
            let State { tokens, payments } = &mut *state;
            match call.path.starts_with("/tms/") {
                true => tms::answer(tokens, merchant, call),
                false => pts::answer(payments, tokens, merchant, call),
            }
        };
        if call.method != "GET" {
            self.changed();
        }
        reply
    }

    /// Serves a call that shows whole numbers, which leave only sealed for the merchant.
    fn serve_unmasked(&self, sender: Sender<'_>, call: &Call<'_>) -> Reply {
        let known = sender.merchant.reply_certificates.first();
        let Some(certificate) = sender.reply.or(known) else {
            tracing::warn!(
                path = call.path,
                "no certificate to seal whole numbers with"
            );
            return tms::forbidden();
        };
        let reply = self.serve(sender, call);
        if !matches!(reply.status, 200 | 201) {
            return reply;
        }
        let body = reply.text();
        let header = serde_json::json!({"cty": "json", "typ": "JWT"});
        match jwe::seal(body.as_bytes(), certificate, header) {
            Ok(sealed) => reply.with_text(JOSE, sealed),
            Err(error) => {
                tracing::error!(%error, "no sealed retrieval");
                Reply::message(500, "The reply could not be encrypted")
            }
        }
    }

    fn respond(&self, reply: Reply, seal: Option<&Certificate>) -> Response<Sent> {
        let mut content_type = reply.content_type;
        let mut body = reply.text();
        if let Some(certificate) = seal.filter(|_| content_type != JOSE && !body.is_empty()) {
            let since = self.clock.now().duration_since(UNIX_EPOCH);
            let iat = since.unwrap_or_default().as_secs();
            match mle::seal(&body, certificate, iat) {
                Some(sealed) => body = sealed,
                // Better nothing than in the clear what was asked for under seal.
                None => return fault::page(StatusCode::INTERNAL_SERVER_ERROR, None),
            }
            content_type = "application/json;charset=utf-8";
            self.seals.replies.fetch_add(1, Ordering::Relaxed);
        }
        let mut response = Response::new(Sent::whole(body.into()));
        // Every status here is a constant of this module's callers; 500 would show a typo.
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if reply.status != 204 {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
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

/// What the reply is to show of numbers.
fn view(parts: &Parts) -> View {
    let accepts = parts.headers.get_all(ACCEPT).iter();
    let wants = accepts.filter_map(|value| value.to_str().ok());
    let is_jose = wants.flat_map(|value| value.split(',')).any(|one| {
        let kind = one.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case(JOSE)
    });
    let path = parts.uri.path();
    let is_retrieval = is_jose && parts.method == Method::GET && path.starts_with("/tms/");
    let query = parts.uri.query().unwrap_or_default();
    View {
        is_unmasked: is_retrieval || tms::is_always_sealed(path),
        has_bin_details: tms::wants_bin_details(path, query),
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
