//! HTTP Signature with a shared secret.
//!
//! The string to sign has one line `name: value` for each name in `headers=`, in that order,
//! labels as written there, joined by one line feed (SDK). Points where sources differ:
//!
//! - `request-target` and `(request-target)` are both taken: SDKs before October 2023 wrote the
//!   latter, and clients of 2026 still do.
//! - `v-c-date` may stand for `date` when it is signed and sent: public clients on stacks that
//!   forbid setting Date do so.
//! - The age limit of the date is stated nowhere; five minutes is a choice.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use super::{Received, Refusal, find_key, hmac_matches, must_digest, sha256_base64, single_header};
use crate::sandbox::settings::Merchant;

/// How far a signed date may be from now, either way.
const DATE_AWAY_MAX: Duration = Duration::from_secs(300);

/// Verifies the value of a `Signature` header.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub fn verify<'m>(
    value: &HeaderValue,
    received: &Received<'_>,
    merchants: &'m [Merchant],
    now: SystemTime,
) -> Result<&'m Merchant, Refusal> {
    let value = value.to_str().map_err(|_| malformed("it is not ASCII"))?;
    let parameters = Parameters::parse(value)?;
    if !parameters.algorithm.eq_ignore_ascii_case("HmacSHA256") {
        return Err(Refusal::Algorithm(parameters.algorithm.to_owned()));
    }
    let merchant = find_key(merchants, parameters.key_id)?;
    let names: Vec<&str> = parameters.headers.split_ascii_whitespace().collect();
    require_signed(&names, received.method)?;
    let message = string_to_sign(&names, received)?;
    let tag = STANDARD
        .decode(parameters.signature)
        .map_err(|_| malformed("signature= is not base64"))?;
    if !hmac_matches(&merchant.secret, message.as_bytes(), &tag) {
        return Err(Refusal::SignatureMismatch {
            signed: "a signed header or the path",
        });
    }
    check_values(&names, received, merchant, now)?;
    Ok(merchant)
}

fn malformed(why: &str) -> Refusal {
    Refusal::Malformed {
        scheme: "Signature header",
        why: why.to_owned(),
    }
}

/// The parameters of a `Signature` header.
struct Parameters<'a> {
    key_id: &'a str,
    algorithm: &'a str,
    headers: &'a str,
    signature: &'a str,
}

impl<'a> Parameters<'a> {
    /// Reads `name="value"` pairs with commas between; no value can hold a quote.
    fn parse(mut rest: &'a str) -> Result<Self, Refusal> {
        let (mut key_id, mut algorithm, mut headers, mut signature) = (None, None, None, None);
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (name, tail) = rest
                .split_once("=\"")
                .ok_or_else(|| malformed("a parameter is not of the form name=\"value\""))?;
            let (value, tail) = tail
                .split_once('"')
                .ok_or_else(|| malformed("a quote is not closed"))?;
            rest = tail;
            let slot = match name.to_ascii_lowercase().as_str() {
                "keyid" => &mut key_id,
                "algorithm" => &mut algorithm,
                "headers" => &mut headers,
                "signature" => &mut signature,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(malformed("a parameter is there twice"));
            }
        }
        Ok(Self {
            key_id: key_id.ok_or_else(|| malformed("keyid= is absent"))?,
            algorithm: algorithm.ok_or_else(|| malformed("algorithm= is absent"))?,
            headers: headers.ok_or_else(|| malformed("headers= is absent"))?,
            signature: signature.ok_or_else(|| malformed("signature= is absent"))?,
        })
    }
}

/// What must be signed: all that binds the signature to this one request.
fn require_signed(names: &[&str], method: &str) -> Result<(), Refusal> {
    let signed = |wanted: &[&str]| {
        names
            .iter()
            .any(|name| wanted.iter().any(|one| name.eq_ignore_ascii_case(one)))
    };
    if !signed(&["host"]) {
        return Err(Refusal::NotSigned("host"));
    }
    if !signed(&["date", "v-c-date"]) {
        return Err(Refusal::NotSigned("date"));
    }
    if !signed(&["request-target", "(request-target)"]) {
        return Err(Refusal::NotSigned("request-target"));
    }
    if !signed(&["v-c-merchant-id"]) {
        return Err(Refusal::NotSigned("v-c-merchant-id"));
    }
    if must_digest(method) && !signed(&["digest"]) {
        return Err(Refusal::NotSigned("digest"));
    }
    Ok(())
}

fn string_to_sign(names: &[&str], received: &Received<'_>) -> Result<String, Refusal> {
    let mut lines = Vec::with_capacity(names.len());
    for name in names {
        if is_request_target(name) {
            let verb = received.method.to_ascii_lowercase();
            lines.push(format!("{name}: {verb} {}", received.target));
        } else {
            let value = single_header(received.headers, name)?;
            lines.push(format!("{name}: {value}"));
        }
    }
    Ok(lines.join("\n"))
}

fn is_request_target(name: &str) -> bool {
    name.eq_ignore_ascii_case("request-target") || name.eq_ignore_ascii_case("(request-target)")
}

/// Checks what the signed headers say, now that they are known to be the sender's.
fn check_values(
    names: &[&str],
    received: &Received<'_>,
    merchant: &Merchant,
    now: SystemTime,
) -> Result<(), Refusal> {
    for name in names {
        if name.eq_ignore_ascii_case("date") || name.eq_ignore_ascii_case("v-c-date") {
            check_date(name, single_header(received.headers, name)?, now)?;
        }
    }
    let named = single_header(received.headers, "v-c-merchant-id")?;
    if named != merchant.id {
        return Err(Refusal::WrongMerchant {
            owner: merchant.id.clone(),
            named: named.to_owned(),
        });
    }
    if must_digest(received.method) || received.headers.contains_key("digest") {
        let digest = single_header(received.headers, "digest")?;
        if digest.strip_prefix("SHA-256=") != Some(sha256_base64(received.body).as_str()) {
            return Err(Refusal::Digest("the Digest header"));
        }
    }
    Ok(())
}

fn check_date(header: &str, value: &str, now: SystemTime) -> Result<(), Refusal> {
    let date = httpdate::parse_http_date(value).map_err(|_| Refusal::DateForm {
        header: header.to_owned(),
        value: value.to_owned(),
    })?;
    let away = now
        .duration_since(date)
        .unwrap_or_else(|ahead| ahead.duration());
    if away > DATE_AWAY_MAX {
        return Err(Refusal::DateAway {
            header: header.to_owned(),
            seconds: away.as_secs(),
            limit: DATE_AWAY_MAX.as_secs(),
        });
    }
    Ok(())
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
