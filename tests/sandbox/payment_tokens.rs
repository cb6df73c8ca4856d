//! Tokens that a payment makes.

use serde_json::{Value, json};

use super::client::Running;
use super::payments::{PAYMENTS, blamed, debit, outcome, payment};

const ALL: [&str; 4] = [
    "customer",
    "paymentInstrument",
    "shippingAddress",
    "instrumentIdentifier",
];

fn creating(mut body: Value, types: &[&str]) -> Value {
    body["processingInformation"]["actionList"] = json!(["TOKEN_CREATE"]);
    body["processingInformation"]["actionTokenTypes"] = json!(types);
    body["orderInformation"]["shipTo"] = json!({"firstName": "John", "country": "US"});
    body["buyerInformation"] = json!({"merchantCustomerId": "cust1"});
    body["merchantDefinedInformation"] = json!([{"key": "1", "value": "x"}]);
    body
}

fn customer(tokens: &Value) -> String {
    format!(
        "/tms/v2/customers/{}",
        tokens["customer"]["id"].as_str().unwrap()
    )
}

#[tokio::test]
async fn the_tokens_are_those_of_tms() {
    let sandbox = Running::start().await;
    let answer = sandbox
        .post(PAYMENTS, creating(payment("10.00"), &ALL))
        .await;
    assert_eq!(outcome(&answer).1, "AUTHORIZED", "{}", answer.text);
    let tokens = answer.json()["tokenInformation"].clone();
    assert_eq!(tokens["instrumentidentifierNew"], true);
    assert_eq!(tokens["instrumentIdentifier"]["state"], "ACTIVE");

    let read = sandbox.get(&customer(&tokens)).await.json();
    assert_eq!(
        read["defaultPaymentInstrument"]["id"],
        tokens["paymentInstrument"]["id"]
    );
    assert_eq!(
        read["defaultShippingAddress"]["id"],
        tokens["shippingAddress"]["id"]
    );
    let buyer = json!({"merchantCustomerID": "cust1", "email": "jsmith@example.com"});
    assert_eq!(read["buyerInformation"], buyer);
    assert_eq!(read["clientReferenceInformation"]["code"], "ref9876");
    assert!(read.get("merchantDefinedInformation").is_none());
    let embedded = &read["_embedded"];
    let instrument = &embedded["defaultPaymentInstrument"];
    let card = json!({"type": "001", "expirationMonth": "12", "expirationYear": "2099"});
    assert_eq!(instrument["card"], card);
    assert_eq!(
        instrument["billTo"],
        payment("1")["orderInformation"]["billTo"]
    );
    assert_eq!(
        instrument["instrumentIdentifier"]["id"],
        tokens["instrumentIdentifier"]["id"]
    );
    let number = &instrument["_embedded"]["instrumentIdentifier"]["card"]["number"];
    assert_eq!(number, "411111XXXXXX1111");
    let shipping = &embedded["defaultShippingAddress"]["shipTo"];
    assert_eq!(shipping, &json!({"firstName": "John", "country": "US"}));

    // The new customer pays, and its number is known by now.
    let mut again = payment("11.00");
    again["paymentInformation"] = json!({"customer": tokens["customer"]});
    again["orderInformation"]
        .as_object_mut()
        .unwrap()
        .remove("billTo");
    assert_eq!(
        outcome(&sandbox.post(PAYMENTS, again).await).1,
        "AUTHORIZED"
    );
    let second = creating(payment("10.00"), &["instrumentIdentifier"]);
    let second = sandbox.post(PAYMENTS, second).await.json()["tokenInformation"].clone();
    let expected = json!({"instrumentidentifierNew": false,
        "instrumentIdentifier": tokens["instrumentIdentifier"]});
    assert_eq!(second, expected);
}

#[tokio::test]
async fn only_the_kinds_asked_for_are_shown() {
    let sandbox = Running::start().await;
    let body = creating(payment("10.00"), &["customer"]);
    let tokens = sandbox.post(PAYMENTS, body).await.json()["tokenInformation"].clone();
    assert_eq!(tokens.as_object().unwrap().len(), 1);
    let read = sandbox.get(&customer(&tokens)).await.json();
    assert!(read["_embedded"]["defaultPaymentInstrument"].is_object());
    let body = creating(payment("10.00"), &["paymentInstrument"]);
    let tokens = sandbox.post(PAYMENTS, body).await.json()["tokenInformation"].clone();
    assert_eq!(tokens.as_object().unwrap().len(), 1);
    let id = tokens["paymentInstrument"]["id"].as_str().unwrap();
    let path = format!("/tms/v1/paymentinstruments/{id}");
    assert_eq!(sandbox.delete(&path).await.status, 204);
    assert_eq!(sandbox.delete(&path).await.status, 410);
    for types in [&["shippingAddress"][..], &["customers"]] {
        let refused = sandbox
            .post(PAYMENTS, creating(payment("10.00"), types))
            .await;
        assert_eq!(blamed(&refused), ["processingInformation.actionTokenTypes"]);
    }
}

#[tokio::test]
async fn an_instrument_without_a_customer_is_nobodys() {
    let sandbox = Running::start().await;
    let body = creating(payment("10.00"), &["paymentInstrument"]);
    let tokens = sandbox.post(PAYMENTS, body).await.json()["tokenInformation"].clone();
    assert_eq!(tokens.as_object().unwrap().len(), 1);
    let id = tokens["paymentInstrument"]["id"].as_str().unwrap();
    let read = sandbox
        .get(&format!("/tms/v1/paymentinstruments/{id}"))
        .await;
    assert_eq!(read.json()["billTo"]["lastName"], "Smith");
    let mut paid = payment("10.00");
    paid["paymentInformation"] = json!({"paymentInstrument": {"id": id}});
    let answer = sandbox.post(PAYMENTS, paid).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(
        answer.json()["paymentInformation"]["paymentInstrument"]["id"],
        id
    );
}

#[tokio::test]
async fn a_known_customer_gets_another_instrument() {
    let sandbox = Running::start().await;
    let known = sandbox.customer().await;
    let identifier = sandbox.card("4111111111111111").await;
    sandbox.instrument(&known, &identifier).await;
    let mut body = creating(payment("10.00"), &["paymentInstrument"]);
    let id = known.rsplit('/').next().unwrap();
    body["paymentInformation"]["customer"] = json!({"id": id});
    body["tokenInformation"] = json!({"paymentInstrument": {"default": true}});
    let tokens = sandbox.post(PAYMENTS, body.clone()).await.json()["tokenInformation"].clone();
    let read = sandbox.get(&known).await.json();
    assert_eq!(
        read["defaultPaymentInstrument"],
        tokens["paymentInstrument"]
    );
    body["paymentInformation"]["customer"] = json!({"id": "unknown"});
    let refused = sandbox.post(PAYMENTS, body).await;
    assert_eq!(blamed(&refused), ["paymentInformation.customer.id"]);
}

#[tokio::test]
async fn a_declined_payment_makes_none_and_a_failed_check_does() {
    let sandbox = Running::start().await;
    for (amount, makes) in [
        ("2303.00", false),
        ("2401.00", false),
        ("8481.00", false),
        ("8200.00", true),
        ("8230.00", true),
        ("8480.00", true),
        ("0.00", true),
    ] {
        let answer = sandbox
            .post(PAYMENTS, creating(payment(amount), &ALL))
            .await;
        let tokens = answer.json()["tokenInformation"].clone();
        assert_eq!(tokens.is_object(), makes, "{amount} {}", answer.text);
        if makes {
            assert_eq!(sandbox.get(&customer(&tokens)).await.status, 200);
            assert_eq!(sandbox.delete(&customer(&tokens)).await.status, 204);
        }
    }
}

#[tokio::test]
async fn an_account_becomes_a_token_too() {
    let sandbox = Running::start().await;
    let body = creating(debit("121042882", "4100"), &ALL);
    let answer = sandbox.post(PAYMENTS, body).await;
    assert_eq!(outcome(&answer).1, "PENDING", "{}", answer.text);
    let tokens = answer.json()["tokenInformation"].clone();
    let read = sandbox.get(&customer(&tokens)).await.json();
    let instrument = &read["_embedded"]["defaultPaymentInstrument"];
    assert_eq!(instrument["bankAccount"]["type"], "checking");
    let number = &instrument["_embedded"]["instrumentIdentifier"]["bankAccount"]["number"];
    assert_eq!(number, "X100");
}

#[tokio::test]
async fn a_token_that_cannot_be_made_is_refused_before_the_payment() {
    let sandbox = Running::start().await;
    let mut body = creating(payment("10.00"), &ALL);
    body["clientReferenceInformation"]["transactionId"] = json!("t1");
    body["orderInformation"]["shipTo"]["firstName"] = json!("x".repeat(61));
    let refused = sandbox.post(PAYMENTS, body.clone()).await;
    assert_eq!(blamed(&refused), ["orderInformation.shipTo.firstName"]);
    body["orderInformation"]["shipTo"]["firstName"] = json!("x");
    assert_eq!(sandbox.post(PAYMENTS, body).await.status, 201);
}
