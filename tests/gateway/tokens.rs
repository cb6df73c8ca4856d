//! Cards verified before their tokens are made, and payments with every kind of token.

use serde_json::{Value, json};

use crate::main_job::TOKEN;
use crate::process::{Running, Start};
use crate::requests::{Fields, MERCHANT, assert_flag};
use crate::upstream::{Act, Seen, Upstream, reply};

const PAYER: &str = "customer_cc_expmo=12\ncustomer_cc_expyr=2031\ncustomer_firstname=Jane\n\
    customer_lastname=Smith\nbill_address1=1 Main\nbill_city=Town\nbill_state=ca\nbill_zip=98765\n\
    bill_country=us\ncustomer_email=a@example.com\nrecurring_frequency=on-demand\n";
const VISA: &str = "card_type=001\ncustomer_cc_number=4111111111111111\n";
const AMEX: &str = "card_type=003\ncustomer_cc_number=378282246310005\n";
const VERIFIES: &str = "processor = \"visa_platform_connect\"\npreauthorization = true\n";
const CREATE: &str = "ics_pay_subscription_create";

fn send(gateway: &Running, services: &str, more: &str) -> Fields {
    gateway.send(&format!(
        "merchant_id=mid1234\nmerchant_ref_number=r\ncurrency=usd\nics_applications={services}\n{more}"
    ))
}

/// The sandbox, with a merchant of these settings.
fn sandbox(settings: &str) -> Running {
    Start::sandbox()
        .config(&format!("{MERCHANT}{settings}"))
        .run()
}

#[test]
fn a_card_is_verified_with_one_and_the_amount_is_reversed() {
    let gateway = sandbox(VERIFIES);
    let made = send(&gateway, CREATE, &format!("{AMEX}{PAYER}"));
    assert_flag(&made, "1", "SOK");
    assert_eq!(made["auth_auth_amount"], "1.00");
    assert_eq!(made["auto_auth_reversal_rflag"], "SOK");
    let id = &made["request_id"];
    let capture = format!("auth_request_id={id}\ngrand_total_amount=1\n");
    assert_flag(&send(&gateway, "ics_bill", &capture), "0", "DINVALIDDATA");
    let token = format!("subscription_id={}\ngrand_total_amount=7\n", made[TOKEN]);
    assert_flag(&send(&gateway, "ics_auth,ics_bill", &token), "1", "SOK");
}

#[test]
fn a_card_is_verified_with_nothing_and_nothing_is_reversed() {
    let gateway = sandbox(VERIFIES);
    let made = send(&gateway, CREATE, &format!("{VISA}{PAYER}"));
    assert_flag(&made, "1", "SOK");
    assert_eq!(made["auth_auth_amount"], "0.00");
    let off = format!("{VISA}{PAYER}recurring_disable_auto_auth=Y\n");
    let plain = send(&gateway, CREATE, &off);
    assert_flag(&plain, "1", "SOK");
    assert_ne!(made[TOKEN], plain[TOKEN]);
    let begins = |reply: &Fields, prefix: &str| reply.keys().any(|name| name.starts_with(prefix));
    assert!(!begins(&made, "auto_auth_reversal_"), "{made:?}");
    assert!(!begins(&plain, "auth_"), "{plain:?}");
}

#[test]
fn a_card_that_is_refused_gets_no_token() {
    let gateway = sandbox(VERIFIES);
    let bad_zip = PAYER.replace("98765", "99999");
    let refused = send(&gateway, CREATE, &format!("{AMEX}{bad_zip}"));
    assert_flag(&refused, "0", "DAVSNO");
    assert!(
        refused
            .keys()
            .all(|name| !name.starts_with("pay_") && !name.starts_with("auto_")),
        "{refused:?}"
    );
    // The token that came beside DAVSNO is deleted.
    gateway.wait_for_log("a step was undone");
}

fn is_reversal(seen: &Seen) -> bool {
    seen.is("POST", "/reversals")
}

/// A host that authorizes and makes a token, and answers a reversal as it is told.
fn verifying(reversal: impl Fn() -> Act + Send + Sync + 'static) -> Upstream {
    let paid = json!({"id": "7000000000000000000001", "status": "AUTHORIZED",
        "tokenInformation": {"customer": {"id": "554FDB92B1DAD8F9E0539599D30A3100"}}});
    Upstream::start(move |seen| match is_reversal(seen) {
        true => reversal(),
        false => reply(201, &paid),
    })
}

fn verify(upstream: &Upstream) -> (Fields, String) {
    let config = format!("{}{VERIFIES}", upstream.config(""));
    let gateway = Start::serve().config(&config).run();
    let reply = send(&gateway, CREATE, &format!("{AMEX}{PAYER}"));
    (reply, gateway.end())
}

#[test]
fn a_lost_answer_to_the_reversal_leaves_the_token() {
    let upstream = verifying(|| Act::Cut(Vec::new()));
    let (reply, log) = verify(&upstream);
    assert_flag(&reply, "1", "SOK");
    assert_eq!(reply[TOKEN], "554FDB92B1DAD8F9E0539599D30A3100");
    assert_eq!(reply["auto_auth_reversal_rflag"], "ETIMEOUT");
    assert!(log.contains("7000000000000000000001/reversals"), "{log}");
    let reversals = upstream.seen().into_iter().filter(is_reversal).count();
    assert_eq!(reversals, 1, "it is not made again");
    assert_eq!(upstream.seen().len(), 2, "the token is not deleted");
}

#[test]
fn a_refused_reversal_leaves_the_token() {
    let upstream = verifying(|| reply(400, &json!({"reason": "INVALID_DATA"})));
    let (reply, log) = verify(&upstream);
    assert_flag(&reply, "1", "SOK");
    assert_eq!(reply["auto_auth_reversal_rflag"], "DINVALIDDATA");
    assert!(log.contains("do it by hand"), "{log}");
}

#[test]
fn a_lost_answer_to_the_authorization_ends_it() {
    let upstream = Upstream::start(|_| Act::Cut(Vec::new()));
    let (reply, _) = verify(&upstream);
    assert_flag(&reply, "-1", "ETIMEOUT");
    assert_eq!(upstream.seen().len(), 1, "nothing follows it");
}

#[test]
fn a_token_that_fails_does_not_keep_the_amount() {
    let upstream = Upstream::start(|seen| {
        let paid = json!({"id": "7000000000000000000001", "status": "AUTHORIZED"});
        let reversed = json!({"id": "7000000000000000000002", "status": "REVERSED"});
        reply(201, if is_reversal(seen) { &reversed } else { &paid })
    });
    let (reply, _) = verify(&upstream);
    assert_flag(&reply, "-1", "ESYSTEM");
    assert_eq!(reply["auto_auth_reversal_rflag"], "SOK");
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    let amount = |seen: &Seen, at: &str| -> Value { seen.json().pointer(at).unwrap().clone() };
    assert_eq!(
        amount(&seen[0], "/orderInformation/amountDetails/totalAmount"),
        amount(&seen[1], "/reversalInformation/amountDetails/totalAmount")
    );
}

#[test]
fn a_number_alone_pays_with_the_expiry_that_comes() {
    let ids = "token_ids = { digits_19 = \"instrumentIdentifier\" }\n";
    let gateway = sandbox(ids);
    let made = send(&gateway, CREATE, &format!("{VISA}{PAYER}"));
    let number = &made["pay_subscription_create_instrument_identifier_id"];
    let pay = format!("{PAYER}subscription_id={number}\ngrand_total_amount=7\n");
    assert_flag(&send(&gateway, "ics_auth,ics_bill", &pay), "1", "SOK");
    assert_flag(&send(&gateway, "ics_credit", &pay), "1", "SOK");
    let token = format!("subscription_id={}\ngrand_total_amount=7\n", made[TOKEN]);
    assert_flag(&send(&gateway, "ics_auth", &token), "1", "SOK");
}

#[test]
fn a_payment_instrument_is_made_and_charged_again() {
    let gateway = sandbox(
        "token_types = [\"paymentInstrument\"]\ntoken_ids = { default = \"paymentInstrument\" }\n",
    );
    let first = format!("{VISA}{PAYER}subsequent_auth_first=yes\ngrand_total_amount=5\n");
    let made = send(&gateway, "ics_auth,ics_pay_subscription_create", &first);
    assert_flag(&made, "1", "SOK");
    let again = format!(
        "subscription_id={}\ne_commerce_indicator=recurring\ngrand_total_amount=5\n",
        made[TOKEN]
    );
    assert_flag(&send(&gateway, "ics_auth,ics_bill", &again), "1", "SOK");
    let other = sandbox("");
    assert_flag(&send(&other, "ics_auth", &again), "0", "DINVALIDDATA");
}

#[test]
fn an_authorization_is_raised_and_captured_whole() {
    let gateway = sandbox("");
    let auth = send(
        &gateway,
        "ics_auth",
        &format!("{VISA}{PAYER}grand_total_amount=10\n"),
    );
    let id = format!("auth_request_id={}\n", auth["request_id"]);
    let more = send(
        &gateway,
        "ics_incremental_auth",
        &format!("{id}grand_total_amount=5\n"),
    );
    assert_flag(&more, "1", "SOK");
    assert_eq!(more["incremental_auth_amount"], "15.00");
    let capture = send(
        &gateway,
        "ics_bill",
        &format!("{id}grand_total_amount=15\n"),
    );
    assert_flag(&capture, "1", "SOK");
    assert_eq!(capture["bill_bill_amount"], "15.00");
}

#[test]
fn a_secret_of_before_still_vouches_for_its_tokens() {
    let upstream = Upstream::start(|seen| {
        let id = json!({"id": "7000000000000000000001", "status": "AUTHORIZED"});
        let voided = json!({"id": "7000000000000000000002", "status": "VOIDED"});
        reply(
            201,
            if seen.is("POST", "/voids") {
                &voided
            } else {
                &id
            },
        )
    });
    let config = upstream.config("");
    let before = Start::serve().config(&config).run();
    let sale = send(
        &before,
        "ics_auth,ics_bill",
        &format!("{VISA}{PAYER}grand_total_amount=10\n"),
    );
    assert_flag(&sale, "1", "SOK");
    let old = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let new = config.replace(old, "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
    let void = format!(
        "void_request_id={}\nvoid_request_token={}\n",
        sale["request_id"], sale["request_token"]
    );
    let path = |config: &str| {
        let gateway = Start::serve().config(config).run();
        assert_flag(&send(&gateway, "ics_void", &void), "1", "SOK");
        upstream.seen().last().unwrap().path.clone()
    };
    assert!(
        path(&new).contains("/captures/"),
        "a foreign token says nothing"
    );
    let known = format!("{new}old_shared_secrets = [\"{old}\"]\n");
    assert!(path(&known).contains("/payments/"), "its own says a sale");
}
