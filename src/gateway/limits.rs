//! How many requests are carried out at a time. One more waits in a short line, and beyond that is refused at once: a request
//! that waits longer than its client would be carried out unseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for requests under way.
pub struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    patience: Duration,
}

/// Held while a request is under way.
pub struct Place {
    _of_merchant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    /// So many, with a line of so many before them.
    pub fn new(count: usize, queue: usize, patience: Duration) -> Places {
        Places {
            free: Arc::new(Semaphore::new(count)),
            waiting: AtomicUsize::new(0),
            queue,
            patience,
        }
    }

    /// A place for a request of the merchant that has these places; none when all are taken, and the line is full or too slow.
    pub async fn take(&self, of_merchant: &Arc<Semaphore>) -> Option<Place> {
        if let Ok(merchant) = Arc::clone(of_merchant).try_acquire_owned()
            && let Ok(all) = Arc::clone(&self.free).try_acquire_owned()
        {
            return Some(Place {
                _of_merchant: merchant,
                _of_all: all,
            });
        }
        let _turn = Turn::take(self)?;
        let both = async {
            // The merchant's own first: who waits for it takes no other merchant's place.
            let merchant = Arc::clone(of_merchant).acquire_owned().await.ok()?;
            let all = Arc::clone(&self.free).acquire_owned().await.ok()?;
            Some(Place {
                _of_merchant: merchant,
                _of_all: all,
            })
        };
        tokio::time::timeout(self.patience, both).await.ok()?
    }
}

/// A place in the line.
struct Turn<'p>(&'p Places);

impl Turn<'_> {
    fn take(places: &Places) -> Option<Turn<'_>> {
        let before = places.waiting.fetch_add(1, Ordering::Relaxed);
        let turn = Turn(places);
        (before < places.queue).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_is_refused_at_once_and_a_place_can_be_had_again() {
        let places = Places::new(2, 0, Duration::from_secs(60));
        let (one, other) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(9)));
        let first = places.take(&one).await.expect("a place");
        assert!(
            places.take(&one).await.is_none(),
            "the merchant has no more"
        );
        let second = places.take(&other).await.expect("a place");
        assert!(places.take(&other).await.is_none(), "nobody has more");
        drop(first);
        assert!(places.take(&one).await.is_some());
        drop(second);
    }

    #[tokio::test]
    async fn the_line_is_left_in_time() {
        let places = Places::new(1, 1, Duration::from_millis(1));
        let merchant = Arc::new(Semaphore::new(9));
        let _held = places.take(&merchant).await.expect("a place");
        assert!(places.take(&merchant).await.is_none());
        assert!(
            places.take(&merchant).await.is_none(),
            "the line is free again"
        );
    }
}
