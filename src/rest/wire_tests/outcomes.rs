//! How each way to fail is judged, and that a request never comes twice.

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::super::fake_server::Behaviour;
use super::*;

/// Sends a POST to a server that behaves so; it must have come exactly `times` times.
async fn outcome_of(behaviour: Behaviour, times: usize) -> Outcome {
    let server = FakeServer::start(behaviour).await;
    let outcome = merchant(&server).send(&post()).await;
    // A second try would follow at once.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.received().len(), times);
    let shown = format!("{outcome:?}");
    assert!(!shown.contains("canary"), "{shown}");
    if let Outcome::NotSent(failure) | Outcome::Unknown(failure) = &outcome {
        assert!(failure.to_string().contains(&server.address), "{failure}");
    }
    outcome
}

fn cut_reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Unknown(Failure::Cut { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn any_status_is_an_answer_and_a_redirect_is_not_followed() {
    let headers = "ETag: \"31\"\r\nLocation: /elsewhere\r\n";
    for (status, code) in [("201 Created", 201), ("302 Found", 302), ("502 Bad", 502)] {
        let behaviour = Behaviour::Reply(reply(status, headers, "{}"));
        let Outcome::Answered(answer) = outcome_of(behaviour, 1).await else {
            panic!("{status}")
        };
        assert_eq!(answer.status, code);
        assert_eq!(answer.etag.as_deref(), Some("\"31\""));
        assert_eq!(answer.body, "{}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = merchant_at(&url, jwt()).send(&post()).await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::Connect { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_unknown_host_is_not_sent() {
    let outcome = merchant_at("https://host.invalid", jwt())
        .send(&post())
        .await;
    // A machine whose name server does not answer runs into the limit instead.
    let not_sent = matches!(
        outcome,
        Outcome::NotSent(Failure::Resolve { .. } | Failure::ConnectTimeout { .. })
    );
    assert!(not_sent, "{outcome:?}");
}

#[tokio::test]
async fn a_failed_handshake_is_not_sent() {
    let server = FakeServer::start(Behaviour::Greet(b"220 not a TLS server\r\n")).await;
    let url = format!("https://{}", server.address);
    let outcome = merchant_at(&url, jwt()).send(&post()).await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::Tls { .. })),
        "{outcome:?}"
    );

    let server = FakeServer::start(Behaviour::Close).await;
    let url = format!("https://{}", server.address);
    let outcome = merchant_at(&url, jwt()).send(&post()).await;
    // Closing with the hello unread is an end of file or a reset, as the race goes.
    let not_sent = matches!(
        outcome,
        Outcome::NotSent(Failure::Tls { .. } | Failure::Connect { .. })
    );
    assert!(not_sent, "{outcome:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_not_sent() {
    let server = FakeServer::start(Behaviour::Ignore).await;
    let mut settings = settings(&format!("https://{}", server.address));
    settings.connect_timeout = Duration::from_millis(100);
    let client = Client::new(&settings).unwrap();
    let outcome = client
        .merchant(credentials(jwt()), None)
        .unwrap()
        .send(&post())
        .await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::ConnectTimeout { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_call_that_ends_before_it_has_a_connection_is_not_sent() {
    let server = FakeServer::start(Behaviour::Ignore).await;
    let mut settings = settings(&format!("https://{}", server.address));
    settings.timeout = Duration::from_millis(100);
    let client = Client::new(&settings).unwrap();
    let merchant = client.merchant(credentials(jwt()), None).unwrap();
    let outcome = merchant.send(&post()).await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::ConnectTimeout { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_connection_that_ends_without_reply_is_unknown() {
    cut_reason(outcome_of(Behaviour::Close, 0).await);
    let reason = cut_reason(outcome_of(Behaviour::ReadAndClose, 1).await);
    assert_eq!(reason, "closed by the other side");
    let reason = cut_reason(outcome_of(Behaviour::ReadAndReset, 1).await);
    assert_eq!(reason, "connection reset");
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let half = b"HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\nhalf".to_vec();
    for behaviour in [
        Behaviour::Hang,
        Behaviour::Ignore,
        Behaviour::KeepAlive(half),
    ] {
        let server = FakeServer::start(behaviour).await;
        let mut settings = settings(&format!("http://{}", server.address));
        settings.timeout = Duration::from_millis(150);
        let client = Client::new(&settings).unwrap();
        let outcome = client
            .merchant(credentials(jwt()), None)
            .unwrap()
            .send(&post())
            .await;
        assert!(
            matches!(outcome, Outcome::Unknown(Failure::Timeout { .. })),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn half_a_reply_is_unknown() {
    for bytes in [
        "HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\nhalf",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 201 Created\r\nContent-Le",
    ] {
        let reason = cut_reason(outcome_of(Behaviour::Reply(bytes.into()), 1).await);
        assert!(!reason.is_empty());
    }
    let reason = cut_reason(outcome_of(Behaviour::Reply(b"canary\r\n\r\n".into()), 1).await);
    assert_eq!(reason, "the reply is not HTTP");
}

#[tokio::test]
async fn a_reply_over_the_limit_is_unknown_and_one_at_it_is_not() {
    let over = "x".repeat(1001);
    let chunked = format!(
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{over}\r\n0\r\n\r\n"
    );
    for bytes in [reply("201 Created", "", &over), chunked.into_bytes()] {
        let outcome = outcome_of(Behaviour::Reply(bytes), 1).await;
        let large = matches!(
            outcome,
            Outcome::Unknown(Failure::ReplyTooLarge { limit: 1000, .. })
        );
        assert!(large, "{outcome:?}");
    }
    let outcome = outcome_of(Behaviour::Reply(reply("200 OK", "", &over[..1000])), 1).await;
    assert!(matches!(outcome, Outcome::Answered(answer) if answer.body.len() == 1000));
}

#[tokio::test]
async fn a_call_that_cannot_be_sent_unchanged_is_not_sent() {
    let server = FakeServer::start(Behaviour::Reply(reply("200 OK", "", ""))).await;
    let merchant = merchant(&server);
    for path in [
        "",
        "payments",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a b",
        "/a#b",
        "/a\r\nX: y",
    ] {
        let outcome = merchant
            .send(&Call {
                path: path.into(),
                ..get()
            })
            .await;
        assert!(
            matches!(outcome, Outcome::NotSent(Failure::InvalidCall { .. })),
            "{path:?}"
        );
    }
    let unsigned = merchant
        .send(&Call {
            body: post().body,
            ..get()
        })
        .await;
    assert!(matches!(
        unsigned,
        Outcome::NotSent(Failure::InvalidCall { .. })
    ));
    let outcome = merchant
        .send(&Call {
            if_match: Some("a\r\nX: y".into()),
            ..get()
        })
        .await;
    assert!(matches!(
        outcome,
        Outcome::NotSent(Failure::InvalidHeader {
            name: "if-match",
            ..
        })
    ));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn connections_are_reused_and_closed_ones_replaced() {
    let server = FakeServer::start(Behaviour::Reply(reply("200 OK", "", "1"))).await;
    let merchant = merchant(&server);
    for _ in 0..3 {
        assert!(matches!(merchant.send(&post()).await, Outcome::Answered(_)));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn what_has_no_time_left_is_not_sent() {
    let server = FakeServer::start(Behaviour::Reply(reply("201 Created", "", "{}"))).await;
    let merchant = merchant(&server);
    let outcome = merchant
        .send_within(&post(), Instant::now(), Duration::ZERO)
        .await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::Timeout { .. })),
        "{outcome:?}"
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.received().is_empty());
}
