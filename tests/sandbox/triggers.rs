//! What makes a payment end otherwise than well.

use serde_json::{Value, json};

use super::client::{Answer, Running};
use super::payments::{CREDITS, PAYMENTS, debit, outcome, payment};

async fn pay(sandbox: &Running, body: Value) -> (u16, String, String) {
    outcome(&sandbox.post(PAYMENTS, body).await)
}

fn end(http: u16, status: &str, reason: &str) -> (u16, String, String) {
    (http, status.to_owned(), reason.to_owned())
}

fn with_options(mut body: Value, options: Value) -> Value {
    body["processingInformation"] = json!({"authorizationOptions": options});
    body
}

fn links(answer: &Answer) -> Vec<String> {
    let links = answer.json()["_links"].as_object().cloned().unwrap();
    links.keys().cloned().collect()
}

const REVIEW: &str = "AUTHORIZED_PENDING_REVIEW";

#[tokio::test]
async fn amounts_of_the_processors_simulator() {
    let sandbox = Running::start().await;
    for (amount, status, reason) in [
        ("2201.00", "DECLINED", "INVALID_ACCOUNT"),
        ("2302.00", "DECLINED", "EXCEEDS_CREDIT_LIMIT"),
        ("2303.00", "DECLINED", "PROCESSOR_DECLINED"),
        ("1500.00", "DECLINED", "PROCESSOR_DECLINED"),
        ("2401.00", REVIEW, "CONTACT_PROCESSOR"),
        ("401.00", REVIEW, "CONTACT_PROCESSOR"),
        ("2501.00", "DECLINED", "STOLEN_LOST_CARD"),
        ("2503.00", "DECLINED", "CVN_NOT_MATCH"),
        ("2521.00", "DECLINED", "INSUFFICIENT_FUND"),
        ("2522.00", "DECLINED", "EXPIRED_CARD"),
        ("2524.00", "DECLINED", "INVALID_CVN"),
        ("2595.00", "DECLINED", "UNAUTHORIZED_CARD"),
        ("2202.00", "DECLINED", "GENERAL_DECLINE"),
        (
            "2239.00",
            "INVALID_REQUEST",
            "INVALID_MERCHANT_CONFIGURATION",
        ),
    ] {
        let answer = sandbox.post(PAYMENTS, payment(amount)).await;
        assert_eq!(outcome(&answer), end(201, status, reason), "{amount}");
        assert_eq!(links(&answer), ["self"], "{amount}");
        let body = answer.json();
        assert!(body["errorInformation"]["message"].is_string());
        assert!(body["processorInformation"].get("approvalCode").is_none());
        assert!(body.get("orderInformation").is_none());
    }
    for amount in ["2000.00", "2301.00", "8150.00"] {
        let got = pay(&sandbox, payment(amount)).await;
        assert_eq!(got, end(502, "SERVER_ERROR", "SYSTEM_ERROR"), "{amount}");
    }
    for amount in ["2401.01", "2100.00", "1071.00", "3001.00", "0.00"] {
        assert_eq!(
            pay(&sandbox, payment(amount)).await,
            end(201, "AUTHORIZED", "-"),
            "{amount}"
        );
    }
}

#[tokio::test]
async fn amounts_that_name_a_reason() {
    let sandbox = Running::start().await;
    for (code, http, status, reason) in [
        ("8207.00", 201, "DECLINED", "ISSUER_UNAVAILABLE"),
        ("8104.00", 400, "INVALID_REQUEST", "DUPLICATE_REQUEST"),
        ("8232.00", 400, "INVALID_REQUEST", "CARD_TYPE_NOT_ACCEPTED"),
        ("8236.00", 400, "INVALID_REQUEST", "PROCESSOR_UNAVAILABLE"),
        (
            "8475.00",
            201,
            "PENDING_AUTHENTICATION",
            "CONSUMER_AUTHENTICATION_REQUIRED",
        ),
        ("8476.00", 201, "DECLINED", "CONSUMER_AUTHENTICATION_FAILED"),
        ("8152.00", 502, "SERVER_ERROR", "SERVICE_TIMEOUT"),
        ("8250.00", 502, "SERVER_ERROR", "PROCESSOR_TIMEOUT"),
    ] {
        assert_eq!(
            pay(&sandbox, payment(code)).await,
            end(http, status, reason),
            "{code}"
        );
    }
    let answer = sandbox.post(CREDITS, payment("8207.00")).await;
    assert_eq!(outcome(&answer), end(201, "DECLINED", "ISSUER_UNAVAILABLE"));
    let mut check = debit("121042882", "4100");
    check["orderInformation"]["amountDetails"]["totalAmount"] = json!("8220.00");
    assert_eq!(
        pay(&sandbox, check).await,
        end(201, "DECLINED", "DECLINED_CHECK")
    );
}

#[tokio::test]
async fn risk_decisions_are_skipped_when_asked() {
    let sandbox = Running::start().await;
    for (amount, status, reason, can_be_captured) in [
        ("8480.00", REVIEW, "DECISION_PROFILE_REVIEW", true),
        (
            "8481.00",
            "AUTHORIZED_RISK_DECLINED",
            "DECISION_PROFILE_REJECT",
            false,
        ),
        (
            "8400.00",
            "AUTHORIZED_RISK_DECLINED",
            "SCORE_EXCEEDS_THRESHOLD",
            false,
        ),
    ] {
        let answer = sandbox.post(PAYMENTS, payment(amount)).await;
        assert_eq!(outcome(&answer), end(201, status, reason));
        assert_eq!(
            links(&answer).contains(&"capture".to_owned()),
            can_be_captured
        );
        assert!(links(&answer).contains(&"authReversal".to_owned()));
        let captures = format!("{PAYMENTS}/{}/captures", answer.id());
        let capture = sandbox.post(&captures, payment(amount)).await;
        assert_eq!(capture.status == 201, can_be_captured, "{reason}");
        let mut body = payment(amount);
        body["processingInformation"] = json!({"actionList": ["DECISION_SKIP"]});
        assert_eq!(pay(&sandbox, body).await, end(201, "AUTHORIZED", "-"));
    }
}

#[tokio::test]
async fn cards_and_accounts() {
    let sandbox = Running::start().await;
    let card = |number: &str, kind: Option<&str>| {
        let mut body = payment("0.00");
        body["paymentInformation"]["card"]["number"] = json!(number);
        body["paymentInformation"]["card"]["type"] = json!(kind);
        body
    };
    let invalid = end(201, "DECLINED", "INVALID_ACCOUNT");
    for number in ["42423482938483873", "4111111111111112", "801111111111111"] {
        assert_eq!(pay(&sandbox, card(number, None)).await, invalid, "{number}");
    }
    let answer = sandbox
        .post(PAYMENTS, card("42423482938483873", None))
        .await;
    let message = &answer.json()["errorInformation"]["message"];
    assert_eq!(message, "Decline - Invalid account number");
    let mixed = card("4111111111111111", Some("002"));
    let expected = end(400, "INVALID_REQUEST", "INVALID_CARD_TYPE");
    assert_eq!(pay(&sandbox, mixed).await, expected);
    let mut expired = payment("1.00");
    expired["paymentInformation"]["card"]["expirationYear"] = json!("2020");
    let expected = end(201, "DECLINED", "EXPIRED_CARD");
    assert_eq!(pay(&sandbox, expired).await, expected);

    let good = debit("121042882", "4100");
    assert_eq!(pay(&sandbox, good).await, end(201, "PENDING", "-"));
    let bad = debit("121107882", "550111");
    let expected = end(201, "DECLINED", "GENERAL_DECLINE");
    assert_eq!(pay(&sandbox, bad.clone()).await, expected);
    assert_eq!(outcome(&sandbox.post(CREDITS, bad).await), expected);
}

#[tokio::test]
async fn address_results_decline_by_the_merchants_flags() {
    let sandbox = Running::start().await;
    for (amount, code) in [("3001.00", "X"), ("3002.00", "W"), ("3005.00", "A")] {
        let answer = sandbox.post(PAYMENTS, payment(amount)).await;
        assert_eq!(answer.json()["processorInformation"]["avs"]["code"], code);
    }
    let failed = end(201, REVIEW, "AVS_FAILED");
    let approved = end(201, "AUTHORIZED", "-");
    let mut elsewhere = payment("0.00");
    elsewhere["orderInformation"]["billTo"]["postalCode"] = json!("99999");
    for body in [payment("3000.00"), payment("8200.00"), elsewhere] {
        let answer = sandbox.post(PAYMENTS, body.clone()).await;
        assert_eq!(outcome(&answer), failed);
        assert_eq!(answer.json()["processorInformation"]["avs"]["code"], "N");
        assert_eq!(
            answer.json()["processorInformation"]["approvalCode"],
            "888888"
        );
        assert_eq!(links(&answer), ["authReversal", "capture", "self"]);
        for options in [
            json!({"ignoreAvsResult": true}),
            json!({"declineAvsFlags": ["A", "W"]}),
            json!({"declineAvsFlags": []}),
        ] {
            let body = with_options(body.clone(), options);
            assert_eq!(pay(&sandbox, body).await, approved);
        }
    }
    let body = with_options(payment("3002.00"), json!({"declineAvsFlags": ["A", "W"]}));
    assert_eq!(pay(&sandbox, body).await, failed);
}

#[tokio::test]
async fn card_verification_results_decline_unless_ignored() {
    let sandbox = Running::start().await;
    let mut wrong_code = payment("1.00");
    wrong_code["paymentInformation"]["card"]["securityCode"] = json!("999");
    for body in [payment("9001.00"), payment("8230.00"), wrong_code] {
        let answer = sandbox.post(PAYMENTS, body.clone()).await;
        assert_eq!(outcome(&answer), end(201, REVIEW, "CV_FAILED"));
        let result = &answer.json()["processorInformation"]["cardVerification"]["resultCode"];
        assert_eq!(result, "N");
        let body = with_options(body, json!({"ignoreCvResult": true}));
        assert_eq!(pay(&sandbox, body).await, end(201, "AUTHORIZED", "-"));
    }
    let answer = sandbox.post(PAYMENTS, payment("9002.00")).await.json();
    assert_eq!(
        answer["processorInformation"]["cardVerification"]["resultCode"],
        "P"
    );
    let mut without = payment("9001.00");
    let card = without["paymentInformation"]["card"]
        .as_object_mut()
        .unwrap();
    card.remove("securityCode");
    let answer = sandbox.post(PAYMENTS, without).await;
    assert_eq!(outcome(&answer), end(201, "AUTHORIZED", "-"));
    assert!(
        answer.json()["processorInformation"]
            .get("cardVerification")
            .is_none()
    );
}

#[tokio::test]
async fn a_failed_check_leaves_an_authorization_and_no_capture() {
    let sandbox = Running::start().await;
    let mut body = payment("3000.00");
    body["processingInformation"] = json!({"capture": true});
    let id = sandbox.post(PAYMENTS, body).await.id();
    let path = |verb: &str| format!("{PAYMENTS}/{id}/{verb}");
    assert_eq!(
        sandbox
            .post(&path("refunds"), payment("3000.00"))
            .await
            .status,
        400
    );
    assert_eq!(
        sandbox
            .post(&path("captures"), payment("3000.00"))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_part_is_authorized_only_when_the_request_takes_one() {
    let sandbox = Running::start().await;
    let body = with_options(payment("1071.00"), json!({"partialAuthIndicator": true}));
    let answer = sandbox.post(PAYMENTS, body).await;
    assert_eq!(outcome(&answer), end(201, "PARTIAL_AUTHORIZED", "-"));
    let amounts = &answer.json()["orderInformation"]["amountDetails"];
    assert_eq!(amounts["authorizedAmount"], "1000.00");
    assert_eq!(links(&answer), ["authReversal", "capture", "self"]);
}

#[tokio::test]
async fn a_verbal_authorization_is_taken_at_its_word() {
    let sandbox = Running::start().await;
    let verbal = json!({"authType": "VERBAL", "verbalAuthCode": "AB123"});
    let answer = sandbox
        .post(PAYMENTS, with_options(payment("2303.00"), verbal.clone()))
        .await;
    assert_eq!(outcome(&answer), end(201, "AUTHORIZED", "-"));
    assert_eq!(
        answer.json()["processorInformation"]["approvalCode"],
        "AB123"
    );
    let call = sandbox.post(PAYMENTS, payment("2401.00")).await.id();
    let captures = format!("{PAYMENTS}/{call}/captures");
    assert_eq!(
        sandbox.post(&captures, payment("2401.00")).await.status,
        400
    );
    let body = with_options(payment("2401.00"), verbal);
    assert_eq!(sandbox.post(&captures, body).await.status, 201);
}
