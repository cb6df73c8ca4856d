//! The declarative tables: what a payments analyst calls "the mapping".
//!
//! Text under `mappings/` ([`source`], [`schema`]) is read once, checked as a whole and resolved to indices
//! ([`compile`]); the result ([`Tables`]) is what requests run on. `mappings/README.md` teaches the format.
//!
//! Invariants: no I/O but reading the tables at start; no name of an SCMP field, a REST path or a reply flag stands in
//! this code; an unknown SCMP field never fails a request; a value is never cut.

pub mod body;
pub mod by_field;
pub mod call;
pub mod card_data;
pub mod code;
pub mod compile;
pub mod condition;
mod containers;
pub mod diagnostic;
pub mod export;
pub mod field;
pub mod flags;
mod json;
pub mod line;
pub mod lines;
pub mod lookup;
mod marks;
pub mod mask;
pub mod path;
pub mod preauthorization;
pub mod read;
pub mod reader;
pub mod reply;
pub mod rest_error;
#[allow(
    missing_docs,
    reason = "the fields are explained to their writers in mappings/README.md"
)]
pub mod schema;
#[allow(missing_docs, reason = "as schema")]
pub mod schema_bundles;
#[allow(missing_docs, reason = "as schema")]
pub mod schema_flags;
#[allow(missing_docs, reason = "as schema")]
pub mod schema_rest;
#[allow(missing_docs, reason = "as schema")]
mod schema_steps;
pub mod side;
pub mod source;
mod succession;
pub mod tables;
pub mod token_id;
pub mod transform;
pub mod validate;
mod words;
mod writer;

use serde::Deserialize;

pub use condition::Setting;
pub use diagnostic::Diagnostic;
pub use flags::Verdict;
pub use tables::Tables;
pub use token_id::{TokenIds, TokenKind};

/// What the tables need to know of a merchant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The processor, by its name in the code table `processor`.
    pub processor: Option<String>,
    /// The account has relaxed requirements for address data and expiration date.
    pub relaxed_address: bool,
    /// The account provisions network tokens.
    pub network_tokens: bool,
    /// Retrieved numbers come whole, not masked.
    pub unmasked_retrieve: bool,
    /// What a payment that creates tokens creates.
    pub token_types: TokenTypes,
    /// What the ids of tokens name.
    pub token_ids: TokenIds,
    /// The account verifies a card with a small authorization before its token is made.
    pub preauthorization: bool,
    /// What is too long for REST is kept aside.
    pub side_store: bool,
    /// A payment whose answer was lost is looked for, and kept when it is found.
    pub keep_unknown: bool,
}

/// What a payment that creates tokens creates; a shipping address comes along when one was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTypes {
    /// A customer.
    pub customer: bool,
    /// A payment instrument.
    pub instrument: bool,
    /// An instrument identifier.
    pub identifier: bool,
}

impl Default for TokenTypes {
    fn default() -> TokenTypes {
        TokenTypes {
            customer: true,
            instrument: true,
            identifier: true,
        }
    }
}

impl Settings {
    /// Whether a setting is on.
    pub fn is_on(&self, setting: Setting) -> bool {
        match setting {
            Setting::RelaxedAddress => self.relaxed_address,
            Setting::NetworkTokens => self.network_tokens,
            Setting::UnmaskedRetrieve => self.unmasked_retrieve,
            Setting::TokenCustomer => self.token_types.customer,
            Setting::TokenInstrument => self.token_types.instrument,
            Setting::TokenIdentifier => self.token_types.identifier,
            Setting::Preauthorization => self.preauthorization,
            Setting::KeepUnknown => self.keep_unknown,
        }
    }
}
