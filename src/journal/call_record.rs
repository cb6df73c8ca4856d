//! One call on record: what it may have changed, and what settles or undoes it.

use std::borrow::Cow;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::plan::settle::{Task, Way};
use crate::plan::{Change, Fate};
use crate::rest::{Call, is_plain};
use crate::telemetry::scrub;

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
    pub ways: Option<Arc<Vec<Way>>>,
    /// What finds what it may leave behind while its outcome is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftovers: Option<Arc<Way>>,
    /// What undoes it, should the request not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Arc<Way>>,
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
        let (ways, leftovers) = (
            change.ways,
            change.leaves.and_then(|way| recordable(*way)).map(Arc::new),
        );
        CallRecord {
            step: step.into(),
            call: made,
            transaction_id: change.transaction_id,
            fate: CallFate::Intended,
            ways: ways
                .and_then(|ways| ways.into_iter().map(recordable).collect())
                .map(Arc::new),
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
        (self.fate, self.undo) = (fate, undo.and_then(recordable).map(Arc::new));
        self.undo_is_lost = is_needed && self.undo.is_none();
    }

    /// What is to be done about a call whose outcome stayed unknown, and about what it may have left behind; nothing where
    /// there is nothing to do.
    pub(super) fn tasks(&self) -> impl Iterator<Item = Task> {
        let open = matches!(self.fate, CallFate::Intended | CallFate::Unknown);
        let ways = self.ways.as_deref();
        let task = (open && ways.is_none_or(|ways| !ways.is_empty()))
            .then(|| Task::new(&self.step, ways.cloned().unwrap_or_default()));
        let leftovers = self.leftovers.clone().filter(|_| open);
        let leftovers = leftovers.map(|way| Task::leftovers(&self.step, Way::clone(&way)));
        task.into_iter().chain(leftovers)
    }

    /// Whether there is a way to settle it, and not only to see whether there is something to settle.
    pub(super) fn is_settled(&self) -> bool {
        let ways = self.ways.as_ref();
        ways.is_some_and(|ways| ways.iter().all(|way| way.unchanged.is_none()))
    }

    /// What takes a call back that was carried out in a request whose client got no answer.
    pub(super) fn undoing(&self) -> Vec<Task> {
        if self.fate != CallFate::Done {
            return Vec::new();
        }
        let ways = self.ways.as_deref().cloned().unwrap_or_default();
        // What may be made again was asked for, and is not taken back; by a search it is known to who asks for it again.
        let known = ways.iter().any(|way| way.find.is_some());
        let takes_back = |way: &Way| !way.again && way.unchanged.is_none();
        let back = !ways.is_empty() && ways.iter().all(takes_back);
        let back = (back || known).then(|| Task::new(&self.step, ways));
        let undo = self.undo.clone();
        let undo = undo.map(|way| Task::new(&self.step, vec![Way::clone(&way)]));
        let lost = self.undo_is_lost.then(|| Task::new(&self.step, Vec::new()));
        back.into_iter().chain(undo).chain(lost).collect()
    }
}

/// A way without anything that looks like a card number, though nothing ever should. What a reference looks like does not
/// matter to REST; an id that does cannot be kept, and is left to an operator.
pub(super) fn recordable(way: Way) -> Option<Way> {
    let etag = way
        .unchanged
        .as_ref()
        .map(|before| before.etag.replace('"', ""));
    let plain = is_plain(&way.path) && etag.is_none_or(|etag| is_plain(&etag));
    let body = way.body.map(|body| match scrub(&body) {
        Cow::Borrowed(_) => body,
        Cow::Owned(scrubbed) => scrubbed,
    });
    plain.then_some(Way { body, ..way })
}
