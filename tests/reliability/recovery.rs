//! Gateways that die, and journals that fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::http::Connection;
use crate::requests::{assert_flag, create, post, update};
use crate::scene::{Scene, request, sale};
use crate::upstream::{Act, CUSTOMER, Upstream, reply, tms};

#[test]
fn a_payment_that_was_under_way_is_taken_back_after_the_crash() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Silence,
        "/pts/v2/voids" => reply(201, &json!({"id": "9", "status": "VOIDED"})),
        other => panic!("{other}"),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let body = sale("request_id=1\n");
    Connection::open(&gateway.address).send(&post(body.as_bytes()));
    host.wait_for(1);
    drop(gateway);
    assert_eq!(scene.records()[0]["state"], "open");
    let gateway = scene.gateway();
    scene.settled(&["settled"]);
    assert_eq!(
        host.calls(),
        ["POST /pts/v2/payments", "POST /pts/v2/voids"]
    );
    // Whoever asks again is told what is known, and nothing is done.
    assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
    assert_eq!(host.calls().len(), 2);
}

#[test]
fn a_create_that_was_under_way_is_undone_after_the_crash() {
    let host = Upstream::start(|seen| match seen.is("POST", "/payment-instruments") {
        true => Act::Silence,
        false => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    Connection::open(&gateway.address).send(&post(create(&[]).as_bytes()));
    host.wait_for(3);
    drop(gateway);
    let gateway = scene.gateway();
    scene.settled(&["settled"]);
    let deleted = format!("DELETE /tms/v2/customers/{CUSTOMER}");
    assert_eq!(host.calls().last(), Some(&deleted));
    drop(gateway);
}

/// A card became a bank account before the crash, and the rest of the update never came: nothing takes that back.
#[test]
fn an_update_that_was_under_way_is_listed_after_the_crash() {
    let first = AtomicBool::new(true);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "DELETE" if first.swap(false, Ordering::SeqCst) => Act::Silence,
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let bank = [
        ("ecp_account_no", "4100"),
        ("ecp_account_type", "C"),
        ("ecp_rdfi", "071923284"),
        ("customer_email", "b@example.com"),
    ];
    Connection::open(&gateway.address).send(&post(update(CUSTOMER, &bank).as_bytes()));
    host.wait_for(5);
    drop(gateway);
    let gateway = scene.gateway();
    let records = scene.settled(&["partial"]);
    assert_eq!(records[0]["partial"], json!(["new_instrument"]));
    // The former instrument goes, as it was about to; it is still there.
    let calls = host.calls();
    let former = calls[4].strip_prefix("DELETE").unwrap();
    assert_eq!(
        calls[5..],
        [format!("GET{former}"), format!("DELETE{former}")]
    );
    drop(gateway);
}

/// What an id names is known after a restart: no other kind is tried.
#[test]
fn follow_ons_are_known_after_a_restart() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => reply(201, &json!({"id": "77", "status": "AUTHORIZED"})),
        _ => reply(201, &json!({"id": "78", "status": "VOIDED"})),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    gateway.end();
    let gateway = scene.gateway();
    assert_flag(
        &gateway.send(&request("ics_void", "void_request_id=77\n")),
        "1",
        "SOK",
    );
    assert_eq!(host.calls()[1], "POST /pts/v2/payments/77/voids");
}

#[test]
fn one_journal_serves_one_gateway() {
    let host = Upstream::start(tms);
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let file = scene.folder().join("gateway.toml");
    let journal = scene.folder().join("journal");
    std::fs::write(
        &file,
        host.config(&format!(
            "[journal]\nurl = \"file:{}\"\n",
            journal.display()
        )),
    )
    .unwrap();
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_scmp-gateway"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--config",
        ])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("another gateway uses it"),
        "{said}"
    );
    drop(gateway);
}

/// The disk fills up under load: requests are refused before any call, and go on by themselves once there is room.
#[test]
fn nothing_is_done_while_the_disk_is_full() {
    let host = Upstream::start(|seen| {
        let lost = seen.path == "/pts/v2/voids";
        let status = if lost { "VOIDED" } else { "AUTHORIZED" };
        reply(201, &json!({"id": "7", "status": status}))
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.start().limited(150).run();
    let mut good = 0;
    let refused = loop {
        let sent = gateway.send(&sale(""));
        if sent["ics_rcode"] != "1" {
            break sent;
        }
        good += 1;
        assert!(good < 500, "the disk does not fill up");
    };
    // The last one may have been made and not been recorded: then it is told so.
    let lost = usize::from(refused["ics_rflag"] == "ETIMEOUT");
    assert_eq!(host.calls().len(), good + lost);
    let before = host.calls().len();
    let refused = gateway.send(&sale(""));
    assert_flag(&refused, "-1", "ESYSTEM");
    assert!(
        refused["ics_rmsg"].contains("could not be recorded"),
        "{refused:?}"
    );
    assert_eq!(host.calls().len(), before);
    gateway.lift_limit();
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    let records = scene.settled(&["finished", "settled"]);
    assert!(records.len() > good);
}

/// The journal's file system turns read-only under load, and is mended: each write of the running gateway fails, wherever
/// it goes to, and SQLite meets the same error.
#[test]
fn nothing_is_done_while_the_journal_is_read_only() {
    let host = Upstream::start(|seen| {
        let lost = seen.path == "/pts/v2/voids";
        let status = if lost { "VOIDED" } else { "AUTHORIZED" };
        reply(201, &json!({"id": "7", "status": status}))
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.start().limited(1_000_000).run();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = || {
            let mut told = [0, 0, 0];
            while !stop.load(Ordering::SeqCst) {
                let reply = gateway.send(&sale(""));
                match reply["ics_rflag"].as_str() {
                    "SOK" => told[0] += 1,
                    "ESYSTEM" => told[1] += 1,
                    // Made, and not to be recorded any more: it is taken back.
                    "ETIMEOUT" => told[2] += 1,
                    other => panic!("{other}"),
                }
            }
            told
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        host.wait_for(20);
        gateway.limit("0");
        let refused = gateway.send(&sale(""));
        assert_flag(&refused, "-1", "ESYSTEM");
        assert!(
            refused["ics_rmsg"].contains("could not be recorded"),
            "{refused:?}"
        );
        // Whatever was under way has ended by now, and nothing new is sent.
        let before = host.calls().len();
        assert_flag(&gateway.send(&sale("")), "-1", "ESYSTEM");
        assert_eq!(host.calls().len(), before);
        gateway.lift_limit();
        host.wait_for(before + 20);
        stop.store(true, Ordering::SeqCst);
        let told = clients.into_iter().map(|client| client.join().unwrap());
        let told = told.fold([0, 0, 0], |all, told| {
            std::array::from_fn(|at| all[at] + told[at])
        });
        assert!(told[1] > 0, "none was refused: {told:?}");
        let records = scene.settled(&["finished", "settled"]);
        let made = host
            .calls()
            .iter()
            .filter(|call| call.ends_with("/payments"))
            .count();
        assert_eq!(made, told[0] + told[2], "{told:?}");
        let done = records
            .iter()
            .filter(|record| record["flag"] == "SOK")
            .count();
        let back = host
            .calls()
            .iter()
            .filter(|call| call.ends_with("/voids"))
            .count();
        assert_eq!((done, back), (told[0], told[2]), "{told:?}");
    });
}

/// What is still under way at the end of the drain is on record as not known, and settled after the next start.
#[test]
fn a_drain_that_ends_too_early_leaves_what_is_not_known_on_record() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Silence,
        _ => reply(201, &json!({"id": "9", "status": "VOIDED"})),
    });
    let scene = Scene::new(&host.address, "[server]\ndrain_timeout = \"50ms\"\n");
    let scene = scene.with("timeout = \"800ms\"", "timeout = \"60s\"");
    let scene = scene.with("first_delay = \"40ms\"", "first_delay = \"1s\"");
    let gateway = scene.gateway();
    Connection::open(&gateway.address).send(&post(sale("").as_bytes()));
    host.wait_for(1);
    gateway.end();
    assert_eq!(scene.records()[0]["state"], "unknown");
    let gateway = scene.gateway();
    scene.settled(&["settled"]);
    assert_eq!(
        host.calls().last().map(String::as_str),
        Some("POST /pts/v2/voids")
    );
    drop(gateway);
}
