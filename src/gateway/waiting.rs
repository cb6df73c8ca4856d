//! How long a connection may wait for its client, and that it ends at the shutdown.
//!
//! hyper has a limit of its own for a request's head; it sets and clears a timer for each request. Here a request leaves a
//! note of the time, and one timer of the connection looks at it now and then.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may take for the head of a request, and how long an idle connection is kept.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// While a request is under way.
const BUSY: u64 = u64::MAX;

/// Since when a connection waits for a request.
pub(super) struct Waiting {
    opened: Instant,
    /// In milliseconds after it was opened: 0 before the first request, more after one.
    since: AtomicU64,
    /// Changes once, at the shutdown.
    closing: watch::Receiver<bool>,
}

impl Waiting {
    /// That of a connection which has just been opened.
    pub(super) fn new(closing: watch::Receiver<bool>) -> Waiting {
        Waiting {
            opened: Instant::now(),
            since: AtomicU64::new(0),
            closing,
        }
    }

    /// A request came.
    pub(super) fn ends(&self) {
        self.since.store(BUSY, Ordering::Relaxed);
    }

    /// It was answered, and another may come.
    pub(super) fn begins(&self) {
        self.since.store(self.millis().max(1), Ordering::Relaxed);
    }

    /// Whether no more requests are to be taken.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.has_changed().unwrap_or(true)
    }

    fn millis(&self) -> u64 {
        // A connection does not live for an age of the world.
        self.opened.elapsed().as_millis() as u64
    }

    /// How long it may still wait.
    fn left(&self) -> Duration {
        let waited = match self.since.load(Ordering::Relaxed) {
            BUSY => 0,
            since => self.millis().saturating_sub(since),
        };
        PATIENCE.saturating_sub(Duration::from_millis(waited))
    }

    /// Serves the connection: to its end, or until it has waited for too long. At the shutdown one ends at once if no request
    /// has come by then, for hyper would wait for one.
    pub(super) async fn serve(&self, mut served: Pin<&mut impl Future<Output = ()>>) {
        let mut closing = self.closing.clone();
        // Neither may be put off: they are asked but once.
        let mut closed = pin!(unconstrained(closing.changed()));
        let mut timer = pin!(sleep(self.left()));
        // Who wakes the connection knows it from the first time on; with each request both are but looked at.
        let mut known: Option<Waker> = None;
        let mut told = false;
        poll_fn(|context: &mut Context<'_>| {
            if served.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let own = context.waker();
            if !known.as_ref().is_some_and(|known| known.will_wake(own)) {
                if !told && closed.as_mut().poll(context).is_ready() {
                    told = true;
                    // What is served was not told yet.
                    own.wake_by_ref();
                }
                look_at(timer.as_mut(), context);
                known = Some(own.clone());
            }
            if self.is_closing() && self.since.load(Ordering::Relaxed) == 0 {
                return Poll::Ready(());
            }
            while timer.is_elapsed() {
                match self.left() {
                    Duration::ZERO => return Poll::Ready(()),
                    left => timer.as_mut().reset(Instant::now() + left),
                }
                look_at(timer.as_mut(), context);
            }
            Poll::Pending
        })
        .await;
    }
}

/// Has a timer know whom to wake. Whether it has elapsed it says itself.
fn look_at(timer: Pin<&mut Sleep>, context: &mut Context<'_>) {
    let _elapsed = pin!(unconstrained(timer)).poll(context);
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::coop::consume_budget;
    use tokio::time::{advance, timeout};

    use super::*;

    fn waiting() -> (watch::Sender<bool>, Waiting) {
        let (closing, closed) = watch::channel(false);
        (closing, Waiting::new(closed))
    }

    /// Whether a connection on which nothing happens ends within so many seconds.
    async fn ends(waiting: &Waiting, seconds: u64) -> bool {
        let within = Duration::from_secs(seconds);
        let serving = async { waiting.serve(pin!(pending())).await };
        timeout(within, serving).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_served_to_its_end() {
        let (_closing, waiting) = waiting();
        let begun = Instant::now();
        let served = pin!(sleep(Duration::from_secs(3)));
        waiting.serve(served).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_for_a_while() {
        let (_closing, waiting) = waiting();
        assert!(!ends(&waiting, 29).await);
        assert!(ends(&waiting, 2).await);
    }

    /// One that had more to do than a task may do at a time before it fell silent.
    #[tokio::test(start_paused = true)]
    async fn a_busy_connection_is_no_exception() {
        let (_closing, waiting) = waiting();
        let served = pin!(async {
            for _ in 0..1000 {
                consume_budget().await;
            }
            pending().await
        });
        let ended = timeout(PATIENCE * 2, waiting.serve(served)).await;
        ended.expect("it ends in time");
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_shutdown_only_a_connection_without_a_request_ends() {
        for (came, ended) in [(false, true), (true, false)] {
            let (closing, waiting) = waiting();
            assert!(!waiting.is_closing());
            let shutdown = async {
                tokio::task::yield_now().await;
                if came {
                    waiting.ends();
                    waiting.begins();
                }
                closing.send_replace(true);
                assert!(waiting.is_closing());
            };
            let (has_ended, ()) = tokio::join!(ends(&waiting, 1), shutdown);
            assert_eq!(has_ended, ended);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_request_does_not_count() {
        let (_closing, waiting) = waiting();
        advance(Duration::from_secs(20)).await;
        waiting.ends();
        assert!(!ends(&waiting, 100).await);
        waiting.begins();
        assert!(!ends(&waiting, 29).await);
        assert!(ends(&waiting, 2).await);
    }

    /// One timer looks now and then, for as long as the connection lives.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_used_is_kept() {
        let (_closing, waiting) = waiting();
        let used = async {
            for _ in 0..10 {
                sleep(Duration::from_secs(20)).await;
                waiting.ends();
                waiting.begins();
            }
            Instant::now()
        };
        let ended = async {
            waiting.serve(pin!(pending())).await;
            Instant::now()
        };
        let (last, ended) = tokio::join!(used, ended);
        let waited = ended - last;
        assert!(
            waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(1),
            "{waited:?}"
        );
    }
}
