//! The other side: answers every request with the same reply, over TLS with a P-256 certificate of its own.
//!
//! `--listen ADDR --certificate FILE --reply FILE [--clear ADDR] [--delay MS] [--protocols h2,http/1.1] [--seal-for PEM]`
//!
//! `--certificate` is written: the certificate to trust. `GET /count` answers how many other requests came. With
//! `--clear` the same is served without TLS, too. `--seal-for` names a certificate; the reply is sealed for its key.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use load::{Options, runtime};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

struct Upstream {
    reply: Bytes,
    delay: Option<Duration>,
    count: AtomicU64,
}

fn main() {
    let options = Options::read();
    let reply = std::fs::read(options.need("reply")).expect("the reply");
    let reply = match options.get("seal-for") {
        Some(path) => sealed(&reply, path),
        None => reply,
    };
    let delay = options.number("delay", 0);
    let upstream = Arc::new(Upstream {
        reply: reply.into(),
        delay: (delay > 0).then(|| Duration::from_millis(delay)),
        count: AtomicU64::new(0),
    });
    let tls = tls(&options);
    runtime(0).block_on(async {
        let listener = TcpListener::bind(options.need("listen"))
            .await
            .expect("an address");
        if let Some(clear) = options.get("clear") {
            let clear = TcpListener::bind(clear).await.expect("an address");
            tokio::spawn(serve(clear, None, Arc::clone(&upstream)));
        }
        serve(listener, Some(tls), upstream).await;
    });
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, upstream: Arc<Upstream>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (tls, upstream) = (tls.clone(), Arc::clone(&upstream));
        tokio::spawn(async move {
            match tls {
                None => connection(stream, upstream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(stream, upstream).await;
                    }
                }
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    upstream: Arc<Upstream>,
) {
    let service = service_fn(move |request| {
        let upstream = Arc::clone(&upstream);
        async move { Ok::<_, Infallible>(upstream.answer(request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    // Whoever hangs up has had enough.
    let _ended = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Upstream {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() == "/count" {
            return Response::new(self.count.load(Ordering::Relaxed).to_string().into());
        }
        let read = request.into_body().collect().await.is_ok();
        self.count.fetch_add(u64::from(read), Ordering::Relaxed);
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
        let response = Response::builder()
            .status(201)
            .header(header::CONTENT_TYPE, "application/hal+json;charset=utf-8")
            .header("v-c-correlation-id", "5a2f9c1e-6b7d-4e0f-8a3b-2c1d0e9f8a7b");
        response
            .body(Full::new(self.reply.clone()))
            .expect("a response")
    }
}

fn tls(options: &Options) -> TlsAcceptor {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    std::fs::write(options.need("certificate"), made.cert.pem())
        .expect("a place for the certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let protocols = options.get("protocols").unwrap_or("http/1.1");
    config.alpn_protocols = protocols
        .split(',')
        .map(|name| name.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// The reply as a JWE (RSA-OAEP-256, A256GCM) in its envelope: the same for every request, as nobody looks for that.
fn sealed(reply: &[u8], public_key: &str) -> Vec<u8> {
    let key = SubjectPublicKeyInfoDer::from_pem_file(public_key).expect("a public key in PEM");
    let key = PublicEncryptingKey::from_der(&key).expect("an RSA key");
    let key = OaepPublicEncryptingKey::new(key).expect("an RSA key");
    let content_key = [7; 32];
    let mut wrapped = vec![0; key.ciphertext_size()];
    let wrapped = key.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut wrapped, None);
    let wrapped = wrapped.expect("a sealed key");
    let header = URL_SAFE_NO_PAD
        .encode(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"json","typ":"JWT"}"#);
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).expect("a key"));
    let mut text = reply.to_vec();
    let nonce = Nonce::assume_unique_for_key([9; 12]);
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut text);
    let tag = tag.expect("a sealed text");
    let parts = [&*wrapped, &[9; 12], &text, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{{\"encryptedResponse\":\"{header}.{}\"}}", parts.join(".")).into_bytes()
}
