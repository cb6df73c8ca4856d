//! What the tables' lines hold: where values come from, and the lines of a reply.

use compact_str::{CompactString, format_compact};

use super::condition::Condition;
use super::field::FieldId;
use super::path::JsonPath;
use super::reader::Slot;
use super::transform::Transform;

/// A place in the reply of an earlier step.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyPath {
    /// The step's index.
    pub step: usize,
    /// Where it is found once the reply is read.
    pub slot: Slot,
    /// The path in its reply.
    pub path: JsonPath,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A field of the request.
    Field(FieldId),
    /// A place in an earlier reply.
    Reply(ReplyPath),
    /// The HTTP status of an earlier reply.
    Status(usize),
    /// Something that the gateway makes.
    Computed(Computed),
    /// The reply of a step that these services do not have.
    Absent,
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
    /// The sum of the offers.
    Total,
    /// The amount with which the request's card is verified.
    Preauthorization,
    /// An id of the call that is unique for the merchant.
    TransactionId,
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
    /// Whether no other line of a reply of these services is for the same field.
    pub alone: bool,
}

impl ReplyLine {
    /// The line, if it copies what stands at one place of a reply, and does nothing else.
    pub(in crate::mapping) fn copied(&self) -> Option<Copied> {
        let simple = self.alone
            && self.transform == Transform::Copy
            && self.default.is_none()
            && self.when.is_open();
        match &self.value {
            ReplyValue::From(sources) if simple => match &sources[..] {
                [Source::Reply(place)] => Some(Copied {
                    begin: format_compact!("{}=", self.field),
                    step: place.step,
                    slot: place.slot,
                }),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What most lines of a reply are: all that is needed of them lies close together.
#[derive(Debug)]
pub struct Copied {
    /// The reply field's name, and the sign behind it.
    pub begin: CompactString,
    /// The step whose reply holds the value.
    pub step: usize,
    /// Its place there.
    pub slot: Slot,
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
