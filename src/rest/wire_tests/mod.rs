//! Tests over sockets: what arrives on the wire, and how each way to fail is judged.

mod headers;
mod http2;
mod outcomes;
mod sealed;

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::fake_server::FakeServer;
use super::*;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const KEY_ID: &str = "08c94330-f618-42a3-b09d-e1e43be5efda";
const BODY: &str = r#"{"card":"canary-body"}"#;

fn settings(base_url: &str) -> ClientSettings {
    ClientSettings {
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_secs(5),
        max_reply_bytes: 1000,
        ..ClientSettings::new(base_url)
    }
}

fn shared_secret() -> SharedSecret {
    SharedSecret {
        key_id: KEY_ID.into(),
        secret: Secret::from_base64(SECRET).unwrap(),
    }
}

/// JWT with the shared secret, nothing sealed.
fn jwt() -> Authentication {
    Authentication::shared_secret(KEY_ID, Secret::from_base64(SECRET).unwrap())
}

fn credentials(authentication: Authentication) -> Credentials {
    Credentials {
        merchant_id: "mid1234".into(),
        authentication,
        response_key: None,
        portfolio_id: None,
        profile_id: Some("93B32398-AD51-4CC2-A682-EA3E93614EB1".into()),
    }
}

fn merchant_at(base_url: &str, authentication: Authentication) -> Merchant {
    Client::new(&settings(base_url))
        .unwrap()
        .merchant(credentials(authentication), None)
        .unwrap()
}

fn merchant(server: &FakeServer) -> Merchant {
    merchant_at(&format!("http://{}", server.address), jwt())
}

fn post() -> Call {
    Call {
        method: Method::POST,
        path: "/pts/v2/payments".into(),
        if_match: None,
        body: Some(Bytes::from_static(BODY.as_bytes())),
        sealable: true,
        accept: Accept::Json,
    }
}

fn get() -> Call {
    let path = "/tms/v2/customers/A1%2F2/payment-instruments?offset=0&limit=20".into();
    Call {
        method: Method::GET,
        path,
        if_match: None,
        body: None,
        sealable: false,
        accept: Accept::Json,
    }
}

fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}
