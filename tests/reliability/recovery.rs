//! Gateways that die, and journals that fail.

use serde_json::json;

use crate::http::Connection;
use crate::requests::{assert_flag, create, post};
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
