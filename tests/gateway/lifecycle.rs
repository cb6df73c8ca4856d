//! Clients that leave early, operators that ask, and the end.

use std::net::TcpStream;
use std::time::Instant;

use crate::http::{Connection, exchange};
use crate::process::{PATIENCE, Start};
use crate::requests::{assert_flag, create, fields, post};
use crate::upstream::{Act, Gate, Upstream, tms};

/// A host whose answer to the first call waits.
fn late(gate: &Gate) -> Upstream {
    let gate = gate.clone();
    Upstream::start(
        move |seen| match seen.is("POST", "/instrumentidentifiers") {
            true => Act::After(gate.clone(), Box::new(tms(seen))),
            false => tms(seen),
        },
    )
}

fn ask(admin: &str, path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    exchange(admin, request.as_bytes()).status
}

#[test]
fn a_half_closed_client_gets_its_reply() {
    let gate = Gate::default();
    let upstream = late(&gate);
    let gateway = upstream.gateway("");
    let mut connection = Connection::open(&gateway.address);
    connection.send(&post(create(&[]).as_bytes())).finish();
    upstream.wait_for(1);
    gate.open();
    assert_flag(&fields(&connection.read().text()), "1", "SOK");
}

#[test]
fn what_has_begun_is_finished_without_its_client() {
    let gate = Gate::default();
    let upstream = late(&gate);
    let gateway = upstream.gateway("");
    let mut connection = Connection::open(&gateway.address);
    connection.send(&post(create(&[]).as_bytes()));
    upstream.wait_for(1);
    drop(connection);
    // Whatever comes over another connection finds the first one gone.
    assert_eq!(ask(&gateway.admin, "/healthz"), 200);
    gate.open();
    upstream.wait_for(3);
    let log = gateway.wait_for_log("calls=3");
    assert!(log.contains("flag=\"SOK\""), "{log}");
}

#[test]
fn half_a_request_calls_nothing() {
    let upstream = Upstream::start(tms);
    let gateway = upstream.gateway("");
    let request = post(create(&[]).as_bytes());
    let mut connection = Connection::open(&gateway.address);
    connection.send(&request[..request.len() - 20]).finish();
    let answer = connection.read();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(upstream.calls(), Vec::<String>::new());
}

#[test]
fn operators_are_answered() {
    let gateway = Start::sandbox().run();
    assert_eq!(ask(&gateway.admin, "/healthz"), 200);
    assert_eq!(ask(&gateway.admin, "/readyz"), 200);
    assert_eq!(ask(&gateway.admin, "/nothing"), 404);
    let get = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(
        exchange(&gateway.address, &post(create(&[]).as_bytes())).status,
        200
    );
    let counted = exchange(&gateway.admin, get);
    let line = "scmp_gateway_requests_total{service=\"ics_pay_subscription_create\",outcome=\"accepted\"} 1\n";
    assert!(counted.text().contains(line), "{counted:?}");
    let post = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(exchange(&gateway.admin, post).status, 405);
}

#[test]
fn what_is_under_way_at_the_end_is_finished() {
    let gate = Gate::default();
    let upstream = late(&gate);
    let mut gateway = upstream.gateway("");
    let mut idle = Connection::open(&gateway.address);
    assert_eq!(idle.send(&post(b"")).read().status, 200);
    let mut connection = Connection::open(&gateway.address);
    connection.send(&post(create(&[]).as_bytes()));
    upstream.wait_for(1);
    gateway.terminate();
    gateway.wait_for_log("shutting down");
    assert!(idle.is_closed());
    assert_eq!(ask(&gateway.admin, "/healthz"), 200);
    assert_eq!(ask(&gateway.admin, "/readyz"), 503);
    assert!(TcpStream::connect(&gateway.address).is_err());
    gate.open();
    let answer = connection.read();
    assert_flag(&fields(&answer.text()), "1", "SOK");
    let status = gateway.wait();
    assert_eq!(status.code(), Some(0));
    assert!(gateway.log().contains("all requests are finished"));
    assert_eq!(upstream.calls().len(), 3);
}

/// Also a request whose client is gone is finished before the end.
#[test]
fn the_end_waits_for_requests_without_clients() {
    let gate = Gate::default();
    let upstream = late(&gate);
    let mut gateway = upstream.gateway("");
    let mut connection = Connection::open(&gateway.address);
    connection.send(&post(create(&[]).as_bytes()));
    upstream.wait_for(1);
    drop(connection);
    gateway.terminate();
    gateway.wait_for_log("shutting down");
    gate.open();
    assert_eq!(gateway.wait().code(), Some(0));
    assert_eq!(upstream.calls().len(), 3);
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let upstream = Upstream::start(|_| Act::Silence);
    let mut gateway = upstream.gateway("[server]\ndrain_timeout = \"200ms\"");
    let mut connection = Connection::open(&gateway.address);
    connection.send(&post(create(&[]).as_bytes()));
    upstream.wait_for(1);
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(gateway.log().contains("still under way"));
}

/// Who is told that it listens may end it at once, in good order.
#[test]
fn an_early_end_is_a_good_end() {
    for _ in 0..8 {
        assert!(Start::sandbox().run().end().contains("shutting down"));
        Start::new(&["sandbox", "--listen", "127.0.0.1:0"])
            .run()
            .end();
    }
}

/// A client that only connected, or stopped half-way through its head, does not hold up the end.
#[test]
fn the_end_does_not_wait_for_silent_clients() {
    for sent in ["", "POST / HTTP/1.1\r\nHo"] {
        let mut gateway = Start::sandbox().run();
        let mut silent = Connection::open(&gateway.address);
        silent.send(sent.as_bytes());
        assert_eq!(gateway.send(&create(&[]))["ics_rcode"], "1");
        gateway.terminate();
        let begun = Instant::now();
        assert_eq!(gateway.wait().code(), Some(0));
        assert!(
            begun.elapsed() < PATIENCE / 4,
            "{sent:?}: {:?}",
            begun.elapsed()
        );
    }
}
