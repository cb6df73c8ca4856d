//! The other side chooses the protocol: HTTP/2 where it can.

use std::convert::Infallible;
use std::io::Write;
use std::sync::{Arc, Mutex};

use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::*;

/// What came over HTTP/2: its version, what names the host, and the body.
type Came = Arc<Mutex<Vec<(Version, String, Bytes)>>>;

async fn answer(
    request: Request<Incoming>,
    came: Came,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert!(!head.headers.contains_key("host"), "the authority says it");
    came.lock()
        .unwrap()
        .push((head.version, head.uri.to_string(), body));
    Ok(Response::new(Full::new(Bytes::from_static(
        b"{\"id\":\"1\"}",
    ))))
}

#[tokio::test]
async fn many_calls_share_one_connection_of_http_2() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    ca.write_all(made.cert.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (came, connections) = (Came::default(), Arc::new(Mutex::new(0)));
    let (seen, counted) = (came.clone(), connections.clone());
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        loop {
            let stream = acceptor
                .accept(listener.accept().await.unwrap().0)
                .await
                .unwrap();
            *counted.lock().unwrap() += 1;
            let seen = seen.clone();
            let service = service_fn(move |request| answer(request, seen.clone()));
            let builder = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    let settings = ClientSettings {
        ca_file: Some(ca.path().to_owned()),
        ..settings(&format!("https://{address}"))
    };
    let client = Client::new(&settings).unwrap();
    let merchant = client.merchant(credentials(jwt()), None).unwrap();
    let call = post();
    let sent = || async {
        let outcome = merchant.send(&call).await;
        assert!(matches!(outcome, Outcome::Answered(answer) if answer.body == "{\"id\":\"1\"}"));
    };
    sent().await;
    tokio::join!(sent(), sent(), sent());
    assert_eq!(*connections.lock().unwrap(), 1);
    let uri = format!("https://{address}/pts/v2/payments");
    assert_eq!(
        *came.lock().unwrap(),
        vec![(Version::HTTP_2, uri, Bytes::from_static(BODY.as_bytes())); 4]
    );
}
