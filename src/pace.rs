//! Requests in step.
//!
//! The code that a request runs through is far larger than the processor's first cache, and is loaded anew for each. Where
//! many are at work on a thread, each stops at a few places for the others to get there: then one after the other runs the
//! same piece of code while it is loaded. Under load that saves a twentieth of a request's time (docs/performance.md);
//! where there is none, it costs next to nothing.

use std::cell::Cell;
use std::future::poll_fn;
use std::mem::replace;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use crate::pages::{self, Pages};
use crate::workers;

/// With so many requests under way a gateway is at work: one shop's customers seldom are as many at a time.
const MANY: usize = 12;
/// Most of so many wait for REST, as a rule, and what matters is the memory that each of them holds.
const CROWD: usize = 128;
/// So few are no crowd any more: well below, lest it goes to and fro.
const LULL: usize = 96;

/// How many requests are under way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How many stops were made on this thread.
    static STOPS: Cell<u32> = const { Cell::new(0) };
    /// Whether others came by when somebody gathered last.
    static IN_COMPANY: Cell<bool> = const { Cell::new(false) };
}

/// A request is under way as long as this lives.
#[must_use]
pub struct UnderWay(());

impl UnderWay {
    /// Begins.
    pub fn begin() -> UnderWay {
        if matches!(UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1, MANY | CROWD) {
            pages::choose(fitting);
        }
        UnderWay(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if UNDER_WAY.fetch_sub(1, Ordering::SeqCst) - 1 == LULL {
            pages::choose(fitting);
        }
    }
}

/// The pages that fit what is under way; none where those that were chosen last do.
fn fitting() -> Option<Pages> {
    match UNDER_WAY.load(Ordering::SeqCst) {
        MANY..=LULL => Some(Pages::Large),
        CROWD.. => Some(Pages::Small),
        _ => None,
    }
}

/// Looks for others that can run: where something came that a request waited for.
pub async fn gather() {
    let in_company = UNDER_WAY.load(Ordering::Relaxed) > workers::count() && met_others().await;
    IN_COMPANY.set(in_company);
}

/// Lets the others get to where this request is, if the last one that gathered met any.
pub async fn step() {
    if IN_COMPANY.get() {
        met_others().await;
    }
}

/// Goes to the end of the line of those that can run; whether anyone stopped meanwhile.
async fn met_others() -> bool {
    let own = STOPS.get().wrapping_add(1);
    STOPS.set(own);
    let mut waited = false;
    poll_fn(|context| {
        if replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    // With a runtime that moves tasks between threads it may say nothing, and is mended when the next one gathers.
    STOPS.get() != own
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The order in which requests do two things each, on one thread.
    async fn order(requests: &[&'static str]) -> String {
        // As many as are more than any machine's threads.
        let _others: Vec<UnderWay> = (0..=workers::count()).map(|_| UnderWay::begin()).collect();
        let done = Arc::new(Mutex::new(String::new()));
        let request = |name: &'static str| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                gather().await;
                for what in ["1 ", "2 "] {
                    step().await;
                    done.lock().expect("no panic").extend([name, what]);
                }
            })
        };
        let tasks: Vec<_> = requests.iter().copied().map(request).collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        done.lock().expect("no panic").clone()
    }

    #[tokio::test]
    async fn many_go_in_step_and_one_alone_does_not_stop() {
        assert_eq!(order(&["a", "b", "c"]).await, "a1 b1 c1 a2 b2 c2 ");
        let before = STOPS.get();
        assert_eq!(order(&["a"]).await, "a1 a2 ");
        assert_eq!(STOPS.get(), before + 1);
    }
}
