//! Several tokens by one call.

use serde_json::{Value, json};

use super::client::Running;

const TOKENIZE: &str = "/tms/v2/tokenize";

fn body(types: &[&str]) -> Value {
    json!({
        "processingInformation": {"actionList": ["TOKEN_CREATE"], "actionTokenTypes": types},
        "tokenInformation": {
            "customer": {"buyerInformation": {"email": "a@example.com"}},
            "shippingAddress": {"shipTo": {"lastName": "Smith"}},
            "paymentInstrument": {"card": {"expirationMonth": "12", "expirationYear": "2031"}},
            "instrumentIdentifier": {"card": {"number": "4111111111111111"}},
        },
    })
}

/// Resource, status and error type of each element.
fn outcomes(reply: &Value) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let responses = reply["responses"].as_array().unwrap();
    let one = |it: &Value| {
        let status = it["httpStatus"].as_u64().unwrap();
        (
            text(&it["resource"]),
            status,
            text(&it["errors"][0]["type"]),
        )
    };
    responses.iter().map(one).collect()
}

fn outcome(resource: &str, status: u64, class: &str) -> (String, u64, String) {
    (resource.to_owned(), status, class.to_owned())
}

#[tokio::test]
async fn all_of_them_hang_together() {
    let sandbox = Running::start().await;
    let types = [
        "customer",
        "shippingAddress",
        "paymentInstrument",
        "instrumentIdentifier",
    ];
    let answer = sandbox.post(TOKENIZE, body(&types)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let reply = answer.json();
    let made: Vec<_> = types.iter().map(|name| outcome(name, 201, "-")).collect();
    assert_eq!(outcomes(&reply), made);
    let id = |at: usize| reply["responses"][at]["id"].as_str().unwrap().to_owned();
    let customer = sandbox
        .get(&format!("/tms/v2/customers/{}", id(0)))
        .await
        .json();
    assert_eq!(customer["defaultShippingAddress"]["id"], id(1));
    let instrument = &customer["_embedded"]["defaultPaymentInstrument"];
    assert_eq!(instrument["id"], id(2));
    assert_eq!(instrument["_embedded"]["instrumentIdentifier"]["id"], id(3));
    // The number is known from now on.
    let again = sandbox
        .post(TOKENIZE, body(&["instrumentIdentifier"]))
        .await
        .json();
    assert_eq!(
        outcomes(&again),
        [outcome("instrumentIdentifier", 200, "-")]
    );
}

#[tokio::test]
async fn what_hangs_on_a_failure_is_not_attempted_and_the_rest_is_made() {
    let sandbox = Running::start().await;
    let types = [
        "customer",
        "paymentInstrument",
        "instrumentIdentifier",
        "tokenizedCard",
    ];
    let mut wrong = body(&types);
    wrong["tokenInformation"]["instrumentIdentifier"]["card"]["number"] = json!("4111111111111112");
    let reply = sandbox.post(TOKENIZE, wrong).await.json();
    let expected = [
        outcome("customer", 201, "-"),
        outcome("paymentInstrument", 424, "notAttempted"),
        outcome("instrumentIdentifier", 400, "invalidFields"),
        outcome("tokenizedCard", 424, "notAttempted"),
    ];
    assert_eq!(outcomes(&reply), expected);
    let details = &reply["responses"][2]["errors"][0]["details"];
    assert_eq!(details, &json!([{"name": "number", "location": "card"}]));
}

#[tokio::test]
async fn known_tokens_are_built_on() {
    let sandbox = Running::start().await;
    let customer = sandbox.customer().await;
    let id = customer.rsplit('/').next().unwrap();
    let mut more = body(&["shippingAddress", "paymentInstrument"]);
    let card = sandbox.card("5555555555554444").await;
    more["tokenInformation"]["customer"] = json!({"id": id});
    more["tokenInformation"]["instrumentIdentifier"] = json!({"id": card});
    let reply = sandbox.post(TOKENIZE, more).await.json();
    assert_eq!(outcomes(&reply)[1], outcome("paymentInstrument", 201, "-"));
    let read = sandbox.get(&customer).await.json();
    assert_eq!(
        read["defaultPaymentInstrument"]["id"],
        reply["responses"][1]["id"]
    );
    let mut nobodys = body(&[
        "paymentInstrument",
        "instrumentIdentifier",
        "shippingAddress",
    ]);
    nobodys["tokenInformation"]
        .as_object_mut()
        .unwrap()
        .remove("customer");
    let reply = sandbox.post(TOKENIZE, nobodys).await.json();
    let lone = reply["responses"][0]["id"].as_str().unwrap();
    let path = format!("/tms/v1/paymentinstruments/{lone}");
    assert_eq!(sandbox.get(&path).await.status, 200);
    assert_eq!(
        outcomes(&reply)[2],
        outcome("shippingAddress", 400, "missingFields")
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_a_whole() {
    let sandbox = Running::start().await;
    for (types, action, class) in [
        (json!([]), json!(["TOKEN_CREATE"]), "missingFields"),
        (
            json!(["passport"]),
            json!(["TOKEN_CREATE"]),
            "invalidFields",
        ),
        (json!(["customer"]), json!(["OTHER"]), "invalidFields"),
        (json!(["customer"]), Value::Null, "missingFields"),
    ] {
        let mut wrong = body(&[]);
        wrong["processingInformation"]["actionTokenTypes"] = types;
        match action {
            Value::Null => {
                let processing = wrong["processingInformation"].as_object_mut().unwrap();
                processing.remove("actionList");
            }
            action => wrong["processingInformation"]["actionList"] = action,
        }
        let refused = sandbox.post(TOKENIZE, wrong).await;
        assert_eq!(refused.error(), (400, class.to_owned()));
    }
}

#[tokio::test]
async fn a_network_token_comes_with_the_rest() {
    let sandbox = Running::start().await;
    let mut asked = body(&["instrumentIdentifier", "tokenizedCard"]);
    let card =
        json!({"number": "4111111111111111", "expirationMonth": "12", "expirationYear": "2031"});
    asked["tokenInformation"]["instrumentIdentifier"]["card"] = card;
    let made = sandbox.post(TOKENIZE, asked).await.json();
    let id = |at: usize| made["responses"][at]["id"].as_str().unwrap();
    assert_eq!(made["responses"][1]["httpStatus"], 201);
    let path = format!("/tms/v1/instrumentidentifiers/{}", id(0));
    let identifier = sandbox.get(&path).await.json();
    assert_eq!(identifier["tokenizedCard"]["id"], id(1));
    // The card's expiry is needed for it.
    let without = sandbox
        .post(TOKENIZE, body(&["tokenizedCard"]))
        .await
        .json();
    assert_eq!(
        outcomes(&without),
        [outcome("tokenizedCard", 400, "missingFields")]
    );
}
