//! The walk over a program's steps, without I/O.

use compact_str::CompactString;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::reply::{Replies, StepReply};
use crate::mapping::tables::Action;
use crate::rest::{Call, Outcome};

use super::calls::Hindrance;
use super::change::Fate;
use super::side::{Side, SideWork};
use super::transaction::TransactionId;
use super::{Context, History, Plan};

/// What to do next.
#[derive(Debug)]
pub enum Next<'p> {
    /// Make this call and say what became of it.
    Call {
        /// The call.
        call: Call,
        /// The step's name, for logs and tests.
        step: &'p str,
        /// Why it is made.
        purpose: Purpose,
    },
    /// See to values that REST does not take, and say what came of it.
    Side(SideWork),
    /// Nothing: the reply is ready.
    Done,
}

/// Why a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is a step of the services.
    Step,
    /// It undoes a step, because a later one failed.
    Undo,
    /// It is a step of a service that runs by itself after others.
    After,
}

/// Something that later requests may follow by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The id that the caller was given.
    pub id: CompactString,
    /// What it names, e.g. `sale`.
    pub kind: CompactString,
}

/// What became of a request, for the log and for later requests. Holds no customer's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<'p> {
    /// The reply flag.
    pub flag: &'p str,
    /// 1, 0 or -1.
    pub rcode: i8,
    /// How many calls were made.
    pub calls: u32,
    /// What had been changed when a later step failed.
    pub partial: Vec<String>,
    /// Whether earlier steps were undone; `None` when there was nothing to undo.
    pub undone: Option<bool>,
    /// How many fields came that nothing was done with.
    pub unmapped: usize,
}

pub(super) enum Phase {
    /// The next step to look at.
    Step(usize),
    /// A step is read again, because what depends on it had changed; then its dependant runs once more.
    Reread {
        read: usize,
        then: usize,
    },
    /// Steps are undone, the last first; the number is how many are left.
    Undo(usize),
    /// The next step to look at of the services that run by themselves.
    After(usize),
    Done,
}

/// Why a request failed, and where.
pub(super) struct Failure<'p> {
    pub(super) verdict: Verdict<'p>,
    pub(super) part: usize,
    /// The step whose reply said so, where that reply is worth telling.
    pub(super) told: Option<usize>,
}

/// A plan under way.
pub struct Execution<'p> {
    pub(super) plan: Plan<'p>,
    pub(super) replies: Replies,
    pub(super) context: &'p Context,
    pub(super) history: &'p dyn History,
    pub(super) phase: Phase,
    /// The steps for which something was read again, each time.
    pub(super) reread: Vec<usize>,
    /// Whether a change may have been made that was refused when it was made again, and is made once more.
    pub(super) in_doubt: bool,
    pub(super) failure: Option<Failure<'p>>,
    /// Why a service failed that runs by itself.
    pub(super) after: Option<Failure<'p>>,
    /// The last refusal of an id that may name something of another kind.
    pub(super) wrong_id: Option<Failure<'p>>,
    pub(super) calls: u32,
    pub(super) partial: Vec<String>,
    pub(super) undone: Option<bool>,
    /// What is known of the latest call.
    pub(super) fate: Fate,
    /// What is kept aside.
    pub(super) side: Side,
}

impl<'p> Execution<'p> {
    /// Begins with the first step.
    pub fn new(plan: Plan<'p>, context: &'p Context, history: &'p dyn History) -> Execution<'p> {
        Execution {
            plan,
            replies: Replies::none(),
            context,
            history,
            phase: Phase::Step(0),
            reread: Vec::new(),
            in_doubt: false,
            failure: None,
            after: None,
            wrong_id: None,
            calls: 0,
            partial: Vec::new(),
            undone: None,
            fate: Fate::NotSent,
            side: Side::default(),
        }
    }

    /// What to do next. Asked again without an answer in between, it says the same.
    pub fn next_call(&mut self) -> Next<'p> {
        loop {
            if let Some(work) = self.keep_after() {
                return Next::Side(work);
            }
            let due = match self.phase {
                Phase::Done => return self.recall().map_or(Next::Done, Next::Side),
                Phase::Reread { read, .. } => Some((read, Purpose::Step)),
                Phase::Step(at) => self.due(at, false).map(|at| (at, Purpose::Step)),
                Phase::After(at) => self.due(at, true).map(|at| (at, Purpose::After)),
                Phase::Undo(left) => self.undoable(left).map(|at| (at, Purpose::Undo)),
            };
            if self.no_other_kind(due) {
                continue;
            }
            let Some((at, purpose)) = due else {
                self.phase = match self.phase {
                    Phase::After(_) => Phase::Done,
                    _ => Phase::After(0),
                };
                continue;
            };
            match (&self.phase, purpose) {
                (Phase::Reread { .. }, _) => {}
                (_, Purpose::Step) => self.phase = Phase::Step(at),
                (_, Purpose::Undo) => self.phase = Phase::Undo(at + 1),
                (_, Purpose::After) => self.phase = Phase::After(at),
            }
            let program = self.plan.program;
            let step = &program.steps[at];
            match &step.action {
                Action::Refuse(kind) => match self.wrong_id.take() {
                    // What REST said of the id says more.
                    Some(failure) => {
                        self.failure = Some(failure);
                        self.phase = Phase::Undo(self.plan.program.steps.len());
                    }
                    None => self.give_up(at, self.refused(*kind)),
                },
                Action::Call(call) => match self.call(step.part, call, purpose) {
                    Ok(made) => {
                        if purpose != Purpose::Undo
                            && let Some(work) = self.keep_before(at, call, &made)
                        {
                            return Next::Side(work);
                        }
                        return Next::Call {
                            call: made,
                            step: &step.name,
                            purpose,
                        };
                    }
                    Err(hindrance) => self.cannot_call(at, hindrance),
                },
            }
        }
    }

    /// Where an id was refused as one of another kind and no other kind is left to try, the refusal stands.
    fn no_other_kind(&mut self, due: Option<(usize, Purpose)>) -> bool {
        let steps = &self.plan.program.steps;
        let other = |failure: &Failure| due.is_some_and(|(at, _)| steps[at].part == failure.part);
        if matches!(self.phase, Phase::Step(_)) && self.wrong_id.as_ref().is_some_and(|f| !other(f))
        {
            self.failure = self.wrong_id.take();
            self.phase = Phase::Undo(self.plan.program.steps.len());
            return true;
        }
        false
    }

    /// The last step before `left` that ran and can be undone.
    fn undoable(&self, left: usize) -> Option<usize> {
        let steps = &self.plan.program.steps;
        (0..left).rev().find(|at| {
            let call = steps[*at].call().filter(|_| self.replies.has_run(*at));
            call.is_some_and(|call| self.undo(call).is_some())
        })
    }

    /// Takes what became of the call that [`Execution::next_call`] asked for.
    pub fn answered(&mut self, outcome: Outcome) -> Fate {
        self.calls += 1;
        self.fate = Fate::of(&outcome);
        let (step, undone) = self.at_hand();
        match self.phase {
            Phase::Done => {}
            Phase::Undo(left) => {
                let gone = matches!(&outcome, Outcome::Answered(answer)
                    if matches!(answer.status, 200..=299 | 404 | 410));
                self.undone = Some(gone && self.undone != Some(false));
                // Whatever else it was told, what is left is to be deleted.
                self.fate = if gone {
                    Fate::Done(None)
                } else {
                    Fate::Unknown
                };
                self.phase = Phase::Undo(left - 1);
            }
            Phase::Step(at) => {
                self.step_answered(at, outcome);
                if self.in_doubt && matches!(self.fate, Fate::Refused | Fate::NotSent) {
                    // That this attempt was refused says nothing of the one that was lost.
                    self.fate = Fate::Unknown;
                }
            }
            Phase::After(at) => {
                let is_turned_away = turned_away(&outcome);
                self.aside(|execution| execution.step_answered(at, outcome));
                if is_turned_away {
                    // Nobody asks for it again, so it is settled.
                    self.fate = Fate::Unknown;
                }
            }
            Phase::Reread { read, then } => {
                self.step_answered(read, outcome);
                if matches!(self.phase, Phase::Step(_)) {
                    self.phase = Phase::Step(then);
                }
            }
        }
        self.note_side(step, undone);
        self.fate.clone()
    }

    /// Takes it that the call went well, for a translation without network.
    pub fn assumed(&mut self) {
        self.calls += 1;
        let (at, next) = match self.phase {
            Phase::Step(at) => (at, Phase::Step(at + 1)),
            Phase::After(at) => (at, Phase::After(at + 1)),
            _ => return,
        };
        let step = self.plan.program.steps[at].name.clone();
        self.replies.set(at, StepReply::Assumed { step });
        self.phase = next;
    }

    /// Whether these services move money or create something: then a repetition must not do so again.
    pub fn creates(&self) -> bool {
        let mut calls = self.plan.program.steps.iter().filter_map(|s| s.call());
        calls.any(|call| call.template.method == Method::POST || !call.makes.is_empty())
    }

    /// Fields that came and that nothing is done with.
    pub fn unmapped(&self) -> impl Iterator<Item = &str> {
        self.plan.unmapped()
    }

    /// The services that run, joined by commas.
    pub fn services(&self) -> &'p str {
        &self.plan.program.name
    }

    pub(super) fn transaction_id(&self) -> TransactionId {
        TransactionId::new(&self.context.request_id, self.calls + 1)
    }

    /// A refusal by a step: it names the id that the request follows, where the text asks for it.
    fn refused(&self, kind: LocalKind) -> Verdict<'p> {
        let tables = self.plan.tables;
        let id = self.plan.program.follow_on.map(|follow_on| follow_on.id);
        let name = id.map_or("", |id| &tables.dictionary.get(id).name);
        tables.flags.local(kind, name, "")
    }

    pub(super) fn local(&self, kind: LocalKind) -> Verdict<'p> {
        let tables = self.plan.tables;
        tables.flags.local(kind, "", "")
    }

    /// An id that cannot stand in a path: the caller's own is refused; one that REST gave is an error. Or something
    /// stored that only the caller can give again.
    fn cannot_call(&mut self, at: usize, hindrance: Hindrance) {
        let tables = self.plan.tables;
        let flags = &tables.flags;
        let verdict = match hindrance {
            Hindrance::Lost(key) => {
                let name = self.field_of_element(&key).unwrap_or(&key);
                let detail = " (is stored masked and would be lost: send it again)";
                flags.local(LocalKind::Invalid, name, detail)
            }
            Hindrance::Id => match self.unsafe_field() {
                Some(name) => flags.local(LocalKind::Invalid, name, " (is no id)"),
                None => self.local(LocalKind::Unreadable),
            },
        };
        match self.phase {
            Phase::Undo(left) => {
                self.undone = Some(false);
                self.phase = Phase::Undo(left - 1);
            }
            _ => self.give_up(at, verdict),
        }
    }

    pub(super) fn fail(&mut self, step: usize, verdict: Verdict<'p>) {
        let part = self.plan.program.steps[step].part;
        let mut verdict = match self.plan.program.parts[part].fails_as {
            Some(kind) => self.local(kind),
            // Whatever failed after it: what is not known is no failure.
            None if self.in_doubt => self.local(LocalKind::Unknown),
            None => verdict,
        };
        if !self.partial.is_empty() {
            let changed = self.partial.join(", ");
            verdict.message = format!("{} (already changed: {changed})", verdict.message).into();
        }
        self.failure = Some(Failure {
            verdict,
            part,
            told: None,
        });
        self.phase = Phase::Undo(self.plan.program.steps.len());
    }
}

/// Whether a call did not come to be looked at, and may do so another time.
fn turned_away(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NotSent(_) => true,
        Outcome::Answered(answer) => matches!(answer.status, 401 | 403 | 429),
        Outcome::Unknown(_) => false,
    }
}
