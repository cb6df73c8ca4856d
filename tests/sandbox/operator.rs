//! What an operator asks of the sandbox.

use serde_json::{Value, json};

use super::client::{Answer, FIRST, Running};
use super::payments::{PAYMENTS, outcome, payment};

/// A call that nobody signs.
async fn ask(sandbox: &Running, method: &str, path: &str, body: Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    sandbox
        .send(&sandbox.request(method, path).body(&body))
        .await
}

async fn plan(sandbox: &Running, fault: Value) {
    let planned = ask(sandbox, "POST", "/sandbox/faults", fault).await;
    assert_eq!(planned.status, 200, "{}", planned.text);
}

#[tokio::test]
async fn faults_come_as_planned_and_then_no_more() {
    let sandbox = Running::start().await;
    plan(
        &sandbox,
        json!({"fault": "status=503,7", "times": 2, "path": PAYMENTS}),
    )
    .await;
    plan(
        &sandbox,
        json!({"fault": "status-after=502", "method": "POST"}),
    )
    .await;
    assert_eq!(sandbox.get("/tms/v2/customers/1").await.status, 404);
    for _ in 0..2 {
        let busy = sandbox.post(PAYMENTS, payment("10.00")).await;
        assert_eq!((busy.status, busy.header("retry-after")), (503, Some("7")));
        assert_eq!(busy.header("content-type"), Some("text/html"));
    }
    // The work is done behind this page.
    let mut own = payment("10.00");
    own["clientReferenceInformation"]["transactionId"] = json!("t1");
    assert_eq!(sandbox.post(PAYMENTS, own).await.status, 502);
    let reversal = json!({"clientReferenceInformation": {"transactionId": "t1"},
        "reversalInformation": {"amountDetails": {"totalAmount": "10.00"}, "reason": "x"}});
    assert_eq!(
        sandbox.post("/pts/v2/reversals/", reversal).await.status,
        201
    );
    let left = ask(&sandbox, "GET", "/sandbox/faults", Value::Null).await;
    assert_eq!(left.json()["faults"], json!([]));
}

#[tokio::test]
async fn a_wrong_etag_leads_a_client_astray_and_a_cut_brings_nothing() {
    let sandbox = Running::start().await;
    let customer = sandbox.customer().await;
    plan(
        &sandbox,
        json!({"fault": "wrong-etag", "path": "/tms/v2/customers/*"}),
    )
    .await;
    let etag = sandbox.get(&customer).await.etag().to_owned();
    let update = sandbox.request("PATCH", &customer).body("{}");
    let update = update.header("If-Match", &etag).jwt(FIRST);
    assert_eq!(
        sandbox.send(&update).await.error(),
        (412, "conflict".to_owned())
    );
    plan(&sandbox, json!({"fault": "cut-before", "times": 5})).await;
    let request = sandbox.request("GET", &customer).jwt(FIRST);
    assert_eq!(sandbox.received(&request.bytes()).await, b"");
    let emptied = ask(&sandbox, "DELETE", "/sandbox/faults", Value::Null).await;
    assert_eq!(emptied.json()["faults"], json!([]));
    assert_eq!(sandbox.get(&customer).await.status, 200);
}

#[tokio::test]
async fn the_clock_decides_on_dates_expiry_and_settlement() {
    let sandbox = Running::start().await;
    let sale = |total: &str| {
        let mut body = payment(total);
        body["processingInformation"] = json!({"capture": true});
        body
    };
    let void = |id: String| format!("/pts/v2/payments/{id}/voids");
    let first = sandbox.post(PAYMENTS, sale("10.00")).await.id();
    let second = sandbox.post(PAYMENTS, sale("11.00")).await.id();
    assert_eq!(sandbox.post(&void(first), json!({})).await.status, 201);
    ask(
        &sandbox,
        "POST",
        "/sandbox/clock",
        json!({"advance": "25h"}),
    )
    .await;
    // Signed by today's clock, which is yesterday's there.
    assert_eq!(sandbox.get("/tss/v2/transactions/1").await.status, 401);
    let signed = sandbox
        .request("GET", "/tms/v2/customers/1")
        .signature(FIRST);
    assert_eq!(sandbox.send(&signed).await.status, 401);

    ask(&sandbox, "DELETE", "/sandbox/clock", Value::Null).await;
    ask(&sandbox, "POST", "/sandbox/settlement", Value::Null).await;
    let late = sandbox.post(&void(second), json!({})).await;
    assert_eq!(outcome(&late).2, "NOT_VOIDABLE");
    let third = sandbox.post(PAYMENTS, sale("12.00")).await.id();
    assert_eq!(sandbox.post(&void(third), json!({})).await.status, 201);

    let set = json!({"set": "2040-01-01T00:00:00Z"});
    let status = ask(&sandbox, "POST", "/sandbox/clock", set).await.json();
    assert!(
        status["clock"]
            .as_str()
            .unwrap()
            .starts_with("2040-01-01T00:0")
    );
}

#[tokio::test]
async fn balances_can_be_watched_or_not() {
    let sandbox = Running::start().await;
    let id = sandbox.post(PAYMENTS, payment("10.00")).await.id();
    let path = format!("/pts/v2/payments/{id}/captures");
    let more = json!({"orderInformation": {"amountDetails":
        {"totalAmount": "11.00", "currency": "USD"}}});
    let strict = json!({"balances": "strict"});
    let told = ask(&sandbox, "POST", "/sandbox/balances", strict).await;
    assert_eq!(told.json()["balances"], "strict");
    let refused = sandbox.post(&path, more.clone()).await;
    assert_eq!(outcome(&refused).2, "EXCEEDS_AUTH_AMOUNT");
    let lenient = json!({"balances": "lenient"});
    ask(&sandbox, "POST", "/sandbox/balances", lenient).await;
    assert_eq!(sandbox.post(&path, more).await.status, 201);
}

#[tokio::test]
async fn a_reset_forgets_and_a_seed_repeats() {
    let sandbox = Running::start().await;
    let seed = json!({"seed": 7});
    let mut ids = Vec::new();
    for _ in 0..2 {
        plan(&sandbox, json!({"fault": "cut-before"})).await;
        let status = ask(&sandbox, "POST", "/sandbox/reset", seed.clone())
            .await
            .json();
        assert_eq!(status["faults"], json!([]));
        ids.push((
            sandbox.customer().await,
            sandbox.post(PAYMENTS, payment("1")).await.id(),
        ));
    }
    assert_eq!(ids[0], ids[1]);
    ask(&sandbox, "POST", "/sandbox/reset", Value::Null).await;
    assert_eq!(sandbox.get(&ids[0].0).await.status, 404);
    assert_ne!(sandbox.customer().await, ids[0].0);
}

#[tokio::test]
async fn mistakes_are_told_and_nothing_is_a_rest_path() {
    let sandbox = Running::start().await;
    for (method, path, body, status, said) in [
        (
            "POST",
            "/sandbox/faults",
            json!({"fault": "x"}),
            400,
            "no fault",
        ),
        (
            "POST",
            "/sandbox/faults",
            json!({"fault": "cut-after", "time": 1}),
            400,
            "time",
        ),
        (
            "POST",
            "/sandbox/clock",
            json!({"advance": "soon"}),
            400,
            "36h",
        ),
        (
            "POST",
            "/sandbox/clock",
            json!({"set": "soon"}),
            400,
            "2026-12-24",
        ),
        ("POST", "/sandbox/clock", json!({}), 400, "takes"),
        (
            "POST",
            "/sandbox/balances",
            json!({"balances": "x"}),
            400,
            "lenient",
        ),
        ("POST", "/sandbox/nothing", json!({}), 404, "no such call"),
        (
            "GET",
            "/sandbox/keys/mle-key.pem",
            Value::Null,
            404,
            "no such file",
        ),
    ] {
        let answer = ask(&sandbox, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(answer.text.contains(said), "{path}: {}", answer.text);
    }
    // Not under /sandbox, so that it needs a signature.
    assert_eq!(
        ask(&sandbox, "GET", "/sandboxes", Value::Null).await.status,
        401
    );
    let status = ask(&sandbox, "GET", "/sandbox", Value::Null).await.json();
    assert_eq!(status["merchants"], json!(["mid1234", "mid5678"]));
    assert_eq!(status["mle"], false);
}

#[tokio::test]
async fn faults_of_the_start_come_again_after_a_reset() {
    let faults = vec!["status=503 POST /pts/**".parse().unwrap()];
    let sandbox = Running::start_with(|settings| settings.faults = faults).await;
    for _ in 0..2 {
        assert_eq!(sandbox.get("/tms/v2/customers/1").await.status, 404);
        assert_eq!(sandbox.post(PAYMENTS, payment("1")).await.status, 503);
        assert_eq!(sandbox.post(PAYMENTS, payment("1")).await.status, 201);
        ask(&sandbox, "POST", "/sandbox/reset", Value::Null).await;
    }
    ask(&sandbox, "DELETE", "/sandbox/faults", Value::Null).await;
    assert_eq!(sandbox.post(PAYMENTS, payment("1")).await.status, 201);
}
