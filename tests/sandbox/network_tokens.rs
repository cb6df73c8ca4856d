//! Network tokens, what pays in their place, and what the first digits of a card tell.

use serde_json::{Value, json};

use super::client::{Answer, FIRST, Running};

const TOKENIZED_CARDS: &str = "/tms/v2/tokenized-cards";

fn card(number: &str) -> Value {
    json!({"source": "ONFILE", "card":
        {"number": number, "expirationMonth": "12", "expirationYear": "2031"}})
}

fn enrollable(number: &str) -> Value {
    let mut body = card(number);
    body["type"] = json!("enrollable card");
    body
}

fn state(answer: &Answer) -> Value {
    answer.json()["tokenizedCard"]["state"].clone()
}

/// A simulated event of the issuer.
async fn event(sandbox: &Running, path: &str, body: Value) -> Answer {
    let path = format!("{path}/issuer-life-cycle-event-simulations");
    let request = sandbox.request("POST", &path).body(&body.to_string());
    let profile = "12345678-1234-1234-1234-123456789012";
    let request = request.header("profile-id", profile).jwt(FIRST);
    sandbox.send(&request).await
}

#[tokio::test]
async fn a_card_is_given_a_token_by_its_network() {
    let sandbox = Running::start().await;
    for (number, kind, brand) in [
        ("4111111111111111", "visa", "001"),
        ("5555555555554444", "mastercard", "002"),
        ("378282246310005", "americanexpress", "003"),
    ] {
        let made = sandbox.post(TOKENIZED_CARDS, card(number)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let token = made.json()["tokenizedCard"].clone();
        assert_eq!(
            (&token["type"], &token["card"]["type"]),
            (&json!(kind), &json!(brand))
        );
        assert_eq!(token["state"], "ACTIVE");
        assert_eq!(token["card"]["suffix"], number[number.len() - 4..]);
        assert!(token["number"].as_str().unwrap().contains("XXXX"));
        let path = made.json()["_links"]["self"]["href"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(made.header("location"), Some(path.as_str()));
        assert_eq!(sandbox.get(&path).await.json(), made.json());
        let delete = format!("{path}/delete");
        let wrong = json!({"reason": {"code": "WHIM"}});
        assert_eq!(sandbox.post(&delete, wrong).await.status, 400);
        let reason = json!({"reason": {"code": "FRAUD"}});
        assert_eq!(sandbox.post(&delete, reason).await.status, 204);
        assert_eq!(
            sandbox.get(&path).await.error(),
            (410, "notAvailable".to_owned())
        );
    }
    let jcb = sandbox
        .post(TOKENIZED_CARDS, card("3566111111111113"))
        .await;
    assert_eq!((jcb.status, state(&jcb)), (201, json!("UNPROVISIONED")));
    assert_eq!(jcb.json()["tokenizedCard"]["reason"], "CARD_NOT_ELIGIBLE");
    let without = json!({"card": {"number": "4111111111111111"}});
    let refused = sandbox.post(TOKENIZED_CARDS, without).await;
    assert_eq!(refused.error(), (400, "missingFields".to_owned()));
    let bank = json!({"bankAccount": {"number": "4100"}});
    assert_eq!(sandbox.post(TOKENIZED_CARDS, bank).await.status, 400);
}

#[tokio::test]
async fn an_identifier_is_enrolled_and_follows_its_issuer() {
    let sandbox = Running::start().await;
    let id = sandbox.card("4111111111111111").await;
    let path = format!("/tms/v1/instrumentidentifiers/{id}");
    let enrollment = format!("{path}/enrollment");
    assert!(
        sandbox
            .get(&path)
            .await
            .json()
            .get("tokenizedCard")
            .is_none()
    );
    for (body, class) in [
        (json!({}), "missingFields"),
        (json!({"type": "enrollable card"}), "missingFields"),
        (json!({"type": "x"}), "invalidFields"),
        (enrollable("5555555555554444"), "invalidFields"),
    ] {
        let refused = sandbox.post(&enrollment, body).await;
        assert_eq!(refused.error(), (400, class.to_owned()), "{}", refused.text);
    }
    let unknown = "/tms/v1/instrumentidentifiers/7/enrollment";
    assert_eq!(
        sandbox
            .post(unknown, enrollable("4111111111111111"))
            .await
            .status,
        404
    );
    let accepted = sandbox
        .post(&enrollment, enrollable("4111111111111111"))
        .await;
    assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));

    let shown = sandbox.get(&path).await.json();
    assert_eq!(
        (&shown["tokenizedCard"]["state"], &shown["state"]),
        (&json!("ACTIVE"), &json!("ACTIVE"))
    );
    let token = shown["_links"]["tokenized-cards"]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    // Enrolled once, it keeps its token.
    sandbox
        .post(&enrollment, enrollable("4111111111111111"))
        .await;
    assert_eq!(sandbox.get(&path).await.json()["_links"], shown["_links"]);

    let nothing = event(&sandbox, &token, json!({})).await;
    assert_eq!(nothing.error(), (400, "missingFields".to_owned()));
    let events = format!("{token}/issuer-life-cycle-event-simulations");
    let unnamed = sandbox.post(&events, json!({"state": "SUSPENDED"})).await;
    assert_eq!(unnamed.error(), (400, "missingHeaders".to_owned()));
    let suspended = event(&sandbox, &token, json!({"state": "SUSPENDED"})).await;
    assert_eq!(suspended.status, 204);
    assert_eq!(state(&sandbox.get(&path).await), "SUSPENDED");
    let renewed = json!({"state": "ACTIVE",
        "card": {"last4": "0026", "expirationMonth": "11", "expirationYear": "2035"}});
    assert_eq!(event(&sandbox, &token, renewed).await.status, 204);
    let card = sandbox.get(&token).await.json()["tokenizedCard"]["card"].clone();
    assert_eq!(
        (&card["suffix"], &card["expirationYear"]),
        (&json!("0026"), &json!("2035"))
    );

    let customer = sandbox.customer().await;
    let instrument = sandbox.instrument(&customer, &id).await;
    assert_eq!(
        event(&sandbox, &token, json!({"state": "DELETED"}))
            .await
            .status,
        204
    );
    assert_eq!(sandbox.get(&path).await.json()["state"], "CLOSED");
    assert_eq!(sandbox.get(&instrument).await.json()["state"], "CLOSED");
    // What deletes the identifier deletes its network token.
    assert_eq!(sandbox.delete(&customer).await.status, 204);
    assert_eq!(sandbox.get(&token).await.status, 410);
}

#[tokio::test]
async fn a_token_of_any_kind_leads_to_what_pays() {
    let sandbox = Running::start().await;
    let made = sandbox
        .post(
            "/tms/v1/instrumentidentifiers",
            enrollable("4111111111111111"),
        )
        .await;
    let identifier = made.id();
    let network = made.json()["tokenizedCard"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let customer = sandbox.customer().await;
    let instrument = sandbox.instrument(&customer, &identifier).await;
    let last = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut counters = Vec::new();
    for id in [identifier, network, last(&customer), last(&instrument)] {
        let path = format!("/tms/v3/tokens/{id}/payment-credentials");
        let answer = sandbox
            .post(&path, json!({"paymentCredentialType": "CRYPTOGRAM"}))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let token = &answer.json()["tokenizedCard"];
        assert_eq!(token["number"].as_str().unwrap().len(), 16);
        assert!(!token["number"].as_str().unwrap().contains('X'));
        assert_eq!(token["cryptogram"].as_str().unwrap().len(), 28);
        assert_eq!(answer.json()["card"]["number"], "411111XXXXXX1111");
        counters.push(token["applicationTransactionCounter"].clone());
    }
    assert_eq!(counters, ["1", "2", "3", "4"]);
    let of = |id: &str| format!("/tms/v3/tokens/{id}/payment-credentials");
    let code = json!({"paymentCredentialType": "SECURITY_CODE"});
    let answer = sandbox.post(&of(&last(&customer)), code).await.json();
    assert_eq!(
        answer["tokenizedCard"]["securityCode"]
            .as_str()
            .unwrap()
            .len(),
        3
    );
    assert!(
        answer["_links"]["customer"]["href"]
            .as_str()
            .unwrap()
            .ends_with(&last(&customer))
    );
    let wrong = json!({"paymentCredentialType": "x"});
    assert_eq!(sandbox.post(&of(&last(&customer)), wrong).await.status, 400);
    assert_eq!(sandbox.post(&of("7"), json!({})).await.status, 404);
    let empty = sandbox.customer().await;
    assert_eq!(
        sandbox.post(&of(&last(&empty)), json!({})).await.status,
        404
    );
    // The second version gives nothing in the clear.
    let bare = of(&last(&customer)).replace("v3", "v2");
    assert_eq!(
        sandbox.post(&bare, json!({})).await.error(),
        (403, "forbidden".to_owned())
    );
}

#[tokio::test]
async fn cards_with_a_token_have_a_picture() {
    let sandbox = Running::start().await;
    let plain = sandbox.card("5555555555554444").await;
    let asset = |id: &str| format!("/tms/v2/tokens/{id}/vts/assets/card-art-combined");
    assert_eq!(sandbox.get(&asset(&plain)).await.status, 404);
    let path = "/tms/v1/instrumentidentifiers";
    let made = sandbox.post(path, enrollable("4111111111111111")).await;
    let picture = sandbox.get(&asset(&made.id())).await;
    assert_eq!(picture.status, 200);
    assert_eq!(picture.json()["content"][0]["type"], "image/png");
}

#[tokio::test]
async fn the_first_digits_are_looked_up_when_asked() {
    let sandbox = Running::start().await;
    let id = sandbox.card("4111111111111111").await;
    let path = format!("/tms/v1/instrumentidentifiers/{id}");
    let details = |answer: &Answer, place: &str| answer.json().pointer(place).cloned();
    let own = "/_embedded/binLookup/paymentAccountInformation/card/brandName";
    // The Python SDK writes it so.
    for flag in ["true", "True"] {
        let asked = format!("{path}?retrieveBinDetails={flag}");
        assert_eq!(
            details(&sandbox.get(&asked).await, own),
            Some(json!("VISA"))
        );
    }
    for query in ["", "?retrieveBinDetails=false"] {
        assert_eq!(
            details(&sandbox.get(&format!("{path}{query}")).await, own),
            None
        );
    }
    let body = json!({"instrumentIdentifier": {"id": id}});
    let lone = "/tms/v1/paymentinstruments?retrieveBinDetails=true";
    let made = sandbox.post(lone, body).await;
    let within = format!("/_embedded/instrumentIdentifier{own}");
    assert_eq!(details(&made, &within), Some(json!("VISA")));
    let list = format!("{path}/paymentinstruments?retrieveBinDetails=true");
    let within = format!("/_embedded/paymentInstruments/0{within}");
    assert_eq!(
        details(&sandbox.get(&list).await, &within),
        Some(json!("VISA"))
    );
    let account = json!({"bankAccount": {"number": "4100", "routingNumber": "121042882"}});
    let path = "/tms/v1/instrumentidentifiers?retrieveBinDetails=true";
    let made = sandbox.post(path, account).await;
    assert_eq!((made.status, details(&made, "/_embedded")), (201, None));
}
