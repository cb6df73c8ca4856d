//! `rest/*.toml` as they are written.

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

/// `rest/*.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRest {
    /// The words of `status` in replies.
    #[serde(default)]
    pub statuses: Vec<String>,
    /// The words of `reason`, and of an error's `type`.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// What a request can make and a later one follow.
    #[serde(default)]
    pub kinds: Vec<String>,
    #[serde(default)]
    pub operations: IndexMap<Spanned<String>, RawOperation>,
    #[serde(default)]
    pub resources: IndexMap<String, IndexMap<Spanned<String>, RawMember>>,
}

/// An operation and the objects that it carries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOperation {
    pub request: Option<Spanned<String>>,
    pub reply: Option<Spanned<String>>,
    /// The member without which a reply is not what was asked for.
    pub proof: Option<Spanned<String>>,
    /// Whether the API takes the body sealed by message-level encryption.
    pub mle: Option<bool>,
}

/// A member of a REST object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMember {
    pub max: Option<u16>,
    /// Where a value goes that is longer than `max`.
    pub overflow: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub kind: Option<Spanned<String>>,
    pub resource: Option<Spanned<String>>,
}
