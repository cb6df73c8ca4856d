//! Version 1, which binds the body and nothing else.

use aws_lc_rs::{rand, rsa, signature};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderMap;
use serde_json::json;

use super::*;
use crate::sandbox::auth::sha256_base64;
use crate::sandbox::keys::Pair;
use crate::sandbox::keys::ready::{ONE, OTHER};
use crate::sandbox::merchants::{Key, Merchant, Merchants};

/// Tue, 21 Apr 2026 09:15:30 GMT.
const NOW: u64 = 1_776_762_930;
const BODY: &[u8] = b"{}";

struct Bench {
    pair: &'static Pair,
    merchants: Merchants,
}

impl Bench {
    fn new() -> Self {
        let pair = &*ONE;
        let mut merchant = Merchant::with_secret("mid", "key", vec![1]);
        let certificate = pair.certificate().clone();
        merchant.keys.push(Key::Certificate(certificate));
        Self {
            pair,
            merchants: Merchants::new(vec![merchant]),
        }
    }

    fn check(&self, header: Value, claims: Value) -> Result<(), String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let key = rsa::KeyPair::from_pkcs8(self.pair.key_der()).unwrap();
        let mut tag = vec![0; key.public_modulus_len()];
        let random = rand::SystemRandom::new();
        key.sign(
            &signature::RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut tag,
        )
        .unwrap();
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        let headers = HeaderMap::new();
        let received = Received {
            method: "POST",
            target: "/",
            host: None,
            headers: &headers,
            body: BODY,
        };
        let rules = Rules {
            merchants: &self.merchants,
            now: UNIX_EPOCH + Duration::from_secs(NOW),
            date_away_max: Duration::from_secs(300),
            parentheses: true,
        };
        let told = |refusal: Refusal| refusal.to_string();
        let token = Token::parse(&text).map_err(told)?;
        let sender = verify(&token, &received, &rules).map_err(told)?;
        assert_eq!(sender.merchant.id, "mid");
        Ok(())
    }

    fn header(&self) -> Value {
        let der = STANDARD.encode(self.pair.certificate().der());
        json!({"alg": "RS256", "x5c": [der], "v-c-merchant-id": "mid"})
    }
}

fn claims(issued: Value) -> Value {
    json!({"digest": sha256_base64(BODY), "digestAlgorithm": "SHA-256", "iat": issued})
}

#[test]
fn each_sdks_time_is_taken() {
    let bench = Bench::new();
    for issued in [
        json!("Tue, 21 Apr 2026 09:15:30 GMT"),
        json!("Tue, 21 Apr 2026 9:15:30 GMT"),
        json!(NOW),
    ] {
        let checked = bench.check(bench.header(), claims(issued.clone()));
        assert_eq!(checked, Ok(()), "{issued}");
    }
    for (issued, reason) in [
        (json!("Tue, 21 Apr 2026 09:25:30 GMT"), "away from now"),
        (json!(NOW - 301), "away from now"),
        (json!("yesterday"), "not an HTTP date"),
        (Value::Null, "claim iat"),
    ] {
        let refusal = bench.check(bench.header(), claims(issued.clone()));
        let refusal = refusal.unwrap_err();
        assert!(refusal.contains(reason), "{issued}: {refusal}");
    }
}

#[test]
fn certificate_merchant_and_body_must_be_right() {
    let bench = Bench::new();
    let good = claims(json!(NOW));
    let mut unknown = bench.header();
    unknown["x5c"] = json!([STANDARD.encode(OTHER.certificate().der())]);
    let mut elsewhere = bench.header();
    elsewhere["v-c-merchant-id"] = json!("other");
    let mut broken = bench.header();
    broken["x5c"] = json!(["AAAA"]);
    let mut unsigned = bench.header();
    unsigned["alg"] = json!("none");
    for (header, reason) in [
        (unknown, "no merchant's"),
        (elsewhere, "not good for"),
        (broken, "x5c"),
        (unsigned, "not accepted"),
    ] {
        let refusal = bench.check(header, good.clone()).unwrap_err();
        assert!(refusal.contains(reason), "{refusal}");
    }
    let mut body = good;
    body["digest"] = json!("AAAA");
    let refusal = bench.check(bench.header(), body).unwrap_err();
    assert!(refusal.contains("digest"), "{refusal}");
}
