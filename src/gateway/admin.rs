//! The operators' listener: whether the gateway lives, and whether it takes requests.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

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

/// Answers `/healthz` and `/readyz` until it is dropped.
pub async fn run(listener: TcpListener, readiness: Readiness) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: waiting is all that helps.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let readiness = readiness.clone();
        let service = service_fn(move |request| {
            let response = answer(&request, &readiness);
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

fn answer(request: &Request<Incoming>, readiness: &Readiness) -> Response<Full<Bytes>> {
    let known = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = match request.uri().path() {
        "/healthz" if known => (StatusCode::OK, "alive\n"),
        "/readyz" if known && readiness.get() => (StatusCode::OK, "ready\n"),
        "/readyz" if known => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        "/healthz" | "/readyz" => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n"),
        _ => (StatusCode::NOT_FOUND, "/healthz and /readyz are here\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
