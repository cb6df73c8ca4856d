//! Sending a call to a host that may fail: not at all while it is left alone, and again where that is safe.

use std::time::{Duration, Instant};

use http::Method;

use crate::random;
use crate::rest::{Answer, Call, Failure, Outcome};

use super::merchants::Merchant;

/// How often a call is made again at most.
const REPEATS_MAX: u32 = 2;
/// Before it is made again, for the first time; twice as long for the second.
const PAUSE: Duration = Duration::from_millis(100);
/// A host that asks for more patience than this gets it from the next request.
const PATIENCE_MAX: Duration = Duration::from_secs(2);

/// Makes a call before a deadline.
pub async fn send(merchant: &Merchant, call: &Call, deadline: Instant) -> Outcome {
    let mut lost = None;
    let mut repeats = 0;
    loop {
        let outcome = once(merchant, call, deadline).await;
        let pause = pause(call, &outcome, repeats);
        let Some(pause) = pause.filter(|pause| Instant::now() + *pause < deadline) else {
            return settled(call, outcome, lost, || host(merchant));
        };
        if may_be_done(&outcome) {
            // What is rare is put in a box: every request's task would have room for it.
            lost = Some(Box::new(outcome));
        }
        tokio::time::sleep(pause).await;
        repeats += 1;
    }
}

/// Makes a call once, unless its host is left alone.
async fn once(merchant: &Merchant, call: &Call, deadline: Instant) -> Outcome {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    if left.is_zero() {
        return Outcome::NotSent(Failure::Timeout {
            host: host(merchant),
            limit: left,
        });
    }
    let admitted = match merchant.breaker().admit(now) {
        Ok(admitted) => admitted,
        Err(pause) => {
            let host = host(merchant);
            return Outcome::NotSent(Failure::Paused { host, pause });
        }
    };
    let outcome = merchant.account().send_within(call, now.into(), left).await;
    admitted.ended(Instant::now, &outcome);
    believed(merchant, outcome)
}

/// A refusal that is no JSON object is not the API's: something on the way made it, perhaps of a reply to what was done.
/// Only that nobody is let in, or not now, is believed of anyone: it comes before any work.
fn believed(merchant: &Merchant, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Answered(answer) if is_foreign(&answer) => Outcome::Unknown(Failure::Foreign {
            host: merchant.account().host().to_owned(),
            status: answer.status,
        }),
        outcome => outcome,
    }
}

fn is_foreign(answer: &Answer) -> bool {
    let is_judged = matches!(answer.status, 401 | 403 | 408 | 429);
    (400..=499).contains(&answer.status)
        && !is_judged
        && !answer.body.trim_ascii_start().starts_with(b"{")
}

/// Whether the work may have been done, though nobody says so.
fn may_be_done(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unknown(_) => true,
        Outcome::Answered(answer) => matches!(answer.status, 408 | 500..),
        Outcome::NotSent(_) => false,
    }
}

fn host(merchant: &Merchant) -> String {
    merchant.account().host().to_owned()
}

/// How long to wait before the call is made again; nothing where it is not.
fn pause(call: &Call, outcome: &Outcome, repeats: u32) -> Option<Duration> {
    let asked = match outcome {
        // Left alone is left alone.
        Outcome::NotSent(Failure::Paused { .. } | Failure::Timeout { .. }) => return None,
        Outcome::NotSent(
            Failure::Resolve { .. } | Failure::Connect { .. } | Failure::ConnectTimeout { .. },
        ) => None,
        // A POST of which bytes were written is not repeated, though the host says that it did nothing.
        Outcome::NotSent(Failure::NotTaken { .. }) if is_safe(call) => None,
        Outcome::NotSent(_) => return None,
        // What came and cannot be read will not be read the next time either.
        Outcome::Unknown(Failure::Timeout { .. } | Failure::Cut { .. }) if is_safe(call) => None,
        Outcome::Answered(answer) if is_safe(call) && is_passing(answer) => answer.retry_after,
        Outcome::Unknown(_) | Outcome::Answered(_) => return None,
    };
    if repeats >= REPEATS_MAX || asked.is_some_and(|asked| asked > PATIENCE_MAX) {
        return None;
    }
    let own = PAUSE * 2_u32.pow(repeats);
    Some(asked.unwrap_or_default() + own / 2 + jitter(own))
}

/// Whether a call does no more when it is made twice.
fn is_safe(call: &Call) -> bool {
    match call.method {
        Method::GET | Method::DELETE => true,
        // The second meets the first one's change, and is refused.
        Method::PATCH => call.if_match.is_some(),
        _ => false,
    }
}

fn is_passing(answer: &Answer) -> bool {
    matches!(answer.status, 429 | 502..=504)
}

/// What is known of a call after its last attempt, an earlier one of which was lost.
fn settled(
    call: &Call,
    outcome: Outcome,
    lost: Option<Box<Outcome>>,
    host: impl FnOnce() -> String,
) -> Outcome {
    let Some(lost) = lost.filter(|_| call.method != Method::GET) else {
        return outcome;
    };
    match outcome {
        // Something that is gone after a deletion whose answer got lost was deleted by it.
        Outcome::Answered(answer)
            if call.method == Method::DELETE && matches!(answer.status, 404 | 410) =>
        {
            Outcome::Answered(Answer {
                status: 204,
                body: Default::default(),
                ..answer
            })
        }
        Outcome::Answered(answer) if answer.status == 412 => {
            Outcome::Unknown(Failure::Changed { host: host() })
        }
        // That this one was refused says nothing of the other.
        Outcome::Answered(answer)
            if (400..=499).contains(&answer.status) && !matches!(answer.status, 404 | 410) =>
        {
            *lost
        }
        Outcome::NotSent(_) => *lost,
        outcome => outcome,
    }
}

/// Up to so much, so that many do not come at once.
fn jitter(most: Duration) -> Duration {
    // Without entropy there is no jitter.
    let [random] = random::bytes().unwrap_or_default();
    most * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, if_match: Option<&str>) -> Call {
        Call {
            method,
            path: "/".into(),
            if_match: if_match.map(str::to_owned),
            body: None,
            sealable: false,
            accept: Default::default(),
        }
    }

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer {
            status,
            etag: None,
            retry_after: None,
            body: body.into(),
            in_clear: false,
        }
    }

    fn lost() -> Outcome {
        Outcome::Unknown(Failure::Cut {
            host: "h".into(),
            reason: "r".into(),
        })
    }

    #[test]
    fn no_post_that_was_sent_is_made_again() {
        let post = call(Method::POST, None);
        assert_eq!(pause(&post, &lost(), 0), None);
        assert_eq!(pause(&call(Method::PATCH, None), &lost(), 0), None);
        let refused = Outcome::NotSent(Failure::Connect {
            host: "h".into(),
            reason: "r".into(),
        });
        assert!(pause(&post, &refused, 0).is_some());
        assert_eq!(pause(&post, &refused, REPEATS_MAX), None);
        let not_taken = Outcome::NotSent(Failure::NotTaken {
            host: "h".into(),
            reason: "r",
        });
        assert_eq!(pause(&post, &not_taken, 0), None);
        for safe in [
            call(Method::GET, None),
            call(Method::DELETE, None),
            call(Method::PATCH, Some("\"1\"")),
        ] {
            assert!(pause(&safe, &lost(), 0).is_some());
            assert!(pause(&safe, &not_taken, 0).is_some());
        }
    }

    #[test]
    fn what_is_gone_after_a_lost_deletion_was_deleted() {
        let gone = || Outcome::Answered(answer(410, "{}"));
        let status = |outcome| match outcome {
            Outcome::Answered(answer) => answer.status,
            _ => 0,
        };
        let delete = call(Method::DELETE, None);
        let host = String::new;
        let get = call(Method::GET, None);
        assert_eq!(
            status(settled(&delete, gone(), Some(Box::new(lost())), host)),
            204
        );
        assert_eq!(status(settled(&delete, gone(), None, host)), 410);
        assert_eq!(
            status(settled(&get, gone(), Some(Box::new(lost())), host)),
            410
        );
    }

    #[test]
    fn what_may_have_been_changed_by_a_lost_call_stays_unknown() {
        let patch = call(Method::PATCH, Some("\"1\""));
        let answered = |status| Outcome::Answered(answer(status, "{}"));
        let refused = || {
            Outcome::NotSent(Failure::Connect {
                host: "h".into(),
                reason: "r".into(),
            })
        };
        let after = |outcome, lost| settled(&patch, outcome, lost, || "h".into());
        for outcome in [
            refused(),
            answered(429),
            answered(401),
            answered(403),
            answered(400),
            answered(409),
        ] {
            assert_eq!(after(outcome.clone(), Some(Box::new(lost()))), lost());
            assert_eq!(after(outcome.clone(), None), outcome);
        }
        let changed = Outcome::Unknown(Failure::Changed { host: "h".into() });
        assert_eq!(after(answered(412), Some(Box::new(lost()))), changed);
        assert_eq!(after(answered(412), None), answered(412));
        assert_eq!(after(answered(200), Some(Box::new(lost()))), answered(200));
    }

    #[test]
    fn a_refusal_that_is_not_the_apis_is_believed_at_the_door_only() {
        for status in [400, 404, 410] {
            assert!(is_foreign(&answer(status, "<html>")), "{status}");
            assert!(is_foreign(&answer(status, "")), "{status}");
            assert!(!is_foreign(&answer(status, " {}")), "{status}");
        }
        // A redirection leads elsewhere; what is unknown by its status, or cannot be read, is judged as such.
        for status in [200, 301, 401, 403, 408, 429, 502] {
            assert!(!is_foreign(&answer(status, "<html>")), "{status}");
        }
    }

    #[test]
    fn what_a_servers_error_hides_may_be_done() {
        for (status, hides) in [
            (408, true),
            (502, true),
            (504, true),
            (429, false),
            (410, false),
        ] {
            let outcome = Outcome::Answered(answer(status, "{}"));
            assert_eq!(may_be_done(&outcome), hides, "{status}");
        }
    }
}
