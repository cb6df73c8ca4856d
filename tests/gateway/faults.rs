//! What goes wrong on the REST side, and what the client is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::process::{Running, Start};
use crate::requests::{Fields, MERCHANT, assert_flag, create, delete, retrieve, update};
use crate::upstream::{Act, CUSTOMER, INSTRUMENT, Seen, Upstream, error, reply, tms};

const NO_SERVICE: &str =
    "Error occurred during communication with token service. Please contact customer support.";

/// A host that does `act` with the requests that fit, and all is well with the others.
fn failing(
    fits: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    act: impl Fn() -> Act + Send + Sync + 'static,
) -> Upstream {
    Upstream::start(move |seen| if fits(seen) { act() } else { tms(seen) })
}

fn is_instrument(seen: &Seen) -> bool {
    seen.is("POST", "/payment-instruments")
}

fn deletions(upstream: &Upstream) -> Vec<String> {
    let calls = upstream.calls().into_iter();
    calls.filter(|call| call.starts_with("DELETE")).collect()
}

#[test]
fn a_create_that_fails_late_leaves_nothing() {
    let refuse = || error(400, "invalidFields", "card", "expirationYear", "Bad year");
    let upstream = failing(is_instrument, refuse);
    let gateway = upstream.gateway("");
    let sent = gateway.send(&create(&[]));
    assert_flag(&sent, "0", "DINVALIDDATA");
    assert!(sent["ics_rmsg"].ends_with("customer_cc_expyr"), "{sent:?}");
    assert_eq!(sent["pay_subscription_create_rflag"], "DINVALIDDATA");
    assert!(!sent.contains_key("pay_subscription_create_subscription_id"));
    let deleted = format!("DELETE /tms/v2/customers/{CUSTOMER}");
    assert_eq!(deletions(&upstream), [deleted]);
    upstream.assert_no_post_came_twice();
    assert!(gateway.end().contains("a step was undone"));
}

#[test]
fn what_cannot_be_undone_is_told_to_the_operator() {
    let upstream = Upstream::start(|seen| match seen.method.as_str() {
        "DELETE" => reply(500, &json!({})),
        _ if is_instrument(seen) => reply(400, &json!({})),
        _ => tms(seen),
    });
    let gateway = upstream.gateway("");
    assert_flag(&gateway.send(&create(&[])), "0", "DINVALIDDATA");
    assert!(gateway.end().contains("could not be undone"));
}

#[test]
fn nobody_listens() {
    // A port that was free a moment ago may be another test's by now; this one is nobody's.
    let config = format!("[rest]\nbase_url = \"http://127.0.0.1:1\"\n{MERCHANT}");
    let gateway = Start::serve().config(&config).run();
    for request in [create(&[]), retrieve("T"), delete("T"), update("T", &[])] {
        let sent = gateway.send(&request);
        assert_flag(&sent, "-1", "ESYSTEM");
        assert_eq!(sent["ics_rmsg"], NO_SERVICE);
    }
    assert!(gateway.end().contains("cannot connect"));
}

fn impatient(upstream: &Upstream) -> Running {
    upstream.gateway("connect_timeout = \"300ms\"\ntimeout = \"600ms\"\n")
}

/// Ways to lose an answer after the call was sent.
/// A way in which an answer is lost, and its name.
type Loss = (&'static str, fn() -> Act);

fn lost() -> Vec<Loss> {
    vec![
        ("silence", || Act::Silence),
        ("cut", || Act::Cut(Vec::new())),
        ("half a head", || {
            Act::Cut(b"HTTP/1.1 201 Created\r\nContent-".to_vec())
        }),
        ("half a body", || {
            Act::Cut(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{\"id\":".to_vec())
        }),
        ("no HTTP", || Act::Cut(b"SSH-2.0-OpenSSH\r\n".to_vec())),
    ]
}

#[test]
fn a_lost_answer_to_a_post_is_unknown() {
    for (name, act) in lost() {
        let upstream = failing(|seen| seen.is("POST", "/instrumentidentifiers"), act);
        let gateway = impatient(&upstream);
        let sent = gateway.send(&create(&[]));
        assert_flag(&sent, "-1", "ETIMEOUT");
        assert_eq!(sent["pay_subscription_create_rflag"], "ETIMEOUT", "{name}");
        assert_eq!(
            upstream.calls(),
            ["POST /tms/v1/instrumentidentifiers"],
            "{name}"
        );
        assert!(gateway.end().contains("is unknown"), "{name}");
    }
}

#[test]
fn a_lost_answer_to_a_later_post_undoes_the_earlier() {
    for (name, act) in lost() {
        let upstream = failing(is_instrument, act);
        let gateway = impatient(&upstream);
        assert_flag(&gateway.send(&create(&[])), "-1", "ETIMEOUT");
        upstream.assert_no_post_came_twice();
        assert_eq!(upstream.calls().len(), 4, "{name}");
        assert_eq!(deletions(&upstream).len(), 1, "{name}");
    }
}

#[test]
fn a_lost_answer_to_a_get_is_an_error() {
    for (name, act) in lost() {
        let upstream = failing(|seen| seen.method == "GET", act);
        let gateway = impatient(&upstream);
        for request in [retrieve(CUSTOMER), delete(CUSTOMER)] {
            let sent = gateway.send(&request);
            assert_flag(&sent, "-1", "ESYSTEM");
            assert_eq!(sent["ics_rmsg"], NO_SERVICE, "{name}");
        }
        assert_eq!(deletions(&upstream), Vec::<String>::new());
    }
}

#[test]
fn a_lost_answer_to_a_change_names_what_was_changed() {
    let upstream = failing(|seen| seen.is("PATCH", CUSTOMER), || Act::Cut(Vec::new()));
    let gateway = impatient(&upstream);
    let changes = [
        ("customer_firstname", "Ann"),
        ("customer_email", "ann@example.com"),
    ];
    let sent = gateway.send(&update(CUSTOMER, &changes));
    assert_flag(&sent, "-1", "ETIMEOUT");
    let said = &sent["ics_rmsg"];
    assert!(
        said.contains("payment instrument") && said.contains("customer (perhaps)"),
        "{said}"
    );
    assert!(gateway.end().contains("changed in part only"));
}

fn answered(status: u16, body: &'static str) -> (Fields, Upstream, String) {
    let act = move || Act::Reply(status, String::new(), body.as_bytes().to_vec());
    let upstream = failing(|seen| seen.is("POST", "/customers"), act);
    let gateway = upstream.gateway("");
    let sent = gateway.send(&create(&[]));
    upstream.assert_no_post_came_twice();
    assert_eq!(upstream.calls().len(), 2, "{status}");
    (sent, upstream, gateway.end())
}

#[test]
fn refusals_of_the_host_itself() {
    let html = "<html><body>\nics_rcode=1\n</body></html>";
    let refused = r#"{"response":{"rmsg":"Authentication Failed"}}"#;
    for (status, body, says, told) in [
        (503, html, NO_SERVICE, "the REST host failed"),
        (500, "", NO_SERVICE, "the REST host failed"),
        (429, "{}", NO_SERVICE, "request_id"),
        (401, refused, "Requested service is forbidden", "key_id"),
        (403, "{}", "Requested service is forbidden", "request_id"),
        (301, "", NO_SERVICE, "request_id"),
    ] {
        let (sent, _, log) = answered(status, body);
        assert_flag(&sent, "-1", "ESYSTEM");
        assert!(sent["ics_rmsg"].contains(says), "{status}: {sent:?}");
        assert!(log.contains(told), "{status}: {log}");
    }
}

#[test]
fn a_success_that_cannot_be_read_is_no_success() {
    for body in ["<html></html>", "{\"id\":", "[]", "{}"] {
        let (sent, ..) = answered(201, body);
        assert_flag(&sent, "-1", "ETIMEOUT");
    }
}

/// The first change meets a stale ETag: what it rests on is read again, and it is tried once more.
#[test]
fn a_change_in_between_is_met_with_another_try() {
    let (reads, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let upstream = Upstream::start(move |seen| {
        let is_instrument = seen.path.ends_with(INSTRUMENT);
        match seen.method.as_str() {
            "GET" if is_instrument => {
                let etag = reads.fetch_add(1, Ordering::SeqCst) + 1;
                let body = json!({"id": INSTRUMENT, "card": {"type": "001"}}).to_string();
                Act::Reply(200, format!("ETag: \"{etag}\"\r\n"), body.into_bytes())
            }
            "PATCH" if is_instrument && writes.fetch_add(1, Ordering::SeqCst) == 0 => {
                reply(412, &json!({"errors": [{"type": "conditionFailed"}]}))
            }
            _ => tms(seen),
        }
    });
    let gateway = upstream.gateway("");
    let change = [("customer_firstname", "Ann")];
    assert_flag(&gateway.send(&update(CUSTOMER, &change)), "1", "SOK");
    let patches = upstream.seen().into_iter();
    let patches = patches.filter(|seen| seen.is("PATCH", INSTRUMENT));
    let etags: Vec<String> = patches
        .map(|mut s| s.headers.remove("if-match").unwrap())
        .collect();
    assert_eq!(etags, ["\"1\"", "\"2\""]);
}

#[test]
fn a_change_that_never_fits_is_given_up() {
    let upstream = failing(|seen| seen.method == "PATCH", || reply(412, &json!({})));
    let gateway = upstream.gateway("");
    let change = [("customer_firstname", "Ann")];
    let sent = gateway.send(&update(CUSTOMER, &change));
    assert_flag(&sent, "-1", "ESYSTEM");
    assert!(
        sent["ics_rmsg"].contains("changed by another request"),
        "{sent:?}"
    );
    let calls = upstream.calls();
    let patches = calls.iter().filter(|call| call.starts_with("PATCH"));
    assert_eq!(patches.count(), 3);
}

/// An id is one segment of a path, wherever it comes from.
#[test]
fn an_id_cannot_leave_its_place() {
    let upstream = Upstream::start(tms);
    let gateway = upstream.gateway("");
    for id in [
        "../customers",
        "..",
        ".",
        "a/b",
        "a?b=c",
        "a#b",
        "%2e%2e",
        "é",
    ] {
        let before = upstream.seen().len();
        let sent = gateway.send(&retrieve(id));
        for seen in &upstream.seen()[before..] {
            let id = seen.path.strip_prefix("/tms/v2/customers/").unwrap();
            assert!(!id.contains(['/', '?', '#']) && !id.is_empty(), "{id}");
        }
        assert!(sent.contains_key("ics_rcode"));
    }
    let upstream = failing(
        |seen| seen.is("POST", "/customers"),
        || reply(201, &json!({"id": "../../x"})),
    );
    let gateway = upstream.gateway("");
    gateway.send(&create(&[]));
    for call in upstream.calls() {
        assert!(!call.contains("/../"), "{call}");
    }
}

#[test]
fn a_request_has_one_deadline_and_what_was_begun_is_undone() {
    let upstream = Upstream::start(|seen| match seen.is("POST", "/payment-instruments") {
        true => Act::Silence,
        false => tms(seen),
    });
    let gateway = upstream.gateway("[server]\nrequest_timeout = \"400ms\"\n");
    let reply = gateway.send(&create(&[]));
    assert_flag(&reply, "-1", "ETIMEOUT");
    let calls = upstream.calls();
    assert!(
        calls.last().is_some_and(|call| call.starts_with("DELETE")),
        "{calls:?}"
    );
    upstream.assert_no_post_came_twice();
}

#[test]
fn a_sealed_or_empty_success_is_no_success() {
    for body in [
        serde_json::json!({"encryptedResponse": "x"}),
        serde_json::json!({}),
    ] {
        let upstream = Upstream::start(move |_| reply(200, &body));
        let gateway = upstream.gateway("");
        let update =
            crate::requests::update("T1", &[("bill_city", "New"), ("ship_to_city", "New")]);
        assert_flag(&gateway.send(&update), "-1", "ESYSTEM");
        assert_eq!(
            upstream.seen().len(),
            1,
            "nothing is written after an unreadable read"
        );
    }
}
