//! JWT version 1, as SDKs made it until 2026: RS256 with the certificate itself in `x5c`.
//!
//! Its claims are `digest`, `digestAlgorithm` and `iat`: neither path nor host nor method are
//! bound, which is why the provider gave it up. The merchant stands in the header, as
//! `v-c-merchant-id`, the alias of the key. `iat` is an HTTP date as text in Python and PHP (whose
//! hour lacks its leading zero), a number in Ruby.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::jwt::check_digest;
use super::token::{Claims, Token, malformed};
use super::{Received, Refusal, Rules, Sender, acting, check_age, check_date, rsa_matches};
use crate::sandbox::keys::Certificate;

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
    let algorithm = token.header.text("alg")?;
    if algorithm != "RS256" {
        return Err(Refusal::Algorithm(algorithm.to_owned()));
    }
    let sent = certificate(&token.header)?;
    let found = rules.merchants.key_of(&sent);
    let (owner, known) = found.ok_or_else(|| Refusal::UnknownCertificate(sent.kid().to_owned()))?;
    if !rsa_matches(known, token.signed.as_bytes(), &token.signature) {
        return Err(Refusal::SignatureMismatch {
            signed: "the token",
        });
    }
    let merchant = acting(rules, owner, token.header.text("v-c-merchant-id")?)?;
    let claims = token.claims()?;
    check_issued(&claims, rules)?;
    check_digest(&claims, received)?;
    Ok(Sender {
        merchant,
        reply: None,
        by_token: true,
    })
}

/// The first certificate of `x5c`.
fn certificate(header: &Claims) -> Result<Certificate, Refusal> {
    let first = header.get("x5c").and_then(|chain| chain.get(0));
    let text = first.and_then(Value::as_str);
    let der = text.and_then(|text| STANDARD.decode(text).ok());
    let der = der.ok_or_else(|| malformed("x5c holds no certificate in base64"))?;
    Certificate::from_der(&der).map_err(|error| malformed(&format!("x5c: {error}")))
}

fn check_issued(claims: &Claims, rules: &Rules<'_>) -> Result<(), Refusal> {
    match claims.get("iat") {
        Some(Value::String(date)) => check_date("iat", &with_two_digits(date), rules),
        Some(value) => {
            let seconds = value.as_u64().ok_or(Refusal::ClaimAbsent("iat"))?;
            let issued = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            check_age("iat", issued.ok_or(Refusal::ClaimAbsent("iat"))?, rules)
        }
        None => Err(Refusal::ClaimAbsent("iat")),
    }
}

/// `Tue, 21 Apr 2026 9:15:30 GMT` with the zero that belongs before the hour.
fn with_two_digits(date: &str) -> String {
    let mut words: Vec<String> = date.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        if word.find(':') == Some(1) {
            word.insert(0, '0');
        }
    }
    words.join(" ")
}

#[cfg(test)]
#[path = "jwt_v1_tests.rs"]
mod tests;
