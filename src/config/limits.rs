//! `[limits]`: how much is done at a time, and when a REST host is left alone.

use std::time::Duration;

use super::raw::RawLimits;
use super::resolve::Resolver;

/// How much is done at a time, and when a REST host is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests under way.
    pub requests: usize,
    /// Requests of one merchant under way.
    pub requests_per_merchant: usize,
    /// Requests that wait for their turn; one more is refused at once.
    pub queue: usize,
    /// How long a request waits for its turn.
    pub queue_timeout: Duration,
    /// After how many failures in a row a host is left alone; never for 0.
    pub breaker_failures: u32,
    /// For how long at first; twice as long after each failure of the one call that tries it.
    pub breaker_pause: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests: 512,
            requests_per_merchant: 256,
            queue: 512,
            queue_timeout: Duration::from_secs(5),
            breaker_failures: 20,
            breaker_pause: Duration::from_secs(1),
        }
    }
}

impl Resolver<'_> {
    pub(super) fn limits(&mut self, raw: &RawLimits) -> Limits {
        let defaults = Limits::default();
        let mut duration = |key, text: &Option<String>, default| {
            self.duration("limits", key, text.as_deref(), default)
        };
        let limits = Limits {
            requests: raw.requests.unwrap_or(defaults.requests),
            requests_per_merchant: raw
                .requests_per_merchant
                .unwrap_or(defaults.requests_per_merchant),
            queue: raw.queue.unwrap_or(defaults.queue),
            queue_timeout: duration("queue_timeout", &raw.queue_timeout, defaults.queue_timeout),
            breaker_failures: raw.breaker_failures.unwrap_or(defaults.breaker_failures),
            breaker_pause: duration("breaker_pause", &raw.breaker_pause, defaults.breaker_pause),
        };
        for (key, value) in [
            ("requests", limits.requests),
            ("requests_per_merchant", limits.requests_per_merchant),
        ] {
            if value == 0 {
                let text = format!("{key} = 0 would refuse everything; write 1 or more.");
                self.fault("limits", key, text);
            }
        }
        limits
    }
}
