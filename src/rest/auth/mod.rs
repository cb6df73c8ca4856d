//! Authentication: from a request as it will be sent to the headers that prove who sends it.
//!
//! An authenticator sees the final bytes and changes none of them. It knows no clock; the time is
//! part of what it signs, so that a fixed request gives a fixed signature. What takes a private key is
//! only prepared here; the work itself is done on the pool for it.

mod http_signature;
mod jwt;

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method};

use super::credentials::{Authentication, Credentials, JwtKey};
use super::outcome::Failure;
use http_signature::HttpSignature;
use jwt::Jwt;
pub(super) use jwt::{UnsignedToken, bearer};

/// The first second that an HTTP date cannot write: 10000-01-01T00:00:00Z.
const YEAR_10000: u64 = 253_402_300_800;

/// A request in its final form: what is signed here is what is sent.
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The `Host` header, with its port if it has one.
    pub host: &'a str,
    /// Path and query, byte for byte as on the request line.
    pub path_and_query: &'a str,
    /// The body's final bytes; empty if there is none.
    pub body: &'a [u8],
    /// When the request is signed.
    pub at: SystemTime,
}

/// One way to prove who sends a request.
pub(super) trait Authenticator: fmt::Debug + Send + Sync {
    /// What proves it.
    ///
    /// # Errors
    ///
    /// [`Failure::Signing`] or [`Failure::InvalidHeader`]; the request must not be sent then.
    fn prove(&self, request: &Outgoing<'_>) -> Result<Proof, Failure>;
}

/// What proves who sends a request.
#[derive(Debug)]
pub(super) enum Proof {
    /// The headers to add to the request.
    Headers(Vec<(HeaderName, HeaderValue)>),
    /// A token that a private key has yet to sign; [`bearer`] makes the header of it.
    Token(UnsignedToken),
}

/// The authenticator for a merchant's credentials; its key is made here, once.
pub(super) fn authenticator(credentials: &Credentials) -> Box<dyn Authenticator> {
    match &credentials.authentication {
        Authentication::Jwt {
            key: JwtKey::Secret(secret),
            ..
        } => Box::new(Jwt::with_secret(secret, credentials)),
        Authentication::Jwt {
            key: JwtKey::Certificate(key),
            ..
        } => Box::new(Jwt::with_key(key, credentials)),
        Authentication::HttpSignature(secret) => Box::new(HttpSignature::new(secret, credentials)),
    }
}

/// Whether the API lets a method carry a body, and so signs a digest of it, even an empty one.
pub(super) fn carries_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

impl Outgoing<'_> {
    /// Base64 of the SHA-256 of the body; `None` for methods that carry none.
    fn digest(&self) -> Option<String> {
        carries_body(self.method).then(|| STANDARD.encode(digest(&SHA256, self.body)))
    }

    /// Seconds since 1970, within what an HTTP date can write.
    fn unix_seconds(&self) -> Result<u64, Failure> {
        match self.at.duration_since(UNIX_EPOCH) {
            Ok(since) if since.as_secs() < YEAR_10000 => Ok(since.as_secs()),
            _ => Err(self.signing("the system clock is before 1970 or after 9999")),
        }
    }

    fn signing(&self, reason: &'static str) -> Failure {
        Failure::Signing {
            host: self.host.to_owned(),
            reason,
        }
    }

    /// A header value that has been checked; never shown by `Debug`, never kept in HPACK tables.
    fn value(&self, name: &'static str, text: &str) -> Result<HeaderValue, Failure> {
        let host = || self.host.to_owned();
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| Failure::InvalidHeader { host: host(), name })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Prints no body.
impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", self.method)
            .field("host", &self.host)
            .field("path_and_query", &self.path_and_query)
            .field("body_bytes", &self.body.len())
            .field("at", &self.at)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::rest::Secret;
    use crate::rest::credentials::{Mle, SharedSecret};
    use crate::rest::keys::SigningKey;
    use crate::rest::keys::test_keys::{MERCHANT, certificate, private_key};

    /// The instant of the vectors: Tue, 21 Apr 2026 10:15:30 GMT.
    pub(super) const AT: Duration = Duration::from_secs(1_776_766_530);

    pub(super) fn post(body: &[u8]) -> Outgoing<'_> {
        Outgoing {
            method: &Method::POST,
            host: "apitest.cybersource.com",
            path_and_query: "/pts/v2/payments",
            body,
            at: UNIX_EPOCH + AT,
        }
    }

    pub(super) fn get() -> Outgoing<'static> {
        Outgoing {
            method: &Method::GET,
            host: "127.0.0.1:9090",
            path_and_query: "/tms/v2/customers/1?limit=2&offset=0",
            body: b"",
            at: UNIX_EPOCH + AT,
        }
    }

    pub(super) fn shared_secret(base64: &str) -> SharedSecret {
        SharedSecret {
            key_id: "08c94330-f618-42a3-b09d-e1e43be5efda".into(),
            secret: Secret::from_base64(base64).unwrap(),
        }
    }

    pub(super) fn credentials(
        authentication: Authentication,
        portfolio: Option<&str>,
    ) -> Credentials {
        Credentials {
            merchant_id: "mid1234".into(),
            authentication,
            response_key: None,
            portfolio_id: portfolio.map(str::to_owned),
            profile_id: None,
        }
    }

    /// Every way to authenticate, with this secret where there is one.
    fn every_way(base64: &str) -> [Authentication; 3] {
        let key = SigningKey::new(private_key(MERCHANT), &[certificate(MERCHANT)]).unwrap();
        let jwt = |key| Authentication::Jwt { key, mle: Mle::Off };
        [
            jwt(JwtKey::Secret(shared_secret(base64))),
            jwt(JwtKey::Certificate(Arc::new(key))),
            Authentication::HttpSignature(shared_secret(base64)),
        ]
    }

    #[test]
    fn a_clock_out_of_range_is_an_error() {
        for way in every_way("AAAA") {
            let authenticator = authenticator(&credentials(way, None));
            let past = UNIX_EPOCH - Duration::from_secs(1);
            let future = UNIX_EPOCH + Duration::from_secs(YEAR_10000);
            for at in [past, future] {
                let result = authenticator.prove(&Outgoing { at, ..post(b"{}") });
                assert!(matches!(result, Err(Failure::Signing { .. })));
            }
        }
    }

    #[test]
    fn debug_shows_neither_body_nor_key() {
        assert!(!format!("{:?}", post(b"canary")).contains("canary"));
        for way in every_way("Y2FuYXJ5") {
            let authenticator = authenticator(&credentials(way, None));
            let proof = authenticator.prove(&post(b"canary")).unwrap();
            let shown = format!("{authenticator:?} {proof:?}");
            for canary in [
                "canary",
                "Y2Fu",
                "99, 97",
                "63616e",
                "Bearer ey",
                "eyJkaWdlc3Qi",
                "HmacSHA256",
            ] {
                assert!(!shown.contains(canary), "{shown}");
            }
        }
    }
}
