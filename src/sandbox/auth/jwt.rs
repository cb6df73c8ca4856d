//! JWT version 2, as the provider's SDKs of 2026 make it: with a shared secret (HS256), or with
//! the private key of a certificate (RS256).
//!
//! Every claim is checked. The SDKs disagree in two points and both forms are taken: the digest's
//! algorithm is `digestAlgorithm` in Python and `digest-algorithm` in Node, and the method is in
//! capitals in the one and lower case in the other. With a portfolio's key `iss` is the portfolio
//! and `v-c-merchant-id` the merchant.

use std::time::{SystemTime, UNIX_EPOCH};

use super::token::{Claims, Token};
use super::{
    Received, Refusal, Rules, Sender, acting, find_key, hmac_matches, must_digest, rsa_matches,
    sha256_base64, single_header,
};
use crate::sandbox::keys::Certificate;
use crate::sandbox::merchants::{Key, Merchant};

/// The longest life of a token (provider's release notes).
pub(super) const LIFE_SECONDS_MAX: i64 = 120;
/// How far a sender's clock may be ahead (choice).
const SKEW_SECONDS_MAX: i64 = 60;
/// The claim that asks for a sealed reply.
const REPLY_KID: &str = "v-c-response-mle-kid";

/// Verifies a token.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub(super) fn verify<'a>(
    token: &Token<'_>,
    received: &Received<'_>,
    rules: &Rules<'a>,
) -> Result<Sender<'a>, Refusal> {
    let (owner, key) = find_key(rules, token.header.text("kid")?)?;
    check_signature(token, key)?;
    let claims = token.claims()?;
    let merchant = sender(&claims, owner, rules)?;
    check_time(&claims, rules.now)?;
    check_request(&claims, received)?;
    check_digest(&claims, received)?;
    Ok(Sender {
        merchant,
        reply: reply_certificate(&claims, merchant)?,
        by_token: true,
    })
}

/// The algorithm is the key's, not the token's choice.
fn check_signature(token: &Token<'_>, key: &Key) -> Result<(), Refusal> {
    let message = token.signed.as_bytes();
    let (algorithm, matches) = match key {
        Key::Shared { secret, .. } => ("HS256", hmac_matches(secret, message, &token.signature)),
        Key::Certificate(certificate) => {
            let matches = rsa_matches(certificate, message, &token.signature);
            ("RS256", matches)
        }
    };
    let claimed = token.header.text("alg")?;
    if claimed != algorithm {
        return Err(Refusal::Algorithm(claimed.to_owned()));
    }
    match matches {
        true => Ok(()),
        false => Err(Refusal::SignatureMismatch {
            signed: "the token",
        }),
    }
}

fn sender<'a>(
    claims: &Claims,
    owner: &Merchant,
    rules: &Rules<'a>,
) -> Result<&'a Merchant, Refusal> {
    claims.expect("v-c-jwt-version", "2")?;
    let merchant = acting(rules, owner, claims.text("v-c-merchant-id")?)?;
    let issuer = claims.text("iss")?;
    // Of a merchant's own key it is the merchant, of a portfolio's the portfolio.
    if issuer != owner.id {
        return Err(Refusal::WrongMerchant {
            owner: owner.id.clone(),
            named: issuer.to_owned(),
        });
    }
    if claims.text("jti")?.is_empty() {
        return Err(Refusal::ClaimAbsent("jti"));
    }
    Ok(merchant)
}

fn reply_certificate<'a>(
    claims: &Claims,
    merchant: &'a Merchant,
) -> Result<Option<&'a Certificate>, Refusal> {
    if !claims.has(REPLY_KID) {
        return Ok(None);
    }
    let kid = claims.text(REPLY_KID)?;
    let known = merchant.reply_certificates.iter();
    let found = known.clone().find(|certificate| certificate.kid() == kid);
    match found {
        Some(certificate) => Ok(Some(certificate)),
        None => Err(Refusal::UnknownReplyKey(kid.to_owned())),
    }
}

/// Seconds since 1970; a clock before that or beyond the year 292 billion is no clock, and 0
/// refuses every token.
fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).ok();
    since
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}

fn check_time(claims: &Claims, now: SystemTime) -> Result<(), Refusal> {
    let now = seconds(now);
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
    claims.expect_any_case("request-host", single_header(received, "host")?)?;
    claims.expect("request-resource-path", received.target)
}

/// Checks the claims about the body, which both versions have.
pub(super) fn check_digest(claims: &Claims, received: &Received<'_>) -> Result<(), Refusal> {
    if !must_digest(received.method) && !claims.has("digest") {
        return Ok(());
    }
    if claims.has("digest-algorithm") {
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
