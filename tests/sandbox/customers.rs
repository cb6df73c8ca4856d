//! Customers.

use serde_json::{Value, json};

use super::client::{FIRST, Running};

const CUSTOMERS: &str = "/tms/v2/customers";

/// Every member that a client may set, and two that it may not.
fn full() -> Value {
    json!({
        "buyerInformation": {"merchantCustomerID": "cust1", "email": "jsmith@example.com"},
        "clientReferenceInformation": {"code": "ref9876"},
        "merchantDefinedInformation": [{"name": "data1", "value": "text"}],
        "objectInformation": {"title": "t", "comment": "c"},
        "id": "mine", "unknown": {"x": 1},
    })
}

#[tokio::test]
async fn a_life_cycle() {
    let sandbox = Running::start().await;
    let body = full();
    let made = sandbox.post(CUSTOMERS, body.clone()).await;
    assert_eq!(made.status, 201);
    let id = made.id();
    let is_token = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c);
    assert!(id.len() == 32 && id.chars().all(is_token), "{id}");
    let path = format!("{CUSTOMERS}/{id}");
    assert_eq!(made.header("location"), Some(path.as_str()));

    let read = sandbox.get(&path).await;
    assert_eq!(read.json(), made.json());
    assert_eq!(read.etag(), made.etag());
    for name in [
        "buyerInformation",
        "clientReferenceInformation",
        "merchantDefinedInformation",
        "objectInformation",
    ] {
        assert_eq!(read.json()[name], body[name], "{name}");
    }
    assert_eq!(read.json()["metadata"]["creator"], "mid1234");
    assert_eq!(read.json()["_links"]["self"]["href"], path.as_str());
    assert!(read.json().get("unknown").is_none());
    assert!(read.json().get("_embedded").is_none());

    assert_eq!(sandbox.delete(&path).await.status, 204);
    for answer in [
        sandbox.get(&path).await,
        sandbox.patch(&path, json!({})).await,
        sandbox.delete(&path).await,
        sandbox.get(&format!("{path}/payment-instruments")).await,
    ] {
        assert_eq!(answer.error(), (410, "notAvailable".to_owned()));
    }
    let never = format!("{CUSTOMERS}/00000000000000000000000000000000");
    assert_eq!(sandbox.get(&never).await.error().0, 404);
}

#[tokio::test]
async fn a_patch_merges_objects_and_replaces_arrays() {
    let sandbox = Running::start().await;
    let body = json!({
        "buyerInformation": {"merchantCustomerId": "cust1", "email": "a@example.com"},
        "merchantDefinedInformation":
            [{"name": "data1", "value": "one"}, {"name": "data2", "value": "two"}],
    });
    let made = sandbox.post(CUSTOMERS, body).await;
    let path = format!("{CUSTOMERS}/{}", made.id());
    let patch = json!({
        "buyerInformation": {"email": "b@example.com"},
        "merchantDefinedInformation": [{"name": "data3", "value": "three"}],
    });
    let patched = sandbox.patch(&path, patch).await;
    assert_eq!(patched.status, 200);
    assert_ne!(patched.etag(), made.etag());
    assert_eq!(
        patched.json()["buyerInformation"],
        json!({"merchantCustomerID": "cust1", "email": "b@example.com"})
    );
    assert_eq!(
        patched.json()["merchantDefinedInformation"],
        json!([{"name": "data3", "value": "three"}])
    );
    assert_eq!(sandbox.get(&path).await.json(), patched.json());
}

#[tokio::test]
async fn a_stale_etag_is_refused() {
    let sandbox = Running::start().await;
    let path = sandbox.customer().await;
    let etag = sandbox.get(&path).await.etag().to_owned();
    let patch = |etag: &str| {
        let request = sandbox.request("PATCH", &path).body("{}");
        request.header("If-Match", etag).jwt(FIRST)
    };
    assert_eq!(sandbox.send(&patch(&etag)).await.status, 200);
    let stale = sandbox.send(&patch(&etag)).await;
    assert_eq!(stale.error(), (412, "conflict".to_owned()));
    let delete = sandbox.request("DELETE", &path).header("if-match", &etag);
    assert_eq!(sandbox.send(&delete.jwt(FIRST)).await.status, 412);
    assert_eq!(sandbox.get(&path).await.status, 200);
}

#[tokio::test]
async fn the_defaults_are_embedded() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let path = sandbox.customer().await;
    let bare = sandbox.get(&path).await.etag().to_owned();
    let instrument = sandbox.instrument(&path, &identifier).await;
    let body = json!({"shipTo": {"firstName": "Jane"}});
    let address = sandbox
        .post(&format!("{path}/shipping-addresses"), body)
        .await;
    assert_eq!(address.status, 201);

    let read = sandbox.get(&path).await;
    assert_ne!(read.etag(), bare);
    let customer = read.json();
    let id = instrument.rsplit('/').next().unwrap();
    assert_eq!(customer["defaultPaymentInstrument"]["id"], id);
    assert_eq!(customer["defaultShippingAddress"]["id"], address.id());
    let embedded = &customer["_embedded"];
    let default = &embedded["defaultPaymentInstrument"];
    assert_eq!(default["id"], id);
    assert_eq!(default["state"], "ACTIVE");
    assert_eq!(default["instrumentIdentifier"]["id"], identifier);
    let number = &default["_embedded"]["instrumentIdentifier"]["card"]["number"];
    assert_eq!(number, "411111XXXXXX1111");
    let shipping = &embedded["defaultShippingAddress"];
    assert_eq!(shipping["shipTo"]["firstName"], "Jane");
}

#[tokio::test]
async fn the_customer_can_choose_the_defaults() {
    let sandbox = Running::start().await;
    let identifier = sandbox.card("4111111111111111").await;
    let path = sandbox.customer().await;
    sandbox.instrument(&path, &identifier).await;
    let second = sandbox.instrument(&path, &identifier).await;
    let id = second.rsplit('/').next().unwrap();
    let patch = json!({"defaultPaymentInstrument": {"id": id}});
    let patched = sandbox.patch(&path, patch).await;
    assert_eq!(patched.json()["defaultPaymentInstrument"]["id"], id);
    assert_eq!(sandbox.get(&second).await.json()["default"], true);

    let patch = json!({"defaultShippingAddress": {"id": id}});
    let refused = sandbox.patch(&path, patch).await;
    assert_eq!(refused.error(), (400, "invalidFields".to_owned()));
    let expected = ("id".to_owned(), "defaultShippingAddress".to_owned());
    assert_eq!(refused.details(), [expected]);
}

#[tokio::test]
async fn a_deleted_customer_takes_everything_along() {
    let sandbox = Running::start().await;
    let alone = sandbox.card("4111111111111111").await;
    let shared = sandbox.card("5555555555554444").await;
    let (path, other) = (sandbox.customer().await, sandbox.customer().await);
    let instrument = sandbox.instrument(&path, &alone).await;
    sandbox.instrument(&path, &shared).await;
    sandbox.instrument(&other, &shared).await;
    assert_eq!(sandbox.delete(&path).await.status, 204);
    let identifier = |id: &str| format!("/tms/v1/instrumentidentifiers/{id}");
    assert_eq!(sandbox.get(&instrument).await.status, 410);
    assert_eq!(sandbox.get(&identifier(&alone)).await.status, 410);
    assert_eq!(sandbox.get(&identifier(&shared)).await.status, 200);
    assert_eq!(sandbox.get(&other).await.status, 200);
}

#[tokio::test]
async fn over_long_and_wrong_values_are_blamed() {
    let sandbox = Running::start().await;
    let body = json!({"merchantDefinedInformation": [
        {"name": "data1", "value": "x".repeat(101)}, {"name": "data5", "value": "x"}]});
    let answer = sandbox.post(CUSTOMERS, body).await;
    assert_eq!(answer.error(), (400, "invalidFields".to_owned()));
    let location = "merchantDefinedInformation";
    let at = |name: &str| (name.to_owned(), location.to_owned());
    assert_eq!(answer.details(), [at("value"), at("name")]);
}
