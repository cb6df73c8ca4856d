//! What a call's outcome means for the execution.

use std::borrow::Cow;

use http::Method;

use crate::mapping::flags::{LocalKind, Verdict};
use crate::mapping::mask::may_be_same;
use crate::mapping::reply::StepReply;
use crate::mapping::rest_error::RestError;
use crate::mapping::tables::RestCall;
use crate::rest::{Answer, Failure as Failed, Outcome};
use crate::telemetry::scrub;

use super::change::Fate;
use super::execution::{Execution, Failure, Phase};

/// Whether a call may change something.
fn changes(call: &RestCall) -> bool {
    call.template.method != Method::GET
}

/// How it is told that something may have been changed.
pub(super) fn perhaps(what: &str) -> String {
    format!("{what} (perhaps)")
}

/// How often what a step rests on is read again: another step of the request may have changed it, and the step itself, by an
/// attempt whose answer was lost.
const REREADS_MAX: usize = 2;
/// The HTTP status of no answer.
const NO_STATUS: u16 = 0;

impl<'p> Execution<'p> {
    pub(super) fn step_answered(&mut self, at: usize, outcome: Outcome) {
        let Some(call) = self.plan.program.steps[at].call() else {
            return;
        };
        match outcome {
            Outcome::NotSent(Failed::NotRecorded) => self.fail(at, self.local(LocalKind::NoRecord)),
            Outcome::NotSent(_) => self.fail(at, self.no_answer(call)),
            Outcome::Unknown(failure) if changes(call) => {
                self.may_have_changed(call);
                match (failure, call.if_match) {
                    // Which change it was does not matter: it is made again under the ETag of what is stored now.
                    (Failed::Changed { .. }, Some(read)) if self.may_read_again(at) => {
                        self.in_doubt = true;
                        self.read_again(read, at);
                    }
                    _ => self.fail(at, self.local(LocalKind::Unknown)),
                }
            }
            Outcome::Unknown(_) => self.fail(at, self.no_answer(call)),
            Outcome::Answered(answer) => self.judge(at, call, answer),
        }
    }

    fn may_read_again(&self, then: usize) -> bool {
        self.reread.iter().filter(|step| **step == then).count() < REREADS_MAX
    }

    /// A step is made again after what it depends on was read once more.
    fn read_again(&mut self, read: usize, then: usize) {
        self.reread.push(then);
        self.phase = Phase::Reread { read, then };
    }

    fn may_have_changed(&mut self, call: &RestCall) {
        let perhaps = call.changed.as_deref().map(perhaps);
        let fresh = perhaps.filter(|changed| !self.partial.contains(changed));
        self.partial.extend(fresh);
    }

    /// What is said where the REST host could not be reached, or did not answer a call that changes nothing: the first line
    /// of the flags table that is for any status.
    fn no_answer(&self, call: &RestCall) -> Verdict<'p> {
        let tables = self.plan.tables;
        let flags = &tables.flags;
        let said = flags.rest(
            &call.template.group,
            NO_STATUS,
            &RestError::default(),
            None,
            None,
        );
        said.map_or_else(|| self.local(LocalKind::Unreadable), |(verdict, _)| verdict)
    }

    fn judge(&mut self, at: usize, call: &RestCall, answer: Answer) {
        let good = (200..=299).contains(&answer.status);
        let program = self.plan.program;
        let reading = &program.readings[at];
        let read = reading.reader.read(answer.body);
        if let (412, Some(read), true) = (answer.status, call.if_match, self.may_read_again(at)) {
            self.read_again(read, at);
            return;
        }
        self.in_doubt &= !(good && changes(call));
        if let (true, Some(what)) = (good, &call.changed) {
            self.partial.retain(|changed| *changed != perhaps(what));
            if !self.partial.contains(what) {
                self.partial.push(what.clone());
            }
        }
        if good {
            // Until it is read it is not known what was done.
            self.fate = Fate::Unknown;
        }
        // Whether the call was carried out is not known; what only reads was in vain.
        let unread = match changes(call) {
            true => LocalKind::Unknown,
            false => LocalKind::Unreadable,
        };
        let read = match read {
            None if good => return self.fail(at, self.local(unread)),
            read => read.unwrap_or_else(|| reading.reader.nothing()),
        };
        // What was read may be sent again, or refer to values that are kept aside: then all of it must be readable.
        if good && !changes(call) && read.whole().is_none() {
            return self.fail(at, self.local(unread));
        }
        // A success without the object that was asked for, be it sealed or cut down, must not pass for one without data.
        let proved = call.proof.is_none_or(|proof| read.has(proof));
        if good && !proved {
            return self.fail(at, self.local(unread));
        }
        if matches!(answer.status, 408 | 500..) && changes(call) {
            self.may_have_changed(call);
        }
        let error = RestError::read(&reading.errors, &read);
        let field = self.blamed(call, answer.status, &error);
        let tables = self.plan.tables;
        let judged = tables.flags.rest(
            &call.template.group,
            answer.status,
            &error,
            field,
            self.followed_field(call),
        );
        let (mut verdict, wrong_id) =
            judged.unwrap_or_else(|| (self.local(LocalKind::Unreadable), false));
        // REST's own words may quote what was sent; what is borrowed is the tables' text.
        if let Cow::Owned(message) = &verdict.message
            && let Cow::Owned(scrubbed) = scrub(message)
        {
            verdict.message = scrubbed.into();
        }
        if good {
            let reply = StepReply::Real {
                status: answer.status,
                etag: answer.etag,
                read,
            };
            self.replies.set(at, reply);
            self.fate = Fate::Done(self.undo_way(at));
        }
        let part = self.plan.program.steps[at].part;
        match (verdict.rcode, self.mismatch(at)) {
            (1, None) => {
                self.wrong_id = None;
                self.phase = Phase::Step(at + 1);
            }
            (1, Some(verdict)) => self.fail(at, verdict),
            _ if wrong_id && call.try_next => {
                self.wrong_id = Some(Failure {
                    verdict,
                    part,
                    told: None,
                });
                self.phase = Phase::Step(at + 1);
            }
            _ => {
                self.fail(at, verdict);
                if let Some(failure) = self.failure.as_mut().filter(|_| good) {
                    failure.told = Some(at);
                }
            }
        }
    }

    /// A masked value that does not fit what is stored is no value at all.
    fn mismatch(&self, at: usize) -> Option<Verdict<'p>> {
        let rules = self.plan.program.unchanged.iter();
        let wrong = rules.filter(|rule| rule.stored.step == at).find(|rule| {
            let plain = self.plan.values.get(rule.field).filter(|_| rule.plain);
            let sent = self.plan.values.masked(rule.field).or(plain);
            let stored = self.replies.text(&rule.stored);
            rule.when
                .holds(&self.facts(self.plan.program.steps[at].part, None))
                && sent.is_some_and(|sent| !stored.is_some_and(|stored| may_be_same(sent, &stored)))
        })?;
        let tables = self.plan.tables;
        let name = &tables.dictionary.get(wrong.field).name;
        let detail = " (is not the stored one)";
        Some(tables.flags.local(wrong.refusal, name, detail))
    }
}
