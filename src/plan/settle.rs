//! What becomes of a call whose outcome is not known: the ways in which it is settled, tried one after the other.
//!
//! A [`Task`] is a state machine without clock or network, like the execution that it comes from: whoever drives it makes
//! [`Task::call`], waits as long as it should, and says what came of it. It holds no card data, for it is written down.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::mapping::flags::{Flags, Means};
use crate::rest::{Accept, Call, Outcome};

/// How often in a row REST must say that there is nothing to settle: the lost call may still be on its way.
const ABSENT_ENOUGH: u8 = 2;

/// A call that settles another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The family of operations, by which the answer is judged.
    pub group: String,
    /// Whether it is the lost call itself, once more.
    #[serde(default)]
    pub again: bool,
    /// Whether REST takes its body sealed.
    #[serde(default)]
    pub sealable: bool,
}

/// Something to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The step that it settles.
    pub step: String,
    /// The ways, in the order in which they are tried.
    pub ways: Vec<Way>,
    /// The way that is tried now.
    #[serde(default)]
    pub at: usize,
    /// How many attempts were made.
    #[serde(default)]
    pub attempts: u32,
    /// Whether an attempt is under way: one that is found so was cut off.
    #[serde(default)]
    under_way: bool,
    /// Whether an attempt at this way had no answer: it may have done it.
    #[serde(default)]
    unanswered: bool,
    /// How often in a row there was nothing to settle.
    #[serde(default)]
    absent: u8,
    /// Whether something is left behind once it is settled, that only an operator can find.
    #[serde(default)]
    leaves: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// What was lost is taken back, or carried out after all where it was to be.
    Settled,
    /// What was lost had not been carried out.
    Absent,
    /// It cannot be settled: an operator has to look.
    Stuck,
}

impl Task {
    /// A task to settle a step; one without ways is stuck from the start.
    pub fn new(step: &str, ways: Vec<Way>) -> Task {
        Task {
            step: step.to_owned(),
            end: ways.is_empty().then_some(End::Stuck),
            ways,
            at: 0,
            attempts: 0,
            under_way: false,
            unanswered: false,
            absent: 0,
            leaves: false,
        }
    }

    /// The same, where something is left behind once it is settled that only an operator can find.
    pub fn leaving(self, leaves: bool) -> Task {
        Task { leaves, ..self }
    }

    /// An attempt is about to be made: to be on record before it is.
    pub fn attempted(&mut self) {
        self.unanswered |= self.under_way;
        self.under_way = true;
        self.attempts += 1;
    }

    /// Whether the call at hand may be made at once: it takes nothing back that may still be on its way.
    pub fn is_prompt(&self) -> bool {
        self.ways.get(self.at).is_some_and(|way| way.again)
    }

    /// The call to make now; nothing once it has ended.
    pub fn call(&self) -> Option<Call> {
        let way = self.ways.get(self.at).filter(|_| self.end.is_none())?;
        Some(Call {
            method: Method::from_bytes(way.method.as_bytes()).ok()?,
            path: way.path.clone(),
            if_match: None,
            body: way.body.clone().map(Into::into),
            sealable: way.sealable,
            accept: Accept::Json,
        })
    }

    /// Takes what became of the call. Whether another should be made at once: the next way.
    pub fn answered(&mut self, flags: &Flags, outcome: &Outcome) -> bool {
        self.under_way = false;
        let Some(way) = self.ways.get(self.at) else {
            self.end = Some(End::Stuck);
            return false;
        };
        let answer = match outcome {
            Outcome::NotSent(_) => return false,
            Outcome::Unknown(_) => {
                self.unanswered = true;
                return false;
            }
            Outcome::Answered(answer) => answer,
        };
        let means = flags.means(&way.group, answer.status, answer.body.clone());
        let done_by_us = way.again || self.unanswered;
        match means {
            Some(Means::Settled) => self.end = Some(self.settled()),
            Some(Means::Already) if done_by_us => self.end = Some(self.settled()),
            Some(Means::Already) if self.at + 1 < self.ways.len() => {
                (self.at, self.unanswered, self.absent) = (self.at + 1, false, 0);
                return true;
            }
            Some(Means::Already | Means::Stuck) => self.end = Some(End::Stuck),
            Some(Means::Absent) => {
                self.absent += 1;
                self.end = (self.absent >= ABSENT_ENOUGH).then_some(End::Absent);
            }
            None => self.unanswered |= matches!(answer.status, 408 | 500..),
        }
        false
    }
}

impl Task {
    fn settled(&self) -> End {
        if self.leaves {
            End::Stuck
        } else {
            End::Settled
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{compile::compile, source};
    use crate::rest::{Answer, Failure};

    fn way(path: &str, again: bool) -> Way {
        Way {
            method: "POST".into(),
            path: path.into(),
            body: Some("{}".into()),
            group: "pts".into(),
            again,
            sealable: false,
        }
    }

    fn answer(status: u16, body: &str) -> Outcome {
        Outcome::Answered(Answer {
            status,
            etag: None,
            date: None,
            retry_after: None,
            body: body.to_owned().into(),
            in_clear: false,
        })
    }

    fn lost() -> Outcome {
        Outcome::Unknown(Failure::Cut {
            host: "h".into(),
            reason: "r".into(),
        })
    }

    fn end(ways: Vec<Way>, outcomes: &[Outcome]) -> (Option<End>, usize) {
        let flags = compile(&source::embedded()).expect("tables").flags;
        let mut task = Task::new("payment", ways);
        for outcome in outcomes {
            assert!(task.call().is_some(), "no call is left");
            task.attempted();
            task.answered(&flags, outcome);
        }
        (task.end, task.at)
    }

    const REVERSED: &str = r#"{"status":"REVERSED"}"#;
    const NOTHING: &str = r#"{"status":"INVALID_REQUEST","reason":"INVALID_DATA"}"#;
    const NOT_VOIDABLE: &str = r#"{"status":"INVALID_REQUEST","reason":"NOT_VOIDABLE"}"#;

    #[test]
    fn a_definite_answer_ends_it() {
        let ways = || vec![way("/r", false)];
        assert_eq!(end(ways(), &[answer(201, REVERSED)]).0, Some(End::Settled));
        assert_eq!(end(ways(), &[lost(), answer(503, "<html>")]).0, None);
        let settled = r#"{"reason":"TRANSACTION_ALREADY_SETTLED"}"#;
        assert_eq!(end(ways(), &[answer(400, settled)]).0, Some(End::Stuck));
    }

    #[test]
    fn that_there_is_nothing_must_be_said_twice() {
        let ways = || vec![way("/r", false)];
        assert_eq!(end(ways(), &[answer(400, NOTHING)]).0, None);
        let twice = [answer(400, NOTHING), lost(), answer(400, NOTHING)];
        assert_eq!(end(ways(), &twice).0, Some(End::Absent));
    }

    #[test]
    fn a_sale_that_cannot_be_voided_is_reversed() {
        let ways = || vec![way("/v", false), way("/r", false)];
        let outcomes = [answer(400, NOT_VOIDABLE), answer(201, REVERSED)];
        assert_eq!(end(ways(), &outcomes), (Some(End::Settled), 1));
        // Voided by an attempt whose answer got lost.
        let outcomes = [lost(), answer(400, NOT_VOIDABLE)];
        assert_eq!(end(ways(), &outcomes), (Some(End::Settled), 0));
        assert_eq!(
            end(vec![way("/v", false)], &[answer(400, NOT_VOIDABLE)]).0,
            Some(End::Stuck)
        );
    }

    #[test]
    fn an_attempt_that_was_cut_off_may_have_done_it() {
        let flags = compile(&source::embedded()).expect("tables").flags;
        let mut task = Task::new("capture", vec![way("/v", false)]);
        task.attempted();
        let text = serde_json::to_string(&task).expect("JSON");
        let mut task: Task = serde_json::from_str(&text).expect("a task");
        task.attempted();
        task.answered(&flags, &answer(400, NOT_VOIDABLE));
        assert_eq!(task.end, Some(End::Settled));
    }

    #[test]
    fn a_void_that_cannot_be_repeated_was_carried_out() {
        let outcomes = [answer(400, NOT_VOIDABLE)];
        assert_eq!(end(vec![way("/v", true)], &outcomes).0, Some(End::Settled));
    }

    #[test]
    fn without_a_way_an_operator_has_to_look() {
        let task = Task::new("customer", Vec::new());
        assert_eq!((task.end, task.call()), (Some(End::Stuck), None));
    }
}
