//! What may follow what.

use scmp_gateway::sandbox::Balances;
use serde_json::{Value, json};

use super::client::{Answer, Running};
use super::payments::{PAYMENTS, blamed, debit, outcome, payment, sale};

fn amount(text: &str) -> Value {
    json!({"clientReferenceInformation": {"code": "ref"},
        "orderInformation": {"amountDetails": {"totalAmount": text, "currency": "USD"}}})
}

fn reversal(text: &str) -> Value {
    json!({"reversalInformation": {"amountDetails": {"totalAmount": text}, "reason": "test"}})
}

fn reason(answer: &Answer) -> String {
    outcome(answer).2
}

/// A new transaction's path.
async fn made(sandbox: &Running, list: &str, body: Value) -> String {
    let answer = sandbox.post(list, body).await;
    assert_eq!(answer.status, 201, "{list} {}", answer.text);
    let mut segments = list.rsplit('/');
    format!("/pts/v2/{}/{}", segments.next().unwrap(), answer.id())
}

async fn strict() -> Running {
    Running::start_with(|settings| settings.balances = Balances::Strict).await
}

#[tokio::test]
async fn capture_refund_void() {
    let sandbox = Running::start().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let answer = sandbox
        .post(&format!("{auth}/captures"), amount("10.009"))
        .await;
    assert_eq!(
        outcome(&answer),
        (201, "PENDING".to_owned(), "-".to_owned())
    );
    let expected = json!({"totalAmount": "10.00", "currency": "USD"});
    assert_eq!(answer.json()["orderInformation"]["amountDetails"], expected);
    let capture = format!("/pts/v2/captures/{}", answer.id());
    let href = |name: &str| answer.json()["_links"][name]["href"].clone();
    assert_eq!(href("self"), capture);
    assert_eq!(href("refund"), format!("{capture}/refunds"));
    assert_eq!(href("void"), format!("{capture}/voids"));

    let answer = sandbox
        .post(&format!("{capture}/refunds"), amount("4.00"))
        .await;
    assert_eq!(outcome(&answer).1, "PENDING");
    let expected = json!({"refundAmount": "4.00", "currency": "USD"});
    assert_eq!(answer.json()["refundAmountDetails"], expected);
    let refund = format!("/pts/v2/refunds/{}", answer.id());

    let answer = sandbox.post(&format!("{refund}/voids"), json!({})).await;
    assert_eq!(outcome(&answer).1, "VOIDED");
    assert_eq!(answer.json()["voidAmountDetails"]["voidAmount"], "4.00");
    let again = sandbox.post(&format!("{refund}/voids"), json!({})).await;
    assert_eq!(outcome(&again).2, "NOT_VOIDABLE");
    let message = again.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("Decline - The capture or credit is not voidable"),
        "{message}"
    );

    assert_eq!(
        sandbox
            .post(&format!("{capture}/voids"), json!({}))
            .await
            .status,
        201
    );
    let late = sandbox
        .post(&format!("{capture}/refunds"), amount("1.00"))
        .await;
    assert_eq!(reason(&late), "CAPTURE_ALREADY_VOIDED");
}

#[tokio::test]
async fn a_reversal_comes_once_and_ends_the_authorization() {
    let sandbox = Running::start().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let answer = sandbox
        .post(&format!("{auth}/reversals"), reversal("10.00"))
        .await;
    assert_eq!(outcome(&answer).1, "REVERSED");
    assert_eq!(
        answer.json()["reversalAmountDetails"]["reversedAmount"],
        "10.00"
    );
    let again = sandbox
        .post(&format!("{auth}/reversals"), reversal("10.00"))
        .await;
    let expected = (
        400,
        "INVALID_REQUEST".to_owned(),
        "AUTH_ALREADY_REVERSED".to_owned(),
    );
    assert_eq!(outcome(&again), expected);
    let sentence = "Decline - The authorization has already been reversed.";
    assert_eq!(again.json()["message"], sentence);
    let late = sandbox
        .post(&format!("{auth}/captures"), amount("10.00"))
        .await;
    assert_eq!(reason(&late), "AUTH_ALREADY_REVERSED");
}

#[tokio::test]
async fn what_was_captured_is_voided_before_it_is_reversed() {
    let sandbox = Running::start().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let capture = made(&sandbox, &format!("{auth}/captures"), amount("10.00")).await;
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    for (auth, voided) in [(&auth, &capture), (&sold, &sold)] {
        let reversals = format!("{auth}/reversals");
        let early = sandbox.post(&reversals, reversal("10.00")).await;
        assert_eq!(reason(&early), "TRANSACTION_ALREADY_REVERSED_OR_SETTLED");
        let void = sandbox.post(&format!("{voided}/voids"), json!({})).await;
        assert_eq!(outcome(&void).1, "VOIDED");
        assert_eq!(
            sandbox.post(&reversals, reversal("10.00")).await.status,
            201
        );
    }
}

#[tokio::test]
async fn a_mere_authorization_is_neither_refunded_nor_voided() {
    let sandbox = Running::start().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let refund = sandbox
        .post(&format!("{auth}/refunds"), amount("10.00"))
        .await;
    assert_eq!(
        (refund.status, reason(&refund).as_str()),
        (400, "INVALID_DATA")
    );
    assert!(blamed(&refund).is_empty());
    let void = sandbox.post(&format!("{auth}/voids"), json!({})).await;
    assert_eq!((void.status, reason(&void).as_str()), (400, "NOT_VOIDABLE"));
    // After a capture of its own, the capture is the thing to refund.
    made(&sandbox, &format!("{auth}/captures"), amount("10.00")).await;
    let refund = sandbox
        .post(&format!("{auth}/refunds"), amount("10.00"))
        .await;
    assert_eq!(refund.status, 400);
}

#[tokio::test]
async fn a_sale_and_a_debit_are_refunded_and_voided_as_payments() {
    let sandbox = Running::start().await;
    for body in [sale("10.00"), debit("121042882", "4100")] {
        let paid = made(&sandbox, PAYMENTS, body).await;
        let capture = sandbox
            .post(&format!("{paid}/captures"), amount("10.00"))
            .await;
        assert_eq!(capture.status, 400);
        let refund = made(&sandbox, &format!("{paid}/refunds"), amount("10.00")).await;
        assert!(refund.starts_with("/pts/v2/refunds/"));
        made(&sandbox, &format!("{paid}/voids"), json!({})).await;
        let late = sandbox
            .post(&format!("{paid}/refunds"), amount("10.00"))
            .await;
        assert_eq!(reason(&late), "CAPTURE_ALREADY_VOIDED");
    }
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    let capture = sandbox
        .post(&format!("{sold}/captures"), amount("10.00"))
        .await;
    assert_eq!(reason(&capture), "TRANSACTION_ALREADY_SETTLED");
}

#[tokio::test]
async fn ids_of_other_kinds_blame_no_field() {
    let sandbox = Running::start().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let capture = made(&sandbox, &format!("{auth}/captures"), amount("10.00")).await;
    let declined = sandbox.post(PAYMENTS, payment("2303.00")).await.id();
    let tail = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    for path in [
        "/pts/v2/payments/7000000000000000000001/captures".to_owned(),
        "/pts/v2/payments/x/refunds".to_owned(),
        format!("/pts/v2/payments/{}/refunds", tail(&capture)),
        format!("/pts/v2/payments/{}/voids", tail(&capture)),
        format!("/pts/v2/captures/{}/voids", tail(&auth)),
        format!("/pts/v2/captures/{}/refunds", tail(&auth)),
        format!("/pts/v2/refunds/{}/voids", tail(&auth)),
        format!("/pts/v2/credits/{}/voids", tail(&auth)),
        format!("/pts/v2/payments/{declined}/captures"),
        format!("/pts/v2/payments/{declined}/reversals"),
    ] {
        let mut body = amount("10.00");
        body["reversalInformation"] = reversal("10.00")["reversalInformation"].clone();
        let answer = sandbox.post(&path, body).await;
        let expected = (400, "INVALID_REQUEST".to_owned(), "INVALID_DATA".to_owned());
        assert_eq!(outcome(&answer), expected, "{path}");
        assert!(answer.json().get("details").is_none(), "{path}");
    }
}

#[tokio::test]
async fn lenient_balances_let_pass_what_the_test_host_does() {
    let sandbox = Running::start().await;
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    let refunds = format!("{sold}/refunds");
    for text in ["10.00", "10.00", "99.00"] {
        made(&sandbox, &refunds, amount(text)).await;
    }
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    made(&sandbox, &format!("{auth}/captures"), amount("10.01")).await;
    made(&sandbox, &format!("{auth}/captures"), amount("5.00")).await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    made(&sandbox, &format!("{auth}/reversals"), reversal("4.00")).await;
}

#[tokio::test]
async fn strict_balances_do_not() {
    let sandbox = strict().await;
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    made(&sandbox, &format!("{sold}/refunds"), amount("10.00")).await;
    let second = sandbox
        .post(&format!("{sold}/refunds"), amount("10.00"))
        .await;
    assert_eq!(reason(&second), "INVALID_AMOUNT");
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let above = sandbox
        .post(&format!("{auth}/captures"), amount("10.01"))
        .await;
    assert_eq!(reason(&above), "EXCEEDS_AUTH_AMOUNT");
    let part = sandbox
        .post(&format!("{auth}/reversals"), reversal("4.00"))
        .await;
    assert_eq!(reason(&part), "INVALID_AMOUNT");
}

#[tokio::test]
async fn follow_ons_need_their_amounts_in_the_same_currency() {
    let sandbox = Running::start().await;
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    for path in [format!("{sold}/refunds"), format!("{auth}/captures")] {
        let missing = sandbox.post(&path, json!({})).await;
        assert_eq!(reason(&missing), "MISSING_FIELD");
        assert_eq!(blamed(&missing).len(), 2);
        let mut euros = amount("10.00");
        euros["orderInformation"]["amountDetails"]["currency"] = json!("EUR");
        let refused = sandbox.post(&path, euros).await;
        assert_eq!(
            blamed(&refused),
            ["orderInformation.amountDetails.currency"]
        );
    }
    let missing = sandbox.post(&format!("{auth}/reversals"), json!({})).await;
    let fields = [
        "reversalInformation.amountDetails.totalAmount",
        "reversalInformation.reason",
    ];
    assert_eq!(blamed(&missing), fields);
}

#[tokio::test]
async fn an_increment_keeps_the_id_and_adds_up() {
    let sandbox = strict().await;
    let auth = made(&sandbox, PAYMENTS, payment("10.00")).await;
    let more = |text: &str| {
        json!({"orderInformation":
            {"amountDetails": {"additionalAmount": text, "currency": "USD"}}})
    };
    let answer = sandbox.patch(&auth, more("5.00")).await;
    assert_eq!(outcome(&answer).1, "AUTHORIZED");
    assert!(auth.ends_with(&answer.id()));
    let amounts = &answer.json()["orderInformation"]["amountDetails"];
    assert_eq!(amounts["authorizedAmount"], "15.00");
    let declined = sandbox.patch(&auth, more("2303.00")).await;
    let expected = (201, "DECLINED".to_owned(), "PROCESSOR_DECLINED".to_owned());
    assert_eq!(outcome(&declined), expected);
    let missing = sandbox.patch(&auth, json!({})).await;
    assert_eq!(reason(&missing), "MISSING_FIELD");
    made(&sandbox, &format!("{auth}/captures"), amount("15.00")).await;
    assert_eq!(sandbox.patch(&auth, more("5.00")).await.status, 400);
}

#[tokio::test]
async fn a_transaction_shows_its_services_and_its_kin() {
    let sandbox = Running::start().await;
    let sold = made(&sandbox, PAYMENTS, sale("10.00")).await;
    let refund = made(&sandbox, &format!("{sold}/refunds"), amount("4.00")).await;
    let details = |path: &str| {
        let id = path.rsplit('/').next().unwrap();
        format!("/tss/v2/transactions/{id}")
    };
    let answer = sandbox.get(&details(&sold)).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert!(body["submitTimeUTC"].is_string());
    let information = &body["applicationInformation"];
    assert_eq!(
        (&information["status"], &information["reasonCode"]),
        (&json!("AUTHORIZED"), &json!("100"))
    );
    let services = information["applications"].as_array().unwrap();
    let names: Vec<&str> = services
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(names, ["ics_auth", "ics_bill"]);
    for service in services {
        let shown = (&service["rCode"], &service["rFlag"], &service["rMessage"]);
        let message = json!("Request was processed successfully.");
        assert_eq!(shown, (&json!("1"), &json!("SOK"), &message));
    }
    let related = &body["_links"]["relatedTransactions"][0]["href"];
    assert_eq!(related, &json!(details(&refund)));
    let body = sandbox.get(&details(&refund)).await.json();
    assert!(sold.ends_with(body["rootId"].as_str().unwrap()));
    assert_eq!(
        body["orderInformation"]["amountDetails"]["totalAmount"],
        "4.00"
    );

    let declined = sandbox.post(PAYMENTS, payment("2302.00")).await.id();
    let body = sandbox.get(&details(&declined)).await.json();
    let service = &body["applicationInformation"]["applications"][0];
    assert_eq!(
        (&service["rCode"], &service["rFlag"]),
        (&json!("0"), &json!("DCARDREFUSED"))
    );
    assert_eq!(body["errorInformation"]["reason"], "EXCEEDS_CREDIT_LIMIT");

    let unknown = sandbox.get("/tss/v2/transactions/1").await;
    assert_eq!(unknown.status, 404);
    let expected = json!({"message": "The requested resource does not exist"});
    assert_eq!(unknown.json(), expected);
}
