//! Calls that change something: what is put on record of them, and what settles or undoes them.

use compact_str::CompactString;
use http::Method;

use crate::mapping::tables::{RestCall, SettleCall, SettleWay};
use crate::rest::{Call, Outcome};

use super::execution::{Execution, Purpose};
use super::find::Find;
use super::judge::perhaps;
use super::settle::{Unchanged, Way};

/// A call that may change something: it is to be on record before it is sent.
#[derive(Debug)]
pub struct Change {
    /// The id that names the call to REST, unique for the merchant.
    pub transaction_id: CompactString,
    /// What settles it when its outcome is not known; nothing where only an operator can.
    pub ways: Option<Vec<Way>>,
    /// What finds what it may leave behind when its outcome is not known.
    pub leaves: Option<Box<Way>>,
}

/// What is known of a call that was to change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was carried out; and what undoes it, should the request not come to its end.
    Done(Option<Way>),
    /// It was refused: nothing was changed.
    Refused,
    /// It was not sent.
    NotSent,
    /// It may have been carried out.
    Unknown,
}

impl Execution<'_> {
    /// What the call may change that [`Execution::next_call`] asks for, and what settles it should its outcome stay
    /// unknown; nothing if it only reads.
    pub fn change(&self, made: &Call, purpose: Purpose) -> Option<Change> {
        if made.method == Method::GET {
            return None;
        }
        let step = &self.plan.program.steps[self.at_work()?];
        let call = step.call()?;
        let transaction_id = self.transaction_id();
        let ways = match (purpose, self.undo(call)) {
            (Purpose::Undo, Some(undo)) => Some(vec![again(made, &undo.template.group)]),
            _ => self.settle_ways(step.part, call, made, transaction_id.as_str()),
        };
        let leaves = call.leaves.as_ref().filter(|_| purpose == Purpose::Step);
        let leaves =
            leaves.and_then(|way| self.way(way, step.part, call, made, transaction_id.as_str()));
        Some(Change {
            transaction_id: transaction_id.as_str().into(),
            ways,
            leaves: leaves.map(Box::new),
        })
    }

    fn settle_ways(
        &self,
        part: usize,
        call: &RestCall,
        made: &Call,
        transaction_id: &str,
    ) -> Option<Vec<Way>> {
        let known = call.settle.as_ref()?;
        let open = known.iter();
        let open: Vec<Way> = open
            .filter_map(|way| self.way(way, part, call, made, transaction_id))
            .collect();
        // Where nothing can be seen of a change only an operator can tell.
        let is_blind = open.is_empty() && known.iter().any(|way| way.unchanged);
        (!is_blind).then_some(open)
    }

    /// A way that is open to this call.
    fn way(
        &self,
        way: &SettleWay,
        part: usize,
        call: &RestCall,
        made: &Call,
        transaction_id: &str,
    ) -> Option<Way> {
        let facts = self.facts(part, Some(&made.method));
        if !way.when.holds(&facts) {
            return None;
        }
        match &way.how {
            SettleCall::Again => Some(Way {
                body: self.text(call.body, part, "", &made.method),
                ..again(made, &call.template.group)
            }),
            SettleCall::Other { template, body } => Some(Way {
                method: template.method.as_str().into(),
                path: self.path(template).ok()?.into(),
                body: self.text(*body, part, transaction_id, &template.method),
                group: template.group.as_str().into(),
                again: false,
                sealable: template.sealable,
                find: way.find.then(|| {
                    let makes = call.makes.iter().find(|makes| makes.when.holds(&facts));
                    Box::new(Find {
                        mark: transaction_id.into(),
                        read: self.plan.tables.flags.lookup.read().to_owned(),
                        kind: makes.map(|makes| makes.kind.as_str().into()),
                    })
                }),
                unchanged: match way.unchanged {
                    // An earlier one in doubt may have made the object what it is now.
                    true if self.in_doubt => return None,
                    // Without an ETag nothing could be seen.
                    true => Some(Box::new(Unchanged {
                        etag: made.if_match.clone()?,
                        perhaps: perhaps(call.changed.as_deref()?),
                    })),
                    false => None,
                },
            }),
        }
    }

    fn text(
        &self,
        body: Option<usize>,
        part: usize,
        transaction_id: &str,
        method: &Method,
    ) -> Option<String> {
        let bytes = self.written(body?, part, transaction_id, method);
        // It was put together from texts.
        String::from_utf8(bytes).ok()
    }

    /// The call that undoes a step which was carried out.
    pub(super) fn undo_way(&self, at: usize) -> Option<Way> {
        let undo = self.undo(self.plan.program.steps[at].call()?)?;
        Some(Way {
            method: undo.template.method.as_str().into(),
            path: self.path(&undo.template).ok()?.into(),
            body: None,
            group: undo.template.group.as_str().into(),
            again: true,
            sealable: false,
            find: None,
            unchanged: None,
        })
    }
}

impl Fate {
    /// What an outcome says by itself, before its body is read.
    pub(super) fn of(outcome: &Outcome) -> Fate {
        match outcome {
            Outcome::NotSent(_) => Fate::NotSent,
            Outcome::Unknown(_) => Fate::Unknown,
            Outcome::Answered(answer) => match answer.status {
                408 | 500.. => Fate::Unknown,
                _ => Fate::Refused,
            },
        }
    }
}

/// The very call once more.
fn again(made: &Call, group: &str) -> Way {
    Way {
        method: made.method.as_str().into(),
        path: made.path.as_str().into(),
        body: None,
        group: group.into(),
        again: true,
        sealable: made.sealable,
        find: None,
        unchanged: None,
    }
}
