//! Until when certificates are good. Keys of the REST API end after three years, and calls with them.

use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before a certificate's end it is warned of.
const NOTICE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Until when a certificate is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Whose certificate, for what, and where it is from.
    pub certificate: String,
    /// Its last moment.
    pub at: SystemTime,
}

impl Expiry {
    /// For a list: the certificate and its last day.
    pub fn notice(&self) -> String {
        format!("{}: good until {}", self.certificate, self.day())
    }

    /// What to say when the end is near or past.
    pub fn warning(&self, now: SystemTime) -> Option<String> {
        let remedy = "make a new key in the Business Center and put its file in this one's place";
        let (name, day) = (&self.certificate, self.day());
        match self.at.duration_since(now) {
            Ok(left) if left > NOTICE => None,
            Ok(left) => {
                let days = left.as_secs() / DAY.as_secs();
                Some(format!("{name}: ends in {days} days, on {day}; {remedy}"))
            }
            Err(_) => Some(format!(
                "{name}: ended on {day}, so calls may be refused; {remedy}"
            )),
        }
    }

    fn day(&self) -> String {
        jiff::Timestamp::try_from(self.at).map_or_else(
            |_| "a day beyond reckoning".to_owned(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_warned_of_a_month_before() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let certificate = "[merchants.a] p12_file".to_owned();
        let expiry = Expiry { certificate, at };
        assert_eq!(
            expiry.notice(),
            "[merchants.a] p12_file: good until 2027-01-15"
        );
        assert_eq!(expiry.warning(at - 31 * DAY), None);
        for (now, says) in [
            (at - 30 * DAY, "ends in 30 days, on 2027-01-15"),
            (at - DAY / 2, "ends in 0 days"),
            (at + DAY, "ended on 2027-01-15"),
        ] {
            let warning = expiry.warning(now).expect("a warning");
            assert!(warning.contains(says), "{warning}");
        }
    }
}
