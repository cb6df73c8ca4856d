//! Answers that get lost: the client is told so, and the call is settled behind its back.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::requests::{assert_flag, create, delete, retrieve};
use crate::scene::{PAYER, Scene, request, sale};
use crate::upstream::{Act, CUSTOMER, IDENTIFIER, INSTRUMENT, Seen, Upstream, reply, tms};

const AUTH: &str = "ics_auth";

fn authorization() -> String {
    request(AUTH, &format!("{PAYER}grand_total_amount=10.00\n"))
}

fn pts(seen: &Seen) -> Act {
    let status = match seen.path.as_str() {
        path if path.ends_with("reversals") => "REVERSED",
        path if path.ends_with("voids") => "VOIDED",
        _ => "AUTHORIZED",
    };
    reply(
        201,
        &json!({"id": "7000000000000000000001", "status": status}),
    )
}

fn refuse(reason: &str) -> Act {
    reply(400, &json!({"status": "INVALID_REQUEST", "reason": reason}))
}

#[test]
fn a_lost_authorization_is_reversed_by_its_own_id() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Cut(Vec::new()),
        _ => pts(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&authorization()), "-1", "ETIMEOUT");
    let records = scene.settled(&["settled"]);
    assert_eq!(
        host.calls(),
        ["POST /pts/v2/payments", "POST /pts/v2/reversals"]
    );
    let seen = host.seen();
    let (lost, reversal) = (seen[0].json(), seen[1].json());
    let id = |body: &serde_json::Value| body["clientReferenceInformation"]["transactionId"].clone();
    assert_eq!(id(&lost), id(&reversal));
    let amounts = &reversal["reversalInformation"]["amountDetails"];
    assert_eq!(amounts["totalAmount"], "10.00");
    assert_eq!(records[0]["flag"], "ETIMEOUT");
    assert!(!seen[1].body.windows(4).any(|four| four == b"4111"));
}

#[test]
fn it_is_tried_until_there_is_a_definite_answer() {
    let count = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Silence,
        _ => match count.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Cut(Vec::new()),
            1 => Act::Reply(503, String::new(), b"<html>".to_vec()),
            2 => refuse("INVALID_DATA"),
            _ => refuse("AUTH_ALREADY_REVERSED"),
        },
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&authorization()), "-1", "ETIMEOUT");
    scene.settled(&["settled"]);
    assert_eq!(host.calls().len(), 5);
    drop(gateway);
}

#[test]
fn a_lost_sale_is_voided_and_one_that_cannot_be_is_reversed() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Cut(Vec::new()),
        "/pts/v2/voids" => refuse("NOT_VOIDABLE"),
        _ => pts(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "-1", "ETIMEOUT");
    scene.settled(&["settled"]);
    assert_eq!(
        host.calls()[1..],
        ["POST /pts/v2/voids", "POST /pts/v2/reversals"]
    );
    drop(gateway);
}

/// A capture is voided by its own id: the authorization stands.
#[test]
fn a_lost_follow_on_never_touches_what_it_follows() {
    for (services, more, path) in [
        (
            "ics_bill",
            "auth_request_id=7\n",
            "/pts/v2/payments/7/captures",
        ),
        (
            "ics_credit",
            "bill_request_id=7\n",
            "/pts/v2/captures/7/refunds",
        ),
    ] {
        let host = Upstream::start(move |seen| match seen.path == path {
            true => Act::Cut(Vec::new()),
            false => pts(seen),
        });
        let scene = Scene::new(&host.address, "");
        let gateway = scene.gateway();
        let lost = request(services, &format!("{more}grand_total_amount=10.00\n"));
        assert_flag(&gateway.send(&lost), "-1", "ETIMEOUT");
        scene.settled(&["settled"]);
        assert_eq!(
            host.calls(),
            [format!("POST {path}"), "POST /pts/v2/voids".into()]
        );
    }
}

/// Doing it twice does no more than doing it once. Whatever the search says that is no sign of it.
#[test]
fn a_lost_reversal_or_void_is_looked_up_and_done_again() {
    for (services, more, path) in [
        (
            "ics_auth_reversal",
            "auth_request_id=7\ngrand_total_amount=1\n",
            "/pts/v2/payments/7/reversals",
        ),
        (
            "ics_void",
            "void_request_id=7\n",
            "/pts/v2/captures/7/voids",
        ),
    ] {
        for look in [201, 403, 503, 0] {
            let first = AtomicUsize::new(0);
            let host = Upstream::start(move |seen| match seen.path.as_str() {
                "/tss/v2/searches" if look == 0 => Act::Cut(Vec::new()),
                "/tss/v2/searches" => reply(look, &json!({})),
                _ => match first.fetch_add(1, Ordering::SeqCst) {
                    0 => Act::Cut(Vec::new()),
                    _ => pts(seen),
                },
            });
            let scene = Scene::new(&host.address, "");
            let gateway = scene.gateway();
            assert_flag(&gateway.send(&request(services, more)), "-1", "ETIMEOUT");
            scene.settled(&["settled"]);
            let done = format!("POST {path}");
            assert_eq!(host.calls(), [&done, "POST /tss/v2/searches", &done]);
            // Under the first one's id the second would be refused as a repetition.
            let seen = host.seen();
            let reference = |at: usize| seen[at].json()["clientReferenceInformation"].take();
            let (own, mark) = (&reference(0)["transactionId"], &reference(0)["comments"]);
            assert!(own.is_string() && own == mark, "{own} {mark}");
            assert_eq!(reference(2), json!({"code": "day"}));
        }
    }
}

#[test]
fn what_the_host_cannot_settle_is_given_to_an_operator() {
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Cut(Vec::new()),
        _ => refuse("TRANSACTION_ALREADY_SETTLED"),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&authorization()), "-1", "ETIMEOUT");
    scene.settled(&["stuck"]);
    let listed = scene.journal(&["list"]);
    assert!(listed.contains(" stuck "), "{listed}");
    assert!(gateway.end().contains("cannot be settled"));
}

#[test]
fn a_customer_that_may_be_there_is_listed() {
    let host = Upstream::start(|seen| match seen.is("POST", "/customers") {
        true => Act::Cut(Vec::new()),
        false => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&create(&[])), "-1", "ETIMEOUT");
    scene.settled(&["stuck"]);
    assert_eq!(host.calls().len(), 2);
    drop(gateway);
}

#[test]
fn an_undo_that_fails_is_tried_again() {
    let count = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "DELETE" if count.fetch_add(1, Ordering::SeqCst) < 2 => reply(500, &json!({})),
        "POST" if seen.path.ends_with("/payment-instruments") => reply(400, &json!({})),
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&create(&[])), "0", "DINVALIDDATA");
    scene.settled(&["settled"]);
    let deletions = host
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("DELETE"));
    assert_eq!(deletions.count(), 3);
    drop(gateway);
}

#[test]
fn a_lost_deletion_is_done_again() {
    let count = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "DELETE" if count.fetch_add(1, Ordering::SeqCst) < 3 => Act::Cut(Vec::new()),
        "DELETE" => reply(410, &json!({})),
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&delete(CUSTOMER)), "-1", "ETIMEOUT");
    scene.settled(&["settled"]);
    drop(gateway);
}

/// A page that refuses is not the host's: what it hides is taken back, or looked after until the host itself says something.
#[test]
fn a_refusal_that_is_not_the_hosts_says_nothing() {
    let count = AtomicUsize::new(0);
    let page = || Act::Reply(404, String::new(), b"<html>".to_vec());
    let host = Upstream::start(move |seen| match seen.path.as_str() {
        "/pts/v2/payments" => page(),
        path if path.ends_with("reversals") && count.fetch_add(1, Ordering::SeqCst) < 3 => page(),
        _ if seen.path.starts_with("/tms") => page(),
        _ => pts(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&authorization()), "-1", "ETIMEOUT");
    scene.settled(&["settled"]);
    assert_eq!(host.calls().len(), 5);
    // Nobody is told that a token is not there.
    assert_flag(&gateway.send(&retrieve(CUSTOMER)), "-1", "ESYSTEM");
}

#[test]
fn what_is_gone_after_a_servers_error_was_deleted() {
    let count = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "DELETE" if count.fetch_add(1, Ordering::SeqCst) == 0 => {
            Act::Reply(502, String::new(), b"<html>".to_vec())
        }
        "DELETE" => reply(410, &json!({})),
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&delete(CUSTOMER)), "1", "SOK");
    scene.settled(&["finished"]);
}

/// Nobody but the gateway asks for the reversal of a verification: a host that turns it away is asked again.
#[test]
fn what_runs_by_itself_and_is_turned_away_is_made_again() {
    for turned_away in [401, 403, 429] {
        let count = AtomicUsize::new(0);
        let host = Upstream::start(move |seen| match seen.path.as_str() {
            "/pts/v2/payments" => reply(
                201,
                &json!({"id": "7000000000000000000001", "status": "AUTHORIZED", "tokenInformation": {
                    "customer": {"id": CUSTOMER}, "paymentInstrument": {"id": INSTRUMENT},
                    "instrumentIdentifier": {"id": IDENTIFIER}}}),
            ),
            path if path.starts_with("/tms") => tms(seen),
            _ if count.fetch_add(1, Ordering::SeqCst) == 0 => reply(turned_away, &json!({})),
            _ => pts(seen),
        });
        let verifies = "processor = \"visa_platform_connect\"\npreauthorization = true\n";
        let scene = Scene::new(&host.address, verifies);
        let gateway = scene.gateway();
        let card = [
            ("card_type", "003"),
            ("customer_cc_number", "378282246310005"),
        ];
        assert_flag(&gateway.send(&create(&card)), "1", "SOK");
        scene.settled(&["settled"]);
        let reversals = host.calls().into_iter();
        let reversals = reversals.filter(|call| call.ends_with("7000000000000000000001/reversals"));
        assert_eq!(reversals.count(), 2, "{turned_away}");
    }
}

#[test]
fn what_a_lost_deletion_deleted_is_not_deleted_again() {
    let reads = AtomicUsize::new(0);
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "DELETE" => Act::Cut(Vec::new()),
        "GET" if reads.fetch_add(1, Ordering::SeqCst) > 0 => reply(410, &json!({})),
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&delete(CUSTOMER)), "-1", "ETIMEOUT");
    scene.settled(&["settled"]);
    let calls: Vec<String> = host.calls();
    let methods: Vec<&str> = calls
        .iter()
        .map(|call| call.split(' ').next().unwrap())
        .collect();
    assert_eq!(methods, ["GET", "DELETE", "DELETE", "DELETE", "GET"]);
    drop(gateway);
}
