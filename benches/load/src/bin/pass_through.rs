//! The least that a proxy of this kind does: hyper's server, hyper-util's pooled client, rustls, nothing between them.
//!
//! `--listen ADDR --to URL --trust FILE [--workers N] [--crypto aws-lc|ring] [--signs hs256|rs256 --key FILE]`: without
//! workers the runtime is the current thread's. With `--signs` it does the cryptography of a signed call, too, on that very
//! thread: no gateway of this kind can do with less.

use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use load::signing::Signer;
use load::{Options, runtime};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::TcpListener;
use tokio_rustls::rustls::crypto::{aws_lc_rs, ring};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Pool = Client<HttpsConnector<HttpConnector>, Incoming>;

fn main() {
    let options = Options::read();
    runtime(options.number("workers", 0)).block_on(run(&options));
}

async fn run(options: &Options) {
    let to: Uri = options.need("to").parse().expect("a URL");
    let scheme = to.scheme_str().expect("a scheme").to_owned();
    let authority = to.authority().expect("a host").clone();
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector(options));
    let signer = Signer::of(options);
    let shared = Arc::new((pool, scheme, authority, signer));
    let listener = TcpListener::bind(options.need("listen"))
        .await
        .expect("an address");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move {
                let (pool, scheme, authority, signer) = &*shared;
                signer.sign();
                pool.request(redirected(request, scheme, authority)).await
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn redirected(
    mut request: Request<Incoming>,
    scheme: &str,
    authority: &Authority,
) -> Request<Incoming> {
    let uri = Uri::builder().scheme(scheme).authority(authority.clone());
    *request.uri_mut() = uri
        .path_and_query("/pts/v2/payments")
        .build()
        .expect("a URL");
    request.headers_mut().remove(HOST);
    request
}

fn connector(options: &Options) -> HttpsConnector<HttpConnector> {
    let certificate = CertificateDer::from_pem_file(options.need("trust")).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = match options.get("crypto") {
        Some("ring") => ring::default_provider(),
        _ => aws_lc_rs::default_provider(),
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http)
}
