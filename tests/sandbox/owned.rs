//! Payment instruments and shipping addresses.

use serde_json::{Value, json};

use super::client::{FIRST, Running};

fn card_instrument(identifier: &str) -> Value {
    json!({
        "card": {"type": "001", "expirationMonth": "01", "expirationYear": "2030",
            "issueNumber": "1", "startMonth": "02", "startYear": "2016"},
        "buyerInformation": {"currency": "USD"},
        "billTo": {"firstName": "Jane", "lastName": "Smith", "address1": "123 Main Street",
            "locality": "Small Town", "administrativeArea": "CA", "postalCode": "98765",
            "country": "US", "email": "jsmith@example.com", "phoneNumber": "987-654-3210"},
        "processingInformation": {"billPaymentProgramEnabled": true},
        "merchantInformation": {"merchantDescriptor": {"alternateName": "x"}},
        "instrumentIdentifier": {"id": identifier},
    })
}

fn bank_instrument(identifier: &str) -> Value {
    json!({
        "bankAccount": {"type": "checking"},
        "buyerInformation": {"companyTaxID": "123456789", "dateOfBirth": "1980-12-31",
            "personalIdentification": [{"id": "D1", "type": "driver license",
                "issuedBy": {"administrativeArea": "CA"}}]},
        "processingInformation": {"bankTransferOptions": {"SECCode": "WEB"}},
        "instrumentIdentifier": {"id": identifier},
    })
}

async fn bank(sandbox: &Running) -> String {
    let body = json!({"bankAccount": {"number": "4100", "routingNumber": "071923284"}});
    sandbox
        .post("/tms/v1/instrumentidentifiers", body)
        .await
        .id()
}

#[tokio::test]
async fn an_instrument_keeps_what_it_is_given() {
    let sandbox = Running::start().await;
    let list = format!("{}/payment-instruments", sandbox.customer().await);
    let card = card_instrument(&sandbox.card("4111111111111111").await);
    let account = bank_instrument(&bank(&sandbox).await);
    for (body, is_default) in [(card, true), (account, false)] {
        let made = sandbox.post(&list, body.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = format!("{list}/{}", made.id());
        assert_eq!(made.header("location"), Some(path.as_str()));
        let read = sandbox.get(&path).await;
        assert_eq!(read.json(), made.json());
        assert_eq!(read.etag(), made.etag());
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&read.json()[name], value, "{name}");
        }
        assert_eq!(read.json()["default"], is_default);
        assert_eq!(read.json()["state"], "ACTIVE");
    }
}

#[tokio::test]
async fn no_number_ever_comes_back() {
    let sandbox = Running::start().await;
    let number = "4111111111111111";
    let identifier = sandbox.card(number).await;
    let customer = sandbox.customer().await;
    let list = format!("{customer}/payment-instruments");
    // A client that puts the number where it does not belong.
    let mut body = card_instrument(&identifier);
    body["card"]["number"] = json!(number);
    body["instrumentIdentifier"]["card"] = json!({"number": number});
    let made = sandbox.post(&list, body.clone()).await;
    let path = format!("{list}/{}", made.id());
    for answer in [
        made,
        sandbox.patch(&path, body).await,
        sandbox.get(&path).await,
        sandbox.get(&list).await,
        sandbox.get(&customer).await,
        sandbox
            .patch(&customer, json!({"card": {"number": number}}))
            .await,
    ] {
        assert!(answer.status < 300, "{}", answer.text);
        assert!(!answer.text.contains(number), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_instrument_is_patched_by_member() {
    let sandbox = Running::start().await;
    let list = format!("{}/payment-instruments", sandbox.customer().await);
    let old = sandbox.card("4111111111111111").await;
    let new = sandbox.card("5555555555554444").await;
    let made = sandbox.post(&list, card_instrument(&old)).await;
    let path = format!("{list}/{}", made.id());
    let patch = json!({"card": {"expirationYear": "2031"}, "instrumentIdentifier": {"id": new}});
    let request = sandbox.request("PATCH", &path).body(&patch.to_string());
    let request = request.header("if-match", made.etag());
    let patched = sandbox.send(&request.clone().jwt(FIRST)).await;
    assert_eq!(patched.status, 200);
    let body = patched.json();
    assert_eq!(body["card"]["expirationYear"], "2031");
    assert_eq!(body["card"]["expirationMonth"], "01");
    assert_eq!(body["billTo"]["firstName"], "Jane");
    let embedded = &body["_embedded"]["instrumentIdentifier"];
    assert_eq!(embedded["card"]["number"], "555555XXXXXX4444");
    let stale = sandbox.send(&request.jwt(FIRST)).await;
    assert_eq!(stale.error(), (412, "conflict".to_owned()));
}

#[tokio::test]
async fn a_card_does_not_become_an_account() {
    let sandbox = Running::start().await;
    let list = format!("{}/payment-instruments", sandbox.customer().await);
    let card = sandbox.card("4111111111111111").await;
    let bank = bank(&sandbox).await;
    let on_card = sandbox.post(&list, card_instrument(&card)).await.id();
    let on_bank = sandbox.post(&list, bank_instrument(&bank)).await.id();
    for (id, patch) in [
        (&on_card, json!({"bankAccount": {"type": "checking"}})),
        (&on_card, json!({"instrumentIdentifier": {"id": bank}})),
        (&on_bank, json!({"card": {"expirationMonth": "01"}})),
        (&on_bank, json!({"instrumentIdentifier": {"id": card}})),
    ] {
        let answer = sandbox.patch(&format!("{list}/{id}"), patch).await;
        let expected = "unsupportedPaymentMethodModification".to_owned();
        assert_eq!(answer.error(), (400, expected));
    }
    let mut mixed = card_instrument(&bank);
    mixed["instrumentIdentifier"]["id"] = json!(bank);
    let answer = sandbox.post(&list, mixed).await;
    assert_eq!(answer.error(), (400, "invalidCombination".to_owned()));
}

#[tokio::test]
async fn the_identifier_must_be_there() {
    let sandbox = Running::start().await;
    let list = format!("{}/payment-instruments", sandbox.customer().await);
    let at = [("id".to_owned(), "instrumentIdentifier".to_owned())];
    let missing = sandbox.post(&list, json!({})).await;
    assert_eq!(missing.error(), (400, "missingFields".to_owned()));
    assert_eq!(missing.details(), at);
    let unknown = card_instrument("7040000000000181111");
    let unknown = sandbox.post(&list, unknown).await;
    assert_eq!(unknown.error(), (400, "invalidFields".to_owned()));
    assert_eq!(unknown.details(), at);
}

#[tokio::test]
async fn over_long_values_are_blamed_one_by_one() {
    let sandbox = Running::start().await;
    let list = format!("{}/payment-instruments", sandbox.customer().await);
    let identifier = sandbox.card("4111111111111111").await;
    for (location, name, chars) in [
        ("card", "issueNumber", 2),
        ("buyerInformation", "currency", 3),
        ("billTo", "firstName", 60),
        ("billTo", "lastName", 60),
        ("billTo", "address1", 60),
        ("billTo", "locality", 50),
        ("billTo", "administrativeArea", 20),
        ("billTo", "postalCode", 10),
        ("billTo", "country", 2),
        ("billTo", "email", 255),
        ("billTo", "phoneNumber", 15),
    ] {
        let mut body = card_instrument(&identifier);
        body[location][name] = json!("é".repeat(chars));
        assert_eq!(
            sandbox.post(&list, body.clone()).await.status,
            201,
            "{name}"
        );
        body[location][name] = json!("x".repeat(chars + 1));
        let answer = sandbox.post(&list, body).await;
        assert_eq!(answer.error(), (400, "invalidFields".to_owned()));
        assert_eq!(answer.details(), [(name.to_owned(), location.to_owned())]);
    }
    let mut body = bank_instrument(&bank(&sandbox).await);
    body["buyerInformation"]["personalIdentification"][0]["id"] = json!("x".repeat(27));
    let expected = "buyerInformation.personalIdentification".to_owned();
    let answer = sandbox.post(&list, body).await;
    assert_eq!(answer.details(), [("id".to_owned(), expected)]);
}

#[tokio::test]
async fn the_default_moves_and_cannot_leave_first() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let first = sandbox.instrument(&customer, &identifier).await;
    let second = sandbox.instrument(&customer, &identifier).await;
    let refused = sandbox.delete(&first).await;
    assert_eq!(refused.error(), (409, "conflict".to_owned()));

    let before = sandbox.get(&customer).await.etag().to_owned();
    let old = sandbox.get(&first).await.etag().to_owned();
    let patched = sandbox.patch(&second, json!({"default": "true"})).await;
    assert_eq!(patched.json()["default"], true);
    assert_ne!(sandbox.get(&customer).await.etag(), before);
    assert_ne!(sandbox.get(&first).await.etag(), old);
    assert_eq!(sandbox.get(&first).await.json()["default"], false);

    let unset = sandbox.patch(&second, json!({"default": false})).await;
    assert_eq!(unset.json()["default"], true, "no other takes its place");
    let wrong = sandbox.patch(&second, json!({"default": "yes"})).await;
    assert_eq!(wrong.error(), (400, "invalidFields".to_owned()));

    assert_eq!(sandbox.delete(&first).await.status, 204);
    assert_eq!(sandbox.get(&first).await.status, 410);
    assert_eq!(sandbox.delete(&second).await.status, 204, "a lone default");
    let bare = sandbox.get(&customer).await;
    assert!(bare.json().get("defaultPaymentInstrument").is_none());
}

#[tokio::test]
async fn an_address_lives_like_an_instrument() {
    let sandbox = Running::start().await;
    let list = format!("{}/shipping-addresses", sandbox.customer().await);
    let first = sandbox
        .post(&list, json!({"shipTo": {"firstName": "A"}}))
        .await;
    assert_eq!(
        (first.status, &first.json()["default"]),
        (201, &json!(true))
    );
    let body = json!({"default": true, "shipTo": {"firstName": "B", "country": "US"}});
    let second = sandbox.post(&list, body).await;
    assert_eq!(second.json()["default"], true);
    let first = format!("{list}/{}", first.id());
    let second = format!("{list}/{}", second.id());
    assert_eq!(sandbox.get(&first).await.json()["default"], false);

    let patch = json!({"shipTo": {"firstName": "C"}});
    let patched = sandbox.patch(&second, patch).await.json();
    let expected = json!({"firstName": "C", "country": "US"});
    assert_eq!(patched["shipTo"], expected);
    let wrong = json!({"shipTo": {"country": "USA"}});
    let wrong = sandbox.patch(&second, wrong).await;
    let expected = ("country".to_owned(), "shipTo".to_owned());
    assert_eq!(wrong.details(), [expected]);

    let refused = sandbox.delete(&second).await;
    assert_eq!(refused.error(), (409, "conflict".to_owned()));
    assert_eq!(sandbox.delete(&first).await.status, 204);
    assert_eq!(sandbox.get(&first).await.status, 410);
    assert_eq!(sandbox.delete(&second).await.status, 204);
    assert_eq!(sandbox.get(&list).await.json()["total"], 0);
}

#[tokio::test]
async fn a_stale_etag_protects_what_a_customer_owns() {
    let sandbox = Running::start().await;
    let customer = sandbox.customer().await;
    let identifier = sandbox.card("4111111111111111").await;
    let instrument = sandbox.instrument(&customer, &identifier).await;
    let list = format!("{customer}/shipping-addresses");
    let address = sandbox.post(&list, json!({})).await.id();
    for path in [instrument, format!("{list}/{address}")] {
        for method in ["PATCH", "DELETE"] {
            let request = sandbox.request(method, &path).body("{}");
            let request = request.header("If-Match", "\"stale\"");
            let answer = sandbox.send(&request.jwt(FIRST)).await;
            assert_eq!(answer.error(), (412, "conflict".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn lists_have_pages() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(sandbox.instrument(&customer, &identifier).await);
    }
    let list = format!("{customer}/payment-instruments");
    let whole = sandbox.get(&list).await.json();
    assert_eq!((&whole["count"], &whole["limit"]), (&json!(3), &json!(20)));
    let page = sandbox
        .get(&format!("{list}?offset=1&limit=1"))
        .await
        .json();
    assert_eq!((&page["count"], &page["total"]), (&json!(1), &json!(3)));
    let item = &page["_embedded"]["paymentInstruments"][0];
    assert_eq!(item["_links"]["self"]["href"], made[1].as_str());
    let next = format!("{list}?offset=2&limit=1");
    assert_eq!(page["_links"]["next"]["href"], next.as_str());
    let wrong = sandbox.get(&format!("{list}?limit=0")).await;
    assert_eq!(wrong.error(), (400, "invalidFields".to_owned()));
}

#[tokio::test]
async fn a_token_of_another_customer_is_not_found() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let (one, other) = (sandbox.customer().await, sandbox.customer().await);
    let instrument = sandbox.instrument(&one, &identifier).await;
    let moved = instrument.replace(&one, &other);
    assert_eq!(sandbox.get(&moved).await.error().0, 404);
    assert_eq!(sandbox.delete(&moved).await.error().0, 404);
    assert_eq!(sandbox.get(&instrument).await.status, 200);
}
