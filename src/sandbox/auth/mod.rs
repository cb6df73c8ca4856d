//! Authentication, verified over the bytes received.
//!
//! Two schemes, by what the request carries: `Authorization: Bearer` is a JWT ([`jwt`]),
//! otherwise `Signature` is an HTTP Signature ([`signature`]). Both prove possession of the same
//! shared secret and bind method, path, host, merchant and body.
//!
//! Written by hand over HMAC and SHA-256 instead of a JWT crate: the gateway signs with such a
//! crate, and a verifier that shares it would share its mistakes.

mod jwt;
mod signature;

use std::time::SystemTime;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::sandbox::settings::Merchant;

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The verb, in capitals.
    pub method: &'a str,
    /// Path and query exactly as sent.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Why a request was not authenticated; for the sandbox's log, never for the caller.
///
/// No variant holds a secret, a body or a signature.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Neither scheme was used.
    #[error("neither an Authorization: Bearer nor a Signature header was sent")]
    NoCredentials,
    /// The credentials don't have the form of their scheme.
    #[error("malformed {scheme}: {why}")]
    Malformed {
        /// `Signature header` or `JWT`.
        scheme: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An algorithm other than the one of shared secrets.
    #[error("algorithm {0:?} is not accepted")]
    Algorithm(String),
    /// No merchant has this key.
    #[error("unknown key id {0:?}")]
    UnknownKey(String),
    /// A header that must be signed is not in the list of signed ones.
    #[error("{0} is not among the signed headers")]
    NotSigned(&'static str),
    /// A signed header was not sent.
    #[error("header {0:?} is signed but was not sent")]
    HeaderAbsent(String),
    /// A signed header was sent twice, so that it has no one value.
    #[error("header {0:?} is signed but was sent more than once")]
    HeaderRepeated(String),
    /// The HMAC differs.
    #[error("signature mismatch: wrong secret, or {signed} changed on the way")]
    SignatureMismatch {
        /// What the signature covers.
        signed: &'static str,
    },
    /// The digest is not that of the body received.
    #[error("bad digest: {0} is not the SHA-256 of the body received")]
    Digest(&'static str),
    /// The date cannot be read.
    #[error("{header} is not an HTTP date: {value:?}")]
    DateForm {
        /// Name of the header.
        header: String,
        /// Its value.
        value: String,
    },
    /// The date is too far from now.
    #[error("{header} is {seconds} s away from now, more than {limit} s")]
    DateAway {
        /// Name of the header.
        header: String,
        /// The distance.
        seconds: u64,
        /// The limit.
        limit: u64,
    },
    /// The key belongs to another merchant than the one named.
    #[error("the key is of merchant {owner:?}, the request names {named:?}")]
    WrongMerchant {
        /// Whose key it is.
        owner: String,
        /// Who was named.
        named: String,
    },
    /// A claim is absent or not of its type.
    #[error("claim {0} is absent or of the wrong type")]
    ClaimAbsent(&'static str),
    /// A claim has another value than the request.
    #[error("wrong claim {name}: {claimed:?} where the request has {expected:?}")]
    ClaimMismatch {
        /// Name of the claim.
        name: &'static str,
        /// Its value.
        claimed: String,
        /// What it had to be.
        expected: String,
    },
    /// The token is past its time.
    #[error("expired token: exp was {0} s ago")]
    Expired(i64),
    /// The token was made in the future.
    #[error("iat is {0} s in the future")]
    IssuedInFuture(i64),
    /// The token lives too long.
    #[error("exp is {0} s after iat, more than {limit} s", limit = jwt::LIFE_SECONDS_MAX)]
    LivesTooLong(i64),
}

/// Finds who sent a request, or why nobody can be held to have.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub fn authenticate<'m>(
    received: &Received<'_>,
    merchants: &'m [Merchant],
    now: SystemTime,
) -> Result<&'m Merchant, Refusal> {
    if let Some(value) = received.headers.get(AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(strip_bearer);
        let token = bearer.ok_or_else(|| Refusal::Malformed {
            scheme: "JWT",
            why: "the Authorization header is not of the form Bearer <token>".to_owned(),
        })?;
        return jwt::verify(token, received, merchants, now);
    }
    match received.headers.get("signature") {
        Some(value) => signature::verify(value, received, merchants, now),
        None => Err(Refusal::NoCredentials),
    }
}

fn strip_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

/// Whether the verb's body must be covered by a digest (SDK).
fn must_digest(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

fn sha256_base64(body: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, body))
}

fn find_key<'m>(merchants: &'m [Merchant], key_id: &str) -> Result<&'m Merchant, Refusal> {
    merchants
        .iter()
        .find(|merchant| merchant.key_id == key_id)
        .ok_or_else(|| Refusal::UnknownKey(key_id.to_owned()))
}

/// Compares in constant time.
fn hmac_matches(secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, message, tag).is_ok()
}

/// The value of a header sent exactly once.
fn single_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or_else(|| Refusal::HeaderAbsent(name.to_owned()))?;
    if values.next().is_some() {
        return Err(Refusal::HeaderRepeated(name.to_owned()));
    }
    value.to_str().map_err(|_| Refusal::Malformed {
        scheme: "header",
        why: format!("{name} is not ASCII"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_credentials_nobody_is_found() {
        let headers = HeaderMap::new();
        let received = Received {
            method: "GET",
            target: "/",
            headers: &headers,
            body: b"",
        };
        let refusal = authenticate(&received, &[], SystemTime::now()).unwrap_err();
        assert!(matches!(refusal, Refusal::NoCredentials));
    }

    #[test]
    fn another_authorization_scheme_is_malformed() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Basic QQ==".parse().unwrap());
        let received = Received {
            method: "GET",
            target: "/",
            headers: &headers,
            body: b"",
        };
        let refusal = authenticate(&received, &[], SystemTime::now()).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed { .. }));
    }

    #[test]
    fn the_digest_is_the_published_one_of_nothing() {
        assert_eq!(
            sha256_base64(b""),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }
}
