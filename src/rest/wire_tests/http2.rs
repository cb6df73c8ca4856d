//! The other side chooses the protocol: HTTP/2 where it can.

use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex};

use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::*;

type Reply = Result<Response<Full<Bytes>>, h2::Error>;

/// A host that speaks HTTP/2 only.
struct Host {
    url: String,
    ca: NamedTempFile,
    connections: Arc<Mutex<usize>>,
}

impl Host {
    /// Answers each request as `answer` does, which is told how many connections there were by then.
    async fn start<A>(
        answer: impl Fn(usize, Request<Incoming>) -> A + Clone + Send + 'static,
    ) -> Host
    where
        A: Future<Output = Reply> + Send + 'static,
    {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let mut ca = NamedTempFile::new().unwrap();
        ca.write_all(made.cert.pem().as_bytes()).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let mut tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let connections = Arc::new(Mutex::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(tls));
            loop {
                let stream = acceptor
                    .accept(listener.accept().await.unwrap().0)
                    .await
                    .unwrap();
                let number = {
                    let mut counted = counted.lock().unwrap();
                    *counted += 1;
                    *counted
                };
                let answer = answer.clone();
                let service = service_fn(move |request| answer(number, request));
                let builder = http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Host {
            url,
            ca,
            connections,
        }
    }

    fn merchant(&self, timeout: Duration) -> Merchant {
        let settings = ClientSettings {
            ca_file: Some(self.ca.path().to_owned()),
            timeout,
            ..settings(&self.url)
        };
        let client = Client::new(&settings).unwrap();
        client.merchant(credentials(jwt()), None).unwrap()
    }

    fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn done() -> Reply {
    Ok(Response::new(Full::new(Bytes::from_static(
        b"{\"id\":\"1\"}",
    ))))
}

async fn is_answered(merchant: &Merchant) {
    let outcome = merchant.send(&post()).await;
    assert!(
        matches!(&outcome, Outcome::Answered(answer) if answer.body == "{\"id\":\"1\"}"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn many_calls_share_one_connection_of_http_2() {
    // Version, what names the host, and the body.
    let came = Arc::new(Mutex::new(Vec::new()));
    let seen = came.clone();
    let host = Host::start(move |_, request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            assert!(!head.headers.contains_key("host"), "the authority says it");
            let mut seen = seen.lock().unwrap();
            seen.push((head.version, head.uri.to_string(), body));
            done()
        }
    })
    .await;
    let merchant = host.merchant(Duration::from_secs(5));
    let sent = || is_answered(&merchant);
    sent().await;
    tokio::join!(sent(), sent(), sent());
    assert_eq!(host.connections(), 1);
    let uri = format!("{}/pts/v2/payments", host.url);
    assert_eq!(
        *came.lock().unwrap(),
        vec![(Version::HTTP_2, uri, Bytes::from_static(BODY.as_bytes())); 4]
    );
}

#[tokio::test]
async fn a_connection_that_falls_silent_costs_no_call_but_those_under_way() {
    let requests = Arc::new(Mutex::new(0));
    let counted = requests.clone();
    let host = Host::start(move |connection, _| {
        let number = {
            let mut counted = counted.lock().unwrap();
            *counted += 1;
            *counted
        };
        async move {
            // The first connection answers once.
            if connection == 1 && number > 1 {
                std::future::pending::<()>().await;
            }
            done()
        }
    })
    .await;
    let merchant = host.merchant(Duration::from_millis(1500));
    is_answered(&merchant).await;
    let outcome = merchant.send(&post()).await;
    assert!(
        matches!(outcome, Outcome::Unknown(Failure::Timeout { .. })),
        "{outcome:?}"
    );
    assert_eq!(host.connections(), 1);
    is_answered(&merchant).await;
    is_answered(&merchant).await;
    assert_eq!(host.connections(), 2);
    assert_eq!(*requests.lock().unwrap(), 4, "nothing was sent twice");
}

#[tokio::test]
async fn what_the_other_side_says_that_it_did_not_process_is_not_sent() {
    for (reason, not_sent) in [
        (h2::Reason::REFUSED_STREAM, true),
        (h2::Reason::INTERNAL_ERROR, false),
    ] {
        let host = Host::start(move |_, _| async move { Err(h2::Error::from(reason)) }).await;
        let outcome = host.merchant(Duration::from_secs(5)).send(&post()).await;
        assert_eq!(
            matches!(outcome, Outcome::NotSent(Failure::NotTaken { .. })),
            not_sent,
            "{outcome:?}"
        );
        let lost = matches!(outcome, Outcome::Unknown(Failure::Cut { .. }));
        assert_eq!(lost, !not_sent, "{outcome:?}");
    }
}
