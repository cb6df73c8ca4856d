//! Lost payments that are looked up: kept where the merchant says so, and never a token of theirs left behind. The host is
//! the sandbox, in a process of its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Connection, exchange};
use crate::process::{PATIENCE, Running, Start};
use crate::requests::{Fields, assert_flag, post, retrieve};
use crate::scene::{PAYER, Scene, request, sale};
use crate::server::Server;

const KEEP: &str = "unknown = \"keep\"\n";
/// The work is done, and its answer lost.
const LOST: &str = "cut-after 1 POST /pts/v2/payments";
const TOKEN: &str = "ics_auth,ics_pay_subscription_create";

/// A sandbox that fails so.
fn sandbox(more: &[&str]) -> Running {
    let start = Start::new(&["sandbox", "--listen", "127.0.0.1:0"]);
    start.arguments(more).run()
}

/// A gateway's scene in front of it; what is not found soon is taken back.
fn scene(host: &Running, merchant: &str) -> Scene {
    Scene::new(&host.address, merchant)
}

/// The same, where a lost payment is looked for until it is found.
fn patient(host: &Running) -> Scene {
    let scene = Scene::new(&host.address, KEEP);
    let scene = scene.with("deadline = \"20s\"", "deadline = \"1h\"");
    scene.with("look_up = \"300ms\"", "look_up = \"30m\"")
}

/// How each task of the one record has ended.
fn ends(records: &[Value]) -> Vec<&str> {
    let tasks = records[0]["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["end"].as_str().unwrap_or("-"))
        .collect()
}

fn authorization(services: &str, amount: &str) -> String {
    let more = "request_id=7\nrecurring_frequency=on-demand\n";
    request(
        services,
        &format!("{PAYER}grand_total_amount={amount}\n{more}"),
    )
}

/// Sent again until it is told how it ended.
fn told(gateway: &Running, body: &str) -> Fields {
    let begun = Instant::now();
    loop {
        let reply = gateway.send(body);
        if reply["ics_rflag"] != "ETIMEOUT" {
            return reply;
        }
        assert!(begun.elapsed() < PATIENCE, "{reply:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_lost_sale_that_is_found_is_kept_and_can_be_followed() {
    let host = sandbox(&["--fault", LOST]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let body = sale("request_id=7\n");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["kept"]);
    let made = &records[0]["made"][0];
    assert_eq!(made["kind"], "sale");
    let shown = scene.journal(&["show", records[0]["id"].as_str().unwrap()]);
    assert!(
        shown.contains("\"kept\"") && shown.contains(made["id"].as_str().unwrap()),
        "{shown}"
    );
    // A repetition is told what the first one would have been, and nothing is paid again.
    let again = gateway.send(&body);
    assert_flag(&again, "1", "SOK");
    assert_eq!(again["request_id"], made["id"].as_str().unwrap());
    assert_eq!((&*again["auth_rcode"], &*again["bill_rcode"]), ("1", "1"));
    assert_eq!(
        (&*again["auth_auth_code"], &*again["auth_auth_amount"]),
        ("888888", "10.00")
    );
    assert_eq!(scene.records().len(), 1);
    // It stands, and what it is is known: the first call is the right one.
    let refund = format!(
        "bill_request_id={}\ngrand_total_amount=10.00\n",
        again["request_id"]
    );
    assert_flag(&gateway.send(&request("ics_credit", &refund)), "1", "SOK");
    let calls = gateway.end();
    assert!(
        !calls.contains("/voids") && !calls.contains("/captures/"),
        "{calls}"
    );
}

#[test]
fn a_search_that_lags_behind_is_made_again() {
    let host = sandbox(&["--fault", LOST, "--search-lag", "1h"]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let body = authorization("ics_auth", "10.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let begun = Instant::now();
    while scene.records()[0]["attempts"].as_u64() < Some(2) {
        assert!(begun.elapsed() < PATIENCE, "it is not looked for again");
    }
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let now = "{\"lag\": \"0s\"}";
    let length = now.len();
    let call = format!(
        "POST /sandbox/searches HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{now}"
    );
    assert_eq!(exchange(&host.address, call.as_bytes()).status, 200);
    assert_eq!(ends(&scene.settled(&["settled"])), ["kept"]);
    assert_flag(&told(&gateway, &body), "1", "SOK");
}

#[test]
fn a_lost_payment_that_was_declined_has_nothing_to_settle() {
    let host = sandbox(&["--fault", LOST]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let body = authorization("ics_auth,ics_bill", "2303.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["absent"]);
    let again = gateway.send(&body);
    assert_flag(&again, "0", "DCARDREFUSED");
    // As one that was told at once, it can be found on record by its id.
    let made = records[0]["made"][0]["id"].as_str().unwrap();
    assert_eq!(again["request_id"], made);
    assert_eq!(
        (&*again["auth_rcode"], again.get("bill_rcode")),
        ("0", None)
    );
}

/// By its content alone a repetition is not taken for one that was declined.
#[test]
fn a_lost_payment_that_was_declined_may_be_tried_anew() {
    let host = sandbox(&["--fault", LOST]);
    let scene = scene(&host, &format!("{KEEP}retries = \"replay\"\n"));
    let gateway = scene.gateway();
    let body = sale("").replace("10.00", "2303.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    assert_eq!(ends(&scene.settled(&["settled"])), ["absent"]);
    assert_flag(&gateway.send(&body), "0", "DCARDREFUSED");
    assert_eq!(scene.records().len(), 2);
}

/// The authorization stands, as it does when the answer is not lost.
#[test]
fn a_lost_payment_that_failed_a_check_is_kept_and_told_as_such() {
    let host = sandbox(&["--fault", LOST]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let body = authorization("ics_auth", "3000.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["kept"]);
    let again = gateway.send(&body);
    assert_flag(&again, "0", "DAVSNO");
    let capture = format!(
        "auth_request_id={}\ngrand_total_amount=3000.00\n",
        again["request_id"]
    );
    assert_flag(&gateway.send(&request("ics_bill", &capture)), "1", "SOK");
}

#[test]
fn what_was_not_carried_out_is_not_found_nor_there_to_be_taken_back() {
    let host = sandbox(&["--fault", "cut-before 1 POST /pts/v2/payments"]);
    let scene = scene(&host, KEEP);
    let gateway = scene.gateway();
    let body = sale("request_id=7\n");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["absent"]);
    assert_eq!(records[0]["tasks"][0]["at"], 1, "by the void");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
}

#[test]
fn what_is_not_found_in_time_is_taken_back() {
    let host = sandbox(&["--fault", LOST, "--search-lag", "1h"]);
    let scene = scene(&host, KEEP);
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(
        (ends(&records), &records[0]["tasks"][0]["at"]),
        (vec!["settled"], &json!(1))
    );
    assert!(gateway.end().contains("could not be found by a search"));
}

#[test]
fn an_account_that_may_not_search_has_it_taken_back() {
    let refused = "status=403 99 POST /tss/v2/searches";
    let host = sandbox(&["--fault", LOST, "--fault", refused]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["settled"]);
    let log = gateway.end();
    assert!(
        log.contains("could not be found by a search") && log.contains("403"),
        "{log}"
    );
}

/// The capture is lost, found and kept; the authorization that it follows is not touched.
#[test]
fn a_lost_follow_on_is_kept_by_itself() {
    let host = sandbox(&["--fault", "cut-after 1 POST /pts/v2/payments/*/captures"]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let authorized = gateway.send(&authorization("ics_auth", "10.00"));
    assert_flag(&authorized, "1", "SOK");
    let capture = format!(
        "auth_request_id={}\ngrand_total_amount=10.00\nrequest_id=8\n",
        authorized["request_id"]
    );
    let capture = request("ics_bill", &capture);
    assert_flag(&gateway.send(&capture), "-1", "ETIMEOUT");
    let again = told(&gateway, &capture);
    assert_flag(&again, "1", "SOK");
    assert_ne!(again["request_id"], authorized["request_id"]);
    let refund = format!(
        "bill_request_id={}\ngrand_total_amount=10.00\n",
        again["request_id"]
    );
    assert_flag(&gateway.send(&request("ics_credit", &refund)), "1", "SOK");
}

/// The client got no answer at all: it is as wise as one that was told that nobody knows.
#[test]
fn a_payment_that_was_under_way_is_kept_after_the_crash() {
    let host = sandbox(&["--fault", "delay=60000 1 POST /pts/v2/payments"]);
    let scene = patient(&host).with("timeout = \"800ms\"", "timeout = \"60s\"");
    let gateway = scene.gateway();
    let body = sale("request_id=7\n");
    Connection::open(&gateway.address).send(&post(body.as_bytes()));
    host.wait_for_log("path=\"/pts/v2/payments\" status=201");
    drop(gateway);
    assert_eq!(scene.records()[0]["state"], "open");
    let gateway = scene.gateway();
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["kept"]);
    assert_flag(&gateway.send(&body), "1", "SOK");
    assert_eq!(scene.records().len(), 1);
}

fn deleted(records: &[Value]) -> String {
    let tasks = records[0]["tasks"].as_array().unwrap();
    let leftovers = tasks.iter().find(|task| task["leftovers"] == true).unwrap();
    let path = leftovers["ways"][1]["path"].as_str().unwrap();
    path.strip_prefix("/tms/v2/customers/").unwrap().to_owned()
}

#[test]
fn the_token_of_a_lost_payment_is_deleted_when_that_is_taken_back() {
    let host = sandbox(&["--fault", LOST]);
    let scene = scene(&host, "");
    let gateway = scene.gateway();
    let body = authorization(TOKEN, "10.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["settled", "settled"]);
    assert_eq!(records[0]["made"], Value::Null);
    assert_flag(
        &gateway.send(&retrieve(&deleted(&records))),
        "0",
        "DINVALIDDATA",
    );
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
}

#[test]
fn the_token_of_a_lost_payment_is_deleted_when_that_is_kept() {
    let host = sandbox(&["--fault", LOST]);
    let scene = patient(&host);
    let gateway = scene.gateway();
    let body = authorization(TOKEN, "10.00");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["kept", "settled"]);
    assert_flag(
        &gateway.send(&retrieve(&deleted(&records))),
        "0",
        "DINVALIDDATA",
    );
    // As where the payment went well and its token could not be made.
    let again = gateway.send(&body);
    assert_flag(&again, "-1", "ESYSTEM");
    assert_eq!(
        (
            &*again["auth_rcode"],
            &*again["pay_subscription_create_rcode"]
        ),
        ("1", "-1")
    );
    assert!(
        !again.contains_key("pay_subscription_create_subscription_id"),
        "{again:?}"
    );
}

#[test]
fn a_token_that_cannot_be_found_is_given_to_an_operator() {
    let host = sandbox(&["--fault", LOST, "--search-lag", "1h"]);
    let scene = scene(&host, "");
    let gateway = scene.gateway();
    assert_flag(
        &gateway.send(&authorization(TOKEN, "10.00")),
        "-1",
        "ETIMEOUT",
    );
    let records = scene.settled(&["stuck"]);
    assert_eq!(ends(&records), ["settled", "stuck"]);
}

#[test]
fn there_is_no_token_of_a_payment_that_was_not_carried_out() {
    let host = sandbox(&["--fault", "cut-before 1 POST /pts/v2/payments"]);
    let scene = scene(&host, "");
    let gateway = scene.gateway();
    assert_flag(
        &gateway.send(&authorization(TOKEN, "10.00")),
        "-1",
        "ETIMEOUT",
    );
    let records = scene.settled(&["settled"]);
    assert_eq!(ends(&records), ["absent", "absent"]);
    drop(gateway);
}

/// The payment was answered, and the gateway died before its token was complete.
#[test]
fn a_payment_whose_token_was_under_way_is_kept_without_it_after_the_crash() {
    let host = sandbox(&["--fault", "delay=60000 1 PATCH /tms/**"]);
    let scene = patient(&host).with("timeout = \"800ms\"", "timeout = \"60s\"");
    let gateway = scene.gateway();
    let body = authorization(TOKEN, "10.00");
    Connection::open(&gateway.address).send(&post(body.as_bytes()));
    host.wait_for_log("method=PATCH");
    drop(gateway);
    let gateway = scene.gateway();
    scene.settled(&["settled", "partial"]);
    let again = gateway.send(&body);
    assert_flag(&again, "-1", "ESYSTEM");
    assert_eq!(&*again["auth_rcode"], "1");
}

#[test]
fn a_journal_in_memory_keeps_it_as_well() {
    let host = sandbox(&["--fault", LOST]);
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::with_journal(folder, &host.address, "memory:", KEEP);
    let gateway = scene.gateway();
    let body = sale("request_id=7\n");
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    assert_flag(&told(&gateway, &body), "1", "SOK");
}

/// What one gateway lost another one finds, and tells of.
#[test]
fn on_postgresql_each_gateway_tells_of_what_another_found() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = sandbox(&["--fault", LOST]);
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::with_journal(folder, &host.address, &server.url(), KEEP);
    scene.journal(&["migrate"]);
    let (first, second) = (scene.gateway(), scene.gateway());
    let body = sale("request_id=7\n");
    assert_flag(&first.send(&body), "-1", "ETIMEOUT");
    drop(first);
    let again = told(&second, &body);
    assert_flag(&again, "1", "SOK");
    assert_eq!(ends(&scene.settled(&["settled"])), ["kept"]);
    // It is known there what the id names.
    let void = format!("void_request_id={}\n", again["request_id"]);
    assert_flag(&second.send(&request("ics_void", &void)), "1", "SOK");
    assert!(!second.end().contains("/captures/"));
}
