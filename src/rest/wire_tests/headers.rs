//! What arrives for each way to authenticate.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::super::fake_server::{Behaviour, Received};
use super::*;

/// Sends one call and gives what arrived.
async fn arrival(way: Authentication, call: &Call) -> (Received, String) {
    let server = FakeServer::start(Behaviour::KeepAlive(reply("200 OK", "", "{}"))).await;
    let outcome = merchant_at(&format!("http://{}", server.address), way)
        .send(call)
        .await;
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    (server.received().remove(0), server.address)
}

/// What both schemes send alike.
fn check_plain_headers(received: &Received, call: &Call, host: &str) {
    assert_eq!(
        received.line,
        format!("{} {} HTTP/1.1", call.method, call.path)
    );
    assert_eq!(received.header("host"), Some(host));
    let agent = format!("scmp-gateway/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(received.header("user-agent"), Some(agent.as_str()));
    assert!(
        received
            .header("accept")
            .unwrap()
            .contains("application/json;charset=utf-8")
    );
    assert_eq!(received.header("accept-encoding"), None);
    assert_eq!(received.header("cookie"), None);
    assert_eq!(received.header("if-match"), call.if_match.as_deref());
    assert_eq!(received.body, call.body.clone().unwrap_or_default());
    let json = call.body.is_some().then_some("application/json");
    assert_eq!(received.header("content-type"), json);
    assert_eq!(
        received.header("profile-id").is_some(),
        call.path.starts_with("/tms/")
    );
}

fn sha256_base64(body: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, body))
}

#[tokio::test]
async fn jwt_arrives_as_one_bearer_token_over_the_request() {
    let patch = Call {
        method: Method::PATCH,
        if_match: Some("\"7\"".into()),
        ..post()
    };
    let empty = Call {
        body: None,
        ..post()
    };
    for call in [
        post(),
        patch,
        empty,
        get(),
        Call {
            method: Method::DELETE,
            ..get()
        },
    ] {
        let (received, host) = arrival(jwt(), &call).await;
        check_plain_headers(&received, &call, &host);
        for name in ["v-c-merchant-id", "signature", "digest"] {
            assert_eq!(received.header(name), None);
        }
        let token = received
            .header("authorization")
            .unwrap()
            .strip_prefix("Bearer ")
            .unwrap();
        let key = DecodingKey::from_secret(&STANDARD.decode(SECRET).unwrap());
        let token =
            jsonwebtoken::decode::<Value>(token, &key, &Validation::new(Algorithm::HS256)).unwrap();
        assert_eq!(token.header.kid.as_deref(), Some(KEY_ID));
        let claims = &token.claims;
        assert_eq!(
            claims["request-method"],
            call.method.as_str().to_lowercase()
        );
        assert_eq!(claims["request-host"], host);
        assert_eq!(claims["request-resource-path"], call.path);
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            120
        );
        let digest = (call.method != Method::GET && call.method != Method::DELETE)
            .then(|| sha256_base64(&received.body));
        assert_eq!(
            claims.get("digest").and_then(Value::as_str),
            digest.as_deref()
        );
    }
}

#[tokio::test]
async fn an_http_signature_can_be_verified_from_what_arrives() {
    for call in [
        post(),
        Call {
            body: None,
            ..post()
        },
        get(),
    ] {
        let (received, host) = arrival(Authentication::HttpSignature(shared_secret()), &call).await;
        check_plain_headers(&received, &call, &host);
        assert_eq!(received.header("authorization"), None);
        assert_eq!(received.header("v-c-merchant-id"), Some("mid1234"));
        let digest = (call.method == Method::POST)
            .then(|| format!("SHA-256={}", sha256_base64(&received.body)));
        assert_eq!(received.header("digest"), digest.as_deref());

        let header = received.header("signature").unwrap();
        let part = |name: &str| {
            let start = header.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
            &header[start..start + header[start..].find('"').unwrap()]
        };
        let target = received.line.trim_end_matches(" HTTP/1.1");
        let (method, path) = target.split_once(' ').unwrap();
        let lines: Vec<String> = part("headers")
            .split(' ')
            .map(|name| match name {
                "request-target" => format!("{name}: {} {path}", method.to_lowercase()),
                _ => format!("{name}: {}", received.header(name).unwrap()),
            })
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
        let signature = STANDARD.decode(part("signature")).unwrap();
        hmac::verify(&key, lines.join("\n").as_bytes(), &signature).unwrap();
        assert_eq!(part("keyid"), KEY_ID);
    }
}
