//! A request as the rest of the program sees it.

use super::field_set::{Field, find};
use super::offer::Offer;

/// A parsed request. It borrows from the decoded text wherever that needed no change.
///
/// Its `Debug` shows names and lengths only. Two requests are equal when their fields and offers
/// are, in the same order; lines that were passed over do not count.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    fields: Vec<Field<'a>>,
    /// By a name's number: the place of its field.
    slots: Vec<u16>,
    offers: Vec<Offer<'a>>,
    unusable_lines: usize,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        (fields, slots): (Vec<Field<'a>>, Vec<u16>),
        offers: Vec<Offer<'a>>,
        unusable_lines: usize,
    ) -> Self {
        Self {
            fields,
            slots,
            offers,
            unusable_lines,
        }
    }

    /// The fields in the order of their first appearance, offers excluded.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &Field<'a>> {
        self.fields.iter()
    }

    /// The field of this number of those that it was parsed with; of two names for one number the later one's.
    pub fn numbered(&self, number: u16) -> Option<&Field<'a>> {
        let slot = self.slots.get(usize::from(number))?;
        self.fields.get(usize::from(*slot))
    }

    /// The value of the field of this lower-case name; offers are not found here.
    pub fn get(&self, lower_case_name: &str) -> Option<&str> {
        find(&self.fields, lower_case_name)
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
        self.fields == other.fields && self.offers == other.offers
    }
}

impl Eq for Request<'_> {}
