//! Tells operators until when certificates are good.

use std::time::{Duration, SystemTime};

use tracing::warn;

use crate::config::Expiry;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Lists the certificates and their last days.
pub fn list(expiries: &[Expiry]) {
    for expiry in expiries {
        eprintln!("key       {}", expiry.notice());
    }
}

/// Warns once a day of those whose end is near: a gateway runs for longer than a month.
pub async fn watch(expiries: Vec<Expiry>) {
    while !expiries.is_empty() {
        tokio::time::sleep(DAY).await;
        let now = SystemTime::now();
        let warnings = expiries.iter().filter_map(|expiry| expiry.warning(now));
        warnings.for_each(|warning| warn!("{warning}"));
    }
}
