//! The gateway is killed at each call of each flow: before the host does it, after the host did it, and after the answer
//! went out, before it is on record and about then. All flows stand at their call of that number at the same time, so
//! that one death is many cases. Afterwards books, journal and clients must agree (`verdict.rs`).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::client::try_send;
use crate::flows::{Before, By, Flow, flows};
use crate::process::{Running, Start};
use crate::relay::{Line, Point, Relay};
use crate::requests::Fields;
use crate::scene::Scene;
use crate::server::Server;
use crate::verdict::{Case, judge};

/// The longest line of calls that a flow may have.
const CALLS_MAX: usize = 12;

/// When the gateway is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// While the host has not done the call.
    Received,
    /// While the host has done it.
    Processed,
    /// After the answer, and before anything more can be on record.
    Unrecorded,
    /// Soon after the answer: before, while or after it is on record and the client is told.
    Soon,
}

impl Death {
    fn point(self) -> Point {
        match self {
            Death::Received => Point::Received,
            Death::Processed => Point::Processed,
            Death::Unrecorded | Death::Soon => Point::Answered,
        }
    }
}

/// The sandbox behind a relay, a gateway that prepares and looks, and those that die.
struct Stage {
    flows: Vec<Flow>,
    /// Of each flow.
    lines: Vec<Arc<Line>>,
    /// What a success of each flow makes of its token.
    after: Vec<Option<Fields>>,
    helper: Running,
    scene: Scene,
    /// The first one dies.
    gateways: Vec<Running>,
    /// The embedded journal.
    database: Option<PathBuf>,
    known: BTreeSet<String>,
    _relay: Relay,
    _sandbox: Running,
}

/// A flow that is about to begin.
struct Prepared {
    flow: usize,
    reference: String,
    before: Vec<Before>,
    token_before: Option<Fields>,
    body: String,
}

/// A flow that stands at its call.
struct Held {
    case: Prepared,
    client: JoinHandle<Option<Fields>>,
}

impl Stage {
    fn new(journal: &dyn Fn(&str) -> (Scene, Option<PathBuf>), gateways: usize) -> Stage {
        let flows = flows();
        let merchants: Vec<(String, &str)> = flows
            .iter()
            .map(|flow| (flow.merchant(), flow.settings))
            .collect();
        let (sandbox, relay, config) = Relay::before_sandbox(&merchants);
        let (scene, database) = journal(&config);
        // Nothing is given up while it is held.
        let scene = scene.with("timeout = \"800ms\"", "timeout = \"20s\"");
        Stage {
            after: flows.iter().map(|_| None).collect(),
            lines: merchants.iter().map(|(id, _)| relay.line(id)).collect(),
            flows,
            helper: Start::serve().config(&config).run(),
            gateways: (0..gateways).map(|_| scene.gateway()).collect(),
            scene,
            database,
            known: BTreeSet::new(),
            _relay: relay,
            _sandbox: sandbox,
        }
    }

    fn token_data(&self, flow: usize, before: &[Before]) -> Option<Fields> {
        let merchant = self.flows[flow].merchant();
        self.by(&merchant).token_data(before)
    }

    fn by<'b>(&'b self, merchant: &'b str) -> By<'b> {
        By {
            gateway: &self.helper,
            merchant,
        }
    }

    /// Each flow once without a death; how many calls it makes.
    fn rehearse(&mut self) -> Vec<usize> {
        let mut counts = Vec::new();
        for at in 0..self.flows.len() {
            let flow = &self.flows[at];
            let (before, body) = flow.prepare(&self.by(&flow.merchant()), "rehearsal");
            self.lines[at].watch();
            let reply = self.gateways[0].send(&body);
            assert_eq!(reply["ics_rcode"], "1", "{}: {reply:#?}", flow.name);
            counts.push(self.lines[at].came().len());
            self.after[at] = self.token_data(at, &before);
        }
        for record in self.scene.settled(&["finished"]) {
            self.known.insert(record["id"].as_str().unwrap().to_owned());
        }
        counts
    }

    /// One death; how many flows died.
    fn round(&mut self, call: usize, death: Death, counts: &[usize]) -> usize {
        let taking_part = (0..counts.len()).filter(|flow| counts[*flow] >= call);
        let held: Vec<Held> = taking_part
            .map(|flow| self.hold(flow, call, death))
            .collect();
        for held in &held {
            self.lines[held.case.flow].wait();
        }
        self.die(death, &held);
        // The old library asks again at once; in the other rounds nobody does until all is settled.
        let joined = |held: Held| {
            let told = held.client.join().unwrap();
            let again = (death == Death::Soon).then(|| {
                let (address, body) = (self.gateways[0].address.clone(), held.case.body.clone());
                thread::spawn(move || try_send(&address, &body).expect("a reply"))
            });
            (held.case, told, again)
        };
        let cases: Vec<_> = held.into_iter().map(joined).collect();
        let cases: Vec<(Prepared, Vec<Fields>)> = cases
            .into_iter()
            .map(|(case, told, again)| {
                let again = again.map(|again| again.join().unwrap());
                (case, told.into_iter().chain(again).collect())
            })
            .collect();
        let records = self
            .scene
            .settled(&["finished", "settled", "partial", "stuck"]);
        let fresh: Vec<Value> = records
            .into_iter()
            .filter(|record| self.known.insert(record["id"].as_str().unwrap().to_owned()))
            .collect();
        let count = cases.len();
        for (case, told) in cases {
            let again = self.gateways[0].send(&case.body);
            let flow = case.flow;
            let merchant = self.flows[flow].merchant();
            let of_it = |record: &&Value| record["merchant"] == merchant.as_str();
            judge(&Case {
                name: format!("{} at call {call}, {death:?}", self.flows[flow].name),
                flow: &self.flows[flow],
                token_after: self.token_data(flow, &case.before),
                whole: self.after[flow].as_ref(),
                before: &case.before,
                token_before: case.token_before.as_ref(),
                reference: &case.reference,
                records: fresh.iter().filter(of_it).collect(),
                done: self.lines[flow].done(),
                told,
                again: &again,
            });
        }
        // What the repetitions made is none of the next round's.
        for record in self
            .scene
            .settled(&["finished", "settled", "partial", "stuck"])
        {
            self.known.insert(record["id"].as_str().unwrap().to_owned());
        }
        count
    }

    fn hold(&self, flow: usize, call: usize, death: Death) -> Held {
        let reference = format!("{call}{death:?}");
        let merchant = self.flows[flow].merchant();
        self.lines[flow].forget();
        let (before, body) = self.flows[flow].prepare(&self.by(&merchant), &reference);
        let token_before = self.token_data(flow, &before);
        self.lines[flow].hold(call, death.point());
        let (address, sent) = (self.gateways[0].address.clone(), body.clone());
        let client = thread::spawn(move || try_send(&address, &sent));
        let case = Prepared {
            flow,
            reference,
            before,
            token_before,
            body,
        };
        Held { case, client }
    }

    fn die(&mut self, death: Death, held: &[Held]) {
        let release = || {
            held.iter()
                .for_each(|held| self.lines[held.case.flow].release())
        };
        let mut lock = None;
        match death {
            Death::Received | Death::Processed => {}
            Death::Unrecorded => {
                // While another one writes, the gateway can not.
                let database = Connection::open(self.database.as_ref().unwrap()).unwrap();
                database.execute_batch("begin immediate").unwrap();
                lock = Some(database);
                release();
                // So that the answers arrive; if one does not, it is the case before.
                thread::sleep(Duration::from_millis(20));
            }
            Death::Soon => {
                release();
                let moved = |held: &Held| held.client.is_finished();
                for _ in 0..20 {
                    if held.iter().any(moved) {
                        break;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        let mut dead = self.gateways.remove(0);
        dead.kill();
        release();
        drop(lock);
        self.gateways.push(self.scene.gateway());
    }
}

fn every_step(stage: &mut Stage, deaths: &[Death]) {
    let counts = stage.rehearse();
    let longest = counts.iter().copied().max().unwrap();
    assert!(longest <= CALLS_MAX, "{longest} calls");
    let mut cases = 0;
    let mut died = 0;
    for call in 1..=longest {
        for death in deaths {
            cases += stage.round(call, *death, &counts);
            died += 1;
        }
    }
    println!("{} flows, {died} deaths, {cases} cases", counts.len());
}

#[test]
fn of_the_embedded_journal() {
    let mut stage = Stage::new(
        &|merchants| {
            let scene = Scene::new("127.0.0.1:1", merchants);
            let database = scene.folder().join("journal/journal.sqlite3");
            (scene, Some(database))
        },
        1,
    );
    let deaths = [
        Death::Received,
        Death::Processed,
        Death::Unrecorded,
        Death::Soon,
    ];
    every_step(&mut stage, &deaths);
}

/// The other gateway settles what the dead one left, and answers who asks again.
#[test]
fn of_one_of_two_on_postgresql() {
    let Some(server) = Server::start() else {
        return;
    };
    let mut stage = Stage::new(
        &|merchants| {
            let folder = tempfile::tempdir().unwrap();
            let scene = Scene::with_journal(folder, "127.0.0.1:1", &server.url(), merchants);
            scene.journal(&["migrate"]);
            (scene, None)
        },
        2,
    );
    every_step(
        &mut stage,
        &[Death::Received, Death::Processed, Death::Soon],
    );
}
