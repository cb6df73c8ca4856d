//! Fields in the order of their first appearance, found by name.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::text::shown_name;

/// One field of a request, or one element of an offer.
///
/// Its `Debug` shows the value's length only: the value may be a card number.
#[derive(Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, in lower case.
    pub name: Cow<'a, str>,
    /// The value, never empty: an empty value counts as an absent field.
    pub value: Cow<'a, str>,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} ({} bytes)",
            shown_name(&self.name),
            self.value.len()
        )
    }
}

/// An ordered set of fields, one for each name.
#[derive(Clone, Default)]
pub(super) struct FieldSet<'a> {
    fields: IndexSet<ByName<'a>, RandomState>,
}

impl<'a> FieldSet<'a> {
    pub(super) fn with_capacity(fields: usize) -> Self {
        Self {
            fields: IndexSet::with_capacity_and_hasher(fields, RandomState::default()),
        }
    }

    /// Sets a field; one of the same name keeps its place and loses its value.
    pub(super) fn set(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        self.fields.replace(ByName(Field { name, value }));
    }

    /// Drops the fields whose last value was empty.
    pub(super) fn drop_absent(&mut self) {
        self.fields.retain(|field| !field.0.value.is_empty());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|field| &*field.0.value)
    }

    pub(super) fn value_at(&self, place: usize) -> Option<&str> {
        self.fields.get_index(place).map(|field| &*field.0.value)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Field<'a>> {
        self.fields.iter().map(|field| &field.0)
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl PartialEq for FieldSet<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for FieldSet<'_> {}

impl fmt::Debug for FieldSet<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// A field that the set knows by its name alone, so that the name is stored once.
#[derive(Clone)]
struct ByName<'a>(Field<'a>);

impl PartialEq for ByName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName<'_> {}

impl Hash for ByName<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does, which `Borrow<str>` demands.
        str::hash(&self.0.name, state);
    }
}

impl Borrow<str> for ByName<'_> {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(fields: &[(&'static str, &'static str)]) -> FieldSet<'static> {
        let mut set = FieldSet::default();
        for &(name, value) in fields {
            set.set(name.into(), value.into());
        }
        set
    }

    #[test]
    fn the_last_value_stands_in_the_first_place() {
        let set = set(&[("a", "1"), ("b", "2"), ("a", "3")]);
        let fields: Vec<_> = set
            .iter()
            .map(|field| (&*field.name, &*field.value))
            .collect();
        assert_eq!(fields, [("a", "3"), ("b", "2")]);
        assert_eq!(set.get("a"), Some("3"));
        assert_eq!(set.get("c"), None);
    }

    #[test]
    fn equality_is_of_names_values_and_order() {
        assert_eq!(
            set(&[("a", "1"), ("b", "2")]),
            set(&[("a", "1"), ("b", "2")])
        );
        assert_ne!(set(&[("a", "1")]), set(&[("a", "2")]));
        assert_ne!(
            set(&[("a", "1"), ("b", "2")]),
            set(&[("b", "2"), ("a", "1")])
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", set(&[("customer_cc_number", "4111111111111111")]));
        assert_eq!(text, "[customer_cc_number (16 bytes)]");
    }
}
