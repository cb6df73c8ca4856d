//! Searching for transactions.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Running, SECOND};
use super::payments::{PAYMENTS, blamed, outcome, payment, sale};

const SEARCHES: &str = "/tss/v2/searches";

fn referred(mut body: Value, code: &str) -> Value {
    body["clientReferenceInformation"] = json!({"code": code, "comments": format!("of {code}")});
    body
}

fn query(text: &str) -> Value {
    json!({"query": text, "sort": "submitTimeUtc:desc"})
}

fn listed(answer: &Answer) -> Vec<String> {
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    let body = answer.json();
    let summaries = body["_embedded"]["transactionSummaries"].as_array();
    let ids = summaries.unwrap().iter().map(|one| one["id"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_paid_under_a_reference_is_found() {
    let sandbox = Running::start().await;
    let first = sandbox
        .post(PAYMENTS, referred(sale("10.00"), "a-1"))
        .await
        .id();
    let other = sandbox
        .post(PAYMENTS, referred(payment("11.00"), "b 2"))
        .await
        .id();
    let second = sandbox
        .post(PAYMENTS, referred(payment("2303.00"), "a-1"))
        .await
        .id();
    for (text, expected) in [
        ("clientReferenceInformation.code:a-1", vec![&second, &first]),
        ("clientReferenceInformation.code:\"b 2\"", vec![&other]),
        (
            "clientReferenceInformation.code:(a-1 OR \"b 2\")",
            vec![&second, &other, &first],
        ),
        (
            "clientReferenceInformation.code:a-1 AND submitTimeUtc:[NOW/DAY-7DAYS TO NOW/DAY+1DAY}",
            vec![&second, &first],
        ),
        ("submitTimeUtc:[NOW/DAY-7DAYS TO NOW/DAY-1DAY}", vec![]),
        (
            "orderInformation.amountDetails.totalAmount:10.00",
            vec![&first],
        ),
        ("clientReferenceInformation.code:a", vec![]),
    ] {
        let answer = sandbox.post(SEARCHES, query(text)).await;
        assert_eq!(answer.status, 201, "{text}");
        assert_eq!(
            listed(&answer).iter().collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }
    let elsewhere = sandbox.request("POST", SEARCHES);
    let elsewhere = elsewhere.body(&query("clientReferenceInformation.code:a-1").to_string());
    assert!(listed(&sandbox.send(&elsewhere.jwt(SECOND)).await).is_empty());
}

/// By the comment, which only its details show.
#[tokio::test]
async fn a_list_shows_less_than_details_do() {
    let sandbox = Running::start().await;
    let mut body = referred(sale("10.00"), "a-1");
    body["clientReferenceInformation"]["transactionId"] = json!("t1");
    body["processingInformation"]["actionList"] = json!(["TOKEN_CREATE"]);
    let paid = sandbox.post(PAYMENTS, body).await;
    let answer = sandbox.post(SEARCHES, query("id:1")).await.json();
    assert_eq!(
        (&answer["count"], &answer["totalCount"]),
        (&json!(0), &json!(0))
    );
    let answer = sandbox
        .post(SEARCHES, query(&format!("id:{}", paid.id())))
        .await
        .json();
    let summary = &answer["_embedded"]["transactionSummaries"][0];
    assert_eq!(
        summary["clientReferenceInformation"],
        json!({"code": "a-1"})
    );
    let amounts = json!({"totalAmount": "10.00", "currency": "USD"});
    assert_eq!(summary["orderInformation"]["amountDetails"], amounts);
    let services = summary["applicationInformation"]["applications"]
        .as_array()
        .unwrap();
    assert!(services.iter().all(|service| service["rCode"] == "1"));
    let details = summary["_links"]["transactionDetail"]["href"]
        .as_str()
        .unwrap();
    let details = sandbox.get(details).await.json();
    let reference = json!({"code": "a-1", "comments": "of a-1"});
    assert_eq!(details["clientReferenceInformation"], reference);
    let tokens = &details["tokenInformation"];
    assert_eq!(
        tokens["customer"],
        paid.json()["tokenInformation"]["customer"]
    );
    assert!(tokens.get("instrumentidentifierNew").is_none());
}

#[tokio::test]
async fn what_is_not_served_is_refused() {
    let sandbox = Running::start().await;
    for (body, field) in [
        (query("paymentInformation.card.suffix:1111"), "query"),
        (query("id:1 OR id:2"), "query"),
        (json!({"query": ""}), "query"),
        (json!({"query": "id:1", "sort": "amount:asc"}), "sort"),
        (json!({"query": "id:1", "limit": 9999}), "limit"),
    ] {
        let answer = sandbox.post(SEARCHES, body).await;
        assert_eq!(outcome(&answer).0, 400, "{}", answer.text);
        assert_eq!(blamed(&answer), [field]);
    }
    assert_eq!(
        sandbox
            .post(SEARCHES, json!({"limit": "many"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_page_and_a_saved_search() {
    let sandbox = Running::start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(sandbox.post(PAYMENTS, payment("10.00")).await.id());
    }
    let search = json!({"save": "true", "name": "mine", "timezone": "America/Chicago",
        "query": "clientReferenceInformation.code:ref9876", "offset": 1, "limit": 1, "sort": "id:asc"});
    let answer = sandbox.post(SEARCHES, search).await;
    assert_eq!(listed(&answer), ids[1..2]);
    let body = answer.json();
    assert_eq!(
        (&body["count"], &body["totalCount"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        (&body["save"], &body["name"]),
        (&json!(true), &json!("mine"))
    );
    let own = format!("{SEARCHES}/{}", body["searchId"].as_str().unwrap());
    assert_eq!(body["_links"]["self"]["href"], own);
    let again = sandbox.get(&own).await;
    assert_eq!((again.status, listed(&again)), (200, ids[1..2].to_vec()));
    let request = sandbox.request("GET", &own);
    assert_eq!(sandbox.send(&request.jwt(SECOND)).await.status, 404);
    let answer = sandbox.post(SEARCHES, query("id:1")).await.json();
    let unsaved = format!("{SEARCHES}/{}", answer["searchId"].as_str().unwrap());
    assert_eq!(sandbox.get(&unsaved).await.status, 404);
}

#[tokio::test]
async fn a_search_lags_behind_as_long_as_it_is_told() {
    let lag = Duration::from_secs(3600);
    let sandbox = Running::start_with(|settings| settings.search_lag = lag).await;
    let paid = sandbox.post(PAYMENTS, payment("10.00")).await.id();
    let search = query(&format!("id:{paid}"));
    assert!(listed(&sandbox.post(SEARCHES, search.clone()).await).is_empty());
    let details = format!("/tss/v2/transactions/{paid}");
    assert_eq!(sandbox.get(&details).await.status, 200);
    let call = sandbox.request("POST", "/sandbox/searches");
    let told = sandbox.send(&call.clone().body(r#"{"lag": "0s"}"#)).await;
    assert_eq!(told.json()["searchLag"], "0s");
    assert_eq!(listed(&sandbox.post(SEARCHES, search).await), [paid]);
    assert_eq!(
        sandbox.send(&call.body(r#"{"lag": "soon"}"#)).await.status,
        400
    );
}
