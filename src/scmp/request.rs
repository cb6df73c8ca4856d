//! A request as the rest of the program sees it.

use super::field_set::{Field, Fields, find};
use super::offer::Offer;

/// A parsed request. It borrows from the decoded text wherever that needed no change.
///
/// Its `Debug` shows names and lengths only. Two requests are equal when their fields and offers
/// are, in the same order; lines that were passed over do not count.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    fields: Fields<'a>,
    offers: Vec<Offer<'a>>,
    unusable_lines: usize,
    as_is: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        fields: Fields<'a>,
        offers: Vec<Offer<'a>>,
        unusable_lines: usize,
        as_is: bool,
    ) -> Self {
        Self {
            fields,
            offers,
            unusable_lines,
            as_is,
        }
    }

    /// The fields in the order of their first appearance, offers excluded.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &Field<'a>> {
        self.fields.fields.iter()
    }

    /// The fields that have a number of those that it was parsed with, in the same order; of two with one number the one
    /// that counts.
    pub fn known(&self) -> impl Iterator<Item = (u16, &Field<'a>)> {
        let known = self
            .fields()
            .filter_map(|field| Some((field.number?, field)));
        known.filter(|(number, field)| {
            let counts = || {
                self.numbered(*number)
                    .is_some_and(|counts| std::ptr::eq(counts, *field))
            };
            !self.fields.aliased || counts()
        })
    }

    /// Whether a JSON string can hold any of its values as it is.
    pub fn as_is(&self) -> bool {
        self.as_is
    }

    /// The field of this number of those that it was parsed with; of two names for one number the later one's.
    pub fn numbered(&self, number: u16) -> Option<&Field<'a>> {
        let slot = self.fields.slots.get(usize::from(number))?;
        self.fields.fields.get(usize::from(*slot))
    }

    /// The value of the field of this lower-case name; offers are not found here.
    pub fn get(&self, lower_case_name: &str) -> Option<&str> {
        find(&self.fields.fields, lower_case_name)
    }

    /// The offers that have at least one element, by number.
    pub fn offers(&self) -> &[Offer<'a>] {
        &self.offers
    }

    /// How many lines were passed over: blank ones, ones without `=` and ones without a name.
    pub fn unusable_lines(&self) -> usize {
        self.unusable_lines
    }

    /// The request as text that parses to the same request: fields, then offers, LF line ends.
    pub fn render(&self) -> String {
        let mut out = String::new();
        for field in self.fields() {
            out.push_str(&field.name);
            out.push('=');
            out.push_str(&field.value);
            out.push('\n');
        }
        for offer in &self.offers {
            offer.render(&mut out);
        }
        out
    }
}

impl PartialEq for Request<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.fields.fields == other.fields.fields && self.offers == other.offers
    }
}

impl Eq for Request<'_> {}
