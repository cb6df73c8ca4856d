//! Names that are known before a request comes.

/// Numbers for names: what is parsed with them need not be looked up by name again.
///
/// Two names may have one number, if both mean the same.
pub trait Names {
    /// More than any number of a field.
    fn count(&self) -> usize;

    /// The number of a field, by its name in lower case.
    fn field(&self, name: &str) -> Option<u16>;

    /// The number of an offer's element, by its name in lower case.
    fn element(&self, name: &str) -> Option<u16>;

    /// The number of the field that a line is likely to be for, and its name in lower case: the one that followed the
    /// field of this number when that came before; the first of a request follows none. A program that sends requests
    /// sends its fields in the same order each time.
    fn likely(&self, _before: Option<u16>) -> Option<(u16, &str)> {
        None
    }

    /// Takes it that a field followed another, or none.
    fn followed(&self, _before: Option<u16>, _number: u16) {}
}

/// No name is known.
impl Names for () {
    fn count(&self) -> usize {
        0
    }

    fn field(&self, _name: &str) -> Option<u16> {
        None
    }

    fn element(&self, _name: &str) -> Option<u16> {
        None
    }
}
