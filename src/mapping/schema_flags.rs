//! The flags table as it is written.

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

use super::lines::Lines;

/// `flags.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFlags {
    pub flags: IndexMap<String, RawFlag>,
    pub local: IndexMap<Spanned<String>, Spanned<RawText>>,
    pub rest: Lines<RawOutcome>,
    pub settle: Lines<RawSettle>,
    pub found: Lines<RawFound>,
    pub lookup: Spanned<RawLookUp>,
}

/// A flag's code, and what is said where REST says nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFlag {
    pub rcode: i8,
    pub text: String,
}

/// A flag and its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawText {
    pub flag: String,
    pub text: String,
}

/// A REST outcome, its flag and text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOutcome {
    pub group: Option<String>,
    pub http: String,
    pub status: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub field: Option<String>,
    /// The error must blame nothing.
    #[serde(default)]
    pub unblamed: bool,
    /// It may mean that an id names something of another kind.
    #[serde(default)]
    pub wrong_id: bool,
    pub flag: String,
    pub text: String,
}

/// An answer to a call that was to settle another, and what it means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSettle {
    pub group: String,
    pub method: Option<String>,
    pub http: String,
    pub status: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The error must blame nothing.
    #[serde(default)]
    pub unblamed: bool,
    pub means: String,
}

/// How a lost call is looked up: what is read of the search's answer, and of a transaction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLookUp {
    pub search: String,
    pub listed: String,
    pub id: String,
    pub read: String,
    pub mark: String,
    pub tokens: String,
    pub services: String,
    pub flag: String,
    pub text: String,
}

/// What the services of a transaction that was found mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFound {
    pub member: String,
    pub every: Option<String>,
    pub one: Option<String>,
    pub means: String,
}
