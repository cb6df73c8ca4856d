//! What the gateway counts, in the text format of Prometheus: how many requests, how they ended, how long they took.
//!
//! Labels come from the tables and from what is fixed here, never from a request: their number is bounded, and nothing of
//! a customer's can stand in one. Counting is a look-up and three additions, without a lock.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper edges of the histogram's buckets, in milliseconds.
const EDGES: [u64; 16] = [
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000,
];
/// How requests end, by reply code.
const OUTCOMES: [(i8, &str); 3] = [(1, "accepted"), (0, "declined"), (-1, "error")];
/// What requests count for that asked for no service that there is.
const NONE: &str = "none";

/// Why something was not even read as a request.
#[derive(Clone, Copy)]
pub enum Unread {
    NotScmp,
    TooLarge,
    Overloaded,
    Failed,
}

/// The names of [`Unread`], in its order.
const UNREAD: [&str; 4] = ["not_scmp", "too_large", "overloaded", "failed"];

/// All counters.
pub struct Metrics {
    unread: [AtomicU64; UNREAD.len()],
    /// The services by their names, sorted; the last counts for what is none.
    services: Vec<Service>,
}

struct Service {
    name: String,
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// How many took no longer than each edge and longer than the one before; the last took longer than all.
    buckets: [AtomicU64; EDGES.len() + 1],
    microseconds: AtomicU64,
}

impl Metrics {
    /// Counters for these services, sorted by name.
    pub fn new(services: &[String]) -> Metrics {
        let names = services.iter().map(String::as_str);
        Metrics {
            unread: Default::default(),
            services: names.chain([NONE]).map(Service::new).collect(),
        }
    }

    /// Counts a request. Of several services the first one named that there is stands for all.
    pub fn count(&self, services: &str, rcode: i8, took: Duration) {
        let known = &self.services[..self.services.len() - 1];
        let place = services.split(',').find_map(|name| {
            let place = known.binary_search_by(|service| service.name.as_str().cmp(name));
            place.ok()
        });
        let service = &self.services[place.unwrap_or(known.len())];
        let outcome = OUTCOMES.iter().position(|(code, _)| *code == rcode);
        let outcome = outcome.unwrap_or(OUTCOMES.len() - 1);
        service.outcomes[outcome].fetch_add(1, Ordering::Relaxed);
        let bucket = EDGES.partition_point(|edge| Duration::from_millis(*edge) < took);
        service.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        service.microseconds.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts what was not read as a request.
    pub fn count_unread(&self, why: Unread) {
        self.unread[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The counters as Prometheus reads them. A service that nobody asked for yet is left out.
    pub fn text(&self) -> String {
        let used = || self.services.iter().filter(|service| service.total() > 0);
        let mut text = String::from(
            "# HELP scmp_gateway_requests_total Requests by their first service and how they ended.\n\
             # TYPE scmp_gateway_requests_total counter\n",
        );
        used().for_each(|service| service.outcomes(&mut text));
        text.push_str(
            "# HELP scmp_gateway_request_seconds How long requests took, REST calls included.\n\
             # TYPE scmp_gateway_request_seconds histogram\n",
        );
        used().for_each(|service| service.histogram(&mut text));
        text.push_str(
            "# HELP scmp_gateway_unread_total What was answered without being read as a request, by reason.\n\
             # TYPE scmp_gateway_unread_total counter\n",
        );
        for (reason, count) in UNREAD.iter().zip(&self.unread) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(
                text,
                "scmp_gateway_unread_total{{reason=\"{reason}\"}} {count}"
            );
        }
        text
    }
}

// A String takes whatever is written to it, so the results of writing are passed over.
impl Service {
    fn new(name: &str) -> Service {
        Service {
            name: name.to_owned(),
            outcomes: Default::default(),
            buckets: Default::default(),
            microseconds: AtomicU64::new(0),
        }
    }

    fn total(&self) -> u64 {
        let counts = self.buckets.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn outcomes(&self, text: &mut String) {
        let name = &self.name;
        for ((_, outcome), count) in OUTCOMES.iter().zip(&self.outcomes) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(
                text,
                "scmp_gateway_requests_total{{service=\"{name}\",outcome=\"{outcome}\"}} {count}"
            );
        }
    }

    fn histogram(&self, text: &mut String) {
        let name = &self.name;
        let edges = EDGES.iter().map(|edge| (*edge as f64 / 1000.0).to_string());
        let mut sum = 0;
        for (edge, count) in edges.chain(["+Inf".to_owned()]).zip(&self.buckets) {
            sum += count.load(Ordering::Relaxed);
            let _ = writeln!(
                text,
                "scmp_gateway_request_seconds_bucket{{service=\"{name}\",le=\"{edge}\"}} {sum}"
            );
        }
        let seconds = self.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(
            text,
            "scmp_gateway_request_seconds_sum{{service=\"{name}\"}} {seconds}"
        );
        let _ = writeln!(
            text,
            "scmp_gateway_request_seconds_count{{service=\"{name}\"}} {sum}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_counts_once_for_its_first_service_that_there_is() {
        let metrics = Metrics::new(&["a".to_owned(), "b".to_owned()]);
        metrics.count("a,b", 1, Duration::from_millis(1));
        metrics.count("x,b", 0, Duration::from_micros(1001));
        metrics.count("\"} canary", -1, Duration::from_secs(500));
        for (why, times) in [
            (Unread::NotScmp, 1),
            (Unread::TooLarge, 2),
            (Unread::Overloaded, 3),
            (Unread::Failed, 4),
        ] {
            (0..times).for_each(|_| metrics.count_unread(why));
        }
        let text = metrics.text();
        for line in [
            "requests_total{service=\"a\",outcome=\"accepted\"} 1",
            "requests_total{service=\"a\",outcome=\"declined\"} 0",
            "requests_total{service=\"b\",outcome=\"declined\"} 1",
            "requests_total{service=\"none\",outcome=\"error\"} 1",
            "request_seconds_bucket{service=\"a\",le=\"0.001\"} 1",
            "request_seconds_bucket{service=\"b\",le=\"0.001\"} 0",
            "request_seconds_bucket{service=\"b\",le=\"0.002\"} 1",
            "request_seconds_bucket{service=\"none\",le=\"120\"} 0",
            "request_seconds_bucket{service=\"none\",le=\"+Inf\"} 1",
            "request_seconds_count{service=\"b\"} 1",
            "request_seconds_sum{service=\"a\"} 0.001",
            "unread_total{reason=\"not_scmp\"} 1",
            "unread_total{reason=\"too_large\"} 2",
            "unread_total{reason=\"overloaded\"} 3",
            "unread_total{reason=\"failed\"} 4",
        ] {
            assert!(
                text.contains(&format!("scmp_gateway_{line}\n")),
                "{line}:\n{text}"
            );
        }
        assert!(!text.contains("canary"), "{text}");
    }
}
