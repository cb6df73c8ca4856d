//! Requests that come again.

use std::thread;

use serde_json::json;

use crate::process::Running;
use crate::requests::{Fields, assert_flag, delete};
use crate::scene::{Scene, sale};
use crate::upstream::{Act, CUSTOMER, Gate, Seen, Upstream, reply, tms};

fn payments(host: &Upstream) -> usize {
    let calls = host.calls();
    calls
        .iter()
        .filter(|call| *call == "POST /pts/v2/payments")
        .count()
}

fn approve(seen: &Seen) -> Act {
    let amount = seen.json()["orderInformation"]["amountDetails"]["totalAmount"].clone();
    match amount == "23.03" {
        true => reply(
            201,
            &json!({"id": "8", "status": "DECLINED",
            "errorInformation": {"reason": "PROCESSOR_DECLINED", "message": "no"}}),
        ),
        false => reply(201, &json!({"id": "7", "status": "AUTHORIZED"})),
    }
}

fn send_at_once(gateways: &[&Running], count: usize, body: &str) -> Vec<Fields> {
    thread::scope(|scope| {
        let send = |at: usize| scope.spawn(move || gateways[at % gateways.len()].send(body));
        let sent: Vec<_> = (0..count).map(send).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    })
}

#[test]
fn the_librarys_own_id_makes_it_the_same_request() {
    let host = Upstream::start(approve);
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let body = sale("request_id=0123456789\n");
    let first = gateway.send(&body);
    assert_flag(&first, "1", "SOK");
    assert_eq!(gateway.send(&body), first);
    // The library's settings are no part of the request.
    assert_eq!(gateway.send(&format!("{body}retry_start=30\n")), first);
    assert_eq!(payments(&host), 1);
    // It is known after a restart as well.
    gateway.end();
    let gateway = scene.gateway();
    assert_eq!(gateway.send(&body), first);
    assert_eq!(payments(&host), 1);
    // Other content, another id: another request.
    gateway.send(&body.replace("10.00", "11.00"));
    gateway.send(&body.replace("0123456789", "0123456780"));
    assert_eq!(payments(&host), 3);
    assert!(gateway.end().contains("came again"));
}

#[test]
fn without_an_id_every_request_counts() {
    let host = Upstream::start(approve);
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    for _ in 0..3 {
        assert_flag(&gateway.send(&sale("")), "1", "SOK");
    }
    assert_eq!(payments(&host), 3);
}

#[test]
fn a_merchant_may_choose_to_go_by_content() {
    let host = Upstream::start(|seen| match seen.path.starts_with("/pts") {
        true => approve(seen),
        false => tms(seen),
    });
    let scene = Scene::new(
        &host.address,
        "retries = \"replay\"\nretry_window = \"1h\"\n",
    );
    let gateway = scene.gateway();
    let first = gateway.send(&sale(""));
    assert_eq!(gateway.send(&sale("")), first);
    assert_eq!(payments(&host), 1);
    // A definite decline is not found by content: the client may try again.
    let declined = sale("").replace("10.00", "23.03");
    for _ in 0..2 {
        assert_flag(&gateway.send(&declined), "0", "DCARDREFUSED");
    }
    assert_eq!(payments(&host), 3);
    // With an id the client says that it is the same attempt.
    let declined = format!("{declined}request_id=5\n");
    assert_eq!(gateway.send(&declined), gateway.send(&declined));
    assert_eq!(payments(&host), 4);
    // What creates nothing is not found.
    for _ in 0..2 {
        assert_flag(&gateway.send(&delete(CUSTOMER)), "1", "SOK");
    }
    assert_eq!(
        host.calls()
            .iter()
            .filter(|call| call.starts_with("DELETE"))
            .count(),
        2
    );
}

#[test]
fn a_window_ends() {
    let host = Upstream::start(approve);
    let scene = Scene::new(
        &host.address,
        "retries = \"replay\"\nretry_window = \"1ms\"\n",
    );
    let gateway = scene.gateway();
    for _ in 0..2 {
        assert_flag(&gateway.send(&sale("")), "1", "SOK");
        thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(payments(&host), 2);
}

#[test]
fn a_repetition_waits_for_the_first() {
    let gate = Gate::default();
    let held = gate.clone();
    let host = Upstream::start(move |seen| Act::After(held.clone(), Box::new(approve(seen))));
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let body = sale("request_id=1\n");
    let replies = thread::scope(|scope| {
        let sent = scope.spawn(|| send_at_once(&[&gateway], 10, &body));
        host.wait_for(1);
        gate.open();
        sent.join().unwrap()
    });
    assert_eq!(payments(&host), 1);
    assert!(
        replies.iter().all(|reply| *reply == replies[0]),
        "{replies:#?}"
    );
    assert_flag(&replies[0], "1", "SOK");
}

#[test]
fn a_repetition_of_what_is_not_known_is_not_known_either() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Cut(Vec::new()),
        _ => reply(201, &json!({"id": "9", "status": "VOIDED"})),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let body = sale("request_id=1\n");
    let first = gateway.send(&body);
    assert_flag(&first, "-1", "ETIMEOUT");
    assert_eq!(gateway.send(&body), first);
    scene.settled(&["settled"]);
    assert_eq!(gateway.send(&body), first);
    assert_eq!(payments(&host), 1);
}

#[test]
fn a_request_that_came_to_nothing_may_come_again() {
    let host = Upstream::start(approve);
    let scene = Scene::new("127.0.0.1:1", "");
    let gateway = scene.gateway();
    let body = sale("request_id=1\n");
    let first = gateway.send(&body);
    assert_flag(&first, "-1", "ESYSTEM");
    let second = gateway.send(&body);
    assert_ne!(first["request_id"], second["request_id"]);
    drop(host);
}
