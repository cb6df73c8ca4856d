//! The dictionary of SCMP fields, and the fields of one request sorted into its slots.

use std::collections::HashMap;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::scmp::{self, Within};

use super::code::CodeId;
use super::succession::Succession;

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

impl Field {
    /// Whether nothing but its length can be wrong with a value, whoever the merchant is.
    pub(in crate::mapping) fn is_any_text(&self) -> bool {
        let listed = !self.values.is_empty() || self.code.is_some();
        self.kind == Kind::Text && !listed && !self.no_card && self.processor_max.is_empty()
    }
}

/// All known fields.
#[derive(Debug, Default)]
pub struct Dictionary {
    fields: Vec<Field>,
    succession: Succession,
    /// The same of offers' elements.
    element_succession: Succession,
    names: Names,
    /// Those of offers, by what they are called there.
    elements: Names,
}

/// Fields by their names. What is looked for comes from outside, what is in it does not: no hash can be forced on it.
/// Most are short enough to lie in the table itself.
type Names = HashMap<CompactString, FieldId, foldhash::fast::FixedState>;

impl Dictionary {
    /// The id of the next field that is added.
    pub(in crate::mapping) fn next_id(&self) -> FieldId {
        FieldId(self.fields.len() as u16)
    }

    /// Adds a field.
    pub(in crate::mapping) fn add(&mut self, field: Field) {
        let element = field.name.strip_prefix(OFFER).unwrap_or_default();
        self.succession.add(&field.name);
        self.element_succession.add(element);
        self.fields.push(field);
    }

    /// Adds a name or alias; what it named before, if it did.
    pub(in crate::mapping) fn insert(&mut self, name: &str, id: FieldId) -> Option<FieldId> {
        if let Some(element) = name.strip_prefix(OFFER) {
            self.elements.insert(element.into(), id);
        }
        self.names.insert(name.into(), id)
    }

    fn succession(&self, within: Within) -> &Succession {
        match within {
            Within::Request => &self.succession,
            Within::Offer => &self.element_succession,
        }
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
}

impl scmp::Names for Dictionary {
    fn count(&self) -> usize {
        self.fields.len()
    }

    fn number(&self, within: Within, name: &str) -> Option<u16> {
        let names = match within {
            Within::Request => &self.names,
            Within::Offer => &self.elements,
        };
        names.get(name).map(|id| id.0)
    }

    fn likely(&self, within: Within, before: Option<u16>) -> Option<(u16, &str)> {
        self.succession(within).likely(before)
    }

    fn followed(&self, within: Within, before: Option<u16>, number: u16) {
        self.succession(within).followed(before, number);
    }
}

/// The values of one request that was parsed with the dictionary's names. Holds card data: it has no `Debug`.
pub struct Values<'r> {
    /// None where it could not be read.
    request: Option<&'r scmp::Request<'r>>,
    masked: SmallVec<[FieldId; 2]>,
}

/// The fields of one offer.
#[derive(Clone, Copy)]
pub struct Offer<'r>(&'r scmp::Offer<'r>);

impl<'r> Offer<'r> {
    /// Its number.
    pub fn number(self) -> u32 {
        self.0.number
    }

    /// The value of a field, where it came.
    pub fn get(self, id: FieldId) -> Option<&'r str> {
        self.0.numbered(id.0)
    }

    /// The fields that came.
    pub fn present(self) -> impl Iterator<Item = FieldId> {
        self.0.pairs().filter_map(|pair| pair.number).map(FieldId)
    }
}

/// What the names of fields of offers begin with in the tables, for some of them are names of request fields too.
pub const OFFER: &str = "offer.";

impl<'r> Values<'r> {
    /// Those of a request.
    pub fn of(request: &'r scmp::Request<'r>) -> Values<'r> {
        Values {
            request: Some(request),
            masked: SmallVec::new(),
        }
    }

    /// Those of a request that could not be read: none.
    pub fn none() -> Values<'static> {
        Values {
            request: None,
            masked: SmallVec::new(),
        }
    }

    /// The value of a field, where it came.
    pub fn get(&self, id: FieldId) -> Option<&'r str> {
        let value = self.came(id)?;
        (self.masked.is_empty() || !self.masked.contains(&id)).then_some(value)
    }

    fn came(&self, id: FieldId) -> Option<&'r str> {
        Some(&self.request?.numbered(id.0)?.value)
    }

    /// The offers, by their number.
    pub fn offers(&self) -> impl ExactSizeIterator<Item = Offer<'r>> + use<'r> {
        let offers = self.request.map_or(&[][..], |request| request.offers());
        offers.iter().map(Offer)
    }

    /// Names that the dictionary does not know.
    pub fn unknown(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let fields = self
            .request
            .into_iter()
            .flat_map(|request| request.fields());
        let pairs = self.offers().flat_map(|offer| offer.0.pairs());
        let unknown = fields.chain(pairs).filter(|field| field.number.is_none());
        unknown.map(|field| &*field.name)
    }

    /// How many fields came that the dictionary does not know, or for which a test does not hold.
    pub fn count_without(&self, test: impl Fn(FieldId) -> bool) -> usize {
        let Some(request) = self.request else {
            return 0;
        };
        let mut count = 0;
        // Of two names for one number only one counts.
        for (id, _) in request.known() {
            count += usize::from(!test(FieldId(id)));
        }
        let unknown = request.fields().filter(|field| field.number.is_none());
        let fails = |pair: &&scmp::Field<'_>| !pair.number.is_some_and(|id| test(FieldId(id)));
        let pairs = request.offers().iter().flat_map(|offer| offer.pairs());
        count + unknown.count() + pairs.filter(fails).count()
    }

    /// Takes a masked value out: from here on the field counts as absent.
    pub fn set_aside(&mut self, id: FieldId) {
        self.masked.push(id);
    }

    /// The masked value of a field that was set aside.
    pub fn masked(&self, id: FieldId) -> Option<&'r str> {
        self.came(id).filter(|_| self.masked.contains(&id))
    }

    /// Does something with each field that came and counts, offers and those set aside excluded, in the request's order.
    pub fn for_each_plain(&self, mut what: impl FnMut(FieldId)) {
        let Some(request) = self.request else {
            return;
        };
        let all = self.masked.is_empty();
        for (number, _) in request.known() {
            let id = FieldId(number);
            if all || !self.masked.contains(&id) {
                what(id);
            }
        }
    }

    /// The fields that came, those set aside too.
    pub fn present(&self) -> impl Iterator<Item = FieldId> {
        self.fields().chain(self.offers().flat_map(Offer::present))
    }

    fn fields(&self) -> impl Iterator<Item = FieldId> + use<'r> {
        let known = self.request.into_iter().flat_map(|request| request.known());
        known.map(|(number, _)| FieldId(number))
    }

    /// Whether a JSON string can hold any of the values as it is.
    pub fn as_is(&self) -> bool {
        self.request.is_some_and(|request| request.as_is())
    }
}
