//! What is told of a request once it is over: one line of the log, and the counters.

use std::time::Instant;

use tracing::{info, warn};

use crate::mapping::Verdict;
use crate::plan::{Context, Summary};
use crate::scmp::Reply;

use super::metrics::Metrics;

/// What a log line and the counters tell of a request.
pub struct Told<'t> {
    pub metrics: &'t Metrics,
    pub merchant: &'t str,
    pub service: &'t str,
    pub context: &'t Context,
    pub begun: Instant,
}

impl Told<'_> {
    /// It was refused.
    pub fn of_refusal(&self, verdict: &Verdict<'_>) {
        self.line(verdict.flag, verdict.rcode, 0, 0);
    }

    /// It was carried out.
    pub fn of_summary(&self, summary: &Summary<'_>) {
        let id = &self.context.request_id;
        if !summary.partial.is_empty() {
            let changed = summary.partial.join(", ");
            warn!(request_id = %id, merchant = self.merchant, changed, "a token was changed in part only");
        }
        if summary.undone == Some(false) {
            warn!(request_id = %id, merchant = self.merchant, "a step could not be undone: a token may be left over");
        }
        self.line(summary.flag, summary.rcode, summary.calls, summary.unmapped);
    }

    /// It came again.
    pub fn of_repetition(&self, reply: &Reply) {
        let rcode = reply.get("ics_rcode").and_then(|code| code.parse().ok());
        let took = self.begun.elapsed();
        self.metrics.count(self.service, rcode.unwrap_or(-1), took);
        info!(
            request_id = %self.context.request_id,
            merchant = self.merchant,
            services = self.service,
            first = reply.get("request_id").unwrap_or("-"),
            "a request came again and got the first one's reply"
        );
    }

    fn line(&self, flag: &str, rcode: i8, calls: u32, unmapped: usize) {
        let took = self.begun.elapsed();
        self.metrics.count(self.service, rcode, took);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        info!(
            request_id = %self.context.request_id,
            merchant = self.merchant,
            services = self.service,
            flag,
            rcode,
            ms = milliseconds,
            calls,
            unmapped,
            "request"
        );
    }
}
