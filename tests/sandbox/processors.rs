//! The simulators of other processors, and accounts that refuse duplicates.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, FIRST, Running};
use super::payments::{CREDITS, PAYMENTS, outcome, payment};
use scmp_gateway::sandbox::Processor;

/// Has an operator choose.
async fn choose(sandbox: &Running, processor: &str) -> Answer {
    let body = json!({"processor": processor}).to_string();
    let request = sandbox.request("POST", "/sandbox/processor").body(&body);
    sandbox.send(&request).await
}

async fn reason(sandbox: &Running, path: &str, body: Value) -> String {
    outcome(&sandbox.post(path, body).await).2
}

#[tokio::test]
async fn each_has_amounts_of_its_own() {
    let sandbox = Running::start_with(|settings| settings.processor = Processor::Omnipay).await;
    assert_eq!(
        reason(&sandbox, PAYMENTS, payment("1003.00")).await,
        "INVALID_MERCHANT_CONFIGURATION"
    );
    assert_eq!(reason(&sandbox, PAYMENTS, payment("2303.00")).await, "-");
    // The work is done behind a time-out.
    let mut own = payment("1008.00");
    own["clientReferenceInformation"]["transactionId"] = json!("t1");
    assert_eq!(sandbox.post(PAYMENTS, own.clone()).await.status, 502);
    assert_eq!(sandbox.post(PAYMENTS, own).await.status, 400);

    let chosen = choose(&sandbox, "vpc").await;
    assert_eq!(chosen.json()["processor"], "vpc");
    assert_eq!(
        reason(&sandbox, CREDITS, payment("4012.00")).await,
        "UNAUTHORIZED_CARD"
    );
    let limit = sandbox.post(CREDITS, payment("4065.00")).await;
    assert_eq!(
        (limit.status, outcome(&limit).2.as_str()),
        (400, "DEBIT_CARD_USEAGE_EXCEEDD_LIMIT")
    );
    let paid = sandbox.post(PAYMENTS, payment("4012.00")).await.json();
    let processor = &paid["processorInformation"];
    assert_eq!(
        (
            &processor["approvalCode"],
            &processor["responseCode"],
            &processor["avs"]["code"]
        ),
        (&json!("831000"), &json!("00"), &json!("Y"))
    );

    choose(&sandbox, "moneris").await;
    assert_eq!(
        reason(&sandbox, PAYMENTS, payment("216.00")).await,
        "ISSUER_UNAVAILABLE"
    );
    choose(&sandbox, "amex-direct").await;
    assert_eq!(
        reason(&sandbox, PAYMENTS, payment("1061.00")).await,
        "AVS_FAILED"
    );
    choose(&sandbox, "fdms-south").await;
    let prepaid = sandbox.post(PAYMENTS, payment("3001.00")).await.json();
    let features = &prepaid["paymentInformation"]["accountFeatures"];
    assert_eq!(features["balanceAmount"], "3500.00");
    let mut checked = payment("3009.00");
    checked["paymentInformation"]["card"]["securityCode"] = json!("2222");
    assert_eq!(reason(&sandbox, PAYMENTS, checked).await, "CV_FAILED");
    let mut part = payment("3004.00");
    part["processingInformation"] = json!({"authorizationOptions": {"partialAuthIndicator": true}});
    let part = sandbox.post(PAYMENTS, part).await.json();
    assert_eq!(
        part["orderInformation"]["amountDetails"]["authorizedAmount"],
        "2999.00"
    );

    assert_eq!(choose(&sandbox, "chase").await.status, 400);
}

#[tokio::test]
async fn a_reference_is_good_for_one_payment_in_a_while_where_that_is_checked() {
    let sandbox = Running::start_with(|settings| settings.duplicates_refused = true).await;
    let first = payment("10.00");
    let mut other = first.clone();
    other["clientReferenceInformation"]["code"] = json!("another");
    assert_eq!(sandbox.post(PAYMENTS, first.clone()).await.status, 201);
    assert_eq!(
        reason(&sandbox, PAYMENTS, first.clone()).await,
        "DUPLICATE_REQUEST"
    );
    assert_eq!(sandbox.post(PAYMENTS, other).await.status, 201);
    // Refused ones count too.
    let minutes = |count: u64| Duration::from_secs(count * 60);
    assert_eq!(pay_after(&sandbox, minutes(16), &first).await, 201);
    assert_eq!(pay_after(&sandbox, minutes(14), &first).await, 400);
    assert_eq!(pay_after(&sandbox, minutes(15), &first).await, 201);
    let usual = Running::start().await;
    assert_eq!(usual.post(PAYMENTS, first.clone()).await.status, 201);
    assert_eq!(usual.post(PAYMENTS, first).await.status, 201);
}

#[tokio::test]
async fn an_own_id_can_be_used_again_after_sixty_days() {
    let sandbox = Running::start().await;
    let mut own = payment("10.00");
    own["clientReferenceInformation"]["transactionId"] = json!("t1");
    let days = |count: u64| Duration::from_secs(count * 24 * 60 * 60);
    assert_eq!(pay_after(&sandbox, days(0), &own).await, 201);
    assert_eq!(pay_after(&sandbox, days(59), &own).await, 400);
    assert_eq!(pay_after(&sandbox, days(1), &own).await, 201);
}

/// A payment when so much time has passed, signed by the clock of then.
async fn pay_after(sandbox: &Running, passed: Duration, body: &Value) -> u16 {
    let advance = json!({"advance": format!("{}s", passed.as_secs())}).to_string();
    let call = sandbox.request("POST", "/sandbox/clock").body(&advance);
    let clock = sandbox.send(&call).await.json()["clock"].clone();
    let now: jiff::Timestamp = clock.as_str().unwrap().parse().unwrap();
    let request = sandbox.request("POST", PAYMENTS).body(&body.to_string());
    sandbox
        .send(&request.signature_at(FIRST, now.into()))
        .await
        .status
}
