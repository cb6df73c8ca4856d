//! TLS with a private authority, HTTP/2 when the client speaks it.

use std::time::Duration;

use scmp_gateway::sandbox::{self, Listeners, Settings, Tls};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::client::{FIRST, Running};

async fn check(client: reqwest::ClientBuilder, version: reqwest::Version, pem: &str, port: u16) {
    let authority = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let client = client
        .tls_certs_only([authority])
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let host = format!("localhost:{port}");
    let path = "/tms/v2/customers";
    // What a request is signed with, for the host as it is asked.
    let request = Running::request_to(&host, "POST", path)
        .body("{}")
        .signature(FIRST);
    let mut sent = client.post(format!("https://{host}{path}")).body("{}");
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "Host") {
        sent = sent.header(name, value);
    }
    let answer = sent.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (201, version));
}

#[tokio::test]
async fn both_versions_of_http_are_served() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = Tls::private(None).unwrap();
    let pem = tls.authority_pem().unwrap().to_owned();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut settings = Settings::builtin();
    settings.tls = Some(tls);
    let listeners = Listeners {
        plain,
        tls: Some(listener),
    };
    let server = tokio::spawn(sandbox::run(listeners, settings, async {
        stopped.await.ok();
    }));
    let client = reqwest::Client::builder;
    check(client(), reqwest::Version::HTTP_2, &pem, port).await;
    check(client().http1_only(), reqwest::Version::HTTP_11, &pem, port).await;
    let strange = client().build().unwrap();
    assert!(
        strange
            .get(format!("https://localhost:{port}/"))
            .send()
            .await
            .is_err()
    );
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_authority_is_kept_and_files_of_ones_own_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let pem = |tls: &Tls| tls.authority_pem().map(str::to_owned);
    let first = pem(&Tls::private(Some(folder.path())).unwrap());
    assert!(first.is_some());
    assert_eq!(pem(&Tls::private(Some(folder.path())).unwrap()), first);
    let (chain, key) = (
        folder.path().join("ca.pem"),
        folder.path().join("ca-key.pem"),
    );
    assert!(Tls::from_files(&chain, &key).is_ok());
    assert!(Tls::from_files(&chain, &chain).is_err());
    assert!(Tls::from_files(&folder.path().join("absent"), &key).is_err());
}
