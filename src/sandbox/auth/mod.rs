//! Authentication, verified over the bytes received.
//!
//! By what the request carries: `Authorization: Bearer` is a JWT, of version 2 ([`jwt`]) or of
//! version 1 ([`jwt_v1`]); otherwise `Signature` is an HTTP Signature ([`signature`]). All prove
//! possession of a shared secret or of a private key; all but version 1 bind method, path, host,
//! merchant and body.
//!
//! Written by hand over HMAC, RSA and SHA-256 instead of a JWT crate: the gateway signs with such
//! a crate, and a verifier that shares it would share its mistakes.

mod jwt;
mod jwt_v1;
mod signature;
mod token;

use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::sandbox::keys::Certificate;
use crate::sandbox::merchants::{Key, Merchant, Merchants};

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The verb, in capitals.
    pub method: &'a str,
    /// Path and query exactly as sent.
    pub target: &'a str,
    /// The authority asked, from the Host header or, in HTTP/2, from `:authority`.
    pub host: Option<&'a str>,
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
    /// An algorithm that is not taken, or not with this key.
    #[error("algorithm {0:?} is not accepted with this key")]
    Algorithm(String),
    /// No merchant has this key.
    #[error("unknown key id {0:?}")]
    UnknownKey(String),
    /// No merchant has this certificate.
    #[error("the certificate {0:?} in x5c is no merchant's")]
    UnknownCertificate(String),
    /// The name with parentheses is switched off.
    #[error("(request-target) with parentheses is not accepted")]
    Parentheses,
    /// Replies are asked for under a certificate that the merchant has not.
    #[error("v-c-response-mle-kid {0:?} names no reply certificate of the merchant")]
    UnknownReplyKey(String),
    /// A header that must be signed is not in the list of signed ones.
    #[error("{0} is not among the signed headers")]
    NotSigned(&'static str),
    /// A signed header was not sent.
    #[error("header {0:?} is signed but was not sent")]
    HeaderAbsent(String),
    /// A signed header was sent twice, so that it has no one value.
    #[error("header {0:?} is signed but was sent more than once")]
    HeaderRepeated(String),
    /// HMAC or RSA signature differ.
    #[error("signature mismatch: wrong secret or key, or {signed} changed on the way")]
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
    #[error("the key is of {owner:?} and not good for {named:?}")]
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

/// What authentication depends on.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Who may call.
    pub merchants: &'a Merchants,
    /// What the time is.
    pub now: SystemTime,
    /// How far a date may be from it, either way.
    pub date_away_max: Duration,
    /// Whether `(request-target)` is taken beside `request-target`.
    pub parentheses: bool,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The merchant.
    pub merchant: &'a Merchant,
    /// What the reply is to be sealed with.
    pub reply: Option<&'a Certificate>,
    /// Whether a JWT was sent, without which no body may be sealed.
    pub by_token: bool,
}

/// Finds who sent a request, or why nobody can be held to have.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub fn authenticate<'a>(received: &Received<'_>, rules: &Rules<'a>) -> Result<Sender<'a>, Refusal> {
    if let Some(value) = received.headers.get(AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(strip_bearer);
        let token = bearer.ok_or_else(|| Refusal::Malformed {
            scheme: "JWT",
            why: "the Authorization header is not of the form Bearer <token>".to_owned(),
        })?;
        let token = token::Token::parse(token)?;
        return match token.header.has("x5c") {
            true => jwt_v1::verify(&token, received, rules),
            false => jwt::verify(&token, received, rules),
        };
    }
    match received.headers.get("signature") {
        Some(value) => signature::verify(value, received, rules),
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

fn find_key<'a>(rules: &Rules<'a>, key_id: &str) -> Result<(&'a Merchant, &'a Key), Refusal> {
    let found = rules.merchants.key(key_id);
    found.ok_or_else(|| Refusal::UnknownKey(key_id.to_owned()))
}

/// The merchant that a request names, when `owner`'s key is good for it.
fn acting<'a>(rules: &Rules<'a>, owner: &Merchant, named: &str) -> Result<&'a Merchant, Refusal> {
    let found = rules.merchants.acting(owner, named);
    found.ok_or_else(|| Refusal::WrongMerchant {
        owner: owner.id.clone(),
        named: named.to_owned(),
    })
}

/// Compares in constant time.
fn hmac_matches(secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, message, tag).is_ok()
}

fn rsa_matches(certificate: &Certificate, message: &[u8], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, certificate.public_key());
    key.verify(message, signature).is_ok()
}

/// Checks that a date is near enough.
fn check_date(name: &str, value: &str, rules: &Rules<'_>) -> Result<(), Refusal> {
    let date = httpdate::parse_http_date(value).map_err(|_| Refusal::DateForm {
        header: name.to_owned(),
        value: value.to_owned(),
    })?;
    check_age(name, date, rules)
}

fn check_age(name: &str, date: SystemTime, rules: &Rules<'_>) -> Result<(), Refusal> {
    let away = rules
        .now
        .duration_since(date)
        .unwrap_or_else(|ahead| ahead.duration());
    if away > rules.date_away_max {
        return Err(Refusal::DateAway {
            header: name.to_owned(),
            seconds: away.as_secs(),
            limit: rules.date_away_max.as_secs(),
        });
    }
    Ok(())
}

/// The value of a header sent exactly once; `host` also of an HTTP/2 request, which has none.
fn single_header<'a>(received: &Received<'a>, name: &str) -> Result<&'a str, Refusal> {
    let mut values = received.headers.get_all(name).iter();
    let Some(value) = values.next() else {
        let authority = received.host.filter(|_| name.eq_ignore_ascii_case("host"));
        return authority.ok_or_else(|| Refusal::HeaderAbsent(name.to_owned()));
    };
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

    fn refusal(received: &Received<'_>) -> Refusal {
        let rules = Rules {
            merchants: &Merchants::default(),
            now: SystemTime::now(),
            date_away_max: Duration::from_secs(300),
            parentheses: true,
        };
        authenticate(received, &rules).unwrap_err()
    }

    #[test]
    fn without_credentials_nobody_is_found() {
        let headers = HeaderMap::new();
        let received = Received {
            method: "GET",
            target: "/",
            host: None,
            headers: &headers,
            body: b"",
        };
        let refusal = refusal(&received);
        assert!(matches!(refusal, Refusal::NoCredentials));
    }

    #[test]
    fn another_authorization_scheme_is_malformed() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Basic QQ==".parse().unwrap());
        let received = Received {
            method: "GET",
            target: "/",
            host: None,
            headers: &headers,
            body: b"",
        };
        let refusal = refusal(&received);
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
