//! Names that are known before a request comes.

/// Numbers for names: what is parsed with them need not be looked up by name again.
///
/// Two names may have one number, if both mean the same.
pub trait Names {
    /// More than any number of a field.
    fn count(&self) -> usize;

    /// The number of a name in lower case.
    fn number(&self, within: Within, name: &str) -> Option<u16>;

    /// The number of what is likely to follow the one of a number, or to be the first, and its name in lower case: what
    /// did so before. A program that sends requests sends its fields in the same order each time.
    fn likely(&self, _within: Within, _before: Option<u16>) -> Option<(u16, &str)> {
        None
    }

    /// Takes it that one followed another, or was the first.
    fn followed(&self, _within: Within, _before: Option<u16>, _number: u16) {}
}

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// It names a field.
    Request,
    /// It names an element of an offer.
    Offer,
}

impl Within {
    /// What stands between a name and its value.
    pub(super) fn separator(self) -> u8 {
        match self {
            Within::Request => b'=',
            Within::Offer => b':',
        }
    }
}

/// No name is known.
impl Names for () {
    fn count(&self) -> usize {
        0
    }

    fn number(&self, _within: Within, _name: &str) -> Option<u16> {
        None
    }
}
