//! JWT version 2 with a shared secret (HS256), as the provider's SDKs of 2026 make it.
//!
//! Every claim is checked. The SDKs disagree in two points and both forms are taken: the digest's
//! algorithm is `digestAlgorithm` in Python and `digest-algorithm` in Node, and the method is in
//! capitals in the one and lower case in the other.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Received, Refusal, find_key, hmac_matches, must_digest, sha256_base64, single_header};
use crate::sandbox::settings::Merchant;

/// The longest life of a token (provider's release notes).
pub(super) const LIFE_SECONDS_MAX: i64 = 120;
/// How far a sender's clock may be ahead (choice).
const SKEW_SECONDS_MAX: i64 = 60;

/// Verifies a token out of `Authorization: Bearer`.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub fn verify<'m>(
    token: &str,
    received: &Received<'_>,
    merchants: &'m [Merchant],
    now: SystemTime,
) -> Result<&'m Merchant, Refusal> {
    let (signed, tag) = token
        .rsplit_once('.')
        .ok_or_else(|| malformed("it has no three parts"))?;
    let (header, claims) = signed
        .split_once('.')
        .ok_or_else(|| malformed("it has no three parts"))?;
    let header = Claims(decode(header, "header")?);
    let algorithm = header.text("alg")?;
    if algorithm != "HS256" {
        return Err(Refusal::Algorithm(algorithm.to_owned()));
    }
    let merchant = find_key(merchants, header.text("kid")?)?;
    let tag = URL_SAFE_NO_PAD
        .decode(tag)
        .map_err(|_| malformed("the signature is not base64url"))?;
    if !hmac_matches(&merchant.secret, signed.as_bytes(), &tag) {
        return Err(Refusal::SignatureMismatch {
            signed: "the token",
        });
    }
    let claims = Claims(decode(claims, "payload")?);
    check_sender(&claims, merchant)?;
    check_time(&claims, now)?;
    check_request(&claims, received)?;
    check_digest(&claims, received)?;
    Ok(merchant)
}

fn malformed(why: &str) -> Refusal {
    Refusal::Malformed {
        scheme: "JWT",
        why: why.to_owned(),
    }
}

fn decode(part: &str, what: &str) -> Result<Map<String, Value>, Refusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed(&format!("the {what} is not base64url")))?;
    serde_json::from_slice(&bytes)
        .map_err(|_| malformed(&format!("the {what} is not a JSON object")))
}

/// The members of a token's header or payload.
struct Claims(Map<String, Value>);

impl Claims {
    fn text(&self, name: &'static str) -> Result<&str, Refusal> {
        let value = self.0.get(name).and_then(Value::as_str);
        value.ok_or(Refusal::ClaimAbsent(name))
    }

    fn seconds(&self, name: &'static str) -> Result<i64, Refusal> {
        let value = self.0.get(name).and_then(Value::as_i64);
        value.ok_or(Refusal::ClaimAbsent(name))
    }

    fn expect(&self, name: &'static str, expected: &str) -> Result<(), Refusal> {
        let claimed = self.text(name)?;
        if claimed == expected {
            Ok(())
        } else {
            Err(mismatch(name, claimed, expected))
        }
    }

    fn expect_any_case(&self, name: &'static str, expected: &str) -> Result<(), Refusal> {
        let claimed = self.text(name)?;
        if claimed.eq_ignore_ascii_case(expected) {
            Ok(())
        } else {
            Err(mismatch(name, claimed, expected))
        }
    }
}

fn mismatch(name: &'static str, claimed: &str, expected: &str) -> Refusal {
    Refusal::ClaimMismatch {
        name,
        claimed: claimed.to_owned(),
        expected: expected.to_owned(),
    }
}

fn check_sender(claims: &Claims, merchant: &Merchant) -> Result<(), Refusal> {
    claims.expect("v-c-jwt-version", "2")?;
    for name in ["iss", "v-c-merchant-id"] {
        let named = claims.text(name)?;
        if named != merchant.id {
            return Err(Refusal::WrongMerchant {
                owner: merchant.id.clone(),
                named: named.to_owned(),
            });
        }
    }
    if claims.text("jti")?.is_empty() {
        return Err(Refusal::ClaimAbsent("jti"));
    }
    Ok(())
}

fn check_time(claims: &Claims, now: SystemTime) -> Result<(), Refusal> {
    // A clock before 1970 or beyond the year 292 billion is no clock; 0 refuses every token.
    let now = now
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0);
    let (issued, expires) = (claims.seconds("iat")?, claims.seconds("exp")?);
    let ahead = issued.saturating_sub(now);
    if ahead > SKEW_SECONDS_MAX {
        return Err(Refusal::IssuedInFuture(ahead));
    }
    let life = expires.saturating_sub(issued);
    if life > LIFE_SECONDS_MAX {
        return Err(Refusal::LivesTooLong(life));
    }
    if expires <= now {
        return Err(Refusal::Expired(now.saturating_sub(expires)));
    }
    Ok(())
}

fn check_request(claims: &Claims, received: &Received<'_>) -> Result<(), Refusal> {
    claims.expect_any_case("request-method", received.method)?;
    claims.expect_any_case("request-host", single_header(received.headers, "host")?)?;
    claims.expect("request-resource-path", received.target)
}

fn check_digest(claims: &Claims, received: &Received<'_>) -> Result<(), Refusal> {
    if !must_digest(received.method) && !claims.0.contains_key("digest") {
        return Ok(());
    }
    if claims.0.contains_key("digest-algorithm") {
        claims.expect("digest-algorithm", "SHA-256")?;
    } else {
        claims.expect("digestAlgorithm", "SHA-256")?;
    }
    if claims.text("digest")? != sha256_base64(received.body) {
        return Err(Refusal::Digest("claim digest"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
