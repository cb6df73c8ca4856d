//! Each claim, wrong by itself.

use super::*;
use aws_lc_rs::hmac;
use hyper::header::HeaderMap;
use serde_json::json;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const BODY: &[u8] = b"{}";

fn merchants() -> Vec<Merchant> {
    vec![Merchant {
        id: "mid".to_owned(),
        key_id: "key".to_owned(),
        secret: vec![1; 32],
    }]
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
    let mut headers = HeaderMap::new();
    headers.insert("host", "localhost:1".parse().unwrap());
    let received = Received {
        method,
        target: "/tms/v2/customers?x=1",
        headers: &headers,
        body: BODY,
    };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    verify(token, &received, &merchants(), now)
        .map(|merchant| assert_eq!(merchant.id, "mid"))
        .map_err(|refusal| refusal.to_string())
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
        ("iss", json!("other"), "key is of merchant"),
        ("jti", json!(""), "jti"),
        ("v-c-jwt-version", json!("1"), "wrong claim"),
        ("v-c-merchant-id", json!("other"), "key is of merchant"),
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
