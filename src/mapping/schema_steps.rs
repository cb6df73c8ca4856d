//! The steps of a service as they are written.

use indexmap::IndexMap;
use serde::Deserialize;

use super::schema::{RawMakes, RawWhen};

/// One REST call of a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    pub name: String,
    pub call: Option<String>,
    /// In place of a call: the service fails here with this outcome.
    pub refuse: Option<String>,
    /// A refusal of the id lets the next step try.
    #[serde(default)]
    pub try_next: bool,
    #[serde(default)]
    pub makes: Vec<RawMakes>,
    #[serde(default)]
    pub path: IndexMap<String, String>,
    pub body: Option<String>,
    pub if_match: Option<String>,
    pub keep: Option<RawKeep>,
    #[serde(default)]
    pub undo: Vec<RawUndo>,
    pub changed: Option<String>,
    /// What settles the call when its outcome is not known, in this order.
    pub settle: Option<Vec<RawWay>>,
    /// What finds what the call may leave behind when its outcome is not known.
    pub leaves: Option<RawWay>,
    /// When the object is asked for with its numbers unmasked.
    pub unmasked: Option<RawWhen>,
    pub when: Option<RawWhen>,
}

/// One way to settle a call whose outcome is not known: the same call again, or another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWay {
    #[serde(default)]
    pub again: bool,
    /// The call looks for the lost one, which is kept when it is found.
    #[serde(default)]
    pub find: bool,
    /// The call reads the object, whose ETag tells whether the lost call changed it.
    #[serde(default)]
    pub unchanged: bool,
    pub call: Option<String>,
    #[serde(default)]
    pub path: IndexMap<String, String>,
    pub body: Option<String>,
    pub when: Option<RawWhen>,
}

/// Parts of a stored object that a call sends again beside what is new.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKeep {
    pub from: String,
    pub paths: Vec<String>,
    /// The elements of kept lists that REST masks; all others are the merchant's own words, whatever they look like.
    #[serde(default)]
    pub masked: Vec<String>,
}

/// The call that undoes a step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUndo {
    pub call: String,
    #[serde(default)]
    pub path: IndexMap<String, String>,
    pub when: Option<RawWhen>,
}
