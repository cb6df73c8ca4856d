//! Ids, from a counter and a mixing function.
//!
//! The ids of a sandbox need to be unlike each other, not unguessable; a seed makes them the same
//! in every run.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// The step of SplitMix64 (Steele, Lea, Flood 2014): odd, so that it visits every 64-bit value.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A source of ids, shared between threads without a lock.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Ids {
    next: AtomicU64,
}

impl Ids {
    /// A source that gives the same ids for the same `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            next: AtomicU64::new(mix(seed)),
        }
    }

    /// A seed that differs from run to run.
    ///
    /// Not from the cryptographic generator, whose first use takes most of the time of a start.
    pub(crate) fn any_seed() -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// 32 capital hexadecimal digits, today's form of a TMS token.
    pub(crate) fn token(&self) -> String {
        format!("{:016X}{:016X}", self.draw(), self.draw())
    }

    /// An instrument identifier: 19 digits that start with 70 and end like the number it stands
    /// for, as in the guide's example 7040000000000181111.
    pub(crate) fn identifier(&self, number: &str) -> String {
        let tail: String = number
            .chars()
            .rev()
            .take(4)
            .filter(char::is_ascii_digit)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("704{:012}{tail:0>4}", self.draw() % 1_000_000_000_000)
    }

    /// 22 digits, the form of a transaction id.
    pub(crate) fn transaction(&self) -> String {
        format!("7{:021}", u128::from(self.draw()))
    }

    /// A reconciliation id: 8 digits, then 8 digits and capitals, as in the guides' examples.
    pub(crate) fn reconciliation(&self) -> String {
        const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut rest = self.draw();
        let mut id = format!("{:08}", self.draw() % 100_000_000);
        for _ in 0..8 {
            // The index is below 36, and every one of these bytes is ASCII.
            id.push(char::from(LETTERS[(rest % 36) as usize]));
            rest /= 36;
        }
        id
    }

    /// So many digits, none of them a leading zero.
    pub(crate) fn digits(&self, count: usize) -> String {
        let mut digits = format!("{}", 1 + self.draw() % 9);
        while digits.len() < count {
            digits.push_str(&format!("{:020}", self.draw()));
        }
        digits.truncate(count);
        digits
    }

    /// Any number.
    pub(crate) fn number(&self) -> u64 {
        self.draw()
    }

    /// A random-looking UUID of version 4, the form of a correlation id.
    pub(crate) fn correlation(&self) -> String {
        let (high, low) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    fn draw(&self) -> u64 {
        mix(self.next.fetch_add(STEP, Ordering::Relaxed))
    }
}

/// The finisher of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(STEP);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let ids = Ids::new(1);
        assert_eq!(ids.token().len(), 32);
        let identifier = ids.identifier("4111111111111234");
        assert_eq!(identifier.len(), 19);
        assert!(identifier.starts_with("70") && identifier.ends_with("1234"));
        assert!(ids.identifier("12").ends_with("0012"));
        assert_eq!(ids.transaction().len(), 22);
        assert_eq!(ids.digits(15).len(), 15);
        assert_eq!(ids.digits(29).len(), 29);
        let reconciliation = ids.reconciliation();
        assert_eq!(reconciliation.len(), 16);
        assert!(
            reconciliation[..8]
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        );
        let correlation = ids.correlation();
        assert_eq!(correlation.len(), 36);
        assert_eq!(&correlation[14..15], "4");
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        assert_eq!(Ids::new(7).token(), Ids::new(7).token());
        assert_ne!(Ids::new(7).token(), Ids::new(8).token());
        let ids = Ids::new(7);
        assert_ne!(ids.token(), ids.token());
    }
}
