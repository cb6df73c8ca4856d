//! Lost voids and reversals: looked up, and made again where that does not find them. The host is the sandbox, in a process
//! of its own.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{PATIENCE, Running, Start};
use crate::requests::{Fields, assert_flag};
use crate::scene::{PAYER, Scene, request, sale};

/// A void or reversal of something that the gateway has made.
struct Lost {
    host: Running,
    scene: Scene,
    gateway: Running,
    body: String,
    kind: &'static str,
}

const KINDS: [&str; 2] = ["void", "reversal"];

impl Lost {
    /// One whose answer was lost in this way.
    fn new(kind: &'static str, fault: &str, more: &[&str]) -> Lost {
        let fault = format!("{fault} 1 POST /pts/v2/payments/*/{kind}s");
        let start = Start::new(&["sandbox", "--listen", "127.0.0.1:0", "--fault", &fault]);
        let host = start.arguments(more).run();
        let scene = Scene::new(&host.address, "");
        let gateway = scene.gateway();
        let ten = "grand_total_amount=10.00\n";
        let (made, service, id) = match kind {
            "void" => (sale(""), "ics_void", "void"),
            _ => (
                request("ics_auth", &format!("{PAYER}{ten}")),
                "ics_auth_reversal",
                "auth",
            ),
        };
        let made = gateway.send(&made);
        assert_flag(&made, "1", "SOK");
        let more = format!(
            "{id}_request_id={}\n{ten}request_id=7\n",
            made["request_id"]
        );
        let body = request(service, &more);
        assert_flag(&gateway.send(&body), "-1", "ETIMEOUT");
        Lost {
            host,
            scene,
            gateway,
            body,
            kind,
        }
    }

    /// Its record, once it is settled.
    fn record(&self) -> Value {
        let records = self.scene.settled(&["finished", "settled"]);
        let settled = records.iter().find(|record| record["state"] == "settled");
        settled.unwrap().clone()
    }

    fn told(&self) -> Fields {
        self.gateway.send(&self.body)
    }

    /// What the gateway sent, by its log at the host.
    fn sent(&self) -> usize {
        let path = format!("/{}s\"", self.kind);
        let log = self.host.log();
        let calls = log.lines().filter(|line| line.contains(&path));
        calls.filter(|line| !line.contains("CutAfter")).count()
    }

    fn is_shown(&self, id: &str) {
        let shown = self.scene.journal(&["show", id]);
        assert!(
            shown.contains(self.record()["id"].as_str().unwrap()),
            "{shown}"
        );
    }
}

#[test]
fn one_that_was_carried_out_is_found_and_not_made_again() {
    for kind in KINDS {
        let lost = Lost::new(kind, "cut-after", &[]);
        let record = lost.record();
        assert_eq!(record["tasks"][0]["end"], "kept");
        let made = &record["made"][0];
        assert_eq!(made["kind"], kind);
        let told = lost.told();
        assert_flag(&told, "1", "SOK");
        assert_eq!(told["request_id"], made["id"].as_str().unwrap());
        lost.is_shown(&told["request_id"]);
        assert_eq!(lost.sent(), 1);
    }
}

#[test]
fn one_that_was_not_carried_out_is_made_again_and_told() {
    for kind in KINDS {
        let lost = Lost::new(kind, "cut-before", &[]);
        let record = lost.record();
        assert_eq!(record["tasks"][0]["end"], "settled");
        assert_eq!(record["made"][0]["kind"], kind);
        let told = lost.told();
        assert_flag(&told, "1", "SOK");
        lost.is_shown(&told["request_id"]);
        assert_eq!(lost.sent(), 2);
    }
}

/// It is done, and nobody is told of it under its id: that is not known.
#[test]
fn one_that_a_search_does_not_show_yet_is_made_again_and_was_done() {
    for kind in KINDS {
        let lost = Lost::new(kind, "cut-after", &["--search-lag", "1h"]);
        let record = lost.record();
        assert_eq!(record["tasks"][0]["end"], "settled");
        assert_eq!(record["made"], Value::Null);
        let told = lost.told();
        assert_flag(&told, "-1", "ETIMEOUT");
        lost.is_shown(&told["request_id"]);
        assert_eq!(lost.sent(), 2);
    }
}

/// Who asks while nobody knows is told the number under which it is on record.
#[test]
fn who_asks_before_it_is_found_is_told_of_the_first() {
    let lost = Lost::new("void", "cut-after", &[]);
    let begun = Instant::now();
    loop {
        let told = lost.told();
        lost.scene.journal(&["show", &told["request_id"]]);
        if told["ics_rcode"] == "1" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{told:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
