//! Changes of tokens whose answer got lost: made again where that is certain, and else looked up by their ETag.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::requests::{assert_flag, update};
use crate::scene::Scene;
use crate::upstream::{Act, CUSTOMER, Upstream, reply, tms};

/// The first was carried out, or another's was: under the ETag of what is stored now it is certain.
#[test]
fn a_lost_change_that_was_overtaken_is_made_again() {
    let (patches, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let host = Upstream::start(move |seen| match seen.method.as_str() {
        "GET" if reads.fetch_add(1, Ordering::SeqCst) > 0 => {
            let body = json!({"id": CUSTOMER}).to_string().into_bytes();
            Act::Reply(200, "ETag: \"2\"\r\n".into(), body)
        }
        "PATCH" => match patches.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Cut(Vec::new()),
            1 => reply(412, &json!({})),
            _ => tms(seen),
        },
        _ => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let changes = [("merchant_defined_data1", "new")];
    assert_flag(&gateway.send(&update(CUSTOMER, &changes)), "1", "SOK");
    let records = scene.settled(&["finished"]);
    assert_eq!(records[0]["partial"], json!(null));
    let tags: Vec<Option<String>> = host
        .seen()
        .iter()
        .map(|seen| seen.headers.get("if-match").cloned())
        .collect();
    let tag = |text: &str| Some(text.to_owned());
    assert_eq!(tags, [None, tag("\"1\""), tag("\"1\""), None, tag("\"2\"")]);
    drop(gateway);
}

/// The customer under this ETag.
fn customer(etag: u32) -> Act {
    let body = json!({"id": CUSTOMER}).to_string().into_bytes();
    Act::Reply(200, format!("ETag: \"{etag}\"\r\n"), body)
}

/// What may have been carried out is not told as a failure, whatever fails after it.
#[test]
fn a_lost_change_that_was_overtaken_and_cannot_be_made_again_is_listed() {
    for (second_read, second_patch) in [(503, 200), (200, 412), (200, 400), (200, 503)] {
        let (patches, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let host = Upstream::start(move |seen| match seen.method.as_str() {
            "GET" => match reads.fetch_add(1, Ordering::SeqCst) {
                0 => customer(1),
                1..4 if second_read != 200 => reply(second_read, &json!({})),
                1..4 => customer(2),
                _ => customer(3),
            },
            "PATCH" => match patches.fetch_add(1, Ordering::SeqCst) {
                0 => Act::Cut(Vec::new()),
                1 => reply(412, &json!({})),
                _ => reply(second_patch, &json!({})),
            },
            _ => tms(seen),
        });
        let scene = Scene::new(&host.address, "");
        let gateway = scene.gateway();
        let changes = [("merchant_defined_data1", "new")];
        let told = gateway.send(&update(CUSTOMER, &changes));
        assert_flag(&told, "-1", "ETIMEOUT");
        assert!(told["ics_rmsg"].contains("customer (perhaps)"), "{told:?}");
        let records = scene.settled(&["partial"]);
        assert_eq!(records[0]["partial"], json!(["customer (perhaps)"]));
        drop(gateway);
    }
}

/// The host was away when it was made again: the first may have been carried out all the same. Its ETag tells.
#[test]
fn a_lost_change_is_looked_up_by_the_etag() {
    for (etag, state, listed) in [
        (1, "settled", json!(null)),
        (2, "partial", json!(["customer (perhaps)"])),
    ] {
        let (patches, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let host = Upstream::start(move |seen| match seen.method.as_str() {
            "GET" if reads.fetch_add(1, Ordering::SeqCst) > 0 => customer(etag),
            "PATCH" => match patches.fetch_add(1, Ordering::SeqCst) {
                0 => Act::Cut(Vec::new()),
                _ => reply(429, &json!({})),
            },
            _ => customer(1),
        });
        let scene = Scene::new(&host.address, "");
        let gateway = scene.gateway();
        let changes = [("merchant_defined_data1", "new")];
        let told = gateway.send(&update(CUSTOMER, &changes));
        assert_flag(&told, "-1", "ETIMEOUT");
        let records = scene.settled(&[state]);
        assert_eq!(records[0]["partial"], listed);
        // Nothing of what was to be stored is on record.
        assert!(!records[0].to_string().contains("new\""), "{}", records[0]);
        drop(gateway);
    }
}

#[test]
fn an_update_in_part_is_listed() {
    for (etag, listed) in [
        (1, json!(["payment instrument"])),
        (2, json!(["payment instrument", "customer (perhaps)"])),
    ] {
        let lost = AtomicUsize::new(0);
        let host = Upstream::start(move |seen| match seen.is("PATCH", CUSTOMER) {
            true => {
                lost.fetch_add(1, Ordering::SeqCst);
                Act::Cut(Vec::new())
            }
            false if seen.is("GET", CUSTOMER) && lost.load(Ordering::SeqCst) > 0 => customer(etag),
            false => tms(seen),
        });
        let scene = Scene::new(&host.address, "");
        let gateway = scene.gateway();
        let changes = [
            ("customer_firstname", "Ann"),
            ("customer_email", "a@example.com"),
        ];
        let told = gateway.send(&update(CUSTOMER, &changes));
        assert_flag(&told, "-1", "ETIMEOUT");
        let records = scene.settled(&["partial"]);
        assert_eq!(records[0]["partial"], listed);
        drop(gateway);
    }
}
