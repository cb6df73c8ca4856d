//! The dictionary of SCMP fields, and the fields of one request sorted into its slots.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::scmp;

use super::code::CodeId;

/// A field of the dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub(in crate::mapping) u16);

/// What kind of text a field holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    #[default]
    Text,
    /// Digits only.
    Digits,
    /// A payment card's number; its check is a property of the card type.
    CardNumber,
    /// A decimal number that is not negative.
    Decimal,
    /// 1 to 12, with or without a leading zero.
    Month,
    /// Two or four digits.
    Year,
    /// Two letters.
    Alpha2,
    /// Three letters.
    Alpha3,
    /// yes, no, y, n, true, false, 1 or 0, in any case.
    Flag,
}

impl Kind {
    /// The kinds by the names that tables use.
    pub const NAMES: [(&'static str, Kind); 9] = [
        ("text", Kind::Text),
        ("digits", Kind::Digits),
        ("card_number", Kind::CardNumber),
        ("decimal", Kind::Decimal),
        ("month", Kind::Month),
        ("year", Kind::Year),
        ("alpha2", Kind::Alpha2),
        ("alpha3", Kind::Alpha3),
        ("flag", Kind::Flag),
    ];
}

/// Why a field's value must not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// A primary account number.
    Pan,
    /// A card verification number.
    Cvn,
    /// A bank account number.
    Account,
    /// Personal data.
    Pii,
    /// A secret, or text that a merchant stores as one.
    Secret,
}

impl Sensitivity {
    /// The sensitivities by the names that tables use.
    pub const NAMES: [(&'static str, Sensitivity); 5] = [
        ("pan", Sensitivity::Pan),
        ("cvn", Sensitivity::Cvn),
        ("account", Sensitivity::Account),
        ("pii", Sensitivity::Pii),
        ("secret", Sensitivity::Secret),
    ];
}

/// What the dictionary says of a field.
#[derive(Debug, Default)]
pub struct Field {
    /// Its name, in lower case.
    pub name: String,
    /// What kind of text it holds.
    pub kind: Kind,
    /// Its greatest length in characters.
    pub max: Option<u16>,
    /// Shorter lengths that single processors have, by the processor's name.
    pub processor_max: Vec<(String, u16)>,
    /// The only values that it takes; any where this is empty.
    pub values: Vec<String>,
    /// Whether the values count in this very case.
    pub exact_case: bool,
    /// The code table whose codes are the only values that it takes.
    pub code: Option<CodeId>,
    /// Why its value must not be shown.
    pub sensitivity: Option<Sensitivity>,
    /// Whether a value that looks like a card number is refused.
    pub no_card: bool,
    /// Whether it is a control of the client library, and not data.
    pub control: bool,
    /// Where it goes when no mapping line says so, in the words of `mappings export`.
    pub export: Option<String>,
}

/// All known fields.
#[derive(Debug, Default)]
pub struct Dictionary {
    pub(in crate::mapping) fields: Vec<Field>,
    names: Names,
    /// Those of offers, by what they are called there.
    elements: Names,
}

/// Fields by their names. What is looked for comes from outside, what is in it does not: no hash can be forced on it.
type Names = HashMap<String, FieldId, foldhash::fast::FixedState>;

impl Dictionary {
    /// Adds a name or alias; what it named before, if it did.
    pub(in crate::mapping) fn insert(&mut self, name: &str, id: FieldId) -> Option<FieldId> {
        if let Some(element) = name.strip_prefix(OFFER) {
            self.elements.insert(element.to_owned(), id);
        }
        self.names.insert(name.to_owned(), id)
    }

    /// The id of a name or alias in lower case.
    pub fn find(&self, name: &str) -> Option<FieldId> {
        self.names.get(name).copied()
    }

    /// What is known of a field.
    pub fn get(&self, id: FieldId) -> &Field {
        &self.fields[usize::from(id.0)]
    }

    /// The fields in the order of the tables.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        (0..).map(FieldId).zip(&self.fields)
    }

    /// The other names of fields, each with the field's own, in order.
    pub fn aliases(&self) -> Vec<(&str, &str)> {
        let named = self
            .names
            .iter()
            .map(|(name, id)| (name.as_str(), self.get(*id).name.as_str()));
        let mut aliases: Vec<(&str, &str)> = named.filter(|(alias, name)| alias != name).collect();
        aliases.sort_unstable();
        aliases
    }

    /// The values of a request that could not be read.
    pub fn no_values(&self) -> Values<'static> {
        Values {
            slots: vec![ABSENT; self.fields.len()],
            came: SmallVec::new(),
            request: None,
            masked: Vec::new(),
            unknown: Vec::new(),
            offers: Vec::new(),
        }
    }

    /// Sorts a request's fields into their slots. The one place where names are looked up.
    pub fn values<'r>(&self, request: &'r scmp::Request<'r>) -> Values<'r> {
        let mut values: Values<'r> = self.no_values();
        values.request = Some(request);
        // There are at most scmp::MAX_FIELDS.
        for (place, field) in (0..).zip(request.fields()) {
            match self.find(&field.name) {
                Some(id) => values.put(id, place),
                None => values.unknown.push(&field.name),
            }
        }
        for offer in request.offers() {
            let mut fields = Vec::with_capacity(offer.pairs().len());
            for pair in offer.pairs() {
                match self.elements.get(&*pair.name) {
                    Some(id) => fields.push((*id, &*pair.value)),
                    None => values.unknown.push(&pair.name),
                }
            }
            values.offers.push(Offer {
                number: offer.number,
                fields,
            });
        }
        values
    }
}

/// The fields of one request. Holds card data: it has no `Debug`.
pub struct Values<'r> {
    /// By a field's number: its place in the request.
    slots: Vec<u16>,
    request: Option<&'r scmp::Request<'r>>,
    /// The fields that came.
    came: SmallVec<[FieldId; USUAL]>,
    masked: Vec<(FieldId, &'r str)>,
    unknown: Vec<&'r str>,
    offers: Vec<Offer<'r>>,
}

/// How many fields most requests have at most: a list of them needs no memory of its own.
const USUAL: usize = 64;

/// What stands in the slot of a field that did not come: a request has fewer fields.
const ABSENT: u16 = u16::MAX;

/// The fields of one offer.
pub struct Offer<'r> {
    /// Its number.
    pub number: u32,
    fields: Vec<(FieldId, &'r str)>,
}

impl<'r> Offer<'r> {
    /// The value of a field, where it came.
    pub fn get(&self, id: FieldId) -> Option<&'r str> {
        self.fields
            .iter()
            .find(|(field, _)| *field == id)
            .map(|(_, value)| *value)
    }

    /// The fields that came.
    pub fn present(&self) -> impl Iterator<Item = FieldId> {
        self.fields.iter().map(|(id, _)| *id)
    }
}

/// What the names of fields of offers begin with in the tables, for some of them are names of request fields too.
pub const OFFER: &str = "offer.";

impl<'r> Values<'r> {
    /// The value of a field, where it came.
    pub fn get(&self, id: FieldId) -> Option<&'r str> {
        let place = self.slots[usize::from(id.0)];
        self.request?.value_at(usize::from(place))
    }

    /// Puts a value's place into its slot; the later of two names for one field counts.
    fn put(&mut self, id: FieldId, place: u16) {
        let slot = &mut self.slots[usize::from(id.0)];
        if *slot == ABSENT {
            self.came.push(id);
        }
        *slot = place;
    }

    /// The offers, by their number.
    pub fn offers(&self) -> &[Offer<'r>] {
        &self.offers
    }

    /// Names that the dictionary does not know.
    pub fn unknown(&self) -> &[&'r str] {
        &self.unknown
    }

    /// Takes a masked value out: from here on the field counts as absent.
    pub fn set_aside(&mut self, id: FieldId) {
        if let Some(value) = self.get(id) {
            self.masked.push((id, value));
            self.slots[usize::from(id.0)] = ABSENT;
        }
    }

    /// The masked value of a field that was set aside.
    pub fn masked(&self, id: FieldId) -> Option<&'r str> {
        self.masked
            .iter()
            .find(|(field, _)| *field == id)
            .map(|(_, value)| *value)
    }

    /// The fields that came and count, offers and those set aside excluded, in the request's order.
    pub fn plain(&self) -> impl Iterator<Item = FieldId> {
        let ids = self.came.iter().copied();
        ids.filter(|id| self.slots[usize::from(id.0)] != ABSENT)
    }

    /// The fields that came, those set aside too.
    pub fn present(&self) -> impl Iterator<Item = FieldId> {
        let offered = self.offers.iter().flat_map(Offer::present);
        self.came.iter().copied().chain(offered)
    }
}
