//! Faults of the way, asked for by a header.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{FIRST, Request, Running};
use super::payments::{PAYMENTS, outcome, payment};

const HEADER: &str = "x-sandbox-fault";

fn faulty(sandbox: &Running, own: &str, fault: &str) -> Request {
    let mut body = payment("10.00");
    body["clientReferenceInformation"]["transactionId"] = json!(own);
    let request = sandbox.request("POST", PAYMENTS).body(&body.to_string());
    request.header(HEADER, fault).jwt(FIRST)
}

/// The status of a reversal by the merchant's own id: 201 when the work was done.
async fn reversal(sandbox: &Running, own: &str) -> u16 {
    let body: Value = json!({"clientReferenceInformation": {"transactionId": own},
        "reversalInformation": {"amountDetails": {"totalAmount": "10.00"}, "reason": "x"}});
    sandbox.post("/pts/v2/reversals", body).await.status
}

#[tokio::test]
async fn a_cut_connection_brings_nothing_whether_or_not_the_work_was_done() {
    let sandbox = Running::start().await;
    for (fault, found) in [("cut-before", 400), ("cut-after", 201)] {
        let request = faulty(&sandbox, fault, fault);
        assert_eq!(sandbox.received(&request.bytes()).await, b"", "{fault}");
        assert_eq!(reversal(&sandbox, fault).await, found, "{fault}");
    }
}

#[tokio::test]
async fn half_a_body_is_shorter_than_announced() {
    let sandbox = Running::start().await;
    let request = faulty(&sandbox, "t1", "half-body");
    let received = String::from_utf8(sandbox.received(&request.bytes()).await).unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert_eq!(body.len(), length / 2);
    assert_eq!(reversal(&sandbox, "t1").await, 201);
}

#[tokio::test]
async fn a_proxys_page_means_that_nothing_was_done() {
    let sandbox = Running::start().await;
    for (status, retry) in [(200, None), (502, None), (503, Some("1")), (429, Some("1"))] {
        let own = format!("t{status}");
        let answer = sandbox
            .send(&faulty(&sandbox, &own, &format!("status={status}")))
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), retry);
        assert_eq!(answer.header("content-type"), Some("text/html"));
        assert_eq!(reversal(&sandbox, &own).await, 400);
    }
}

#[tokio::test]
async fn a_servers_time_out_hides_that_the_work_was_done() {
    let sandbox = Running::start().await;
    let answer = sandbox
        .send(&faulty(&sandbox, "t1", "server-timeout"))
        .await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.json()["reason"], "SERVER_TIMEOUT");
    assert_eq!(reversal(&sandbox, "t1").await, 201);
}

#[tokio::test]
async fn silence_does_nothing() {
    let sandbox = Running::start().await;
    let request = faulty(&sandbox, "t1", "silence").bytes();
    let received = tokio::time::timeout(Duration::from_millis(200), sandbox.received(&request));
    assert!(received.await.is_err());
    assert_eq!(reversal(&sandbox, "t1").await, 400);
}

#[tokio::test]
async fn a_delay_comes_after_the_work() {
    let sandbox = Running::start().await;
    let start = Instant::now();
    let answer = sandbox.send(&faulty(&sandbox, "t1", "delay=100")).await;
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(outcome(&answer).1, "AUTHORIZED");
}

#[tokio::test]
async fn other_services_have_faults_too_and_unknown_ones_are_refused() {
    let sandbox = Running::start().await;
    let request = sandbox.request("POST", "/tms/v2/customers").body("{}");
    let cut = request.clone().header(HEADER, "cut-after").jwt(FIRST);
    assert_eq!(sandbox.received(&cut.bytes()).await, b"");
    let typo = request.header(HEADER, "cut_after").jwt(FIRST);
    assert_eq!(sandbox.send(&typo).await.status, 400);
}
