//! A state that outlives the process.

use serde_json::{Value, json};

use super::client::{Request, Running};
use super::payments::{PAYMENTS, payment};

#[tokio::test]
async fn tokens_and_transactions_are_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let keep = |settings: &mut scmp_gateway::sandbox::Settings| {
        settings.state = Some(path.clone());
    };
    let sandbox = Running::start_with(keep).await;
    let card = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let instrument = sandbox.instrument(&customer, &card).await;
    let mut own = payment("10.00");
    own["clientReferenceInformation"]["transactionId"] = json!("t1");
    let paid = sandbox.post(PAYMENTS, own.clone()).await.id();
    let declined = sandbox.post(PAYMENTS, payment("2501")).await.id();
    let etag = sandbox.get(&customer).await.etag().to_owned();
    sandbox.stop().await;

    let sandbox = Running::start_with(keep).await;
    let read = sandbox.get(&customer).await;
    assert_eq!(read.etag(), etag);
    let embedded = &read.json()["_embedded"]["defaultPaymentInstrument"];
    assert!(instrument.ends_with(embedded["id"].as_str().unwrap()));
    assert_eq!(sandbox.card("4111111111111111").await, card);
    // What names a transaction once does so for good.
    assert_eq!(sandbox.post(PAYMENTS, own).await.status, 400);
    let details = sandbox
        .get(&format!("/tss/v2/transactions/{declined}"))
        .await
        .json();
    assert_eq!(details["errorInformation"]["reason"], "STOLEN_LOST_CARD");
    let capture = json!({"orderInformation": {"amountDetails":
        {"totalAmount": "10.00", "currency": "USD"}}});
    let path = format!("/pts/v2/payments/{paid}/captures");
    assert_eq!(sandbox.post(&path, capture).await.status, 201);
    let fresh = sandbox.post(PAYMENTS, payment("10.00")).await.id();
    assert!(fresh > paid);
    sandbox.stop().await;

    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("411111"));
    }
}

/// A call that nobody signs.
async fn set(sandbox: &Running, path: &str, body: Value) {
    let request: Request = sandbox.request("POST", path).body(&body.to_string());
    assert_eq!(sandbox.send(&request).await.status, 200);
}

#[tokio::test]
async fn what_was_answered_outlives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let keep = |settings: &mut scmp_gateway::sandbox::Settings| {
        settings.state = Some(path.clone());
    };
    let crashing = Running::start_with(keep).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(crashing.customer().await);
    }
    set(
        &crashing,
        "/sandbox/balances",
        json!({"balances": "strict"}),
    )
    .await;
    set(&crashing, "/sandbox/processor", json!({"processor": "vpc"})).await;
    set(&crashing, "/sandbox/clock", json!({"advance": "1m"})).await;
    // Never told to stop, so that the file is what a crash would have left.
    let after = Running::start_with(keep).await;
    for customer in told {
        assert_eq!(after.get(&customer).await.status, 200);
    }
    let status = after.send(&after.request("GET", "/sandbox")).await.json();
    assert_eq!(
        (&status["balances"], &status["processor"]),
        (&json!("strict"), &json!("vpc"))
    );
    let shown: String = status["clock"].as_str().unwrap().to_owned();
    assert!(shown.parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now());
}
