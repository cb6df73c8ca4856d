//! A state that outlives the process.

use serde_json::json;

use super::client::Running;
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
