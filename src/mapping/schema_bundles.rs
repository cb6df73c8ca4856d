//! `bundles.toml` and `preauthorization.toml` as they are written.

use serde::Deserialize;
use toml::Spanned;

use super::lines::Lines;
use super::schema::RawWhen;

/// `bundles.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBundles {
    pub bundles: Lines<RawBundle>,
}

/// Services that may come in one request, in the order in which they run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBundle {
    pub services: Vec<String>,
    /// What was asked for, where it is less than what runs.
    #[serde(default)]
    pub asked: Vec<String>,
    pub when: Option<RawWhen>,
}

/// `preauthorization.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPreauthorizations {
    /// The field that says which card it is.
    pub card: Spanned<String>,
    pub amounts: Lines<RawPreauthorization>,
}

/// An amount that a processor verifies some cards with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPreauthorization {
    pub processor: String,
    pub amount: String,
    pub cards: Vec<String>,
}
