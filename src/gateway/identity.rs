//! What the gateway gives to each request: its id, its token, its time.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::plan::Context;
use crate::rest::Secret;

/// The form of request tokens; a later form gets another number.
const TOKEN_VERSION: u8 = 1;

/// Id and time of a request that came at `now`. The token needs a merchant.
pub fn context(now: SystemTime) -> Context {
    Context {
        request_id: request_id(now),
        request_token: String::new(),
        time: scmp_time(now),
    }
}

/// 22 digits, as the old server's: the time in microseconds and six random digits. Later ones are greater.
fn request_id(now: SystemTime) -> String {
    let micros = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros());
    let mut random = [0; 4];
    // Without entropy the time alone tells requests apart.
    let _filled = rand::fill(&mut random);
    format!("{micros:016}{:06}", u32::from_be_bytes(random) % 1_000_000)
}

/// `YYYY-MM-DDThhmmssZ`: without colons, which the protocol reserves.
fn scmp_time(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%dT%H%M%SZ").to_string(),
    )
}

/// The key of a merchant's request tokens, derived from the merchant's secret so that all gateways agree on it.
pub fn token_key(secret: &Secret) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    hmac::Key::new(
        hmac::HMAC_SHA256,
        hmac::sign(&root, b"scmp-gateway request_token").as_ref(),
    )
}

/// An opaque, authenticated text without personal data: proof that this gateway gave this id to this merchant.
pub fn request_token(key: &hmac::Key, merchant: &str, request_id: &str) -> String {
    let mut signed = hmac::Context::with_key(key);
    for part in [
        &[TOKEN_VERSION],
        merchant.as_bytes(),
        b"\n",
        request_id.as_bytes(),
    ] {
        signed.update(part);
    }
    let tag = signed.sign();
    let mut token = vec![TOKEN_VERSION];
    token.extend_from_slice(&tag.as_ref()[..16]);
    URL_SAFE_NO_PAD.encode(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn key() -> hmac::Key {
        token_key(
            &Secret::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("base64"),
        )
    }

    #[test]
    fn ids_have_22_digits_and_rise() {
        let now = SystemTime::now();
        let (first, later) = (request_id(now), request_id(now + Duration::from_millis(1)));
        assert_eq!(first.len(), 22);
        assert!(first.bytes().all(|byte| byte.is_ascii_digit()) && first < later);
    }

    #[test]
    fn times_have_no_colon() {
        let time = UNIX_EPOCH + Duration::from_secs(1_439_333_277);
        assert_eq!(scmp_time(time), "2015-08-11T224757Z");
    }

    #[test]
    fn a_token_is_bound_to_merchant_and_id() {
        let token = request_token(&key(), "mid1234", "1");
        assert_eq!(token, request_token(&key(), "mid1234", "1"));
        assert_ne!(token, request_token(&key(), "mid1234", "2"));
        assert_ne!(token, request_token(&key(), "mid12341", ""));
        assert!(token.len() <= 256);
    }
}
