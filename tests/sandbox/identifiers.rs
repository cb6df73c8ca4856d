//! Instrument identifiers.

use serde_json::{Value, json};

use super::client::Running;

const IDENTIFIERS: &str = "/tms/v1/instrumentidentifiers";

fn card(number: &str) -> Value {
    json!({"card": {"number": number}})
}

#[tokio::test]
async fn the_same_number_is_the_same_token() {
    let sandbox = Running::start().await;
    let new = sandbox.post(IDENTIFIERS, card("4111111111111111")).await;
    assert_eq!(new.status, 201);
    let id = new.id();
    assert_eq!(id.len(), 19);
    assert!(id.starts_with("70") && id.ends_with("1111"), "{id}");
    let location = format!("{IDENTIFIERS}/{id}");
    assert_eq!(new.header("location"), Some(location.as_str()));
    assert_eq!(new.json()["card"]["number"], "411111XXXXXX1111");
    assert_eq!(new.json()["state"], "ACTIVE");
    assert_eq!(new.json()["metadata"]["creator"], "mid1234");

    let known = sandbox.post(IDENTIFIERS, card("4111111111111111")).await;
    assert_eq!((known.status, known.id()), (200, id.clone()));
    assert_eq!(known.etag(), new.etag());
    let other = sandbox.post(IDENTIFIERS, card("5555555555554444")).await;
    assert_eq!(other.status, 201);
    assert_ne!(other.id(), id);
}

#[tokio::test]
async fn a_deleted_number_comes_back_with_its_id() {
    let sandbox = Running::start().await;
    let id = sandbox.card("4111111111111111").await;
    let path = format!("{IDENTIFIERS}/{id}");
    assert_eq!(sandbox.delete(&path).await.status, 204);
    let gone = sandbox.get(&path).await;
    assert_eq!(gone.error(), (410, "notAvailable".to_owned()));
    let again = sandbox.post(IDENTIFIERS, card("4111111111111111")).await;
    assert_eq!((again.status, again.id()), (200, id));
    assert_eq!(sandbox.get(&path).await.status, 200);
}

#[tokio::test]
async fn bank_accounts_are_masked_too() {
    let sandbox = Running::start().await;
    let body = json!({"bankAccount": {"number": "123454100", "routingNumber": "071923284"}});
    let made = sandbox.post(IDENTIFIERS, body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.id().len(), 19);
    assert_eq!(
        made.json()["bankAccount"],
        json!({"number": "XXXXX4100", "routingNumber": "071923284"})
    );
}

#[tokio::test]
async fn a_patch_keeps_the_number() {
    let sandbox = Running::start().await;
    let id = sandbox.card("4111111111111111").await;
    let path = format!("{IDENTIFIERS}/{id}/");
    let transaction = json!({"authorizationOptions": {"initiator":
        {"merchantInitiatedTransaction": {"previousTransactionId": "123456789012345"}}}});
    let body = json!({"processingInformation": transaction, "card": {"expirationMonth": "12"}});
    let patched = sandbox.patch(&path, body).await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.json()["processingInformation"], transaction);
    assert_eq!(
        patched.json()["card"],
        json!({"number": "411111XXXXXX1111"})
    );
    let refused = sandbox.patch(&path, card("5555555555554444")).await;
    assert_eq!(refused.error(), (400, "invalidFields".to_owned()));
    let bank = json!({"bankAccount": {"routingNumber": "071923284"}});
    let bank = sandbox.patch(&path, bank).await;
    assert_eq!(bank.error(), (400, "invalidFields".to_owned()));
    let same = sandbox.patch(&path, card("4111111111111111")).await;
    assert_eq!(same.status, 200);
}

#[tokio::test]
async fn wrong_numbers_are_blamed() {
    let sandbox = Running::start().await;
    for (body, class, name, location) in [
        (json!({}), "missingFields", "number", "card"),
        (json!({"card": {}}), "missingFields", "number", "card"),
        (
            json!({"bankAccount": {"routingNumber": "1"}}),
            "missingFields",
            "number",
            "bankAccount",
        ),
        (card("4111111111111112"), "invalidFields", "number", "card"),
        (card("4111 1111 1111"), "invalidFields", "number", "card"),
        (
            card("41111111111111111111"),
            "invalidFields",
            "number",
            "card",
        ),
        (
            json!({"card": {"number": "4111111111111111", "expirationMonth": "13"}}),
            "invalidFields",
            "expirationMonth",
            "card",
        ),
        (
            json!({"bankAccount": {"number": "1", "routingNumber": "0719232840"}}),
            "invalidFields",
            "routingNumber",
            "bankAccount",
        ),
    ] {
        let answer = sandbox.post(IDENTIFIERS, body.clone()).await;
        assert_eq!(answer.error(), (400, class.to_owned()), "{body}");
        assert_eq!(
            answer.details(),
            [(name.to_owned(), location.to_owned())],
            "{body}"
        );
        assert!(!answer.text.contains("4111"), "{}", answer.text);
    }
}

#[tokio::test]
async fn some_issuers_have_no_check_digit() {
    let sandbox = Running::start().await;
    for number in ["201400000000001", "214900000000001", "6200000000000001"] {
        assert_eq!(sandbox.post(IDENTIFIERS, card(number)).await.status, 201);
    }
}

#[tokio::test]
async fn a_used_identifier_stays() {
    let sandbox = Running::start().await;
    let id = sandbox.card("4111111111111111").await;
    let path = format!("{IDENTIFIERS}/{id}");
    let (one, other) = (sandbox.customer().await, sandbox.customer().await);
    let first = sandbox.instrument(&one, &id).await;
    sandbox.instrument(&other, &id).await;

    let list = sandbox.get(&format!("{path}/paymentinstruments")).await;
    assert_eq!((list.status, &list.json()["total"]), (200, &json!(2)));
    let refused = sandbox.delete(&path).await;
    let expected = (409, "instrumentIdentifierDeletionError".to_owned());
    assert_eq!(refused.error(), expected);
    let listed = &refused.json()["_links"]["paymentInstruments"]["href"];
    assert_eq!(listed, &json!(format!("{path}/paymentinstruments")));

    assert_eq!(sandbox.delete(&first).await.status, 204);
    assert_eq!(sandbox.get(&path).await.status, 200, "still used");
    assert_eq!(sandbox.delete(&other).await.status, 204);
    assert_eq!(sandbox.get(&path).await.status, 410, "used by nothing");
}
