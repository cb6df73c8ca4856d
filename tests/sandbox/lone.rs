//! Payment instruments that no customer owns.

use serde_json::{Value, json};

use super::client::{FIRST, Running};
use super::payments::{PAYMENTS, payment};

const INSTRUMENTS: &str = "/tms/v1/paymentinstruments";

fn instrument(identifier: &str) -> Value {
    json!({"instrumentIdentifier": {"id": identifier},
        "card": {"expirationMonth": "12", "expirationYear": "2031", "type": "001"},
        "billTo": {"firstName": "Jane", "lastName": "Smith", "address1": "1 Street",
            "locality": "Town", "administrativeArea": "CA", "postalCode": "98765",
            "country": "US", "email": "a@example.com"}})
}

#[tokio::test]
async fn the_life_of_one() {
    let sandbox = Running::start().await;
    let card = sandbox.card("4111111111111111").await;
    let made = sandbox.post(INSTRUMENTS, instrument(&card)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("{INSTRUMENTS}/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    let shown = made.json();
    assert_eq!(shown["_links"]["self"]["href"], path);
    assert!(shown["_links"].get("customer").is_none() && shown.get("default").is_none());
    let embedded = &shown["_embedded"]["instrumentIdentifier"];
    assert_eq!(embedded["card"]["number"], "411111XXXXXX1111");

    let patch = json!({"card": {"expirationYear": "2040"}});
    let changed = sandbox.patch(&path, patch.clone()).await;
    assert_eq!(changed.json()["card"]["expirationYear"], "2040");
    assert_eq!(changed.json()["card"]["expirationMonth"], "12");
    let stale = sandbox.request("PATCH", &path).body(&patch.to_string());
    let stale = stale.header("If-Match", made.etag()).jwt(FIRST);
    assert_eq!(sandbox.send(&stale).await.status, 412);
    assert_eq!(sandbox.get(&path).await.etag(), changed.etag());
    let listed = format!("/tms/v1/instrumentidentifiers/{card}/paymentinstruments");
    assert_eq!(sandbox.get(&listed).await.json()["total"], 1);

    assert_eq!(sandbox.delete(&path).await.status, 204);
    assert_eq!(
        sandbox.get(&path).await.error(),
        (410, "notAvailable".to_owned())
    );
    // Nothing else used its identifier.
    let identifier = format!("/tms/v1/instrumentidentifiers/{card}");
    assert_eq!(sandbox.get(&identifier).await.status, 410);
}

#[tokio::test]
async fn an_identifier_lives_as_long_as_an_instrument_of_either_home() {
    let sandbox = Running::start().await;
    let card = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let owned = sandbox.instrument(&customer, &card).await;
    let lone = sandbox.post(INSTRUMENTS, instrument(&card)).await.id();
    let listed = format!("/tms/v1/instrumentidentifiers/{card}/paymentinstruments");
    let list = sandbox.get(&listed).await.json();
    assert_eq!(list["total"], 2);
    let items = &list["_embedded"]["paymentInstruments"];
    assert_eq!(items[0]["_links"]["self"]["href"], owned);
    assert_eq!(items[1]["id"], lone);
    // Neither home shows the other's.
    let id = owned.rsplit('/').next().unwrap();
    assert_eq!(
        sandbox.get(&format!("{INSTRUMENTS}/{id}")).await.status,
        404
    );
    let elsewhere = format!("{customer}/payment-instruments/{lone}");
    assert_eq!(sandbox.get(&elsewhere).await.status, 404);

    assert_eq!(sandbox.delete(&customer).await.status, 204);
    let identifier = format!("/tms/v1/instrumentidentifiers/{card}");
    assert_eq!(sandbox.get(&identifier).await.status, 200);
    let other = sandbox.card("5555555555554444").await;
    let moved = json!({"instrumentIdentifier": {"id": other}});
    let path = format!("{INSTRUMENTS}/{lone}");
    assert_eq!(sandbox.patch(&path, moved).await.status, 200);
    assert_eq!(sandbox.get(&listed).await.json()["total"], 0);
    assert_eq!(sandbox.delete(&identifier).await.status, 204);
}

#[tokio::test]
async fn it_pays_and_what_is_wrong_with_one_is_said() {
    let sandbox = Running::start().await;
    let card = sandbox.card("4111111111111111").await;
    let id = sandbox.post(INSTRUMENTS, instrument(&card)).await.id();
    let mut body = payment("10.00");
    body["paymentInformation"] = json!({"paymentInstrument": {"id": id}});
    body["orderInformation"]
        .as_object_mut()
        .unwrap()
        .remove("billTo");
    assert_eq!(sandbox.post(PAYMENTS, body).await.status, 201);

    let missing = sandbox.post(INSTRUMENTS, json!({})).await;
    assert_eq!(missing.error(), (400, "missingFields".to_owned()));
    let unknown = sandbox
        .post(INSTRUMENTS, instrument("7000000000000000000"))
        .await;
    assert_eq!(unknown.error(), (400, "invalidFields".to_owned()));
    let mut bank = instrument(&card);
    bank["bankAccount"] = json!({"type": "checking"});
    let crossed = sandbox.post(INSTRUMENTS, bank).await;
    assert_eq!(crossed.error(), (400, "invalidCombination".to_owned()));
    let path = format!("{INSTRUMENTS}/{id}");
    let crossed = sandbox.patch(&path, json!({"bankAccount": {"type": "checking"}}));
    let class = "unsupportedPaymentMethodModification".to_owned();
    assert_eq!(crossed.await.error(), (400, class));
}
