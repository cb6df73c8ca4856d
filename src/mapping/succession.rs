//! Which field follows which: a program that sends requests sends its fields in the same order each time, so that a
//! line's name need only be compared with the one that is likely, and not be looked up.

use std::sync::atomic::{AtomicU16, Ordering};

use compact_str::CompactString;

/// By each field, the one that followed it last. What is remembered is a guess, and changes nothing of what is read.
#[derive(Debug, Default)]
pub(super) struct Succession {
    /// By a field's number, one more than that of the field that followed it; 0 where none has yet.
    next: Vec<AtomicU16>,
    /// The same of the beginning.
    first: AtomicU16,
    /// The fields' names, close together.
    names: Vec<CompactString>,
}

impl Succession {
    /// Adds the field of the next number.
    pub(super) fn add(&mut self, name: &str) {
        self.names.push(name.into());
        self.next.push(AtomicU16::new(0));
    }

    /// What is likely to follow a field, or to be the first; and its name.
    pub(super) fn likely(&self, before: Option<u16>) -> Option<(u16, &str)> {
        let number = self.next(before)?.load(Ordering::Relaxed).checked_sub(1)?;
        Some((number, self.names.get(usize::from(number))?))
    }

    /// Takes it that a field followed one, or was the first.
    pub(super) fn followed(&self, before: Option<u16>, number: u16) {
        if let Some(next) = self.next(before) {
            next.store(number.saturating_add(1), Ordering::Relaxed);
        }
    }

    fn next(&self, before: Option<u16>) -> Option<&AtomicU16> {
        match before {
            Some(number) => self.next.get(usize::from(number)),
            None => Some(&self.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_order_is_the_likely_one() {
        let mut succession = Succession::default();
        for name in ["a", "b", "c"] {
            succession.add(name);
        }
        assert_eq!(succession.likely(None), None);
        succession.followed(None, 2);
        succession.followed(Some(2), 0);
        assert_eq!(succession.likely(None), Some((2, "c")));
        assert_eq!(succession.likely(Some(2)), Some((0, "a")));
        assert_eq!(succession.likely(Some(0)), None);
        succession.followed(Some(2), 1);
        assert_eq!(succession.likely(Some(2)), Some((1, "b")));
        assert_eq!(succession.likely(Some(9)), None);
    }
}
