//! The sandbox's clock, which can be set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// The system's time, shifted; it keeps running.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Microseconds ahead of the system.
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that shows `start` now; the system's time when there is none.
    pub(crate) fn starting_at(start: Option<SystemTime>) -> Self {
        let clock = Self::default();
        if let Some(start) = start {
            clock.set(start);
        }
        clock
    }

    /// What it shows.
    pub(crate) fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let shift = Duration::from_micros(ahead.unsigned_abs());
        let now = SystemTime::now();
        // A shift out of the range of times leaves the clock where it is.
        let shifted = if ahead < 0 {
            now.checked_sub(shift)
        } else {
            now.checked_add(shift)
        };
        shifted.unwrap_or(now)
    }

    /// Has it show `now`.
    pub(crate) fn set(&self, now: SystemTime) {
        let system = SystemTime::now();
        let ahead = match now.duration_since(system) {
            // Rounded up, so that it does not show a moment before.
            Ok(ahead) => micros(ahead).saturating_add(1),
            Err(behind) => -micros(behind.duration()),
        };
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// Moves it forward.
    pub(crate) fn advance(&self, by: Duration) {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let moved = ahead.saturating_add(micros(by));
        self.ahead.store(moved, Ordering::Relaxed);
    }

    /// How many microseconds it is ahead of the system, to keep it.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Has it go on as it was kept.
    pub(crate) fn set_ahead(&self, micros: i64) {
        self.ahead.store(micros, Ordering::Relaxed);
    }

    /// Has it show the system's time again.
    pub(crate) fn unset(&self) {
        self.ahead.store(0, Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn it_is_set_moved_and_unset() {
        let year_2000 = UNIX_EPOCH + Duration::from_secs(946_684_800);
        let clock = Clock::starting_at(Some(year_2000));
        let away = |from: SystemTime| {
            let now = clock.now();
            now.duration_since(from)
                .unwrap_or_else(|error| error.duration())
        };
        let hour = Duration::from_secs(3600);
        assert!(away(year_2000) < hour);
        clock.advance(hour * 48);
        assert!(away(year_2000 + hour * 48) < hour);
        clock.unset();
        assert!(away(SystemTime::now()) < hour);
    }
}
