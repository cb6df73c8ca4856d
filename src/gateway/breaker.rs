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
pub struct Breaker {
    failures_max: u32,
    first_pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
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
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        if let Some(left) = state
            .paused
            .and_then(|until| until.checked_duration_since(now))
            && !left.is_zero()
        {
            return Err(left);
        }
        match (state.pause, state.trying) {
            (None, _) => Ok(()),
            (Some(_), false) => {
                state.trying = true;
                Ok(())
            }
            (Some(pause), true) => Err(pause),
        }
    }

    /// Takes what became of a call that was admitted. What time it is matters only where it did not go well.
    pub fn ended(&self, now: impl FnOnce() -> Instant, outcome: &Outcome) {
        let mut state = self.state();
        state.trying = false;
        let (asked, failed) = (patience(outcome), is_failure(outcome));
        if !failed {
            (state.failures, state.pause) = (0, None);
        }
        if asked.is_none() && !failed {
            return;
        }
        let now = now();
        if let Some(asked) = asked {
            state.paused = Some(now + asked.min(PAUSE_MAX));
        }
        if !failed {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if self.failures_max > 0 && state.failures >= self.failures_max {
            let next = state.pause.map_or(self.first_pause, |pause| pause * 2);
            // Calls that were under way when the pause began do not make it longer.
            let running = state.paused.is_some_and(|until| until > now);
            if !running {
                state.pause = Some(next.min(PAUSE_MAX));
                state.paused = Some(now + next.min(PAUSE_MAX));
            }
        }
    }

    /// A call that was admitted is given up before its end.
    pub fn given_up(&self) {
        self.state().trying = false;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the host asks to be left alone.
fn patience(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Answered(answer) if matches!(answer.status, 429 | 503) => answer.retry_after,
        _ => None,
    }
}

fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        // What is wrong on this side, or cannot be read here, says nothing of the host.
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

    fn open(now: Instant) -> Breaker {
        let breaker = Breaker::new(3, SECOND);
        for _ in 0..3 {
            breaker.admit(now).expect("free");
            breaker.ended(|| now, &lost());
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_call_tries() {
        let now = Instant::now();
        let breaker = open(now);
        assert_eq!(breaker.admit(now), Err(SECOND));
        let later = now + SECOND;
        assert_eq!(breaker.admit(later), Ok(()));
        assert!(breaker.admit(later).is_err(), "one is enough");
        breaker.ended(|| later, &lost());
        assert_eq!(breaker.admit(later), Err(2 * SECOND));
        let later = later + 2 * SECOND;
        assert_eq!(breaker.admit(later), Ok(()));
        breaker.ended(|| later, &answer(400, None));
        assert_eq!(
            (breaker.admit(later), breaker.admit(later)),
            (Ok(()), Ok(()))
        );
    }

    #[test]
    fn an_answer_between_keeps_it_closed() {
        let now = Instant::now();
        let breaker = Breaker::new(3, SECOND);
        for outcome in [lost(), lost(), answer(201, None), lost(), lost()] {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.ended(|| now, &outcome);
        }
        assert_eq!(breaker.admit(now), Ok(()));
    }

    #[test]
    fn a_host_gets_the_patience_that_it_asks_for() {
        let now = Instant::now();
        let breaker = Breaker::new(0, SECOND);
        breaker.ended(|| now, &answer(429, Some(2)));
        assert_eq!(breaker.admit(now), Err(2 * SECOND));
        assert_eq!(breaker.admit(now + 2 * SECOND), Ok(()));
        breaker.ended(|| now, &answer(503, Some(100_000)));
        assert_eq!(breaker.admit(now), Err(PAUSE_MAX));
    }
}
