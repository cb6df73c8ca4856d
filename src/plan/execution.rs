//! The walk over a service's steps, without I/O.

use http::Method;
use serde_json::Value;

use crate::mapping::flags::{LocalKind, RestError, Verdict};
use crate::mapping::mask::may_be_same;
use crate::mapping::reply::{Replies, StepReply};
use crate::mapping::tables::{PathPart, Source};
use crate::rest::{Answer, Call, Outcome, path_segment};
use crate::scmp;

use super::reply::{Built, build};
use super::{Context, Plan};

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Make this call and say what became of it.
    Call {
        /// The call.
        call: Call,
        /// The step's name, for logs and tests.
        step: String,
        /// Why it is made.
        purpose: Purpose,
    },
    /// Nothing: the reply is ready.
    Done,
}

/// Why a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is a step of the service.
    Step,
    /// It undoes a step, because a later one failed.
    Undo,
}

/// What became of a request, for the log. Holds no customer's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The reply flag.
    pub flag: String,
    /// 1, 0 or -1.
    pub rcode: i8,
    /// How many calls were made.
    pub calls: u32,
    /// What had been changed when a later step failed.
    pub partial: Vec<String>,
    /// Whether earlier steps were undone; `None` when there was nothing to undo.
    pub undone: Option<bool>,
}

enum Phase {
    /// The next step to look at.
    Step(usize),
    /// A step is read again, because what depends on it had changed; then its dependant runs once more.
    Reread {
        read: usize,
        then: usize,
    },
    /// Steps are undone, the last first; the number is how many are left.
    Undo(usize),
    Done,
}

/// A plan under way.
pub struct Execution<'p> {
    pub(super) plan: Plan<'p>,
    context: Context,
    pub(super) replies: Replies,
    phase: Phase,
    /// The steps that had been read again already: once is enough.
    reread: Vec<usize>,
    verdict: Option<Verdict>,
    calls: u32,
    partial: Vec<String>,
    undone: Option<bool>,
}

impl<'p> Execution<'p> {
    /// Begins with the first step.
    pub fn new(plan: Plan<'p>, context: Context) -> Execution<'p> {
        let replies = Replies::new(plan.service.steps.len());
        Execution {
            plan,
            context,
            replies,
            phase: Phase::Step(0),
            reread: Vec::new(),
            verdict: None,
            calls: 0,
            partial: Vec::new(),
            undone: None,
        }
    }

    /// What to do next. Asked again without an answer in between, it says the same.
    pub fn next_call(&mut self) -> Next {
        loop {
            let due = match self.phase {
                Phase::Done => return Next::Done,
                Phase::Reread { read, .. } => Some((read, Purpose::Step)),
                Phase::Step(at) => self.due(at).map(|at| (at, Purpose::Step)),
                Phase::Undo(left) => self.undoable(left).map(|at| (at, Purpose::Undo)),
            };
            let Some((at, purpose)) = due else {
                self.phase = Phase::Done;
                continue;
            };
            match (&self.phase, purpose) {
                (Phase::Reread { .. }, _) => {}
                (_, Purpose::Step) => self.phase = Phase::Step(at),
                (_, Purpose::Undo) => self.phase = Phase::Undo(at + 1),
            }
            match self.call(at, purpose) {
                Ok(call) => {
                    let step = self.plan.service.steps[at].name.clone();
                    return Next::Call {
                        call,
                        step,
                        purpose,
                    };
                }
                Err(_) => self.cannot_call(),
            }
        }
    }

    /// The first step from `at` on whose condition holds.
    fn due(&self, at: usize) -> Option<usize> {
        let steps = &self.plan.service.steps;
        (at..steps.len()).find(|at| {
            steps[*at]
                .when
                .holds(self.facts(Some(&steps[*at].call.method)))
        })
    }

    /// The last step before `left` that ran and can be undone.
    fn undoable(&self, left: usize) -> Option<usize> {
        let steps = &self.plan.service.steps;
        (0..left)
            .rev()
            .find(|at| steps[*at].undo.is_some() && self.replies.has_run(*at))
    }

    /// Takes what became of the call that [`Execution::next_call`] asked for.
    pub fn answered(&mut self, outcome: Outcome) {
        self.calls += 1;
        match self.phase {
            Phase::Done => {}
            Phase::Undo(left) => {
                let gone = matches!(&outcome, Outcome::Answered(answer)
                    if matches!(answer.status, 200..=299 | 404 | 410));
                self.undone = Some(gone && self.undone != Some(false));
                self.phase = Phase::Undo(left - 1);
            }
            Phase::Step(at) => self.step_answered(at, outcome),
            Phase::Reread { read, then } => {
                self.step_answered(read, outcome);
                if matches!(self.phase, Phase::Step(_)) {
                    self.phase = Phase::Step(then);
                }
            }
        }
    }

    /// Takes it that the call went well, for a translation without network.
    pub fn assumed(&mut self) {
        self.calls += 1;
        if let Phase::Step(at) = self.phase {
            let step = self.plan.service.steps[at].name.clone();
            self.replies.set(at, StepReply::Assumed { step });
            self.phase = Phase::Step(at + 1);
        }
    }

    /// The SCMP reply and what became of the request. Call it when [`Execution::next_call`] says `Done`.
    pub fn finish(self) -> (scmp::Reply, Summary) {
        let success = self.verdict.is_none();
        let verdict = self
            .verdict
            .clone()
            .unwrap_or_else(|| self.local(LocalKind::Success));
        let built = Built {
            tables: self.plan.tables,
            service: Some(self.plan.service),
            verdict: &verdict,
            context: &self.context,
        };
        let reply = build(&built, self.facts(None), success);
        let summary = Summary {
            flag: verdict.flag,
            rcode: verdict.rcode,
            calls: self.calls,
            partial: if success { Vec::new() } else { self.partial },
            undone: self.undone,
        };
        (reply, summary)
    }

    /// Fields that came and that nothing is done with.
    pub fn unmapped(&self) -> Vec<&str> {
        self.plan.unmapped()
    }

    /// The service that runs.
    pub fn service(&self) -> &str {
        &self.plan.service.name
    }

    fn local(&self, kind: LocalKind) -> Verdict {
        self.plan.tables.flags.local(kind, "", "")
    }

    /// An id that cannot stand in a path. The caller's own is refused; one that REST gave is an error.
    fn cannot_call(&mut self) {
        let named = self
            .plan
            .service
            .steps
            .iter()
            .flat_map(|step| &step.call.parts)
            .find_map(|part| match part {
                PathPart::Value {
                    source: Source::Field(field),
                    ..
                } => {
                    let value = self.plan.values.get(*field)?;
                    path_segment(value)
                        .is_err()
                        .then(|| self.plan.tables.dictionary.get(*field))
                }
                _ => None,
            });
        let verdict = match named {
            Some(field) => {
                self.plan
                    .tables
                    .flags
                    .local(LocalKind::Invalid, &field.name, " (is no token)")
            }
            None => self.local(LocalKind::Unreadable),
        };
        match self.phase {
            Phase::Undo(left) => {
                self.undone = Some(false);
                self.phase = Phase::Undo(left - 1);
            }
            _ => self.fail(verdict),
        }
    }

    fn step_answered(&mut self, at: usize, outcome: Outcome) {
        let step = &self.plan.service.steps[at];
        let changes = step.call.method != Method::GET;
        match outcome {
            Outcome::NotSent(_) => self.fail(self.local(LocalKind::NoService)),
            Outcome::Unknown(_) if changes => {
                self.partial
                    .extend(step.changed.iter().map(|what| format!("{what} (perhaps)")));
                self.fail(self.local(LocalKind::Unknown));
            }
            Outcome::Unknown(_) => self.fail(self.local(LocalKind::NoService)),
            Outcome::Answered(answer) if (200..=299).contains(&answer.status) => {
                self.succeeded(at, answer);
            }
            Outcome::Answered(answer) => self.refused(at, &answer),
        }
    }

    fn succeeded(&mut self, at: usize, answer: Answer) {
        let step = &self.plan.service.steps[at];
        let body = match answer.body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&answer.body),
        };
        if let Some(what) = &step.changed
            && !self.partial.contains(what)
        {
            self.partial.push(what.clone());
        }
        match body {
            Err(_) => self.fail(self.local(LocalKind::Unreadable)),
            Ok(body) => {
                let reply = StepReply::Real {
                    status: answer.status,
                    etag: answer.etag,
                    body,
                };
                self.replies.set(at, reply);
                match self.mismatch(at) {
                    Some(verdict) => self.fail(verdict),
                    None => self.phase = Phase::Step(at + 1),
                }
            }
        }
    }

    /// A masked value that does not fit what is stored is no value at all.
    fn mismatch(&self, at: usize) -> Option<Verdict> {
        let rules = self.plan.service.unchanged.iter();
        let wrong = rules.filter(|rule| rule.stored.step == at).find(|rule| {
            let plain = self.plan.values.get(rule.field).filter(|_| rule.plain);
            let sent = self.plan.values.masked(rule.field).or(plain);
            let stored = self.replies.text(&rule.stored);
            rule.when.holds(self.facts(None))
                && sent.is_some_and(|sent| !stored.is_some_and(|stored| may_be_same(sent, &stored)))
        })?;
        let name = &self.plan.tables.dictionary.get(wrong.field).name;
        let detail = " (is not the stored one)";
        Some(self.plan.tables.flags.local(wrong.refusal, name, detail))
    }

    fn refused(&mut self, at: usize, answer: &Answer) {
        let step = &self.plan.service.steps[at];
        if let (412, Some(read), false) = (answer.status, step.if_match, self.reread.contains(&at))
        {
            self.reread.push(at);
            self.phase = Phase::Reread { read, then: at };
            return;
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let error = RestError::read(&body);
        let field = self.blamed(step, answer.status, &error);
        let flags = &self.plan.tables.flags;
        let verdict = flags.rest(answer.status, &error, field);
        self.fail(verdict.unwrap_or_else(|| self.local(LocalKind::NoService)));
    }

    fn fail(&mut self, mut verdict: Verdict) {
        if !self.partial.is_empty() {
            let changed = self.partial.join(", ");
            verdict.message = format!("{} (already changed: {changed})", verdict.message);
        }
        self.verdict = Some(verdict);
        self.phase = Phase::Undo(self.plan.service.steps.len());
    }
}
