//! Values that are longer than REST takes: what REST stores in their place.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What the place of such a value begins with. Letters, digits and dashes only: nothing on the way changes them.
pub const MARK: &str = "kept-by-scmp-gateway-";

/// Finds a mark.
pub static MARKED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// The most characters that a mark takes.
pub const MARK_MAX: u16 = 64;

/// How a value is kept that is longer than REST takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow {
    /// The most characters that REST takes.
    pub max: u16,
    /// What tells the values of one request apart.
    pub number: u16,
}

impl Overflow {
    /// By what a value of a request is known; nothing where REST takes it.
    pub fn reference(self, request: &str, value: &str) -> Option<String> {
        let long = value.chars().nth(usize::from(self.max)).is_some();
        long.then(|| format!("{request}{:03}", self.number))
    }
}

/// What REST stores in the place of a value that is kept aside.
pub fn mark(reference: &str) -> String {
    format!("{MARK}{reference}")
}

/// The reference in what REST stores, where that stands for a value that is kept aside.
pub fn reference(stored: &str) -> Option<&str> {
    let reference = stored.strip_prefix(MARK)?;
    let digits = reference.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !reference.is_empty()).then_some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_aside_from_one_character_too_many() {
        let overflow = Overflow { max: 3, number: 7 };
        assert_eq!(overflow.reference("12", "äöü"), None);
        assert_eq!(overflow.reference("12", "äöüß").as_deref(), Some("12007"));
    }

    #[test]
    fn only_a_mark_is_a_mark() {
        assert_eq!(reference(&mark("12007")), Some("12007"));
        for other in [MARK, "12007", "kept-by-scmp-gateway-1 2", "kept-by-me-1"] {
            assert_eq!(reference(other), None, "{other}");
        }
        let longest = mark(&"9".repeat(25));
        assert!(longest.len() <= usize::from(MARK_MAX));
    }
}
