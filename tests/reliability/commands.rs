//! What operators see and do.

use crate::requests::{assert_flag, create};
use crate::scene::{Scene, sale};
use crate::upstream::{Act, Upstream, tms};

#[test]
fn an_operator_lists_shows_and_resolves() {
    let host = Upstream::start(|seen| match seen.is("POST", "/customers") {
        true => Act::Cut(Vec::new()),
        false => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&create(&[])), "-1", "ETIMEOUT");
    let listed = scene.journal(&["list", "--state", "stuck"]);
    let id = listed.split(' ').next().unwrap();
    assert_eq!(scene.journal(&["list", "--state", "unknown"]), "");
    let shown = scene.journal(&["show", id]);
    assert!(shown.contains("POST /tms/v2/customers"), "{shown}");
    scene.journal(&[
        "resolve",
        id,
        "--note",
        "looked, none there; not 4111111111111111",
    ]);
    assert_eq!(scene.journal(&["list"]), "");
    let shown = scene.journal(&["show", id, "--format", "json"]);
    assert!(
        shown.contains("\"resolved\"") && shown.contains("none there"),
        "{shown}"
    );
    assert!(!shown.contains("4111111111111111"), "{shown}");
    gateway.end();
}

#[test]
fn an_export_holds_neither_replies_nor_cards() {
    let host = Upstream::start(tms);
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    gateway.send(&create(&[("request_id", "5")]));
    gateway.send(&sale("request_id=6\n"));
    gateway.end();
    let text = scene.journal(&["export"]);
    assert_eq!(text.lines().count(), 2);
    for never in ["4111", "ics_rcode", "\"key\"", "Main"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}
