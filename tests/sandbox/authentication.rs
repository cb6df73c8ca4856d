//! Who is let in, and who is not.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::client::{FIRST, Key, Request, Running, SECOND, now};

const CUSTOMERS: &str = "/tms/v2/customers";
const REFUSED: &str = r#"{"response":{"rmsg":"Authentication Failed"}}"#;

/// The first merchant's key id with another secret.
const FORGED: Key = Key {
    secret: "d3Jvbmcgc2VjcmV0",
    ..FIRST
};

async fn assert_refused(sandbox: &Running, request: &Request, what: &str) {
    let answer = sandbox.send(request).await;
    assert_eq!(answer.status, 401, "{what}: {}", answer.text);
    assert_eq!(answer.text, REFUSED, "{what}");
    assert!(answer.header("v-c-correlation-id").is_some());
}

#[tokio::test]
async fn both_schemes_let_a_merchant_in() {
    let sandbox = Running::start().await;
    let post = sandbox.request("POST", CUSTOMERS).body("{}");
    let made = sandbox.send(&post.clone().jwt(FIRST)).await;
    assert_eq!(made.status, 201);
    assert_eq!(sandbox.send(&post.signature(FIRST)).await.status, 201);
    let path = format!("{CUSTOMERS}/{}?x=%20", made.id());
    let get = sandbox.request("GET", &path);
    assert_eq!(sandbox.send(&get.clone().jwt(FIRST)).await.status, 200);
    assert_eq!(sandbox.send(&get.signature(FIRST)).await.status, 200);
}

#[tokio::test]
async fn wrong_secrets_and_unknown_keys_are_refused() {
    let sandbox = Running::start().await;
    let post = sandbox.request("POST", CUSTOMERS).body("{}");
    let unknown = Key {
        key_id: "nobody",
        ..FIRST
    };
    let posing = Key {
        merchant: SECOND.merchant,
        ..FIRST
    };
    assert_refused(&sandbox, &post, "no credentials").await;
    for key in [FORGED, unknown, posing] {
        assert_refused(&sandbox, &post.clone().jwt(key), "JWT").await;
        assert_refused(&sandbox, &post.clone().signature(key), "signature").await;
    }
}

#[tokio::test]
async fn what_is_changed_on_the_way_is_refused() {
    let sandbox = Running::start().await;
    let post = sandbox.request("POST", CUSTOMERS).body("{}");
    for signed in [post.clone().jwt(FIRST), post.clone().signature(FIRST)] {
        let body = signed.clone().body(r#"{"a":1}"#);
        assert_refused(&sandbox, &body, "body").await;
        let mut path = signed.clone();
        path.path.push('/');
        assert_refused(&sandbox, &path, "path").await;
        let mut method = signed.clone();
        method.method = "PATCH".to_owned();
        assert_refused(&sandbox, &method, "method").await;
        let mut host = signed.clone();
        host.headers[0].1 = "elsewhere".to_owned();
        assert_refused(&sandbox, &host, "host").await;
    }
    let mut digest = post.signature(FIRST);
    for (name, value) in &mut digest.headers {
        if name == "Digest" {
            value.push('x');
        }
    }
    assert_refused(&sandbox, &digest, "digest").await;
}

#[tokio::test]
async fn old_requests_are_refused() {
    let sandbox = Running::start().await;
    let post = sandbox.request("POST", CUSTOMERS).body("{}");
    let mut claims = post.claims(FIRST);
    claims["iat"] = json!(now() - 130);
    claims["exp"] = json!(now() - 10);
    assert_refused(&sandbox, &post.clone().jwt_of(FIRST, &claims), "expired").await;
    claims["iat"] = json!(now());
    claims["exp"] = json!(now() + 600);
    assert_refused(&sandbox, &post.clone().jwt_of(FIRST, &claims), "too long").await;
    let date = SystemTime::now() - Duration::from_secs(400);
    assert_refused(&sandbox, &post.signature_at(FIRST, date), "old date").await;
}

#[tokio::test]
async fn authentication_comes_before_everything_else() {
    let sandbox = Running::start().await;
    for (method, path) in [("GET", "/nothing"), ("PUT", CUSTOMERS), ("POST", CUSTOMERS)] {
        let request = sandbox.request(method, path).body("broken");
        assert_refused(&sandbox, &request.jwt(FORGED), path).await;
    }
}

#[tokio::test]
async fn merchants_do_not_see_each_other() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let instrument = sandbox.instrument(&customer, &identifier).await;
    let identifier = format!("/tms/v1/instrumentidentifiers/{identifier}");
    for path in [&identifier, &customer, &instrument] {
        for method in ["GET", "DELETE"] {
            let request = sandbox.request(method, path).jwt(SECOND);
            let answer = sandbox.send(&request).await;
            assert_eq!(answer.error(), (404, "notFound".to_owned()), "{path}");
        }
        assert_eq!(sandbox.get(path).await.status, 200);
    }
    // The same number is another token for another merchant, and new to it.
    let post = sandbox.request("POST", "/tms/v1/instrumentidentifiers");
    let post = post.body(r#"{"card":{"number":"4111111111111111"}}"#);
    let theirs = sandbox.send(&post.jwt(SECOND)).await;
    assert_eq!(theirs.status, 201);
    assert!(!identifier.ends_with(&theirs.id()));
    assert_eq!(theirs.json()["metadata"]["creator"], "mid5678");
}

/// What the sandboxes of this process log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_why_and_holds_nothing_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: a log of one thread misses events that another thread met first. So the
    // log also has the requests of the tests that run beside this one.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let sandbox = Running::start().await;
    let number = "4111111111111111";
    let body = json!({"card": {"number": number}}).to_string();
    let post = sandbox.request("POST", "/tms/v1/instrumentidentifiers");
    let post = post.body(&body);
    let id = sandbox.send(&post.clone().jwt(FIRST)).await.id();
    sandbox
        .get(&format!("/tms/v1/instrumentidentifiers/{id}"))
        .await;
    sandbox.send(&post.clone().jwt(FORGED)).await;
    sandbox.send(&post.clone().jwt(FIRST).body("{}")).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for needed in [
        "signature mismatch",
        "bad digest",
        "mid1234",
        &id,
        "status=201",
    ] {
        assert!(log.contains(needed), "{needed} in {log}");
    }
    for secret in [number, FIRST.secret, FORGED.secret, "Bearer"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
