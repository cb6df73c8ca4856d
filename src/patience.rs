//! Waiting for something, but not for ever.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

/// Waits for no longer than `limit`. What is ready at once, as most of what a request waits for is, costs no timer and no
/// look at the clock.
pub async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    if let Some(done) = at_once(future.as_mut()).await {
        return Ok(done);
    }
    timeout(limit, future).await
}

/// Waits until `end`, which is asked for only where something is not ready at once.
pub async fn until<F: Future>(
    end: impl FnOnce() -> Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    if let Some(done) = at_once(future.as_mut()).await {
        return Ok(done);
    }
    timeout_at(end(), future).await
}

/// What comes of a future that is ready.
async fn at_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_at_once_asks_for_no_time() {
        let never = || panic!("the time was asked for");
        assert_eq!(until(never, ready(1)).await, Ok(1));
        assert_eq!(within(Duration::ZERO, ready(1)).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_ready_is_waited_for_as_long_as_is_said() {
        let limit = Duration::from_secs(2);
        let slow = async |seconds| {
            sleep(Duration::from_secs(seconds)).await;
            seconds
        };
        assert_eq!(within(limit, slow(1)).await, Ok(1));
        let begun = Instant::now();
        assert!(within(limit, slow(3)).await.is_err());
        assert_eq!(begun.elapsed(), limit);
        assert!(within(limit, pending::<()>()).await.is_err());
        // No limit is too long.
        assert_eq!(within(Duration::MAX, slow(1)).await, Ok(1));
    }
}
