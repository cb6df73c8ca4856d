//! One request on record: what it may have changed, and what is still to be done about it.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::mapping::lookup::Became;
use crate::plan::find::Found;
use crate::plan::settle::{End, Task, Way};
use crate::plan::{Change, Fate, Made};
use crate::rest::{Call, is_plain};
use crate::telemetry::scrub;

/// A request that changes something, from its first such call on. Holds no card data: a keyed hash stands for what the
/// client sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The request's id.
    pub id: CompactString,
    /// The merchant.
    pub merchant: CompactString,
    /// The services, joined by commas.
    pub services: CompactString,
    /// By what a repetition of the request is recognized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// When it came, in milliseconds since 1970.
    pub begun: i64,
    /// What became of it.
    pub state: State,
    /// The gateway that carries it out or settles it.
    pub owner: CompactString,
    /// Counts the writes of this record: who did not see the latest may not write.
    pub version: i64,
    /// The calls that may have changed something, in order.
    pub calls: Vec<CallRecord>,
    /// What is left to settle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// When something is to be done about it. None of an open one and of one that is being settled: its owner is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    /// When it is given to an operator, if it is not settled by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<i64>,
    /// Nothing is taken back before this: what is lost may still be on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// How often it was tried to settle it.
    #[serde(default)]
    pub attempts: u32,
    /// What later requests may follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Made>,
    /// What had been changed when a later step failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// The reply flag; none where the client had no reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<CompactString>,
    /// The reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcode: Option<i8>,
    /// The reply, for the client's repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// What an operator said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// By what a repetition of a request is recognized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// A keyed hash.
    pub hash: String,
    /// What it was made of.
    pub of: KeyOf,
}

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOf {
    /// The id that the client's library gave the request, and the content.
    Id,
    /// The content alone.
    Content,
}

/// What became of a request.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is under way.
    #[default]
    Open,
    /// It is over, and nothing is left to do.
    Finished,
    /// The outcome of a call is not known, or something is not undone yet: it is being settled.
    Unknown,
    /// That was settled.
    Settled,
    /// Something was changed in part, which nothing but another update mends.
    Partial,
    /// It could not be settled: an operator has to look.
    Stuck,
    /// An operator has looked.
    Resolved,
}

impl State {
    /// Its name, as commands and stores write it.
    pub fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Finished => "finished",
            State::Unknown => "unknown",
            State::Settled => "settled",
            State::Partial => "partial",
            State::Stuck => "stuck",
            State::Resolved => "resolved",
        }
    }

    /// Whether nobody has to do anything any more.
    pub fn is_final(self) -> bool {
        matches!(self, State::Finished | State::Settled | State::Resolved)
    }
}

/// A call that may have changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The step's name.
    pub step: CompactString,
    /// The method and path.
    pub call: CompactString,
    /// The id that names the call to REST.
    pub transaction_id: CompactString,
    /// What is known of it.
    pub fate: CallFate,
    /// What settles it while its outcome is not known; nothing where only an operator can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ways: Option<Arc<[Way]>>,
    /// What finds what it may leave behind while its outcome is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftovers: Option<Way>,
    /// What undoes it, should the request not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Way>,
    /// Whether what undoes it could not be kept on record: then only an operator can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo_is_lost: bool,
}

/// What is known of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFate {
    /// It is about to be sent, or was.
    Intended,
    /// It was carried out.
    Done,
    /// It was refused, or never sent: nothing was changed.
    Nothing,
    /// It may have been carried out.
    Unknown,
}

impl CallRecord {
    /// A call that is about to be made.
    pub fn intended(step: &str, call: &Call, change: Change) -> CallRecord {
        let path = if is_plain(&call.path) {
            &call.path
        } else {
            "(with an id that is none)"
        };
        let mut made = CompactString::from(call.method.as_str());
        made.push(' ');
        made.push_str(path);
        let (ways, leftovers) = (change.ways, change.leaves.and_then(|way| recordable(*way)));
        CallRecord {
            step: step.into(),
            call: made,
            transaction_id: change.transaction_id,
            fate: CallFate::Intended,
            ways: ways.and_then(|ways| ways.into_iter().map(recordable).collect()),
            leftovers,
            undo: None,
            undo_is_lost: false,
        }
    }

    /// Takes what is known now.
    pub fn ended(&mut self, fate: Fate) {
        let (fate, undo) = match fate {
            Fate::Done(undo) => (CallFate::Done, undo),
            Fate::Refused | Fate::NotSent => (CallFate::Nothing, None),
            Fate::Unknown => (CallFate::Unknown, None),
        };
        let is_needed = undo.is_some();
        (self.fate, self.undo) = (fate, undo.and_then(recordable));
        self.undo_is_lost = is_needed && self.undo.is_none();
    }

    /// What is to be done about a call whose outcome stayed unknown, and about what it may have left behind; nothing where
    /// there is nothing to do.
    fn tasks(&self) -> impl Iterator<Item = Task> {
        let open = matches!(self.fate, CallFate::Intended | CallFate::Unknown);
        let ways = self.ways.as_deref();
        let task = (open && ways.is_none_or(|ways| !ways.is_empty()))
            .then(|| Task::new(&self.step, ways.unwrap_or_default().to_vec()));
        let leftovers = self.leftovers.clone().filter(|_| open);
        let leftovers = leftovers.map(|way| Task::leftovers(&self.step, way));
        task.into_iter().chain(leftovers)
    }

    /// Whether there is a way to settle it, and not only to see whether there is something to settle.
    fn is_settled(&self) -> bool {
        let ways = self.ways.as_ref();
        ways.is_some_and(|ways| ways.iter().all(|way| way.unchanged.is_none()))
    }

    /// What takes a call back that was carried out in a request whose client got no answer.
    fn undoing(&self) -> Vec<Task> {
        if self.fate != CallFate::Done {
            return Vec::new();
        }
        let ways = self.ways.as_deref().unwrap_or_default().to_vec();
        // What may be made again was asked for, and is not taken back; by a search it is known to who asks for it again.
        let known = ways.iter().any(|way| way.find.is_some());
        let takes_back = |way: &Way| !way.again && way.unchanged.is_none();
        let back = !ways.is_empty() && ways.iter().all(takes_back);
        let back = (back || known).then(|| Task::new(&self.step, ways));
        let undo = self.undo.clone();
        let undo = undo.map(|way| Task::new(&self.step, vec![way]));
        let lost = self.undo_is_lost.then(|| Task::new(&self.step, Vec::new()));
        back.into_iter().chain(undo).chain(lost).collect()
    }
}

/// A way without anything that looks like a card number, though nothing ever should. What a reference looks like does not
/// matter to REST; an id that does cannot be kept, and is left to an operator.
fn recordable(way: Way) -> Option<Way> {
    let body = way.body.as_deref().map(|body| scrub(body).into_owned());
    let etag = way
        .unchanged
        .as_ref()
        .map(|before| before.etag.replace('"', ""));
    let plain = is_plain(&way.path) && etag.is_none_or(|etag| is_plain(&etag));
    plain.then_some(Way { body, ..way })
}

impl Unit {
    /// Another call is about to be made. Where it is one of before, what is known of that is what comes of this one.
    pub fn intend(&mut self, record: CallRecord) {
        let lost = self.calls.iter_mut().filter(|call| {
            call.fate == CallFate::Unknown
                && (&call.step, &call.call) == (&record.step, &record.call)
        });
        lost.for_each(|call| call.fate = CallFate::Nothing);
        self.calls.push(record);
    }

    /// A copy to be kept: without what settles its calls, once nothing is left to settle.
    pub fn kept(&self) -> Unit {
        let mut kept = self.clone();
        if kept.state == State::Finished {
            for call in &mut kept.calls {
                (call.ways, call.leftovers, call.undo) = (None, None, None);
            }
        }
        kept
    }

    /// Takes what the request made, as far as it can be kept.
    pub fn made(&mut self, made: &[Made]) {
        let kept = made.iter().filter(|made| is_plain(&made.id));
        self.made = kept.cloned().collect();
    }

    /// Whether it made something of this id.
    pub fn has_made(&self, id: &str) -> bool {
        self.made.iter().any(|made| made.id == id)
    }

    /// The request came to its end: what is left is what its calls left unknown.
    pub fn close(&mut self) {
        // What an update may have changed is said in its reply, and nothing but another update mends it.
        let told = |task: &Task| task.end.is_some() && !self.partial.is_empty();
        let tasks = self.calls.iter().flat_map(CallRecord::tasks);
        self.tasks = tasks.filter(|task| !told(task)).collect();
        self.state = self.outcome(match self.partial.is_empty() {
            true => State::Finished,
            false => State::Partial,
        });
    }

    /// The request was cut off, and its client got no answer: what was done is taken back.
    pub fn cut_off(&mut self) {
        (self.flag, self.rcode, self.reply) = (None, None, None);
        self.made.clear();
        let changed = self
            .calls
            .iter()
            .filter(|call| call.fate != CallFate::Nothing);
        let mended =
            |call: &&CallRecord| call.is_settled() || call.undo.is_some() || call.undo_is_lost;
        // What may have been made anew and is not known is an operator's; what was, is a change like any other.
        let stands =
            |call: &&CallRecord| call.call.starts_with("PATCH") || call.fate == CallFate::Done;
        let stays = changed.filter(|call| !mended(call) && stands(call));
        self.partial = stays.map(|call| call.step.to_string()).collect();
        let calls = self.calls.iter().rev();
        let tasks = calls.flat_map(|call| call.undoing().into_iter().chain(call.tasks()));
        let told =
            |task: &Task| task.end.is_some() && self.partial.iter().any(|step| task.step == *step);
        self.tasks = tasks.filter(|task| !told(task)).collect();
        self.state = self.outcome(match self.partial.is_empty() {
            true => State::Settled,
            false => State::Partial,
        });
    }

    /// The step whose lost call was found, and what became of it.
    pub fn found(&self) -> Option<(&str, &Found)> {
        let mut tasks = self.tasks.iter().filter(|task| !task.leftovers);
        tasks.find_map(|task| Some((task.step.as_str(), task.found.as_ref()?)))
    }

    /// Takes what was found, or was made again: later requests may follow it, and a repetition is told of it.
    pub fn take_found(&mut self) {
        let tasks = self.tasks.iter().filter(|task| !task.leftovers);
        let found = tasks.filter_map(|task| {
            let found = task.found.as_ref()?;
            let (id, kind) = (found.id.as_str().into(), found.kind.clone()?);
            Some(Made { id, kind })
        });
        let found: Vec<Made> = found.filter(|made| !self.made.contains(made)).collect();
        self.made.extend(found);
        let became = self.found().and_then(|(_, found)| found.became);
        // By its content alone no repetition is taken for one that was declined.
        let of_content = |key: &Key| key.of == KeyOf::Content;
        if became == Some(Became::Refused) && self.key.as_ref().is_some_and(of_content) {
            self.key = None;
        }
    }

    /// Takes back what was listed as changed perhaps, and was not.
    pub fn take_unchanged(&mut self) {
        for task in &self.tasks {
            if let Some(perhaps) = task.unchanged() {
                let listed = |changed: &String| changed == perhaps || *changed == task.step;
                self.partial.retain(|changed| !listed(changed));
            }
        }
    }

    /// What the tasks come to; `otherwise` where there are none.
    pub fn outcome(&self, otherwise: State) -> State {
        let stuck = |task: &Task| task.end == Some(End::Stuck);
        match &self.tasks[..] {
            [] => otherwise,
            tasks if tasks.iter().any(|task| task.end.is_none()) => State::Unknown,
            tasks if tasks.iter().any(stuck) => State::Stuck,
            _ if self.partial.is_empty() => State::Settled,
            _ => State::Partial,
        }
    }

    /// Whether the request changed nothing at all: a repetition may try anew.
    pub fn did_nothing(&self) -> bool {
        self.calls.iter().all(|call| call.fate == CallFate::Nothing) && self.rcode == Some(-1)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use crate::plan::settle::Unchanged;

    use super::*;

    #[test]
    fn what_cannot_be_undone_from_the_record_is_an_operators() {
        let path = "/tms/v2/customers/4111111111111111";
        let way = Way {
            method: "DELETE".into(),
            path: path.into(),
            body: None,
            group: "tms".into(),
            again: true,
            sealable: false,
            find: None,
            unchanged: None,
        };
        let call = Call {
            method: Method::POST,
            path: "/tms/v2/customers".into(),
            if_match: None,
            body: None,
            sealable: false,
            accept: Default::default(),
        };
        let change = Change {
            transaction_id: "1".into(),
            ways: None,
            leaves: None,
        };
        let mut record = CallRecord::intended("customer", &call, change);
        record.ended(Fate::Done(Some(way)));
        let mut unit = Unit {
            calls: vec![record],
            ..Unit::default()
        };
        unit.cut_off();
        assert_eq!(unit.state, State::Stuck);
        let text = serde_json::to_string(&unit).expect("JSON");
        assert!(!text.contains("4111"), "{text}");
    }

    #[test]
    fn what_is_made_again_is_known_by_the_last() {
        let record = |call: &str, fate| CallRecord {
            step: "profile".into(),
            call: call.into(),
            transaction_id: "1".into(),
            fate,
            ways: None,
            leftovers: None,
            undo: None,
            undo_is_lost: false,
        };
        let mut unit = Unit {
            calls: vec![
                record("POST /c", CallFate::Unknown),
                record("PATCH /c/1", CallFate::Unknown),
            ],
            ..Unit::default()
        };
        unit.intend(record("PATCH /c/1", CallFate::Intended));
        let fates: Vec<CallFate> = unit.calls.iter().map(|call| call.fate).collect();
        assert_eq!(
            fates,
            [CallFate::Unknown, CallFate::Nothing, CallFate::Intended]
        );
    }

    fn read(etag: &str) -> Way {
        Way {
            method: "GET".into(),
            path: "/c/1".into(),
            body: None,
            group: "tms".into(),
            again: false,
            sealable: false,
            find: None,
            unchanged: Some(Box::new(Unchanged {
                etag: etag.into(),
                perhaps: "customer (perhaps)".into(),
            })),
        }
    }

    fn changed(step: &str, fate: CallFate) -> CallRecord {
        CallRecord {
            step: step.into(),
            call: "PATCH /c/1".into(),
            transaction_id: "1".into(),
            fate,
            ways: Some([read("\"1\"")].into()),
            leftovers: None,
            undo: None,
            undo_is_lost: false,
        }
    }

    #[test]
    fn what_is_seen_to_be_unchanged_is_no_longer_listed() {
        for (end, listed, state) in [
            (End::Absent, &["instrument"][..], State::Partial),
            (End::Perhaps, &["instrument", "profile"], State::Partial),
        ] {
            let calls = [
                changed("instrument", CallFate::Done),
                changed("profile", CallFate::Intended),
            ];
            let mut unit = Unit {
                calls: calls.into(),
                ..Unit::default()
            };
            unit.cut_off();
            assert_eq!(unit.partial, ["instrument", "profile"]);
            assert_eq!((unit.tasks.len(), unit.state), (1, State::Unknown));
            unit.tasks[0].end = Some(end);
            unit.take_unchanged();
            assert_eq!(unit.partial, listed);
            assert_eq!(unit.outcome(State::Finished), state);
        }
        let mut unit = Unit {
            calls: vec![changed("profile", CallFate::Unknown)],
            partial: vec!["customer (perhaps)".into()],
            ..Unit::default()
        };
        unit.close();
        unit.tasks[0].end = Some(End::Absent);
        unit.take_unchanged();
        assert_eq!(unit.outcome(State::Finished), State::Settled);
    }

    #[test]
    fn an_etag_that_may_be_a_card_number_is_not_kept() {
        assert!(recordable(read("\"31\"")).is_some());
        assert!(recordable(read("\"4111111111111111\"")).is_none());
    }
}
