//! Every fault of the host with every service: what the client is told, how many POSTs were sent, and how it ended. The
//! table stands in docs/faults.md; `SCMP_GATEWAY_TEST_BLESS=1` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::PATIENCE;
use crate::requests::{create, delete, retrieve, update};
use crate::scene::{PAYER, Scene, request, sale};
use crate::upstream::{Act, CUSTOMER, Seen, Upstream, reply, tms};

type Answer = fn(Act) -> Act;

/// What the host does with the first call that counts: the last word is whether it does the work.
const FAULTS: [(&str, Answer); 8] = [
    ("none", |good| good),
    ("cut", |_| Act::Cut(Vec::new())),
    ("half a reply", |_| {
        Act::Cut(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{".to_vec())
    }),
    ("silence", |_| Act::Silence),
    ("502 SERVER_TIMEOUT", |_| {
        reply(
            502,
            &json!({"status": "SERVER_ERROR", "reason": "SERVER_TIMEOUT"}),
        )
    }),
    ("503, a page", |_| {
        Act::Reply(503, String::new(), b"<html>".to_vec())
    }),
    ("429", |_| {
        Act::Reply(429, String::new(), b"<html>".to_vec())
    }),
    ("200, a page", |_| {
        Act::Reply(200, String::new(), b"<html>".to_vec())
    }),
];

fn services() -> Vec<(&'static str, String)> {
    let ten = "grand_total_amount=10.00\n";
    let check = PAYER.replace(
        "card_type=001\ncustomer_cc_number=4111111111111111\n",
        "ecp_account_no=4100\necp_account_type=C\necp_rdfi=071923284\n",
    );
    vec![
        ("ics_auth", request("ics_auth", &format!("{PAYER}{ten}"))),
        ("ics_auth,ics_bill", sale("")),
        (
            "ics_bill",
            request("ics_bill", &format!("auth_request_id=7\n{ten}")),
        ),
        (
            "ics_credit",
            request("ics_credit", &format!("{PAYER}{ten}")),
        ),
        (
            "ics_auth_reversal",
            request("ics_auth_reversal", &format!("auth_request_id=7\n{ten}")),
        ),
        ("ics_void", request("ics_void", "void_request_id=7\n")),
        (
            "ics_ecp_debit",
            request("ics_ecp_debit", &format!("{check}{ten}")),
        ),
        ("ics_pay_subscription_create", create(&[])),
        (
            "ics_pay_subscription_update",
            update(CUSTOMER, &[("customer_firstname", "Ann")]),
        ),
        ("ics_pay_subscription_delete", delete(CUSTOMER)),
        ("ics_pay_subscription_retrieve", retrieve(CUSTOMER)),
    ]
}

fn good(seen: &Seen) -> Act {
    if seen.path.starts_with("/tms") {
        return tms(seen);
    }
    let status = match seen.path.rsplit('/').next() {
        Some("reversals") => "REVERSED",
        Some("voids") => "VOIDED",
        Some("payments") => "AUTHORIZED",
        _ => "PENDING",
    };
    reply(
        201,
        &json!({"id": "7000000000000000000001", "status": status}),
    )
}

/// Whether the fault is for this call: the first that changes something, or the only one there is.
fn counts(seen: &Seen, service: &str) -> bool {
    match service {
        "ics_pay_subscription_retrieve" => true,
        "ics_pay_subscription_create" => seen.path.ends_with("payment-instruments"),
        _ => seen.method != "GET",
    }
}

/// Whether it is a POST of the request itself, and not of what settles it: that names another call, or none.
fn is_own(seen: &Seen) -> bool {
    let settles = ["/pts/v2/voids", "/pts/v2/reversals"].contains(&seen.path.as_str());
    let named = || !seen.json()["clientReferenceInformation"]["transactionId"].is_null();
    seen.method == "POST" && !settles && (seen.path.starts_with("/tms") || named())
}

struct Host {
    upstream: Upstream,
    fault: Arc<Mutex<Option<(Answer, String)>>>,
}

impl Host {
    fn start() -> Host {
        let fault: Arc<Mutex<Option<(Answer, String)>>> = Arc::default();
        let set = Arc::clone(&fault);
        let upstream = Upstream::start(move |seen| {
            let mut fault = set.lock().unwrap();
            match fault.take_if(|(_, service)| counts(seen, service)) {
                Some((answer, _)) => answer(good(seen)),
                None => good(seen),
            }
        });
        Host { upstream, fault }
    }
}

/// The states of what is on record, once all of it is over.
fn states(scene: &Scene, known: &BTreeSet<String>) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let records = scene.records().into_iter();
        let records: Vec<Value> = records
            .filter(|record| !known.contains(record["id"].as_str().unwrap()))
            .collect();
        let waits = |record: &Value| record["state"] == "unknown" || record["state"] == "open";
        if !records.iter().any(waits) {
            return records;
        }
        assert!(begun.elapsed() < PATIENCE, "{records:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_fault_with_every_service() {
    let host = Host::start();
    let scene = Scene::new(&host.upstream.address, "[limits]\nbreaker_failures = 0\n");
    let scene = scene
        .with("timeout = \"800ms\"", "timeout = \"300ms\"")
        .with("connect_timeout = \"500ms\"", "connect_timeout = \"200ms\"");
    let gateway = scene.gateway();
    let mut known = BTreeSet::new();
    let mut table = String::from(
        "# Faults and services\n\nMade by `tests/reliability/table.rs`: the host meets the first call of a request that changes something (of a create: \
         the instrument's; of a retrieve: the only one) with a fault, once. Each field: the reply flag, how many POSTs were sent for the \
         request before it was answered, and how the record ended.\n\n| service |",
    );
    for (fault, _) in FAULTS {
        table.push_str(&format!(" {fault} |"));
    }
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(FAULTS.len())));
    for (service, body) in services() {
        table.push_str(&format!(
            "| {} |",
            service.replace("ics_pay_subscription_", "…")
        ));
        for (_, answer) in FAULTS {
            *host.fault.lock().unwrap() = Some((answer, service.to_owned()));
            let before = host.upstream.calls().len();
            let said = gateway.send(&body);
            let seen = host.upstream.seen();
            let posts = seen[before..].iter().filter(|seen| is_own(seen)).count();
            *host.fault.lock().unwrap() = None;
            let records = states(&scene, &known);
            known.extend(
                records
                    .iter()
                    .map(|record| record["id"].as_str().unwrap().to_owned()),
            );
            let state = records
                .first()
                .map_or("–", |record| record["state"].as_str().unwrap());
            table.push_str(&format!(" {} {posts} {state} |", said["ics_rflag"]));
        }
        table.push('\n');
    }
    drop(gateway);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("SCMP_GATEWAY_TEST_BLESS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), table);
}
