//! Means of payment: tokens of the vault, network tokens, accounts, and what cannot be seen.

use serde_json::{Value, json};

use super::client::{Running, SECOND};
use super::payments::{CREDITS, PAYMENTS, blamed, debit, outcome, payment};

/// A payment by `means`, without an address.
fn by(means: Value) -> Value {
    let mut body = payment("10.00");
    body["paymentInformation"] = means;
    body["orderInformation"]
        .as_object_mut()
        .unwrap()
        .remove("billTo");
    body
}

/// A payment instrument with all that a payment needs.
fn instrument(identifier: &str) -> Value {
    let mut body = json!({
        "card": {"type": "001", "expirationMonth": "12", "expirationYear": "2099"},
        "instrumentIdentifier": {"id": identifier},
    });
    body["billTo"] = payment("1.00")["orderInformation"]["billTo"].clone();
    body
}

/// The ids of a customer and its payment instrument.
async fn vaulted(sandbox: &Running, body: Value) -> (String, String) {
    let customer = sandbox.post("/tms/v2/customers", json!({})).await.id();
    let list = format!("/tms/v2/customers/{customer}/payment-instruments");
    let made = sandbox.post(&list, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (customer, made.id())
}

#[tokio::test]
async fn a_vaulted_card_pays_and_takes_credits() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("5555555555554444").await;
    let mut body = instrument(&identifier);
    body["card"]["type"] = json!("002");
    let (customer, instrument) = vaulted(&sandbox, body).await;
    for (means, shows_instrument) in [
        (json!({"customer": {"id": customer}}), false),
        (json!({"paymentInstrument": {"id": instrument}}), true),
        (
            json!({"customer": {"id": customer}, "paymentInstrument": {"id": instrument}}),
            true,
        ),
    ] {
        let answer = sandbox.post(PAYMENTS, by(means.clone())).await;
        assert_eq!(outcome(&answer).1, "AUTHORIZED", "{}", answer.text);
        let shown = answer.json()["paymentInformation"].clone();
        assert_eq!(shown["card"]["type"], "002");
        assert_eq!(shown.get("paymentInstrument").is_some(), shows_instrument);
        if shows_instrument {
            let expected = json!({"id": identifier, "state": "ACTIVE"});
            assert_eq!(shown["instrumentIdentifier"], expected);
        }
        assert_eq!(
            outcome(&sandbox.post(CREDITS, by(means)).await).1,
            "PENDING"
        );
    }
}

#[tokio::test]
async fn an_identifier_needs_expiry_and_address_beside_it() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let bare = sandbox
        .post(
            PAYMENTS,
            by(json!({"instrumentIdentifier": {"id": identifier}})),
        )
        .await;
    assert_eq!(outcome(&bare).2, "MISSING_FIELD");
    assert!(blamed(&bare).contains(&"paymentInformation.card.expirationMonth".to_owned()));
    assert!(blamed(&bare).contains(&"orderInformation.billTo.firstName".to_owned()));
    let mut full = payment("10.00");
    full["paymentInformation"] = json!({"instrumentIdentifier": {"id": identifier},
        "card": {"expirationMonth": "12", "expirationYear": "2099"}});
    assert_eq!(sandbox.post(PAYMENTS, full).await.status, 201);
}

#[tokio::test]
async fn an_expired_token_declines_and_the_request_can_correct_it() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let mut body = instrument(&identifier);
    body["card"]["expirationYear"] = json!("2020");
    let (customer, _) = vaulted(&sandbox, body).await;
    let mut means = json!({"customer": {"id": customer}});
    let expired = sandbox.post(PAYMENTS, by(means.clone())).await;
    assert_eq!(outcome(&expired).2, "EXPIRED_CARD");
    means["card"] = json!({"expirationYear": "2099", "securityCode": "999"});
    let corrected = sandbox.post(PAYMENTS, by(means)).await;
    assert_eq!(outcome(&corrected).2, "CV_FAILED");
}

#[tokio::test]
async fn unknown_and_foreign_tokens_are_named() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let (customer, instrument) = vaulted(&sandbox, instrument(&identifier)).await;
    for name in ["customer", "paymentInstrument", "instrumentIdentifier"] {
        let answer = sandbox
            .post(PAYMENTS, by(json!({name: {"id": "0123456789ABCDEF"}})))
            .await;
        assert_eq!(
            (answer.status, outcome(&answer).2.as_str()),
            (400, "INVALID_DATA")
        );
        assert_eq!(blamed(&answer), [format!("paymentInformation.{name}.id")]);
    }
    let means = json!({"customer": {"id": customer}});
    let request = sandbox
        .request("POST", PAYMENTS)
        .body(&by(means.clone()).to_string());
    assert_eq!(sandbox.send(&request.jwt(SECOND)).await.status, 400);
    sandbox
        .delete(&format!("/tms/v2/customers/{customer}"))
        .await;
    assert_eq!(sandbox.post(PAYMENTS, by(means)).await.status, 400);
    let means = json!({"paymentInstrument": {"id": instrument}});
    assert_eq!(sandbox.post(PAYMENTS, by(means)).await.status, 400);
}

#[tokio::test]
async fn an_account_pays_from_the_vault_too() {
    let sandbox = Running::start().await;
    let body = json!({"bankAccount": {"number": "4100", "routingNumber": "121042882"}});
    let identifier = sandbox
        .post("/tms/v1/instrumentidentifiers", body)
        .await
        .id();
    let mut body = instrument(&identifier);
    body.as_object_mut().unwrap().remove("card");
    body["bankAccount"] = json!({"type": "checking"});
    let (customer, _) = vaulted(&sandbox, body).await;
    let answer = sandbox
        .post(PAYMENTS, by(json!({"customer": {"id": customer}})))
        .await;
    assert_eq!(outcome(&answer).1, "PENDING", "{}", answer.text);
    assert_eq!(
        outcome(&sandbox.post(CREDITS, debit("121042882", "4100")).await).1,
        "PENDING"
    );
}

#[tokio::test]
async fn network_tokens_and_unseen_cards_are_approved() {
    let sandbox = Running::start().await;
    let mut network = payment("10.00");
    network["paymentInformation"] = json!({"tokenizedCard": {"number": "4111111111111111",
        "expirationMonth": "12", "expirationYear": "2099", "transactionType": "1",
        "cryptogram": "AAECAwQFBgcICQoLDA0ODxAREhM="}});
    let mut transient = by(json!({}));
    transient["tokenInformation"] = json!({"transientTokenJwt": "a.b.c"});
    for body in [
        network,
        transient,
        by(json!({"legacyToken": {"id": "9903000099990001"}})),
        by(json!({"fluidData": {"value": "eyJ9"}})),
    ] {
        let answer = sandbox.post(PAYMENTS, body).await;
        assert_eq!(outcome(&answer).1, "AUTHORIZED", "{}", answer.text);
    }
    let bare = by(json!({"tokenizedCard": {"number": "4111111111111111"}}));
    let fields = blamed(&sandbox.post(PAYMENTS, bare).await);
    assert!(fields.contains(&"paymentInformation.tokenizedCard.expirationMonth".to_owned()));
}
