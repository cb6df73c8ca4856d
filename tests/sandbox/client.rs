//! A running sandbox, and a client of a hundred lines.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use scmp_gateway::sandbox::{self, Merchant, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The merchant of `Settings::builtin()`.
pub const FIRST: Key = Key {
    merchant: "mid1234",
    key_id: "08c94330-f618-42a3-b09d-e1e43be5efda",
    secret: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
};
/// Another merchant.
pub const SECOND: Key = Key {
    merchant: "mid5678",
    key_id: "second-key",
    secret: "c2Vjb25kIHNlY3JldA==",
};

/// A merchant's key, as a merchant has it.
#[derive(Clone, Copy)]
pub struct Key {
    pub merchant: &'static str,
    pub key_id: &'static str,
    pub secret: &'static str,
}

/// A sandbox on a port of its own; ends with the test's runtime.
pub struct Running {
    pub host: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), sandbox::SandboxError>>,
}

impl Running {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings that are changed from the usual ones.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let mut settings = Settings::builtin();
        settings.merchants.push(Merchant::with_secret(
            SECOND.merchant,
            SECOND.key_id,
            STANDARD.decode(SECOND.secret).unwrap(),
        ));
        change(&mut settings);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(sandbox::run(listener, settings, async {
            stopped.await.ok();
        }));
        Self { host, stop, server }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }

    /// Sends bytes on a connection of their own and reads to the end.
    pub async fn exchange(&self, bytes: &[u8]) -> Answer {
        Answer::parse(&self.received(bytes).await)
    }

    /// What comes back before the connection ends.
    pub async fn received(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        received
    }

    pub async fn send(&self, request: &Request) -> Answer {
        self.exchange(&request.bytes()).await
    }

    /// A request of the first merchant with a good JWT.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path, &self.host)
    }

    /// A request to whatever host.
    pub fn request_to(host: &str, method: &str, path: &str) -> Request {
        Request::new(method, path, host)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&self.request("GET", path).jwt(FIRST)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request("POST", path).body(&body.to_string());
        self.send(&request.jwt(FIRST)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        let request = self.request("PATCH", path).body(&body.to_string());
        self.send(&request.jwt(FIRST)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(&self.request("DELETE", path).jwt(FIRST)).await
    }

    pub async fn card(&self, number: &str) -> String {
        let body = json!({"card": {"number": number}});
        self.post("/tms/v1/instrumentidentifiers", body).await.id()
    }

    /// A customer's path.
    pub async fn customer(&self) -> String {
        let made = self.post("/tms/v2/customers", json!({})).await;
        format!("/tms/v2/customers/{}", made.id())
    }

    /// A new payment instrument's path.
    pub async fn instrument(&self, customer: &str, identifier: &str) -> String {
        let list = format!("{customer}/payment-instruments");
        let body = json!({"instrumentIdentifier": {"id": identifier}});
        let made = self.post(&list, body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        format!("{list}/{}", made.id())
    }
}

/// A request before it is bytes.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    fn new(method: &str, path: &str, host: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![("Host".to_owned(), host.to_owned())],
            body: String::new(),
        }
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn has_digest(&self) -> bool {
        self.method != "GET" && self.method != "DELETE"
    }

    /// The claims that the provider's documents ask for.
    pub fn claims(&self, key: Key) -> Value {
        let now = now();
        let mut claims = json!({
            "iat": now, "exp": now + 120, "iss": key.merchant, "jti": "jti-1",
            "request-method": self.method, "request-host": self.headers[0].1,
            "request-resource-path": self.path,
            "v-c-jwt-version": "2", "v-c-merchant-id": key.merchant,
        });
        if self.has_digest() {
            claims["digestAlgorithm"] = json!("SHA-256");
            claims["digest"] = json!(sha256(&self.body));
        }
        claims
    }

    pub fn jwt(self, key: Key) -> Self {
        let claims = self.claims(key);
        self.jwt_of(key, &claims)
    }

    pub fn jwt_of(self, key: Key, claims: &Value) -> Self {
        let header = json!({"alg": "HS256", "kid": key.key_id, "typ": "JWT"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let tag = URL_SAFE_NO_PAD.encode(hmac(key, &signed));
        self.header("Authorization", &format!("Bearer {signed}.{tag}"))
    }

    /// Signs as the provider's SDKs do.
    pub fn signature(self, key: Key) -> Self {
        self.signature_at(key, SystemTime::now())
    }

    pub fn signature_at(mut self, key: Key, date: SystemTime) -> Self {
        let host = self.headers[0].1.clone();
        let date = httpdate::fmt_http_date(date);
        let verb = self.method.to_lowercase();
        let mut lines = vec![
            ("host", host),
            ("date", date.clone()),
            ("request-target", format!("{verb} {}", self.path)),
        ];
        self = self.header("Date", &date);
        if self.has_digest() {
            let digest = format!("SHA-256={}", sha256(&self.body));
            self = self.header("Digest", &digest);
            lines.push(("digest", digest));
        }
        self = self.header("v-c-merchant-id", key.merchant);
        lines.push(("v-c-merchant-id", key.merchant.to_owned()));
        let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
        let text: Vec<String> = lines.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        let tag = STANDARD.encode(hmac(key, &text.join("\n")));
        let value = format!(
            "keyid=\"{}\", algorithm=\"HmacSHA256\", headers=\"{}\", signature=\"{tag}\"",
            key.key_id,
            names.join(" ")
        );
        self.header("Signature", &value)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = self.body.len();
        head.push_str(&format!(
            "Connection: close\r\nContent-Length: {length}\r\n\r\n"
        ));
        [head.as_bytes(), self.body.as_bytes()].concat()
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    head: String,
    /// The body as text.
    pub text: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Self {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            text: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn etag(&self) -> &str {
        self.header("etag").expect("an ETag")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Status and the type of the first error of TMS.
    pub fn error(&self) -> (u16, String) {
        let class = self.json()["errors"][0]["type"].clone();
        (self.status, class.as_str().unwrap_or("-").to_owned())
    }

    /// Name and location of each detail of the first error.
    pub fn details(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let details = self.json()["errors"][0]["details"].clone();
        let details = details.as_array().cloned().unwrap_or_default();
        details
            .iter()
            .map(|detail| (text(&detail["name"]), text(&detail["location"])))
            .collect()
    }
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

fn sha256(body: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes()))
}

fn hmac(key: Key, message: &str) -> hmac::Tag {
    let secret = STANDARD.decode(key.secret).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    hmac::sign(&key, message.as_bytes())
}
