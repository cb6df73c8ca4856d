//! Too much at a time, and hosts that fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::requests::{assert_flag, retrieve, update};
use crate::scene::{Scene, sale};
use crate::upstream::{Act, CUSTOMER, Gate, INSTRUMENT, Upstream, reply, tms};

fn approved() -> Act {
    reply(201, &json!({"id": "7", "status": "AUTHORIZED"}))
}

#[test]
fn one_request_too_many_is_refused_and_nothing_is_done() {
    let gate = Gate::default();
    let held = gate.clone();
    let host = Upstream::start(move |_| Act::After(held.clone(), Box::new(approved())));
    let scene = Scene::new(
        &host.address,
        "[limits]\nrequests_per_merchant = 1\nqueue = 0\n",
    );
    let gateway = scene.gateway();
    thread::scope(|scope| {
        let first = scope.spawn(|| gateway.send(&sale("")));
        host.wait_for(1);
        let second = gateway.send(&sale(""));
        assert_flag(&second, "-1", "ESYSTEM");
        assert!(second["ics_rmsg"].contains("at its limit"), "{second:?}");
        gate.open();
        assert_flag(&first.join().unwrap(), "1", "SOK");
    });
    assert_eq!(host.calls().len(), 1);
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
}

/// A merchant's own limit goes before that of all.
#[test]
fn a_merchant_has_a_limit_of_its_own() {
    let gate = Gate::default();
    let held = gate.clone();
    let host = Upstream::start(move |_| Act::After(held.clone(), Box::new(approved())));
    let other = crate::requests::MERCHANT.replace("mid1234", "mid5678");
    let scene = Scene::new(
        &host.address,
        &format!(
            "[merchants.mid1234.limits]\nrequests = 1\n[limits]\nrequests_per_merchant = 2\nqueue = 0\n{other}"
        ),
    );
    let gateway = scene.gateway();
    let of_other = sale("").replace("mid1234", "mid5678");
    thread::scope(|scope| {
        let bodies = [sale(""), of_other.clone(), of_other.clone()];
        let sent: Vec<_> = (1..)
            .zip(bodies)
            .map(|(count, body)| {
                let gateway = &gateway;
                let sent = scope.spawn(move || gateway.send(&body));
                host.wait_for(count);
                sent
            })
            .collect();
        for body in [sale(""), of_other] {
            assert_flag(&gateway.send(&body), "-1", "ESYSTEM");
        }
        gate.open();
        for sent in sent {
            assert_flag(&sent.join().unwrap(), "1", "SOK");
        }
    });
    assert_eq!(host.calls().len(), 3);
}

#[test]
fn a_short_line_waits_for_its_turn() {
    let host = Upstream::start(|_| approved());
    let scene = Scene::new(
        &host.address,
        "[limits]\nrequests = 1\nqueue = 20\nqueue_timeout = \"30s\"\n",
    );
    let gateway = scene.gateway();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| assert_flag(&gateway.send(&sale("")), "1", "SOK"));
        }
    });
    assert_eq!(host.calls().len(), 10);
}

#[test]
fn a_host_that_fails_is_left_alone_until_one_call_is_answered() {
    let lost = AtomicUsize::new(3);
    let host = Upstream::start(move |seen| {
        let fails = |left: usize| left.checked_sub(1);
        match seen.path.as_str() {
            "/pts/v2/payments" => {
                match lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails) {
                    Ok(_) => Act::Reply(502, String::new(), b"<html>".to_vec()),
                    Err(_) => approved(),
                }
            }
            _ => reply(201, &json!({"id": "8", "status": "VOIDED"})),
        }
    });
    // The settling of what was lost must not try the host meanwhile.
    let scene = Scene::new(
        &host.address,
        "[limits]\nbreaker_failures = 3\nbreaker_pause = \"400ms\"\n",
    );
    let scene = scene.with("first_delay = \"40ms\"", "first_delay = \"60s\"");
    let scene = scene.with("deadline = \"20s\"", "deadline = \"1h\"");
    let gateway = scene.gateway();
    for _ in 0..3 {
        assert_flag(&gateway.send(&sale("")), "-1", "ETIMEOUT");
    }
    let refused = gateway.send(&sale("request_id=1\n"));
    assert_flag(&refused, "-1", "ESYSTEM");
    assert_eq!(host.calls().len(), 3, "it is not called");
    let begun = std::time::Instant::now();
    while gateway.send(&sale("request_id=1\n"))["ics_rcode"] != "1" {
        assert!(begun.elapsed() < crate::process::PATIENCE);
        thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(host.calls().len(), 4);
}

#[test]
fn reads_are_made_again_and_posts_are_not() {
    let count = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Act::Cut(Vec::new()),
        1 => Act::Reply(429, "Retry-After: 0\r\n".into(), b"<html>".to_vec()),
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&retrieve(CUSTOMER)), "1", "SOK");
    assert_eq!(host.calls().len(), 3);
}

/// The second attempt meets the change that the first one made: what is stored is read again, and it fits.
#[test]
fn a_lost_change_is_made_again_under_its_etag() {
    let writes = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "PATCH" if seen.path.ends_with(INSTRUMENT) => match writes.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Cut(Vec::new()),
            1 => reply(412, &json!({"errors": [{"type": "conditionFailed"}]})),
            _ => tms(seen),
        },
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let change = [("customer_firstname", "Ann")];
    assert_flag(&gateway.send(&update(CUSTOMER, &change)), "1", "SOK");
    let patches = host
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("PATCH"));
    assert_eq!(patches.count(), 3);
}
