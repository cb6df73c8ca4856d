//! A flow that is carried out once, with a fault at one of its calls: by the gateway before the sandbox, many at a time.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::flows::{Before, By, Flow};
use crate::process::{Running, Start};
use crate::relay::{Done, Fault, Relay};
use crate::requests::Fields;
use crate::scene::Scene;
use crate::upstream::Seen;
use crate::verdict::{Case, judge};

/// How many requests are under way at a time: most of them wait.
const AT_ONCE: usize = 40;
const REFERENCE: &str = "faulty";

/// A flow that is carried out once, by a merchant of its own.
pub struct Trial<'f> {
    pub flow: &'f Flow,
    /// What one of its calls meets, counted from 1, and the status that it has otherwise.
    pub fault: Option<(usize, Fault, u16)>,
    pub merchant: String,
    /// What a success makes of its token.
    pub whole: Option<Fields>,
}

impl Trial<'_> {
    pub fn name(&self) -> String {
        match self.fault {
            Some((call, fault, _)) => format!("{}, {} at call {call}", self.flow.name, fault.value),
            None => self.flow.name.to_owned(),
        }
    }
}

/// What came of it, before anything was settled.
struct Sent {
    before: Vec<Before>,
    token_before: Option<Fields>,
    body: String,
    told: Fields,
    calls: Vec<Done>,
}

/// What came of it in the end.
pub struct Outcome {
    /// The calls that the host has done before the client was answered.
    pub calls: Vec<Done>,
    /// The reply flag, how many POSTs were sent, and the state of the record.
    pub said: String,
    pub token_after: Option<Fields>,
    /// Whether the books, the journal and the client agree.
    pub is_right: bool,
}

/// Does the work with several hands; what came of it, in order.
fn by_many<T: Send, R: Send>(tasks: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let results: Vec<Mutex<Option<R>>> = tasks.iter().map(|_| Mutex::default()).collect();
    let tasks = Mutex::new(tasks.into_iter().zip(&results));
    let next = || tasks.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((task, result)) = next() {
                    *result.lock().unwrap() = Some(work(task));
                }
            });
        }
    });
    let taken = |result: Mutex<Option<R>>| result.into_inner().unwrap().expect("a result");
    results.into_iter().map(taken).collect()
}

/// Whether it is a POST of the request itself, and not of what settles it: that names another call, or none.
fn is_own(seen: &Seen) -> bool {
    let settles = ["/pts/v2/voids", "/pts/v2/reversals"].contains(&seen.path.as_str());
    let named = || !seen.json()["clientReferenceInformation"]["transactionId"].is_null();
    seen.method == "POST" && !settles && (seen.path.starts_with("/tms") || named())
}

/// How many POSTs of the request itself came; none may come twice.
fn own_posts(came: &[Seen]) -> usize {
    let mut posts: Vec<_> = came.iter().filter(|seen| is_own(seen)).collect();
    let count = posts.len();
    posts.sort_by_key(|seen| (&seen.path, &seen.body));
    posts.dedup_by_key(|seen| (&seen.path, &seen.body));
    assert_eq!(posts.len(), count, "a POST came twice: {came:#?}");
    count
}

/// The sandbox behind a relay, a gateway that prepares and looks, and the one that meets faults.
pub struct Stage {
    relay: Relay,
    helper: Running,
    scene: Scene,
    gateway: Running,
    _sandbox: Running,
}

impl Stage {
    pub fn new(trials: &[Trial<'_>]) -> Stage {
        let merchants: Vec<_> = trials
            .iter()
            .map(|trial| (trial.merchant.clone(), trial.flow.settings))
            .collect();
        let (sandbox, relay, config) = Relay::before_sandbox(&merchants);
        let limits = "[limits]\nbreaker_failures = 0\n";
        // What is lost is taken back when a late call has been done: a delay of the host is longer than the time-out, and
        // shorter than both.
        let scene = Scene::new("127.0.0.1:1", &format!("{limits}{config}"))
            .with("timeout = \"800ms\"", "timeout = \"2s\"")
            .with("first_delay = \"40ms\"", "first_delay = \"3s\"");
        Stage {
            relay,
            helper: Start::serve().config(&config).run(),
            gateway: scene.gateway(),
            scene,
            _sandbox: sandbox,
        }
    }

    fn by<'b>(&'b self, trial: &'b Trial<'_>) -> By<'b> {
        By {
            gateway: &self.helper,
            merchant: &trial.merchant,
        }
    }

    /// Carries all of them out.
    pub fn carry_out(&self, trials: &[Trial<'_>]) -> Vec<Outcome> {
        let sent = by_many(trials.iter().collect(), |trial| self.send(trial));
        let mut records: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in self
            .scene
            .settled(&["finished", "settled", "partial", "stuck"])
        {
            let merchant = record["merchant"].as_str().unwrap().to_owned();
            records.entry(merchant).or_default().push(record);
        }
        by_many(trials.iter().zip(sent).collect(), |(trial, sent)| {
            let records = records.get(&trial.merchant).map_or(&[][..], Vec::as_slice);
            self.conclude(trial, sent, records)
        })
    }

    fn send(&self, trial: &Trial<'_>) -> Sent {
        let by = self.by(trial);
        let line = self.relay.line(&trial.merchant);
        let (before, body) = trial.flow.prepare(&by, REFERENCE);
        let token_before = by.token_data(&before);
        match trial.fault {
            Some((call, fault, status)) => line.fail(call, fault, status),
            None => line.watch(),
        }
        let known = line.done().len();
        let told = self.gateway.send(&body);
        if let Some((call, ..)) = trial.fault {
            let name = trial.name();
            assert!(line.came().len() >= call, "{name}: no such call: {told:?}");
        }
        Sent {
            told,
            calls: line.done().split_off(known),
            before,
            token_before,
            body,
        }
    }

    fn conclude(&self, trial: &Trial<'_>, sent: Sent, records: &[Value]) -> Outcome {
        let line = self.relay.line(&trial.merchant);
        let posts = own_posts(&line.came());
        let again = self.gateway.send(&sent.body);
        let token_after = self.by(trial).token_data(&sent.before);
        let flag = &sent.told["ics_rflag"];
        let said = match records {
            [] => format!("{flag} {posts}"),
            [record] => format!("{flag} {posts} {}", record["state"].as_str().unwrap()),
            several => panic!("{}: {several:#?}", trial.name()),
        };
        let case = Case {
            name: trial.name(),
            flow: trial.flow,
            reference: REFERENCE,
            before: &sent.before,
            token_before: sent.token_before.as_ref(),
            token_after: token_after.clone(),
            whole: trial.whole.as_ref().or(token_after.as_ref()),
            records: records.iter().collect(),
            done: line.done(),
            told: vec![sent.told],
            again: &again,
        };
        let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(&case)));
        Outcome {
            is_right: judged.is_ok(),
            calls: sent.calls,
            said,
            token_after,
        }
    }
}
