//! A merchant's access to the REST API: from a call to a signed request.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, USER_AGENT,
};
use http::{Request, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use crate::pace;
use crate::patience;

use super::auth::{
    Authenticator, Outgoing, Proof, UnsignedToken, authenticator, bearer, carries_body,
};
use super::base_url::is_plain;
use super::call::{Accept, Answer, Call};
use super::credentials::{Credentials, Mle};
use super::envelope;
use super::exchange::{self, Limits};
use super::jwe;
use super::keys::{OpeningKey, SealingKey};
use super::outcome::{Failure, Outcome};
use super::pool::Host;
use super::rsa_pool::{Lane, NotDone};
use super::setup_error::SetupError;

/// Payments and risk reply with the first, tokens with the second.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/hal+json;charset=utf-8, application/json;charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("scmp-gateway/", env!("CARGO_PKG_VERSION")));
const PROFILE_ID: &str = "profile-id";

/// A reply that is sealed because all are, and holds an object that is sealed because it is unmasked, has two layers.
const LAYERS_MAX: usize = 2;

/// Sends calls for one merchant, through the pool of the [`Client`](super::Client) it came from.
pub struct Merchant {
    shared: Shared,
    merchant_id: String,
    profile_id: Option<HeaderValue>,
    authenticator: Box<dyn Authenticator>,
    sealing: Option<Arc<SealingKey>>,
    opening: Option<Arc<OpeningKey>>,
    /// All replies are asked for sealed.
    sealed_replies: bool,
}

/// What a merchant has from its client.
pub(super) struct Shared {
    pub host: Arc<Host>,
    pub limits: Limits,
    pub lane: Lane,
}

impl Merchant {
    pub(super) fn new(shared: Shared, credentials: Credentials) -> Result<Merchant, SetupError> {
        credentials.check()?;
        let authenticator = authenticator(&credentials);
        let profile_id = credentials.profile_id.as_deref().map(HeaderValue::from_str);
        let (sealing, both) = match credentials.mle() {
            Mle::Off => (None, None),
            Mle::Request(sealing) => (Some(sealing.clone()), None),
            Mle::Both(sealing, opening) => (Some(sealing.clone()), Some(opening.clone())),
        };
        Ok(Merchant {
            shared,
            // Cannot fail: the check above lets only visible ASCII through.
            profile_id: profile_id.and_then(Result::ok),
            authenticator,
            sealing,
            sealed_replies: both.is_some(),
            opening: both.or(credentials.response_key),
            merchant_id: credentials.merchant_id,
        })
    }

    /// Host and port that calls go to.
    pub fn host(&self) -> &str {
        self.shared.host.name()
    }

    /// Sends a call once, within the client's own limit, and tells what is known afterwards.
    ///
    /// Dropping the future before it ends leaves the outcome unknown: a caller that may be
    /// cancelled has to run it in a task of its own.
    pub async fn send(&self, call: &Call) -> Outcome {
        let limit = self.shared.limits.timeout;
        self.send_within(call, Instant::now(), limit).await
    }

    /// The same, with no more time than `limit` from `begun` on for the whole call.
    pub async fn send_within(&self, call: &Call, begun: Instant, limit: Duration) -> Outcome {
        let Shared { host, limits, .. } = &self.shared;
        let limit = limit.min(limits.timeout);
        let end = begun + limit;
        let late = || Failure::Timeout {
            host: self.host().to_owned(),
            limit,
        };
        let mut request = {
            // What is given away has its room there once more.
            let signing = pin!(self.request(call, SystemTime::now()));
            match patience::until(|| end, signing).await {
                Ok(Ok(request)) => Some(request),
                Ok(Err(failure)) => return Outcome::NotSent(failure),
                Err(_) => return Outcome::NotSent(late()),
            }
        };
        pace::step().await;
        if Instant::now() >= end {
            return Outcome::NotSent(late());
        }
        let answered = async {
            match exchange::run(host, &mut request, limits.max_reply_bytes).await {
                Outcome::Answered(answer) => self.opened(call, answer).await,
                other => other,
            }
        };
        match timeout_at(end, answered).await {
            Ok(outcome) => outcome,
            // Still here, the request was never handed to a connection.
            Err(_) if request.is_some() => Outcome::NotSent(Failure::ConnectTimeout {
                host: self.host().to_owned(),
                limit,
            }),
            Err(_) => Outcome::Unknown(late()),
        }
    }

    /// The sealed and signed request.
    async fn request(&self, call: &Call, at: SystemTime) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = self.uri(call)?;
        let headers = self.plain_headers(call)?;
        self.check_can_open(call)?;
        let body = self.body(call, at)?;
        let proof = self.authenticator.prove(&Outgoing {
            method: &call.method,
            host: self.host(),
            path_and_query: &call.path,
            body: body.as_deref().unwrap_or_default(),
            at,
        })?;
        let proof = match proof {
            Proof::Headers(headers) => headers,
            Proof::Token(token) => vec![self.signed(token).await?],
        };

        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.headers_mut().extend(proof);
        Ok(request)
    }

    /// Refuses a call whose reply could not be opened, for want of a key or of room.
    fn check_can_open(&self, call: &Call) -> Result<(), Failure> {
        if call.accept == Accept::Jose && self.opening.is_none() {
            let host = self.host().to_owned();
            let reason = "it asks for an unmasked reply, and the merchant has no response key";
            return Err(Failure::InvalidCall { host, reason });
        }
        match self.asks_for_sealed(call) && !self.shared.lane.has_room() {
            true => Err(self.busy()),
            false => Ok(()),
        }
    }

    fn asks_for_sealed(&self, call: &Call) -> bool {
        self.sealed_replies || call.accept == Accept::Jose
    }

    /// The bytes to send: sealed, where the merchant seals and the API takes it.
    fn body(&self, call: &Call, at: SystemTime) -> Result<Option<Bytes>, Failure> {
        let (Some(body), Some(key), true) = (&call.body, &self.sealing, call.sealable) else {
            return Ok(call.body.clone());
        };
        let at = at
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let sealed = envelope::seal(key, body, at)
            .ok_or_else(|| self.signing("the body could not be sealed"))?;
        Ok(Some(sealed))
    }

    /// The header with a token that a private key signs, on the threads for that.
    async fn signed(&self, token: UnsignedToken) -> Result<(HeaderName, HeaderValue), Failure> {
        let token = match self.shared.lane.sign(move || token.sign()).await {
            Ok(Some(token)) => token,
            Ok(None) => return Err(self.signing("the RSA key was refused")),
            Err(NotDone::Full) => return Err(self.busy()),
            Err(NotDone::Failed) => return Err(self.signing("no thread does it")),
        };
        bearer(self.host(), &token)
    }

    /// The answer with its body opened, if that came sealed.
    async fn opened(&self, call: &Call, mut answer: Answer) -> Outcome {
        let mut came_sealed = false;
        for _ in 0..LAYERS_MAX {
            let Some(sealed) = envelope::sealed(&answer.body) else {
                break;
            };
            came_sealed = true;
            let Some(key) = self.opening.clone() else {
                return self.unopened("the merchant has no response key".to_owned());
            };
            let opened = self
                .shared
                .lane
                .open(move || jwe::open(&key, &sealed))
                .await;
            match opened {
                Ok(Ok(text)) => answer.body = text.into(),
                Ok(Err(error)) => return self.unopened(error.to_string()),
                Err(_) => return self.unopened("no thread does it".to_owned()),
            }
        }
        answer.in_clear = self.asks_for_sealed(call) && !came_sealed && !answer.body.is_empty();
        Outcome::Answered(answer)
    }

    /// The call was sent; what came of it stays hidden.
    fn unopened(&self, reason: String) -> Outcome {
        let host = self.host().to_owned();
        Outcome::Unknown(Failure::Sealed { host, reason })
    }

    fn busy(&self) -> Failure {
        let host = self.host().to_owned();
        Failure::Busy { host }
    }

    fn signing(&self, reason: &'static str) -> Failure {
        let host = self.host().to_owned();
        Failure::Signing { host, reason }
    }

    /// The path, if the call is one that can be signed and sent unchanged.
    fn uri(&self, call: &Call) -> Result<Uri, Failure> {
        let refuse = |reason| Failure::InvalidCall {
            host: self.host().to_owned(),
            reason,
        };
        if call.body.is_some() && !carries_body(&call.method) {
            return Err(refuse(
                "its method carries no body, so the body would go unsigned",
            ));
        }
        let uri = is_plain(&call.path).then(|| call.path.parse().ok());
        uri.flatten().ok_or_else(|| {
            refuse("its path is not in the percent-encoded form that is sent unchanged")
        })
    }

    /// The headers that no signature covers.
    fn plain_headers(&self, call: &Call) -> Result<HeaderMap, Failure> {
        // With the host and a token most requests have five.
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(USER_AGENT, AGENT);
        let accepted = call.accept.header().map(HeaderValue::from_static);
        headers.insert(ACCEPT, accepted.unwrap_or(ACCEPTED));
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(etag) = &call.if_match {
            let value = HeaderValue::from_str(etag).map_err(|_| Failure::InvalidHeader {
                host: self.host().to_owned(),
                name: "if-match",
            })?;
            headers.insert(IF_MATCH, value);
        }
        if let Some(profile_id) = &self.profile_id
            && call.path.starts_with("/tms/")
        {
            headers.insert(HeaderName::from_static(PROFILE_ID), profile_id.clone());
        }
        Ok(headers)
    }
}

/// Prints who and where, no key.
impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant")
            .field("merchant_id", &self.merchant_id)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}
