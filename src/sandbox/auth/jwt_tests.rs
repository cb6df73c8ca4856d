//! Each claim, wrong by itself.

use super::*;
use aws_lc_rs::{hmac, rand, rsa, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderMap;
use serde_json::{Value, json};
use std::time::Duration;

use crate::sandbox::keys::Pair;
use crate::sandbox::keys::ready::{ONE, OTHER};
use crate::sandbox::merchants::Merchants;

const NOW: u64 = 1_800_000_000;
const BODY: &[u8] = b"{}";

fn merchants() -> Merchants {
    Merchants::new(vec![Merchant::with_secret("mid", "key", vec![1; 32])])
}

fn good() -> Value {
    json!({
        "digest": sha256_base64(BODY), "digestAlgorithm": "SHA-256",
        "iat": NOW, "exp": NOW + 120,
        "request-method": "POST", "request-host": "localhost:1",
        "request-resource-path": "/tms/v2/customers?x=1",
        "iss": "mid", "jti": "1", "v-c-jwt-version": "2", "v-c-merchant-id": "mid",
    })
}

fn token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn check(token: &str, method: &str) -> Result<(), String> {
    check_among(&merchants(), token, method).map(|merchant| assert_eq!(merchant, "mid"))
}

fn check_among(merchants: &Merchants, token: &str, method: &str) -> Result<String, String> {
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost:1".parse().unwrap());
    let received = Received {
        method,
        target: "/tms/v2/customers?x=1",
        host: None,
        headers: &headers,
        body: BODY,
    };
    let rules = Rules {
        merchants,
        now: UNIX_EPOCH + Duration::from_secs(NOW),
        date_away_max: Duration::from_secs(300),
        parentheses: true,
    };
    let told = |refusal: Refusal| refusal.to_string();
    let token = Token::parse(token).map_err(told)?;
    let sender = verify(&token, &received, &rules).map_err(told)?;
    Ok(sender.merchant.id.clone())
}

fn header() -> Value {
    json!({"alg": "HS256", "kid": "key", "typ": "JWT"})
}

fn with(name: &str, value: Value) -> Result<(), String> {
    let mut claims = good();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    check(&token(&header(), &claims, &[1; 32]), "POST")
}

#[test]
fn both_sdk_spellings_pass() {
    assert_eq!(check(&token(&header(), &good(), &[1; 32]), "POST"), Ok(()));
    let mut node = good();
    node["request-method"] = json!("post");
    node.as_object_mut().unwrap().remove("digestAlgorithm");
    node["digest-algorithm"] = json!("SHA-256");
    assert_eq!(check(&token(&header(), &node, &[1; 32]), "POST"), Ok(()));
}

#[test]
fn each_claim_must_be_there() {
    for name in good().as_object().unwrap().keys() {
        assert!(with(name, Value::Null).is_err(), "{name}");
    }
}

#[test]
fn each_claim_must_be_right() {
    for (name, value, reason) in [
        ("digest", json!("AAAA"), "bad digest"),
        ("digestAlgorithm", json!("SHA-1"), "wrong claim"),
        ("iat", json!(NOW + 61), "in the future"),
        ("iat", json!("Tue, 21 Apr 2026 10:15:30 GMT"), "wrong type"),
        ("exp", json!(NOW), "expired token"),
        ("exp", json!(NOW + 121), "after iat"),
        (
            "request-method",
            json!("PATCH"),
            "wrong claim request-method",
        ),
        (
            "request-host",
            json!("elsewhere"),
            "wrong claim request-host",
        ),
        (
            "request-resource-path",
            json!("/tms/v2/customers"),
            "wrong claim",
        ),
        ("iss", json!("other"), "the key is of"),
        ("jti", json!(""), "jti"),
        ("v-c-jwt-version", json!("1"), "wrong claim"),
        ("v-c-merchant-id", json!("other"), "the key is of"),
    ] {
        let refusal = with(name, value).unwrap_err();
        assert!(refusal.contains(reason), "{name}: {refusal}");
    }
}

#[test]
fn a_get_needs_no_digest_but_a_wrong_one_is_refused() {
    let mut claims = good();
    claims["request-method"] = json!("GET");
    let members = claims.as_object_mut().unwrap();
    members.remove("digest");
    members.remove("digestAlgorithm");
    assert_eq!(check(&token(&header(), &claims, &[1; 32]), "GET"), Ok(()));
    claims["digest"] = json!("AAAA");
    claims["digestAlgorithm"] = json!("SHA-256");
    assert!(check(&token(&header(), &claims, &[1; 32]), "GET").is_err());
}

#[test]
fn algorithm_key_and_secret() {
    let none = json!({"alg": "none", "kid": "key"});
    assert!(check(&token(&none, &good(), &[1; 32]), "POST").is_err());
    let unknown = json!({"alg": "HS256", "kid": "other"});
    let refusal = check(&token(&unknown, &good(), &[1; 32]), "POST").unwrap_err();
    assert_eq!(refusal, "unknown key id \"other\"");
    let refusal = check(&token(&header(), &good(), &[2; 32]), "POST").unwrap_err();
    assert!(refusal.contains("signature mismatch"), "{refusal}");
}

#[test]
fn what_is_no_token_is_malformed() {
    for text in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "!.!.!",
        "e30.e30.",
        "bnVsbA.e30.AA",
    ] {
        assert!(check(text, "POST").is_err(), "{text}");
    }
}

fn rsa_token(header: &Value, claims: &Value, pair: &Pair) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = rsa::KeyPair::from_pkcs8(pair.key_der()).unwrap();
    let mut tag = vec![0; key.public_modulus_len()];
    let padding = &signature::RSA_PKCS1_SHA256;
    key.sign(
        padding,
        &rand::SystemRandom::new(),
        signed.as_bytes(),
        &mut tag,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[test]
fn a_certificate_signs_with_its_own_algorithm_and_no_other() {
    let pair = &*ONE;
    let mut merchant = Merchant::with_secret("mid", "key", vec![1; 32]);
    merchant
        .keys
        .push(Key::Certificate(pair.certificate().clone()));
    let merchants = Merchants::new(vec![merchant]);
    let kid = pair.certificate().kid();
    let check = |token: &str| check_among(&merchants, token, "POST");

    let header = json!({"alg": "RS256", "kid": kid, "typ": "JWT"});
    let good_token = rsa_token(&header, &good(), pair);
    assert_eq!(check(&good_token), Ok("mid".to_owned()));
    let refusal = check(&rsa_token(&header, &good(), &OTHER)).unwrap_err();
    assert!(refusal.contains("signature mismatch"), "{refusal}");
    // The classical confusion: an HMAC under the public key's bytes.
    let confused = json!({"alg": "HS256", "kid": kid});
    let refusal = check(&token(&confused, &good(), pair.certificate().public_key())).unwrap_err();
    assert!(refusal.contains("not accepted"), "{refusal}");
    let confused = json!({"alg": "RS256", "kid": "key"});
    assert!(check(&rsa_token(&confused, &good(), pair)).is_err());
}

#[test]
fn a_portfolio_issues_for_its_members_under_its_own_name() {
    let mut member = Merchant::with_secret("shop", "shops", vec![2; 32]);
    member.portfolio = Some("mid".to_owned());
    let portfolio = Merchant::with_secret("mid", "key", vec![1; 32]);
    let merchants = Merchants::new(vec![portfolio, member]);
    let mut claims = good();
    claims["v-c-merchant-id"] = json!("shop");
    let check = |claims: &Value| {
        let token = token(&header(), claims, &[1; 32]);
        check_among(&merchants, &token, "POST")
    };
    assert_eq!(check(&claims), Ok("shop".to_owned()));
    claims["iss"] = json!("shop");
    assert!(check(&claims).is_err());
}

#[test]
fn a_sealed_reply_needs_a_certificate_of_the_merchant() {
    let refusal = with("v-c-response-mle-kid", json!("7")).unwrap_err();
    assert!(refusal.contains("names no reply certificate"), "{refusal}");
    assert!(with("v-c-response-mle-kid", json!(7)).is_err());
}
