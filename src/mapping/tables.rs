//! The compiled tables: what the text says, resolved to indices and checked as a whole.

use std::collections::HashMap;

use http::Method;

use super::body::Body;
use super::code::{CodeId, CodeTable};
use super::condition::{Condition, Facts};
use super::field::Dictionary;
use super::flags::{Flags, LocalKind};
use super::path::JsonPath;
use super::transform::Transform;

pub use super::field::FieldId;

/// All tables, ready for use. Built once; shared by all requests.
#[derive(Debug)]
pub struct Tables {
    /// The dictionary of SCMP fields.
    pub dictionary: Dictionary,
    /// The code tables.
    pub codes: Vec<CodeTable>,
    /// The services by their lower-case name.
    pub services: HashMap<String, Service>,
    /// What every reply carries.
    pub message: Vec<ReplyLine>,
    /// Outcomes to flags.
    pub flags: Flags,
    /// The code table that names the processors.
    pub processors: CodeId,
}

/// One SCMP service.
#[derive(Debug)]
pub struct Service {
    /// The name in `ics_applications`.
    pub name: String,
    /// What its reply fields begin with.
    pub prefix: String,
    /// The ways in which it can be meant; the first that holds is taken.
    pub variants: Vec<Variant>,
    /// Fields that must be there, in the order in which they are looked for.
    pub require: Vec<Required>,
    /// Known fields that are deliberately not sent.
    pub dropped: Vec<Dropped>,
    /// Fields whose masked value means "as it is stored".
    pub unchanged: Vec<Unchanged>,
    /// The REST calls, in order.
    pub steps: Vec<Step>,
    /// The bodies that the steps use.
    pub bodies: Vec<Body>,
    /// The reply's lines.
    pub reply: Vec<ReplyLine>,
    /// The fields whose values are checked before any call, in the dictionary's order.
    pub checked: Vec<Checked>,
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
    /// The field.
    pub field: FieldId,
    /// REST's own limit in characters for this field in this service.
    pub rest_max: Option<u16>,
    /// When its value is used at all.
    pub when: Condition,
}

/// One REST call of a service.
#[derive(Debug)]
pub struct Step {
    /// Its name, by which other lines refer to its reply.
    pub name: String,
    /// The call.
    pub call: CallTemplate,
    /// Its body.
    pub body: Option<usize>,
    /// The step whose ETag must still hold.
    pub if_match: Option<usize>,
    /// What is sent again from a stored object.
    pub keep: Option<Keep>,
    /// What undoes it.
    pub undo: Option<CallTemplate>,
    /// What a caller is told was changed when a later step fails.
    pub changed: Option<String>,
    /// When it runs.
    pub when: Condition,
}

/// Parts of a stored object that are sent again beside what is new.
#[derive(Debug)]
pub struct Keep {
    /// The step that read the object.
    pub step: usize,
    /// The parts.
    pub paths: Vec<JsonPath>,
    /// The member that tells the elements of each kept array apart, by the array's plain path.
    pub element_keys: Vec<(String, String)>,
}

/// A method and a path with holes.
#[derive(Debug)]
pub struct CallTemplate {
    /// The method.
    pub method: Method,
    /// The operation as REST writes it, e.g. `GET /tms/v2/customers/{customerId}`.
    pub operation: String,
    /// The path's parts.
    pub parts: Vec<PathPart>,
}

/// A part of a call's path.
#[derive(Debug)]
pub enum PathPart {
    /// Text that stands as it is.
    Text(String),
    /// A value that fills one path segment.
    Value {
        /// The parameter's REST name.
        name: String,
        /// Where the value comes from.
        source: Source,
    },
}

/// A place in the reply of an earlier step.
#[derive(Debug, Clone)]
pub struct ReplyPath {
    /// The step's index.
    pub step: usize,
    /// The path in its reply.
    pub path: JsonPath,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A field of the request.
    Field(FieldId),
    /// A place in an earlier reply.
    Reply(ReplyPath),
    /// The HTTP status of an earlier reply.
    Status(usize),
    /// Something that the gateway makes.
    Computed(Computed),
}

/// Values that the gateway makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed {
    /// 1, 0 or -1.
    Rcode,
    /// The reply flag.
    Rflag,
    /// The reply text.
    Rmsg,
    /// The id of this request.
    RequestId,
    /// The opaque token of this request.
    RequestToken,
    /// The time of the reply, `YYYY-MM-DDThhmmssZ`.
    Time,
}

/// One line of a reply.
#[derive(Debug)]
pub struct ReplyLine {
    /// The reply field's name.
    pub field: String,
    /// What it holds.
    pub value: ReplyValue,
    /// How a REST value is translated.
    pub transform: Transform,
    /// What it holds when no source has a value.
    pub default: Option<String>,
    /// When it is there.
    pub when: Condition,
}

/// What a reply field holds.
#[derive(Debug)]
pub enum ReplyValue {
    /// The first of these that has a value.
    From(Vec<Source>),
    /// Always this text.
    Constant(String),
    /// Nothing: the field is known, and REST has nothing for it.
    Nothing,
}

impl Service {
    /// The step of a name.
    pub fn step(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name == name)
    }
}

impl Service {
    /// Whether a field's value is sent, or decides something, in a request of which these facts are known.
    pub fn uses(&self, field: FieldId, facts: Facts<'_>) -> bool {
        let in_path = |source: &Source| matches!(source, Source::Field(used) if *used == field);
        self.checked
            .iter()
            .any(|checked| checked.field == field && checked.when.holds(facts))
            || self
                .steps
                .iter()
                .flat_map(|step| &step.call.parts)
                .any(|part| matches!(part, PathPart::Value { source, .. } if in_path(source)))
    }
}

impl Tables {
    /// The names that the merchant setting `processor` takes.
    pub fn processors(&self) -> Vec<&str> {
        let table = &self.codes[usize::from(self.processors.0)];
        table.codes.iter().map(|code| code.scmp.as_str()).collect()
    }
}
