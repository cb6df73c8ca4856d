//! Headers, limits, paths, and the end.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{FIRST, Running};

const CUSTOMERS: &str = "/tms/v2/customers";

#[tokio::test]
async fn every_reply_can_be_traced() {
    let sandbox = Running::start().await;
    let one = sandbox.post(CUSTOMERS, json!({})).await;
    let other = sandbox.post(CUSTOMERS, json!({})).await;
    let content_type = one.header("content-type");
    assert_eq!(content_type, Some("application/json;charset=utf-8"));
    for name in ["v-c-correlation-id", "uniqueTransactionID", "etag"] {
        assert!(one.header(name).is_some(), "{name}");
        assert_ne!(one.header(name), other.header(name), "{name}");
    }
    assert!(one.etag().starts_with('"') && one.etag().ends_with('"'));
}

#[tokio::test]
async fn broken_bodies_are_invalid_requests() {
    let sandbox = Running::start().await;
    let path = sandbox.customer().await;
    for (method, path) in [("POST", CUSTOMERS), ("PATCH", path.as_str())] {
        for body in ["", "{", "[]", "null", "\"x\"", "{}}"] {
            let request = sandbox.request(method, path).body(body);
            let answer = sandbox.send(&request.jwt(FIRST)).await;
            assert_eq!(answer.error(), (400, "invalidRequest".to_owned()), "{body}");
            assert!(answer.text.contains("Invalid HTTP Body"));
        }
    }
}

#[tokio::test]
async fn a_profile_id_has_36_characters() {
    let sandbox = Running::start().await;
    let request = sandbox.request("POST", CUSTOMERS).body("{}");
    let good = request
        .clone()
        .header("profile-id", "93B32398-AD51-4CC2-A682-EA3E93614EB1");
    assert_eq!(sandbox.send(&good.jwt(FIRST)).await.status, 201);
    let bad = request.header("profile-id", "short").jwt(FIRST);
    let answer = sandbox.send(&bad).await;
    assert_eq!(answer.error(), (400, "invalidHeaders".to_owned()));
    let expected = ("profile-id".to_owned(), String::new());
    assert_eq!(answer.details(), [expected]);
}

#[tokio::test]
async fn paths_and_verbs() {
    let sandbox = Running::start().await;
    let path = sandbox.customer().await;
    assert_eq!(sandbox.get(&format!("{path}/")).await.status, 200);
    let made = sandbox.post(&format!("{CUSTOMERS}/"), json!({})).await;
    assert_eq!(made.status, 201);
    let unknown = sandbox.get("/tms/v9/customers").await;
    assert_eq!(unknown.status, 404);
    let expected = json!({"message": "The requested resource does not exist"});
    assert_eq!(unknown.json(), expected);
    assert_eq!(sandbox.post(&path, json!({})).await.status, 405);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_refused() {
    let sandbox = Running::start().await;
    let comment = "x".repeat(1024 * 1024);
    let mut stream = TcpStream::connect(&sandbox.host).await.unwrap();
    let body = json!({"objectInformation": {"comment": comment}}).to_string();
    let request = sandbox.request("POST", CUSTOMERS).body(&body).jwt(FIRST);
    // The server may close before it has read everything, which ends either side early.
    let _ = stream.write_all(&request.bytes()).await;
    let mut head = [0; 12];
    if stream.read_exact(&mut head).await.is_ok() {
        assert_eq!(&head, b"HTTP/1.1 413");
    }
    let path = sandbox.customer().await;
    assert_eq!(sandbox.get(&path).await.status, 200, "it goes on");
}

#[tokio::test]
async fn what_is_not_http_does_no_harm() {
    let sandbox = Running::start().await;
    let mut stream = TcpStream::connect(&sandbox.host).await.unwrap();
    stream
        .write_all(b"\x16\x03\x01 hello\r\n\r\n")
        .await
        .unwrap();
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 400"));
    let no_host = b"GET / HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer a.b.c\r\n\r\n";
    assert_eq!(sandbox.exchange(no_host).await.status, 401);
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_shutdown_ends_it() {
    let sandbox = Running::start().await;
    let mut stream = TcpStream::connect(&sandbox.host).await.unwrap();
    let request = sandbox.request("POST", CUSTOMERS).body("{}").jwt(FIRST);
    let bytes = String::from_utf8(request.bytes()).unwrap();
    let kept = bytes.replace("Connection: close\r\n", "");
    for _ in 0..2 {
        stream.write_all(kept.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        // A JSON body ends with a brace, a head never does.
        while !reply.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut reply).await.unwrap(), 0);
        }
        assert!(reply.starts_with(b"HTTP/1.1 201"));
    }
    sandbox.stop().await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}
