//! The operators' listener: whether the gateway lives, whether it takes requests, and what it counted.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::Gateway;

/// Whether requests are taken; shared by the listeners.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether requests are taken from now on.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Answers `/healthz`, `/readyz` and `/metrics` until it is dropped.
pub async fn run(listener: TcpListener, readiness: Readiness, gateway: Arc<Gateway>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: waiting is all that helps.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (readiness, gateway) = (readiness.clone(), Arc::clone(&gateway));
        let service = service_fn(move |request| {
            let response = answer(&request, &readiness, &gateway);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(5))
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // An operator's tool that hangs up is nobody's concern.
            let _ended = connection.await;
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    readiness: &Readiness,
    gateway: &Gateway,
) -> Response<Full<Bytes>> {
    let known = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text): (_, Bytes) = match request.uri().path() {
        "/healthz" | "/readyz" | "/metrics" if !known => {
            (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into())
        }
        "/healthz" => (StatusCode::OK, "alive\n".into()),
        "/readyz" if readiness.get() => (StatusCode::OK, "ready\n".into()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".into()),
        "/metrics" => (StatusCode::OK, gateway.metrics().into()),
        _ => (
            StatusCode::NOT_FOUND,
            "/healthz, /readyz and /metrics are here\n".into(),
        ),
    };
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
