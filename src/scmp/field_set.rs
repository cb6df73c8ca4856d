//! Fields in the order of their first appearance, one for each name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;

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
    /// The number of its name, where that is known.
    pub number: Option<u16>,
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

/// Fields that are being collected: of several with one name the last value stands in the first place.
#[derive(Default)]
pub(super) struct FieldSet<'a> {
    fields: Vec<Field<'a>>,
    /// By a number: the place of the field that came first under it.
    slots: Vec<u16>,
    /// The places of the others.
    others: SmallVec<[u16; MANY]>,
    /// These by their names, once they are many.
    others_by_name: HashMap<String, u16>,
    /// Whether a value that was set is empty.
    emptied: bool,
}

/// What stands in the slot of a field that did not come.
pub(super) const ABSENT: u16 = u16::MAX;

/// From so many on, names are found through a map.
const MANY: usize = 16;

impl<'a> FieldSet<'a> {
    /// Room for so many fields; numbers below `numbers` are found at once.
    pub(super) fn new(fields: usize, numbers: usize) -> Self {
        Self {
            fields: Vec::with_capacity(fields),
            slots: vec![ABSENT; numbers],
            ..Self::default()
        }
    }

    /// Sets a field; one of the same name keeps its place and loses its value.
    #[inline]
    pub(super) fn set(&mut self, field: Field<'a>) {
        self.emptied |= field.value.is_empty();
        let number = field.number.map(usize::from);
        match number.and_then(|number| self.slots.get_mut(number)) {
            Some(slot) if *slot == ABSENT => {
                *slot = self.fields.len() as u16;
                self.fields.push(field);
            }
            slot => {
                let known = slot.map(|slot| usize::from(*slot));
                self.set_again(field, known);
            }
        }
    }

    /// Sets a field without a number, or one whose number is that of the field at a place.
    fn set_again(&mut self, field: Field<'a>, known: Option<usize>) {
        // It may be another name of the same number.
        let known = known.filter(|known| self.fields[*known].name == field.name);
        match known.or_else(|| self.other(&field.name).map(usize::from)) {
            Some(known) => self.fields[known].value = field.value,
            None => self.add(field),
        }
    }

    /// The place of a field that is not found by its number.
    fn other(&self, name: &str) -> Option<u16> {
        if self.others.len() > MANY {
            return self.others_by_name.get(name).copied();
        }
        let mut others = self.others.iter().copied();
        others.find(|at| self.fields[usize::from(*at)].name == name)
    }

    fn add(&mut self, field: Field<'a>) {
        self.others.push(self.fields.len() as u16);
        self.fields.push(field);
        let new = match self.others.len() {
            ..=MANY => return,
            many if many == MANY + 1 => &self.others[..],
            many => &self.others[many - 1..],
        };
        let named = new
            .iter()
            .map(|at| (self.fields[usize::from(*at)].name.to_string(), *at));
        self.others_by_name.extend(named);
    }

    /// How many fields there are, those with an empty value too.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The fields that have a value, and by each number the place of the last such field.
    pub(super) fn finish(self) -> Fields<'a> {
        let (mut fields, mut slots) = (self.fields, self.slots);
        let aliased = !self.others.is_empty();
        if !aliased && !self.emptied {
            return Fields {
                fields,
                slots,
                aliased,
            };
        }
        fields.retain(|field| !field.value.is_empty());
        slots.fill(ABSENT);
        for (at, field) in (0..).zip(&fields) {
            let number = field.number.map(usize::from);
            if let Some(slot) = number.and_then(|number| slots.get_mut(number)) {
                *slot = at;
            }
        }
        Fields {
            fields,
            slots,
            aliased,
        }
    }
}

/// The fields of a request or an offer.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// In the order of their first appearance.
    pub(super) fields: Vec<Field<'a>>,
    /// By a name's number: the place of its field.
    pub(super) slots: Vec<u16>,
    /// Whether two of them may have one number.
    pub(super) aliased: bool,
}

/// The value of the field of a name.
pub(super) fn find<'f>(fields: &'f [Field<'_>], name: &str) -> Option<&'f str> {
    let field = fields.iter().find(|field| field.name == name)?;
    Some(&field.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str, number: Option<u16>) -> Field<'static> {
        Field {
            name: name.to_owned().into(),
            value: value.to_owned().into(),
            number,
        }
    }

    fn kept(fields: &[(&str, &str, Option<u16>)]) -> (Vec<(String, String)>, Vec<u16>) {
        let mut set = FieldSet::new(4, 3);
        for (name, value, number) in fields {
            set.set(field(name, value, *number));
        }
        let Fields { fields, slots, .. } = set.finish();
        let fields = fields.iter();
        let fields = fields.map(|field| (field.name.to_string(), field.value.to_string()));
        (fields.collect(), slots)
    }

    fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        fields.iter().map(owned).collect()
    }

    #[test]
    fn the_last_value_stands_in_the_first_place() {
        for numbers in [[None; 3], [Some(0), Some(1), Some(0)]] {
            let came = [
                ("a", "1", numbers[0]),
                ("b", "2", numbers[1]),
                ("a", "3", numbers[2]),
            ];
            assert_eq!(kept(&came).0, pairs(&[("a", "3"), ("b", "2")]));
        }
    }

    #[test]
    fn an_empty_last_value_makes_a_field_absent() {
        let came = [
            ("a", "1", Some(0)),
            ("b", "2", Some(2)),
            ("a", "", Some(0)),
            ("x", "", None),
        ];
        assert_eq!(kept(&came), (pairs(&[("b", "2")]), vec![ABSENT, ABSENT, 0]));
    }

    #[test]
    fn of_two_names_with_one_number_the_later_field_counts_unless_it_is_empty() {
        let both = [
            ("a", "1", Some(0)),
            ("alias", "2", Some(0)),
            ("a", "3", Some(0)),
            ("alias", "4", Some(0)),
        ];
        assert_eq!(
            kept(&both),
            (
                pairs(&[("a", "3"), ("alias", "4")]),
                vec![1, ABSENT, ABSENT]
            )
        );
        let empty = [("a", "1", Some(0)), ("alias", "", Some(0))];
        assert_eq!(
            kept(&empty),
            (pairs(&[("a", "1")]), vec![0, ABSENT, ABSENT])
        );
    }

    #[test]
    fn many_unknown_names_are_found_again() {
        let mut set = FieldSet::new(0, 0);
        for round in ["1", "2"] {
            for number in 0..100 {
                set.set(field(&format!("name{number}"), round, None));
            }
        }
        let fields = set.finish().fields;
        assert_eq!(fields.len(), 100);
        assert!(fields.iter().all(|field| field.value == "2"));
        assert_eq!(find(&fields, "name99"), Some("2"));
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!(
            "{:?}",
            [field("customer_cc_number", "4111111111111111", None)]
        );
        assert_eq!(text, "[customer_cc_number (16 bytes)]");
    }
}
