//! HTTP Signature with a shared secret.
//!
//! The string to sign has one line `name: value` for each name in `headers=`, in that order,
//! labels as written there, joined by one line feed (SDK). Points where sources differ:
//!
//! - `request-target` and `(request-target)` are both taken, unless the latter is switched off:
//!   SDKs before October 2023 wrote it, and clients of 2026 still do.
//! - `v-c-date` may stand for `date` when it is signed and sent: public clients on stacks that
//!   forbid setting Date do so.
//! - The age limit of the date is stated nowhere; it is a setting.
//! - With a portfolio's key the SDK signs the portfolio's id under the label `v-c-merchant-id`,
//!   while the header of that name carries the merchant.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use super::{
    Received, Refusal, Rules, Sender, acting, check_date, find_key, hmac_matches, must_digest,
    sha256_base64, single_header,
};
use crate::sandbox::merchants::Key;

const MERCHANT: &str = "v-c-merchant-id";

/// Verifies the value of a `Signature` header.
///
/// # Errors
///
/// The first [`Refusal`] found.
pub fn verify<'a>(
    value: &HeaderValue,
    received: &Received<'_>,
    rules: &Rules<'a>,
) -> Result<Sender<'a>, Refusal> {
    let value = value.to_str().map_err(|_| malformed("it is not ASCII"))?;
    let parameters = Parameters::parse(value)?;
    if !parameters.algorithm.eq_ignore_ascii_case("HmacSHA256") {
        return Err(Refusal::Algorithm(parameters.algorithm.to_owned()));
    }
    let (owner, key) = find_key(rules, parameters.key_id)?;
    let Key::Shared { secret, .. } = key else {
        return Err(Refusal::Algorithm(parameters.algorithm.to_owned()));
    };
    let names: Vec<&str> = parameters.headers.split_ascii_whitespace().collect();
    require_signed(&names, received.method)?;
    if !rules.parentheses && names.iter().any(|name| name.starts_with('(')) {
        return Err(Refusal::Parentheses);
    }
    let tag = STANDARD
        .decode(parameters.signature)
        .map_err(|_| malformed("signature= is not base64"))?;
    let named = single_header(received, MERCHANT)?;
    let merchant = acting(rules, owner, named)?;
    let matches = |label: &str| {
        let message = string_to_sign(&names, received, label)?;
        Ok(hmac_matches(secret, message.as_bytes(), &tag))
    };
    let by_portfolio = || Ok(owner.id != merchant.id && matches(&owner.id)?);
    if !matches(named)? && !by_portfolio()? {
        return Err(Refusal::SignatureMismatch {
            signed: "a signed header or the path",
        });
    }
    check_values(&names, received, rules)?;
    Ok(Sender {
        merchant,
        reply: None,
        by_token: false,
    })
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
    if !signed(&[MERCHANT]) {
        return Err(Refusal::NotSigned(MERCHANT));
    }
    if must_digest(method) && !signed(&["digest"]) {
        return Err(Refusal::NotSigned("digest"));
    }
    Ok(())
}

/// The text that is signed, with `merchant` under the label `v-c-merchant-id`.
fn string_to_sign(
    names: &[&str],
    received: &Received<'_>,
    merchant: &str,
) -> Result<String, Refusal> {
    let mut lines = Vec::with_capacity(names.len());
    for name in names {
        if is_request_target(name) {
            let verb = received.method.to_ascii_lowercase();
            lines.push(format!("{name}: {verb} {}", received.target));
        } else if name.eq_ignore_ascii_case(MERCHANT) {
            lines.push(format!("{name}: {merchant}"));
        } else {
            let value = single_header(received, name)?;
            lines.push(format!("{name}: {value}"));
        }
    }
    Ok(lines.join("\n"))
}

fn is_request_target(name: &str) -> bool {
    name.eq_ignore_ascii_case("request-target") || name.eq_ignore_ascii_case("(request-target)")
}

/// Checks what the signed headers say, now that they are known to be the sender's.
fn check_values(names: &[&str], received: &Received<'_>, rules: &Rules<'_>) -> Result<(), Refusal> {
    for name in names {
        if name.eq_ignore_ascii_case("date") || name.eq_ignore_ascii_case("v-c-date") {
            check_date(name, single_header(received, name)?, rules)?;
        }
    }
    if must_digest(received.method) || received.headers.contains_key("digest") {
        let digest = single_header(received, "digest")?;
        if digest.strip_prefix("SHA-256=") != Some(sha256_base64(received.body).as_str()) {
            return Err(Refusal::Digest("the Digest header"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
