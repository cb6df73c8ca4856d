//! One request on record: what it may have changed, and what is still to be done about it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::mapping::lookup::Became;
use crate::plan::Made;
use crate::plan::find::Found;
use crate::plan::settle::{End, Task};
use crate::rest::is_plain;

use super::call_record::{CallFate, CallRecord};

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
    pub calls: SmallVec<[CallRecord; 1]>,
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
    #[serde(default, skip_serializing_if = "SmallVec::is_empty")]
    pub made: SmallVec<[Made; 1]>,
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
    pub fn made(&mut self, made: impl Iterator<Item = Made>) {
        self.made = made.filter(|made| is_plain(&made.id)).collect();
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
    use std::sync::Arc;

    use http::Method;
    use smallvec::smallvec;

    use crate::plan::settle::{Unchanged, Way};
    use crate::plan::{Change, Fate};
    use crate::rest::Call;

    use super::super::call_record::recordable;
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
            calls: smallvec![record],
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
            calls: smallvec![
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
            ways: Some(Arc::new(vec![read("\"1\"")])),
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
                calls: calls.into_iter().collect(),
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
            calls: smallvec![changed("profile", CallFate::Unknown)],
            partial: vec!["customer (perhaps)".into()],
            ..Unit::default()
        };
        unit.close();
        unit.tasks[0].end = Some(End::Absent);
        unit.take_unchanged();
        assert_eq!(unit.outcome(State::Finished), State::Settled);
    }

    #[test]
    fn what_settles_a_call_is_kept_until_nothing_is_left_to_settle() {
        let mut call = changed("profile", CallFate::Done);
        call.leftovers = Some(Arc::new(read("\"2\"")));
        call.undo = Some(Arc::new(read("\"3\"")));
        let mut unit = Unit {
            state: State::Unknown,
            calls: smallvec![call],
            ..Unit::default()
        };
        assert_eq!(unit.kept(), unit);
        unit.state = State::Finished;
        let kept = unit.kept();
        let known = &mut unit.calls[0];
        (known.ways, known.leftovers, known.undo) = (None, None, None);
        assert_eq!(kept, unit);
    }

    #[test]
    fn an_etag_that_may_be_a_card_number_is_not_kept() {
        assert!(recordable(read("\"31\"")).is_some());
        assert!(recordable(read("\"4111111111111111\"")).is_none());
    }
}
