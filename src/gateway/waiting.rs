//! How long a connection may wait for its client.
//!
//! hyper has a limit of its own for a request's head; it sets and clears a timer for each request. Here a request leaves a
//! note of the time, and one timer of the connection looks at it now and then.

use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long a client may take for the head of a request, and how long an idle connection is kept.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// While a request is under way.
const BUSY: u64 = u64::MAX;

/// Since when a connection waits for a request.
pub(super) struct Waiting {
    opened: Instant,
    /// In milliseconds after it was opened: 0 before the first request, more after one.
    since: AtomicU64,
}

impl Waiting {
    /// That of a connection which has just been opened.
    pub(super) fn new() -> Waiting {
        Waiting {
            opened: Instant::now(),
            since: AtomicU64::new(0),
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

    fn millis(&self) -> u64 {
        // A connection does not live for an age of the world.
        self.opened.elapsed().as_millis() as u64
    }

    /// Ends when the connection has waited for too long.
    pub(super) async fn outlasted(self: Arc<Self>) {
        loop {
            let waited = match self.since.load(Ordering::Relaxed) {
                BUSY => 0,
                since => self.millis().saturating_sub(since),
            };
            let left = PATIENCE.saturating_sub(Duration::from_millis(waited));
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    /// Ends at the shutdown, if no request has come by then: hyper would wait for one.
    pub(super) async fn silent(self: Arc<Self>, mut closing: watch::Receiver<bool>) {
        let mut closed = pin!(async move {
            if closing.wait_for(|closing| *closing).await.is_err() {
                pending::<()>().await;
            }
        });
        // Once a request came it is hyper's affair, and is not asked again with each request.
        poll_fn(|context| match self.since.load(Ordering::Relaxed) {
            0 => closed.as_mut().poll(context),
            _ => Poll::Pending,
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    /// Whether it ends within so many seconds.
    async fn ends(waiting: &Arc<Waiting>, seconds: u64) -> bool {
        let within = Duration::from_secs(seconds);
        timeout(within, waiting.clone().outlasted()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_for_a_while() {
        let waiting = Arc::new(Waiting::new());
        assert!(!ends(&waiting, 29).await);
        assert!(ends(&waiting, 2).await);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_shutdown_only_a_connection_without_a_request_ends() {
        for (came, ended) in [(false, true), (true, false)] {
            let (closing, closed) = watch::channel(false);
            let waiting = Arc::new(Waiting::new());
            let silent = tokio::spawn(waiting.clone().silent(closed));
            tokio::task::yield_now().await;
            if came {
                waiting.ends();
                waiting.begins();
            }
            closing.send_replace(true);
            let silent = timeout(Duration::from_secs(1), silent).await;
            assert_eq!(silent.is_ok(), ended);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_request_does_not_count() {
        let waiting = Arc::new(Waiting::new());
        advance(Duration::from_secs(20)).await;
        waiting.ends();
        assert!(!ends(&waiting, 100).await);
        waiting.begins();
        assert!(!ends(&waiting, 29).await);
        assert!(ends(&waiting, 2).await);
    }
}
