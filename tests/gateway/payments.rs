//! A merchant's day: payments, what follows them, and the money that must not move twice.

use serde_json::json;

use crate::main_job::TOKEN;
use crate::process::{Running, Start};
use crate::requests::{Fields, assert_flag};
use crate::upstream::{Act, Upstream, reply};

pub const PAYER: &str = "card_type=001\ncustomer_cc_number=4111111111111111\ncustomer_cc_expmo=12\n\
    customer_cc_expyr=2031\ncustomer_firstname=Jane\ncustomer_lastname=Smith\nbill_address1=1 Main\n\
    bill_city=Town\nbill_state=ca\nbill_zip=98765\nbill_country=us\ncustomer_email=a@example.com\n";

pub fn request(services: &str, more: &str) -> String {
    format!(
        "merchant_id=mid1234\nmerchant_ref_number=day\ncurrency=usd\nics_applications={services}\n{more}"
    )
}

fn ok(gateway: &Running, services: &str, more: &str) -> Fields {
    let reply = gateway.send(&request(services, more));
    assert_flag(&reply, "1", "SOK");
    reply
}

fn refused(gateway: &Running, services: &str, more: &str, flag: &str) -> Fields {
    let reply = gateway.send(&request(services, more));
    assert_flag(&reply, "0", flag);
    reply
}

#[test]
fn an_authorization_is_captured_credited_and_the_credit_voided() {
    payment_life(&Start::sandbox().run());
}

/// Authorizes, captures, credits and voids the credit.
pub fn payment_life(gateway: &Running) {
    let auth = ok(
        gateway,
        "ics_auth",
        &format!("{PAYER}grand_total_amount=10.00\n"),
    );
    assert_eq!(
        (&*auth["auth_auth_amount"], &*auth["auth_auth_code"]),
        ("10.00", "888888")
    );
    let id = &auth["request_id"];
    let capture = ok(
        gateway,
        "ics_bill",
        &format!("auth_request_id={id}\ngrand_total_amount=10.00\n"),
    );
    assert_eq!(capture["bill_bill_amount"], "10.00");
    let id = &capture["request_id"];
    let credit = ok(
        gateway,
        "ics_credit",
        &format!("bill_request_id={id}\ngrand_total_amount=4.00\n"),
    );
    assert_eq!(credit["credit_credit_amount"], "4.00");
    let id = &credit["request_id"];
    let void = ok(gateway, "ics_void", &format!("void_request_id={id}\n"));
    assert_eq!(void["void_void_amount"], "4.00");
    refused(
        gateway,
        "ics_auth_reversal",
        &format!(
            "auth_request_id={}\ngrand_total_amount=10.00\n",
            auth["request_id"]
        ),
        "DINVALIDDATA",
    );
}

#[test]
fn a_sale_of_offers_is_credited_whole() {
    let gateway = Start::sandbox().run();
    let offers = "offer0=amount:4.59^quantity:2\noffer1=offerid:1^amount:1.00^tax_amount:0.10\n";
    let sale = ok(&gateway, "ics_bill,ics_auth", &format!("{PAYER}{offers}"));
    assert_eq!(sale["bill_bill_amount"], "10.28");
    let id = &sale["request_id"];
    ok(
        &gateway,
        "ics_credit",
        &format!("bill_request_id={id}\ngrand_total_amount=10.28\n"),
    );
}

#[test]
fn a_token_that_came_with_a_payment_is_charged_again() {
    let gateway = Start::sandbox().run();
    let both = ok(
        &gateway,
        "ics_auth,ics_pay_subscription_create",
        &format!(
            "{PAYER}grand_total_amount=5\nrecurring_frequency=on-demand\nmerchant_defined_data1=gold\n"
        ),
    );
    let token = format!("subscription_id={}\n", both[TOKEN]);
    let read = ok(&gateway, "ics_pay_subscription_retrieve", &token);
    assert_eq!(
        read["pay_subscription_retrieve_merchant_defined_data1"],
        "gold"
    );
    let sale = ok(
        &gateway,
        "ics_auth,ics_bill",
        &format!("{token}grand_total_amount=7\n"),
    );
    assert_eq!(sale["auth_auth_amount"], "7.00");
    ok(
        &gateway,
        "ics_credit",
        &format!("{token}grand_total_amount=7\n"),
    );
    refused(
        &gateway,
        "ics_auth",
        &format!("{token}{PAYER}grand_total_amount=7\n"),
        "DINVALIDDATA",
    );
}

#[test]
fn a_declined_payment_leaves_no_token_and_no_capture() {
    let gateway = Start::sandbox().run();
    let services = "ics_auth,ics_bill,ics_pay_subscription_create";
    let more = format!("{PAYER}recurring_frequency=on-demand\ngrand_total_amount=");
    let declined = refused(&gateway, services, &format!("{more}2501\n"), "DCARDREFUSED");
    let address = refused(&gateway, services, &format!("{more}8200\n"), "DAVSNO");
    assert_eq!(address["auth_auth_code"], "888888");
    for reply in [declined, address] {
        assert!(
            reply.keys().all(|name| !name.starts_with("bill_")),
            "{reply:?}"
        );
        assert!(
            reply.keys().all(|name| !name.starts_with("pay_")),
            "{reply:?}"
        );
    }
    // The token that came beside DAVSNO is deleted.
    gateway.wait_for_log("a step was undone");
}

#[test]
fn what_decision_manager_says_is_told() {
    let gateway = Start::sandbox().run();
    let more = format!("{PAYER}grand_total_amount=8480\n");
    let review = refused(&gateway, "ics_auth", &more, "DREVIEW");
    assert_eq!(review["decision_rflag"], "DREVIEW");
    assert_eq!(review["score_factors"], "A^Q");
    let skipped = ok(
        &gateway,
        "ics_auth",
        &format!("{more}decision_manager_enabled=false\n"),
    );
    assert!(
        skipped.keys().all(|name| !name.starts_with("decision_")),
        "{skipped:?}"
    );
}

#[test]
fn electronic_checks_are_debited_and_credited() {
    let gateway = Start::sandbox().run();
    let payer = PAYER.replace("card_type=001\ncustomer_cc_number=4111111111111111\n", "");
    let check = format!("{payer}ecp_account_no=4100\necp_rdfi=121042882\necp_account_type=C\n");
    let debit = ok(
        &gateway,
        "ics_ecp_debit",
        &format!("{check}grand_total_amount=3\n"),
    );
    let id = &debit["request_id"];
    ok(
        &gateway,
        "ics_ecp_credit",
        &format!("ecp_debit_request_id={id}\ngrand_total_amount=3\n"),
    );
    refused(
        &gateway,
        "ics_auth,ics_ecp_debit",
        &format!("{check}grand_total_amount=3\n"),
        "DINVALIDDATA",
    );
}

#[test]
fn ids_of_a_gateway_that_is_gone_are_known_by_their_token() {
    let paid = json!({"id": "7000000000000000000001", "status": "PENDING"});
    let upstream = Upstream::start(move |_| reply(201, &paid));
    let first = upstream.gateway("");
    let more = format!("{PAYER}grand_total_amount=1\n");
    let shop = |services: &str, more: &str| request(services, more);
    let sale = first.send(&shop("ics_auth,ics_bill", &more));
    assert_flag(&sale, "1", "SOK");
    let second = upstream.gateway("");
    let (id, token) = (&sale["request_id"], &sale["request_token"]);
    let follow =
        format!("bill_request_id={id}\nbill_request_token={token}\ngrand_total_amount=1\n");
    assert_flag(&second.send(&shop("ics_credit", &follow)), "1", "SOK");
    let calls = upstream.calls();
    assert!(
        calls
            .last()
            .is_some_and(|call| call.contains(&format!("/payments/{id}/refunds"))),
        "{calls:?}"
    );
}

#[test]
fn an_unknown_id_is_tried_elsewhere_only_after_a_definite_refusal() {
    let shop = |more: &str| request("ics_credit", more);
    let follow = "bill_request_id=4889877812726625901540\ngrand_total_amount=1\n";
    let paid = json!({"id": "7000000000000000000002", "status": "PENDING"});
    let refusal = json!({"status": "INVALID_REQUEST", "reason": "INVALID_DATA", "message": "m"});
    let upstream = Upstream::start(move |seen| {
        match seen.is("POST", "/refunds") && seen.path.contains("captures") {
            true => reply(400, &refusal),
            false => reply(201, &paid),
        }
    });
    let credit = upstream.gateway("").send(&shop(follow));
    assert_flag(&credit, "1", "SOK");
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    let ids: Vec<_> = seen
        .iter()
        .map(|seen| seen.json()["clientReferenceInformation"]["transactionId"].clone())
        .collect();
    assert_ne!(ids[0], ids[1], "each attempt has an id of its own");

    let lost = Upstream::start(|_| Act::Cut(Vec::new()));
    let credit = lost.gateway("").send(&shop(follow));
    assert_flag(&credit, "-1", "ETIMEOUT");
    assert_eq!(
        lost.seen().len(),
        1,
        "nothing is tried after an unknown outcome"
    );
}

#[test]
fn a_payment_whose_token_is_lost_stands() {
    let paid = json!({"id": "7000000000000000000003", "status": "AUTHORIZED"});
    let upstream = Upstream::start(move |_| reply(201, &paid));
    let more = format!("{PAYER}grand_total_amount=5\nrecurring_frequency=on-demand\n");
    let reply = upstream
        .gateway("")
        .send(&request("ics_auth,ics_pay_subscription_create", &more));
    assert_flag(&reply, "-1", "ESYSTEM");
    assert_eq!((&*reply["auth_rcode"], &*reply["auth_rflag"]), ("1", "SOK"));
    assert_eq!(reply["pay_subscription_create_rcode"], "-1");
    assert_eq!(reply["request_id"], "7000000000000000000003");
    assert_eq!(upstream.seen().len(), 1, "nothing is reversed by itself");
}
