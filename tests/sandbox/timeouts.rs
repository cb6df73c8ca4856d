//! The merchant's own ids: unique, and good for a reversal or a void after a time-out.

use serde_json::{Value, json};

use super::client::{Answer, Running, SECOND};
use super::payments::{CREDITS, PAYMENTS, blamed, outcome, payment, sale};

const REVERSALS: &str = "/pts/v2/reversals";
const VOIDS: &str = "/pts/v2/voids";

fn with_own_id(mut body: Value, own: &str) -> Value {
    body["clientReferenceInformation"]["transactionId"] = json!(own);
    body
}

fn reversal(own: &str) -> Value {
    json!({"clientReferenceInformation": {"transactionId": own},
        "reversalInformation": {"amountDetails": {"totalAmount": "10.00"}, "reason": "test"}})
}

fn void(own: &str) -> Value {
    json!({"clientReferenceInformation": {"transactionId": own}})
}

/// INVALID_DATA that blames no field.
fn assert_no_field(answer: &Answer) {
    let expected = (400, "INVALID_REQUEST".to_owned(), "INVALID_DATA".to_owned());
    assert_eq!(outcome(answer), expected, "{}", answer.text);
    assert!(answer.json().get("details").is_none());
}

#[tokio::test]
async fn an_own_id_is_good_for_one_request_of_one_merchant() {
    let sandbox = Running::start().await;
    let body = with_own_id(payment("10.00"), "t1");
    let auth = sandbox.post(PAYMENTS, body.clone()).await;
    assert_eq!(auth.status, 201);
    assert_no_field(&sandbox.post(PAYMENTS, body.clone()).await);
    assert_no_field(&sandbox.post(CREDITS, body.clone()).await);
    let captures = format!("{PAYMENTS}/{}/captures", auth.id());
    assert_no_field(&sandbox.post(&captures, body.clone()).await);
    let request = sandbox.request("POST", PAYMENTS).body(&body.to_string());
    assert_eq!(sandbox.send(&request.jwt(SECOND)).await.status, 201);
    // A declined payment has used its id up, a refused one has not.
    let declined = with_own_id(payment("2303.00"), "t2");
    assert_eq!(
        outcome(&sandbox.post(PAYMENTS, declined).await).1,
        "DECLINED"
    );
    assert_no_field(
        &sandbox
            .post(PAYMENTS, with_own_id(payment("10.00"), "t2"))
            .await,
    );
    assert_eq!(
        sandbox
            .post(PAYMENTS, with_own_id(json!({}), "t3"))
            .await
            .status,
        400
    );
    assert_eq!(
        sandbox
            .post(PAYMENTS, with_own_id(payment("10.00"), "t3"))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_timed_out_authorization_is_reversed_by_its_own_id() {
    let sandbox = Running::start().await;
    // The work is done, the reply says that nobody knows.
    let answer = sandbox
        .post(PAYMENTS, with_own_id(payment("8151.00"), "t1"))
        .await;
    let expected = (502, "SERVER_ERROR".to_owned(), "SERVER_TIMEOUT".to_owned());
    assert_eq!(outcome(&answer), expected);
    let reversed = sandbox.post(REVERSALS, reversal("t1")).await;
    assert_eq!(outcome(&reversed).1, "REVERSED", "{}", reversed.text);
    let again = sandbox.post(REVERSALS, reversal("t1")).await;
    assert_eq!(outcome(&again).2, "AUTH_ALREADY_REVERSED");

    let failed = sandbox
        .post(PAYMENTS, with_own_id(payment("2000.00"), "t2"))
        .await;
    assert_eq!(outcome(&failed).2, "SYSTEM_ERROR");
    assert_no_field(&sandbox.post(REVERSALS, reversal("t2")).await);
    let request = sandbox
        .request("POST", REVERSALS)
        .body(&reversal("t1").to_string());
    assert_no_field(&sandbox.send(&request.jwt(SECOND)).await);
    let missing = sandbox.post(REVERSALS, json!({})).await;
    assert_eq!(
        blamed(&missing)[0],
        "clientReferenceInformation.transactionId"
    );
}

#[tokio::test]
async fn the_others_are_voided_by_their_own_ids() {
    let sandbox = Running::start().await;
    let sold = sandbox
        .post(PAYMENTS, with_own_id(sale("10.00"), "sale"))
        .await
        .id();
    let refunds = format!("{PAYMENTS}/{sold}/refunds");
    let refund = sandbox
        .post(&refunds, with_own_id(payment("10.00"), "refund"))
        .await;
    assert_eq!(refund.status, 201);
    sandbox
        .post(CREDITS, with_own_id(payment("10.00"), "credit"))
        .await;
    let auth = sandbox
        .post(PAYMENTS, with_own_id(payment("10.00"), "auth"))
        .await
        .id();
    let captures = format!("{PAYMENTS}/{auth}/captures");
    sandbox
        .post(&captures, with_own_id(payment("10.00"), "capture"))
        .await;
    for own in ["refund", "sale", "credit", "capture"] {
        let voided = sandbox.post(VOIDS, void(own)).await;
        assert_eq!(outcome(&voided).1, "VOIDED", "{own}");
        let again = sandbox.post(VOIDS, void(own)).await;
        assert_eq!(outcome(&again).2, "NOT_VOIDABLE", "{own}");
    }
    assert_eq!(
        outcome(&sandbox.post(VOIDS, void("auth")).await).2,
        "NOT_VOIDABLE"
    );
    assert_no_field(&sandbox.post(VOIDS, void("unknown")).await);
    assert_no_field(&sandbox.post(REVERSALS, reversal("credit")).await);
    let missing = sandbox.post(VOIDS, json!({})).await;
    assert_eq!(
        blamed(&missing),
        ["clientReferenceInformation.transactionId"]
    );
}
