//! The compiled tables: what the text says, resolved to indices and checked as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::body::Body;
use super::by_field::ByField;
use super::code::{CodeId, CodeTable};
use super::condition::{Condition, Facts};
use super::field::Dictionary;
use super::flags::{Flags, LocalKind};
use super::path::JsonPath;
use super::preauthorization::Preauthorizations;
use super::reader::Slot;

use super::Settings;
use super::field::Values;

pub use super::call::{CallTemplate, PathPart, SettleCall, SettleWay};
pub use super::field::FieldId;
pub use super::line::{Computed, Copied, ReplyLine, ReplyPath, ReplyValue, Source};
pub use super::rest_error::Reading;

/// The numbers of the services of a request: there are mostly one or two.
pub type Numbers = SmallVec<[usize; 4]>;

/// What to do for sets of services. No set comes from outside that the tables do not have: no hash can be forced on it.
pub type Programs = HashMap<Vec<usize>, Program, foldhash::fast::FixedState>;

/// All tables, ready for use. Built once; shared by all requests.
#[derive(Debug)]
pub struct Tables {
    /// The dictionary of SCMP fields.
    pub dictionary: Dictionary,
    /// The code tables.
    pub codes: Vec<CodeTable>,
    /// The names of the services that may be asked for, sorted; a service's number is its place here. Those that only run
    /// by themselves have the numbers after these.
    pub services: Vec<String>,
    /// What to do for a set of services, given by their numbers in rising order.
    pub programs: Programs,
    /// What a reply carries where no service is known.
    pub message: Vec<ReplyLine>,
    /// Outcomes to flags.
    pub flags: Flags,
    /// The code table that names the processors.
    pub processors: CodeId,
    /// The code table of currencies and their decimals.
    pub currencies: CodeId,
    /// The field that holds a request's currency.
    pub currency: Option<FieldId>,
    /// The fields whose codes say how a card number is checked.
    pub card_types: Vec<FieldId>,
    /// What each processor verifies cards with.
    pub preauthorizations: Preauthorizations,
}

/// What to do for the services of one request.
#[derive(Debug)]
pub struct Program {
    /// The services' names, joined by commas.
    pub name: String,
    /// The services, in the order in which they run.
    pub parts: Vec<Part>,
    /// The programs that run in its place, each by its services' numbers, where their condition holds.
    pub instead: Vec<(Condition, Vec<usize>)>,
    /// The ways in which each service can be meant; the first that holds is taken. A service without ways of its own is
    /// meant as the first is.
    pub variants: Vec<Vec<Variant>>,
    /// Fields that must be there, in the order in which they are looked for.
    pub require: Vec<Required>,
    /// Fields that may not come together.
    pub exclude: Vec<([FieldId; 2], Condition)>,
    /// Known fields that are deliberately not sent.
    pub dropped: Vec<Dropped>,
    /// Fields whose masked value means "as it is stored".
    pub unchanged: Vec<Unchanged>,
    /// The request that this one follows.
    pub follow_on: Option<FollowOn>,
    /// How the offers are summed up.
    pub total: Option<Total>,
    /// The REST calls, in order.
    pub steps: Vec<Step>,
    /// The bodies that the steps use.
    pub bodies: Vec<Arc<Body>>,
    /// What the reply carries, whatever the service.
    pub message: Vec<ReplyLine>,
    /// How the reply of each step is read.
    pub readings: Vec<Arc<Reading>>,
    /// The fields whose values are checked before any call, in the dictionary's order.
    pub checked: Vec<Checked>,
    /// These by their fields.
    pub checked_by_field: ByField,
    /// By a field's number: whether something is done with it in any request.
    pub used: Vec<bool>,
    /// By a field's number: up to how many bytes any text passes all checks; none where each value has to be looked at.
    pub free: Vec<u16>,
}

/// One service of a program.
#[derive(Debug)]
pub struct Part {
    /// The name in `ics_applications`.
    pub name: String,
    /// What its reply fields begin with.
    pub prefix: String,
    /// The part after which this one runs by itself: once that one went well, whatever becomes of those in between. Its
    /// own failure is told in its own fields alone.
    pub after: Option<usize>,
    /// The reply's lines.
    pub reply: Vec<ReplyLine>,
    /// Those of them that copy a value, each in its line's place.
    pub copied: Vec<Option<Copied>>,
    /// What is said of any failure of this service, where that is not left to the failed call.
    pub fails_as: Option<LocalKind>,
}

/// The fields by which a request names the one that it follows.
#[derive(Debug, Clone, Copy)]
pub struct FollowOn {
    /// The id.
    pub id: FieldId,
    /// The token that came with it.
    pub token: FieldId,
}

/// A way in which a service is meant. Variants of the same name share an id.
#[derive(Debug)]
pub struct Variant {
    /// The id that conditions name.
    pub id: u8,
    /// When this one is meant.
    pub when: Condition,
}

/// A field that must be there.
#[derive(Debug)]
pub struct Required {
    /// The number of the service that asks for it.
    pub part: usize,
    /// The field.
    pub field: FieldId,
    /// What is said when it is missing.
    pub refusal: LocalKind,
    /// When it must be there.
    pub when: Condition,
}

/// A known field that is deliberately not sent.
#[derive(Debug)]
pub struct Dropped {
    /// The number of the service that says so.
    pub part: usize,
    /// The field.
    pub field: FieldId,
    /// Why, for those who ask.
    pub reason: String,
    /// Whether its value is checked all the same: then it is not ignored.
    pub checked: bool,
}

/// A field whose masked value means "as it is stored".
#[derive(Debug)]
pub struct Unchanged {
    /// The field.
    pub field: FieldId,
    /// Where the stored value stands.
    pub stored: ReplyPath,
    /// Whether a value without mask must be the stored one, too.
    pub plain: bool,
    /// When the rule holds.
    pub when: Condition,
    /// What is said when the mask does not fit.
    pub refusal: LocalKind,
}

/// A field that is checked before any call.
#[derive(Debug)]
pub struct Checked {
    /// The number of the service that uses it.
    pub part: usize,
    /// The field.
    pub field: FieldId,
    /// REST's own limit in characters for this field in this service.
    pub rest_max: Option<u16>,
    /// Whether a longer value is kept aside, where the merchant has that.
    pub overflow: bool,
    /// When its value is used at all.
    pub when: Condition,
}

/// One step of a program.
#[derive(Debug)]
pub struct Step {
    /// Its name, by which other lines refer to its reply.
    pub name: String,
    /// The number of the service that it belongs to.
    pub part: usize,
    /// What it does.
    pub action: Action,
    /// When it runs.
    pub when: Condition,
}

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// A REST call.
    Call(Box<RestCall>),
    /// Nothing: the service fails here.
    Refuse(LocalKind),
}

/// A REST call.
#[derive(Debug)]
pub struct RestCall {
    /// The method and path.
    pub template: CallTemplate,
    /// The member without which a reply is not what was asked for.
    pub proof: Option<Slot>,
    /// Its body.
    pub body: Option<usize>,
    /// Whether the API takes the body sealed.
    pub sealable: bool,
    /// When the object is asked for with its numbers unmasked.
    pub unmasked: Option<Condition>,
    /// The step whose ETag must still hold.
    pub if_match: Option<usize>,
    /// What is sent again from a stored object.
    pub keep: Option<Keep>,
    /// What undoes it; the first whose condition holds.
    pub undo: Vec<Undo>,
    /// What a caller is told was changed when a later step fails.
    pub changed: Option<String>,
    /// Whether a refusal of the id lets the next step try.
    pub try_next: bool,
    /// What it makes; the first whose condition holds.
    pub makes: Vec<Makes>,
    /// What settles it when its outcome is not known. Nothing where nobody but an operator can, an empty list where there
    /// is nothing to settle.
    pub settle: Option<Vec<SettleWay>>,
    /// What finds what it may leave behind when its outcome is not known.
    pub leaves: Option<SettleWay>,
}

/// What a call makes, by which later requests may follow it.
#[derive(Debug)]
pub struct Makes {
    /// The kind, e.g. `sale`.
    pub kind: String,
    /// Where its id stands.
    pub id: ReplyPath,
    /// When it makes this.
    pub when: Condition,
}

/// How the offers of a request are summed up: amount times quantity, plus tax.
#[derive(Debug, Clone, Copy)]
pub struct Total {
    /// The price of one.
    pub amount: FieldId,
    /// How many; one where it is not said.
    pub quantity: FieldId,
    /// The tax on all.
    pub tax: FieldId,
}

/// The call that undoes a step.
#[derive(Debug)]
pub struct Undo {
    /// The method and path.
    pub template: CallTemplate,
    /// When there is something to undo.
    pub when: Condition,
}

/// Parts of a stored object that are sent again beside what is new.
#[derive(Debug)]
pub struct Keep {
    /// The step that read the object.
    pub step: usize,
    /// The parts.
    pub paths: Vec<JsonPath>,
    /// The elements of kept arrays that REST masks.
    pub masked: Vec<String>,
    /// The member that tells the elements of each kept array apart, by the array's plain path.
    pub element_keys: Vec<(String, String)>,
}

impl Step {
    /// Its REST call, unless it has none.
    pub fn call(&self) -> Option<&RestCall> {
        match &self.action {
            Action::Call(call) => Some(call),
            Action::Refuse(_) => None,
        }
    }
}

impl Program {
    /// The checks on a field's value.
    pub fn checks_of(&self, field: FieldId) -> impl Iterator<Item = &Checked> {
        let checks = self.checked_by_field.of(field).iter();
        checks.map(|at| &self.checked[usize::from(*at)])
    }

    /// Whether a field's value is sent, or decides something, in a request of which these facts are known.
    pub fn uses<'f>(&self, field: FieldId, facts: impl Fn(usize) -> Facts<'f>) -> bool {
        let always = self.used.get(usize::from(field.0)).copied();
        always.unwrap_or(false) || self.uses_now(field, facts)
    }

    /// Whether a field decides nothing but in some requests, and this is one. Apart, for most fields need no such look.
    #[inline(never)]
    fn uses_now<'f>(&self, field: FieldId, facts: impl Fn(usize) -> Facts<'f>) -> bool {
        let holds = |checked: &Checked| checked.when.holds(&facts(checked.part));
        self.checks_of(field).any(holds)
    }

    /// Whether a field's value passes all checks, whatever it says.
    pub fn is_free(&self, field: FieldId, value: &str) -> bool {
        let free = self.free.get(usize::from(field.0)).copied();
        value.len() <= usize::from(free.unwrap_or(0))
    }

    /// Whether a field's value stands in the path of a call.
    pub(in crate::mapping) fn in_path(&self, field: FieldId) -> bool {
        let is_it = |source: &Source| matches!(source, Source::Field(used) if *used == field);
        let calls = self.steps.iter().filter_map(Step::call);
        let mut parts = calls.flat_map(|call| &call.template.parts);
        parts.any(|part| matches!(part, PathPart::Value { source, .. } if is_it(source)))
    }
}

impl Tables {
    /// The decimals of a request's currency: two where it has none.
    pub fn decimals(&self, values: &Values<'_>) -> usize {
        let currencies = &self.codes[usize::from(self.currencies.0)];
        let currency = self.currency.and_then(|field| values.get(field));
        let code = currency.and_then(|currency| currencies.by_scmp(currency));
        code.and_then(|code| code.rest.parse().ok()).unwrap_or(2)
    }

    /// The names that the merchant setting `processor` takes.
    pub fn processors(&self) -> Vec<&str> {
        let table = &self.codes[usize::from(self.processors.0)];
        table.codes.iter().map(|code| code.scmp.as_str()).collect()
    }

    /// The number of a service, by its name in any case.
    pub fn service(&self, name: &str) -> Option<usize> {
        // There are some twenty, and their lengths tell most of them apart.
        let mut known = self.services.iter();
        known.position(|known| known.eq_ignore_ascii_case(name))
    }

    /// The program of a set of services, by their names.
    pub fn program(&self, names: &[&str]) -> Option<&Program> {
        let numbers = names.iter().map(|name| self.service(name));
        self.program_of(numbers.collect::<Option<Numbers>>()?)
    }

    /// The program of a set of services, by their numbers in any order.
    pub fn program_of(&self, mut numbers: Numbers) -> Option<&Program> {
        numbers.sort_unstable();
        numbers.dedup();
        self.programs.get(numbers.as_slice())
    }

    /// The amount with which a request's card is verified, where its processor can do that.
    pub fn preauthorization(&self, settings: &Settings, values: &Values<'_>) -> Option<&str> {
        let processor = settings.processor.as_deref();
        self.preauthorizations.amount(processor, values)
    }
}
