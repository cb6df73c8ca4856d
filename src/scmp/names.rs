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
