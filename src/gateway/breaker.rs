//! Leaving a REST host alone that fails: a call that will not be answered is better not made, for then nothing is unknown.
//!
//! After so many failures in a row no call is made for a while; then one call tries it, and the others follow once it is
//! answered. What counts as a failure is a host that cannot be reached, does not answer, or answers as a proxy does before
//! a dead host: 5xx without a JSON object. A host that asks for patience by `Retry-After` gets it, within bounds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::rest::{Failure, Outcome};

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is known of a host.
#[derive(Debug)]
pub struct Breaker {
    failures_max: u32,
    first_pause: Duration,
    state: Mutex<State>,
}

/// A call that may be made.
#[derive(Debug)]
#[must_use]
pub struct Admitted<'b> {
    breaker: &'b Breaker,
    /// Whether it is the one that tries the host.
    tries: bool,
}

/// What a call's end says of its host.
#[derive(PartialEq)]
enum Said {
    Well,
    /// What went wrong on this side, or came and cannot be read here.
    Nothing,
    Failed,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// No call is made before this.
    paused: Option<Instant>,
    /// How long the latest pause was; none while calls are made freely.
    pause: Option<Duration>,
    /// Whether one call tries the host.
    trying: bool,
}

impl Breaker {
    /// A host that nothing is known of. It is never left alone for failures if `failures_max` is 0.
    pub fn new(failures_max: u32, first_pause: Duration) -> Breaker {
        Breaker {
            failures_max,
            first_pause,
            state: Mutex::default(),
        }
    }

    /// Whether a call may be made at `now`; otherwise how long it is to wait.
    pub fn admit(&self, now: Instant) -> Result<Admitted<'_>, Duration> {
        let mut state = self.state();
        if let Some(left) = state
            .paused
            .and_then(|until| until.checked_duration_since(now))
            && !left.is_zero()
        {
            return Err(left);
        }
        let tries = state.pause.is_some();
        match state.pause {
            Some(pause) if state.trying => Err(pause),
            _ => {
                state.trying = tries;
                Ok(Admitted {
                    breaker: self,
                    tries,
                })
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted<'_> {
    /// Takes what became of the call. What time it is matters only where it did not go well.
    pub fn ended(self, now: impl FnOnce() -> Instant, outcome: &Outcome) {
        let (asked, said) = (patience(outcome), said(outcome));
        let mut state = self.breaker.state();
        if said == Said::Well {
            (state.failures, state.pause) = (0, None);
        }
        if asked.is_none() && said != Said::Failed {
            return;
        }
        let now = now();
        let running = state.paused.is_some_and(|until| until > now);
        if let Some(asked) = asked {
            state.paused = Some(now + asked.min(PAUSE_MAX));
        }
        if said != Said::Failed {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        let many = self.breaker.failures_max > 0 && state.failures >= self.breaker.failures_max;
        // Calls that were under way when the pause began do not make it longer.
        let late = !self.tries && (running || state.pause.is_some());
        if many && !late {
            let next = state
                .pause
                .map_or(self.breaker.first_pause, |pause| pause * 2);
            let next = next.min(PAUSE_MAX);
            state.pause = Some(next);
            state.paused = state.paused.max(Some(now + next));
        }
    }
}

/// However it ended, and though it was given up: another may try.
impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.tries {
            self.breaker.state().trying = false;
        }
    }
}

/// How long the host asks to be left alone. For no time is not at all: a call that looked at the clock a moment ago would
/// still be refused.
fn patience(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Answered(answer) if matches!(answer.status, 429 | 503) => {
            answer.retry_after.filter(|asked| !asked.is_zero())
        }
        _ => None,
    }
}

fn said(outcome: &Outcome) -> Said {
    let failed = match outcome {
        Outcome::Unknown(failure) => {
            matches!(failure, Failure::Timeout { .. } | Failure::Cut { .. })
        }
        Outcome::NotSent(failure) => matches!(
            failure,
            Failure::Resolve { .. }
                | Failure::Connect { .. }
                | Failure::ConnectTimeout { .. }
                | Failure::Tls { .. }
                | Failure::NotTaken { .. }
        ),
        Outcome::Answered(answer) => {
            answer.status >= 500 && !answer.body.trim_ascii_start().starts_with(b"{")
        }
    };
    match outcome {
        _ if failed => Said::Failed,
        Outcome::Answered(_) => Said::Well,
        Outcome::NotSent(_) | Outcome::Unknown(_) => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::Answer;

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(status: u16, retry_after: Option<u64>) -> Outcome {
        Outcome::Answered(Answer {
            status,
            etag: None,
            retry_after: retry_after.map(Duration::from_secs),
            body: "<html>".into(),
            in_clear: false,
        })
    }

    fn lost() -> Outcome {
        let failure = Failure::Cut {
            host: "h".into(),
            reason: "r".into(),
        };
        Outcome::Unknown(failure)
    }

    /// A call from its admission to its end.
    fn call(breaker: &Breaker, now: Instant, outcome: &Outcome) {
        let admitted = breaker.admit(now).expect("free");
        admitted.ended(|| now, outcome);
    }

    /// How long the next call is to wait.
    fn wait(breaker: &Breaker, now: Instant) -> Option<Duration> {
        breaker.admit(now).err()
    }

    fn open(now: Instant) -> Breaker {
        let breaker = Breaker::new(3, SECOND);
        for _ in 0..3 {
            call(&breaker, now, &lost());
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_call_tries() {
        let now = Instant::now();
        let breaker = open(now);
        assert_eq!(wait(&breaker, now), Some(SECOND));
        let later = now + SECOND;
        let tries = breaker.admit(later).expect("the one that tries");
        assert!(wait(&breaker, later).is_some(), "one is enough");
        tries.ended(|| later, &lost());
        assert_eq!(wait(&breaker, later), Some(2 * SECOND));
        let later = later + 2 * SECOND;
        call(&breaker, later, &answer(400, None));
        let both = (breaker.admit(later), breaker.admit(later));
        assert!(matches!(both, (Ok(_), Ok(_))));
    }

    #[test]
    fn one_that_is_given_up_lets_another_try() {
        let now = Instant::now();
        let breaker = open(now);
        drop(breaker.admit(now + SECOND).expect("the one that tries"));
        assert_eq!(wait(&breaker, now + SECOND), None);
    }

    #[test]
    fn what_went_wrong_here_says_nothing_of_the_host() {
        let now = Instant::now();
        let breaker = open(now);
        let busy = Outcome::NotSent(Failure::Busy { host: "h".into() });
        call(&breaker, now + SECOND, &busy);
        let tries = breaker.admit(now + SECOND).expect("another tries");
        assert!(wait(&breaker, now + SECOND).is_some(), "and only one");
        drop(tries);
    }

    #[test]
    fn only_the_one_that_tries_decides() {
        let now = Instant::now();
        let breaker = Breaker::new(3, SECOND);
        let under_way: Vec<Admitted<'_>> = (0..6).map(|_| breaker.admit(now).unwrap()).collect();
        let mut under_way = under_way.into_iter();
        for admitted in under_way.by_ref().take(3) {
            admitted.ended(|| now, &lost());
        }
        let later = now + SECOND;
        let tries = breaker.admit(later).expect("the one that tries");
        for admitted in under_way {
            admitted.ended(|| later, &lost());
        }
        assert_eq!(wait(&breaker, later), Some(SECOND), "one still tries");
        tries.ended(|| later, &lost());
        assert_eq!(wait(&breaker, later), Some(2 * SECOND));
    }

    #[test]
    fn an_answer_between_keeps_it_closed() {
        let now = Instant::now();
        let breaker = Breaker::new(3, SECOND);
        for outcome in [lost(), lost(), answer(201, None), lost(), lost()] {
            call(&breaker, now, &outcome);
        }
        assert_eq!(wait(&breaker, now), None);
    }

    #[test]
    fn a_host_gets_the_patience_that_it_asks_for() {
        let now = Instant::now();
        let breaker = Breaker::new(0, SECOND);
        call(&breaker, now, &answer(429, Some(2)));
        assert_eq!(wait(&breaker, now), Some(2 * SECOND));
        let later = now + 2 * SECOND;
        call(&breaker, later, &answer(503, Some(100_000)));
        assert_eq!(wait(&breaker, later), Some(PAUSE_MAX));
    }

    #[test]
    fn no_patience_is_asked_of_calls_that_are_about_to_be_made() {
        let earlier = Instant::now();
        let breaker = Breaker::new(0, SECOND);
        call(&breaker, earlier + SECOND, &answer(503, Some(0)));
        assert_eq!(wait(&breaker, earlier), None);
    }
}
