//! Values that are longer than REST takes: kept aside before the call that refers to them, given back for the reply.
//!
//! REST's own object says which values count: in their place it stores a mark with their reference. So the call that
//! stores the mark is what changes a value, and whatever else was kept is refuse. What the call replaces stays until it is
//! known to have gone well.

use std::fmt;

use http::Method;

use crate::mapping::flags::LocalKind;
use crate::mapping::tables::{ReplyPath, RestCall};
use crate::rest::{Call, path_segment};

use super::change::Fate;
use super::execution::{Execution, Failure, Phase};
use super::side_values::references;

/// What is to be done with values that are kept aside.
#[derive(Debug)]
pub enum SideWork {
    /// Keep these.
    Keep(Keeping),
    /// Give these back.
    Recall(Vec<Wanted>),
}

/// Values to be kept, durably, before anything else is done.
#[derive(Debug)]
pub struct Keeping {
    /// The path of the REST object that they belong to.
    pub place: String,
    /// The values.
    pub values: Vec<KeptValue>,
    /// The references of those that are about to be replaced or deleted: until that is known they are in doubt.
    pub replaced: Vec<String>,
}

/// A value that is kept aside.
pub struct KeptValue {
    /// By what REST's object refers to it.
    pub reference: String,
    /// The member of the object that refers to it.
    pub member: String,
    /// The value.
    pub text: String,
}

/// Holds a customer's data.
impl fmt::Debug for KeptValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters = self.text.chars().count();
        write!(f, "{} {} ({characters})", self.reference, self.member)
    }
}

/// A value to be given back.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The path of the REST object that it belongs to.
    pub place: String,
    /// By what REST's object refers to it.
    pub reference: String,
    /// The member of the object that refers to it.
    pub member: String,
    /// The reply field that shows it.
    pub(super) field: String,
    pub(super) at: ReplyPath,
    pub(super) part: usize,
}

/// What is known of a kept value at the end of a request. Of others nothing is known: REST has to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideEnd {
    /// The path of the REST object that it belongs to.
    pub place: String,
    /// Its reference.
    pub reference: String,
    /// Whether REST's object refers to it, or no longer does.
    pub stays: bool,
}

/// Where an execution stands with what is kept aside.
#[derive(Default)]
pub(super) struct Side {
    /// What the driver was asked for.
    asked: Option<Asked>,
    /// The step whose call may be made, for what it refers to is kept; its place, new and former references.
    ready: Option<(usize, References)>,
    /// The step whose call made an object that refers to values which are not yet kept.
    made: Option<usize>,
    recalled: bool,
    ends: Vec<SideEnd>,
}

enum Asked {
    Before(usize, References),
    After(usize, References),
    Recall(Vec<Wanted>),
}

#[derive(Default)]
struct References {
    place: String,
    new: Vec<String>,
    replaced: Vec<String>,
}

impl Side {
    fn end(&mut self, place: &str, references: &[String], stays: bool) {
        self.forget(references);
        self.ends.extend(references.iter().map(|reference| SideEnd {
            place: place.to_owned(),
            reference: reference.clone(),
            stays,
        }));
    }

    fn forget(&mut self, references: &[String]) {
        self.ends.retain(|end| !references.contains(&end.reference));
    }
}

impl Execution<'_> {
    /// What is to be kept before a call is made.
    pub(super) fn keep_before(
        &mut self,
        at: usize,
        call: &RestCall,
        made: &Call,
    ) -> Option<SideWork> {
        let is_ready = self
            .side
            .ready
            .as_ref()
            .is_some_and(|(ready, _)| *ready == at);
        let replaces = matches!(made.method, Method::PATCH | Method::DELETE);
        if is_ready || !replaces {
            return None;
        }
        let stored = self.stored(&made.path);
        let mut replaced = Vec::new();
        let values = match made.method {
            Method::DELETE => {
                references(&stored.unwrap_or_default(), &mut replaced);
                Vec::new()
            }
            _ => {
                replaced = self.replaced(at, call, stored.as_ref());
                self.values(at, call)
            }
        };
        if values.is_empty() && replaced.is_empty() {
            return None;
        }
        // Sent again after a 412, a value has the reference that it had.
        replaced.retain(|old| values.iter().all(|new| new.reference != *old));
        let work = Keeping {
            place: made.path.clone(),
            values,
            replaced,
        };
        self.side.asked = Some(Asked::Before(at, work.references()));
        Some(SideWork::Keep(work))
    }

    /// What is to be kept of an object that a call has just made: before that its path was not known.
    pub(super) fn keep_after(&mut self) -> Option<SideWork> {
        let at = self.side.made?;
        let call = self.plan.program.steps[at].call()?;
        let path = self.path(&call.template).ok();
        let id = call.proof.and_then(|proof| self.replies.string(at, proof));
        let Some((path, id)) = path.zip(id.and_then(|id| path_segment(&id).ok())) else {
            self.side.made = None;
            self.fail(at, self.local(LocalKind::Unreadable));
            return None;
        };
        let work = Keeping {
            place: format!("{path}/{id}"),
            values: self.values(at, call),
            replaced: Vec::new(),
        };
        self.side.asked = Some(Asked::After(at, work.references()));
        Some(SideWork::Keep(work))
    }

    /// What the reply is to show and REST's objects refer to.
    pub(super) fn recall(&mut self) -> Option<SideWork> {
        if self.failure.is_some() || std::mem::replace(&mut self.side.recalled, true) {
            return None;
        }
        let wanted = self.wanted();
        if wanted.is_empty() {
            return None;
        }
        self.side.asked = Some(Asked::Recall(wanted.clone()));
        Some(SideWork::Recall(wanted))
    }

    /// Takes whether the values are kept that [`Execution::next_call`] asked for.
    pub fn kept(&mut self, kept: bool) {
        match self.side.asked.take() {
            Some(Asked::Before(at, references)) if kept => {
                self.side.forget(&references.new);
                self.side.ready = Some((at, references));
            }
            Some(Asked::After(at, references)) => {
                self.side.made = None;
                match kept {
                    true => self.side.end(&references.place, &references.new, true),
                    false => self.fail(at, self.local(LocalKind::NoRecord)),
                }
            }
            Some(Asked::Before(at, _)) => self.give_up(at, self.local(LocalKind::NoRecord)),
            Some(Asked::Recall(_)) | None => {}
        }
    }

    /// Takes the values that [`Execution::next_call`] asked for, in that order; nothing for one that cannot be read.
    pub fn recalled(&mut self, values: Vec<Option<String>>) {
        let Some(Asked::Recall(wanted)) = self.side.asked.take() else {
            return;
        };
        let mut values = values.into_iter();
        for wanted in wanted {
            match values.next().flatten() {
                Some(value) => self.replies.put(&wanted.at, value),
                None => {
                    let tables = self.plan.tables;
                    let kind = LocalKind::SideUnreadable;
                    let verdict = tables.flags.local(kind, &wanted.field, "");
                    self.failure.get_or_insert(Failure {
                        verdict,
                        part: wanted.part,
                        told: None,
                    });
                }
            }
        }
    }

    /// What is known at the end of the values that this request kept or replaced.
    pub fn side_ends(&self) -> &[SideEnd] {
        &self.side.ends
    }

    /// The step that is at work, be it that it is undone.
    pub(super) fn at_work(&self) -> Option<usize> {
        match self.phase {
            Phase::Step(at) | Phase::After(at) => Some(at),
            Phase::Undo(left) => left.checked_sub(1),
            Phase::Reread { read, .. } => Some(read),
            Phase::Done => None,
        }
    }

    /// The step whose call is under way; or the path of what an undo deletes.
    pub(super) fn at_hand(&self) -> (Option<usize>, Option<String>) {
        match self.phase {
            Phase::Step(at) | Phase::After(at) => (Some(at), None),
            Phase::Undo(left) => (None, self.undo_way(left - 1).map(|way| way.path.into())),
            Phase::Reread { .. } | Phase::Done => (None, None),
        }
    }

    /// Takes what became of a call, for the values that it refers to; `step` unless it was an undo.
    pub(super) fn note_side(&mut self, step: Option<usize>, undone: Option<String>) {
        if let Some(place) = undone {
            let of_place = self.side.ends.iter().filter(|end| end.place == place);
            let references: Vec<String> = of_place.map(|end| end.reference.clone()).collect();
            match self.fate {
                Fate::Done(_) => self.side.end(&place, &references, false),
                _ => self.side.forget(&references),
            }
        }
        let ready = self.side.ready.take_if(|(at, _)| Some(*at) == step);
        // What was refused because something else had changed is done once more.
        let ready = ready.filter(|_| !matches!(self.phase, Phase::Reread { .. }));
        if let Some((at, references)) = ready {
            let deletes = self.method(at) == Some(&Method::DELETE);
            let place = &references.place;
            match self.fate {
                Fate::Done(_) => {
                    self.side.end(place, &references.new, true);
                    self.side.end(place, &references.replaced, false);
                }
                // Nothing was changed; but what cannot be deleted may be gone already.
                Fate::Refused | Fate::NotSent if !deletes => {
                    self.side.end(place, &references.new, false);
                    self.side.end(place, &references.replaced, true);
                }
                _ => {}
            }
        }
        let went_on = step.filter(|at| matches!(self.phase, Phase::Step(next) if next == at + 1));
        if let Some(at) = went_on
            && self.method(at) == Some(&Method::POST)
            && let Some(call) = self.plan.program.steps[at].call()
            && !self.values(at, call).is_empty()
        {
            self.side.made = Some(at);
        }
    }
}

impl Keeping {
    fn references(&self) -> References {
        References {
            place: self.place.clone(),
            new: self
                .values
                .iter()
                .map(|value| value.reference.clone())
                .collect(),
            replaced: self.replaced.clone(),
        }
    }
}
