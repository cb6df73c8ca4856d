//! A merchant's access to the REST API: from a call to a signed request.

use std::fmt;
use std::time::SystemTime;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::{Request, Url};

use super::auth::{Authenticator, Outgoing, authenticator, carries_body};
use super::base_url::BaseUrl;
use super::call::Call;
use super::credentials::Credentials;
use super::exchange::{self, Limits};
use super::outcome::{Failure, Outcome};
use super::setup_error::SetupError;

/// Payments and risk reply with the first, tokens with the second.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/hal+json;charset=utf-8, application/json;charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROFILE_ID: &str = "profile-id";

/// Sends calls for one merchant, through the pool of the [`Client`](super::Client) it came from.
pub struct Merchant {
    http: reqwest::Client,
    base: BaseUrl,
    limits: Limits,
    merchant_id: String,
    profile_id: Option<HeaderValue>,
    authenticator: Box<dyn Authenticator>,
}

impl Merchant {
    pub(super) fn new(
        http: reqwest::Client,
        base: BaseUrl,
        limits: Limits,
        credentials: Credentials,
    ) -> Result<Merchant, SetupError> {
        credentials.check()?;
        let authenticator = authenticator(&credentials);
        let profile_id = credentials.profile_id.as_deref().map(HeaderValue::from_str);
        Ok(Merchant {
            http,
            base,
            limits,
            // Cannot fail: the check above lets only visible ASCII through.
            profile_id: profile_id.and_then(Result::ok),
            merchant_id: credentials.merchant_id,
            authenticator,
        })
    }

    /// Sends a call once and tells what is known afterwards.
    ///
    /// Dropping the future before it ends leaves the outcome unknown: a caller that may be
    /// cancelled has to run it in a task of its own.
    pub async fn send(&self, call: &Call) -> Outcome {
        match self.request(call, SystemTime::now()) {
            Ok(request) => exchange::run(&self.http, request, self.base.host(), &self.limits).await,
            Err(failure) => Outcome::NotSent(failure),
        }
    }

    /// The signed request.
    ///
    /// Message-level encryption belongs here, and its counterpart after the reply's last byte in
    /// [`send`](Self::send): the body is sealed before it becomes part of the [`Outgoing`], since
    /// the digest is taken of the bytes that are sent.
    fn request(&self, call: &Call, at: SystemTime) -> Result<Request, Failure> {
        let url = self.url(call)?;
        let body = call.body.clone().unwrap_or_default();
        let signature = self.authenticator.headers(&Outgoing {
            method: &call.method,
            host: self.base.host(),
            path_and_query: &call.path,
            body: &body,
            at,
        })?;

        let mut request = Request::new(call.method.clone(), url);
        *request.headers_mut() = self.plain_headers(call)?;
        request.headers_mut().extend(signature);
        *request.body_mut() = call.body.is_some().then(|| body.into());
        Ok(request)
    }

    /// The URL, if the call is one that can be signed and sent unchanged.
    fn url(&self, call: &Call) -> Result<Url, Failure> {
        let refuse = |reason| Failure::InvalidCall {
            host: self.base.host().to_owned(),
            reason,
        };
        if call.body.is_some() && !carries_body(&call.method) {
            return Err(refuse(
                "its method carries no body, so the body would go unsigned",
            ));
        }
        self.base.join(&call.path).ok_or_else(|| {
            refuse("its path is not in the percent-encoded form that is sent unchanged")
        })
    }

    /// The headers that no signature covers.
    fn plain_headers(&self, call: &Call) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, ACCEPTED);
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(etag) = &call.if_match {
            let value = HeaderValue::from_str(etag).map_err(|_| Failure::InvalidHeader {
                host: self.base.host().to_owned(),
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
            .field("host", &self.base.host())
            .finish_non_exhaustive()
    }
}
