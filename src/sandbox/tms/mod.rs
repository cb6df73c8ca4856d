//! Token management (TMS): which resource a path names, and which verb does what.
//!
//! | path | POST | GET | PATCH | DELETE |
//! |---|---|---|---|---|
//! | `/tms/v1/instrumentidentifiers` | 201, 200 known | | | |
//! | `/tms/v1/instrumentidentifiers/{id}` | | 200 | 200 | 204 |
//! | `/tms/v1/instrumentidentifiers/{id}/paymentinstruments` | | list | | |
//! | `/tms/v1/instrumentidentifiers/{id}/enrollment` | 202 | | | |
//! | `/tms/v2/tokenized-cards` | 201 | | | |
//! | `/tms/v2/tokenized-cards/{id}` | | 200 | | |
//! | `/tms/v2/tokenized-cards/{id}/delete`, `…/issuer-life-cycle-event-simulations` | 204 | | | |
//! | `/tms/v2/tokens/{id}/payment-credentials`, `/tms/v3/…` | 201 | | | |
//! | `/tms/v2/tokens/{id}/{provider}/assets/{type}` | | 200 | | |
//! | `/tms/v1/paymentinstruments` | 201 | | | |
//! | `/tms/v1/paymentinstruments/{id}` | | 200 | 200 | 204 |
//! | `/tms/v2/customers` | 201 | | | |
//! | `/tms/v2/customers/{id}` | | 200 | 200 | 204 |
//! | `/tms/v2/customers/{id}/payment-instruments` | 201 | list | | |
//! | `/tms/v2/customers/{id}/payment-instruments/{id}` | | 200 | 200 | 204 |
//! | `/tms/v2/customers/{id}/shipping-addresses` | 201 | list | | |
//! | `/tms/v2/customers/{id}/shipping-addresses/{id}` | | 200 | 200 | 204 |
//! | `/tms/v2/tokenize` | 200 | | | |
//!
//! Each path is taken with and without a slash at its end (SDKs and samples differ). The order of
//! checks is header, existence, `If-Match`, body, fields, other tokens (choice).

mod bin_details;
mod children;
mod credentials;
mod customer;
mod error;
mod fields;
mod href;
mod identifier;
mod instrument;
mod list;
mod network_token;
mod number;
mod owned;
mod payment;
mod shape;
mod tokenize;
mod tokenized_card;
mod vault;

use std::collections::HashMap;

use hyper::header::IF_MATCH;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sandbox::call::Call;
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;
use error::TmsError;
use owned::Owned;
use vault::Vault;

pub(crate) use number::{Kind, Number};
pub(crate) use payment::{Draft, Made, Means, Reference};

/// The length of a vault profile's id (spec).
const PROFILE_ID_CHARS: usize = 36;

/// The last segment of the path of simulated events.
const ISSUER_EVENTS: &str = "issuer-life-cycle-event-simulations";

/// All tokens of all merchants.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    ids: Ids,
    vaults: HashMap<String, Vault>,
}

impl State {
    /// No tokens; `seed` decides the ids of those to come.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            ids: Ids::new(seed),
            vaults: HashMap::new(),
        }
    }

    fn vault(&mut self, merchant: &str) -> (&mut Vault, &Ids) {
        let vault = self
            .vaults
            .entry(merchant.to_owned())
            .or_insert_with(|| Vault::new(merchant));
        (vault, &self.ids)
    }
}

impl Call<'_> {
    /// The body as a JSON object.
    fn object(&self) -> Result<Map<String, Value>, TmsError> {
        serde_json::from_slice(self.body).map_err(|_| TmsError::InvalidBody)
    }

    /// Refuses when the request was meant for another version of the token.
    fn check_if_match(&self, etag: &str) -> Result<(), TmsError> {
        let Some(value) = self.headers.get(IF_MATCH) else {
            return Ok(());
        };
        let mut wanted = value.to_str().unwrap_or("").split(',').map(str::trim);
        // Quotes are taken as optional: whether the real host sends them is not documented.
        if wanted.any(|one| one == "*" || one.trim_matches('"') == etag) {
            Ok(())
        } else {
            Err(TmsError::Stale)
        }
    }

    fn check_profile_id(&self) -> Result<(), TmsError> {
        let Some(value) = self.headers.get("profile-id") else {
            return Ok(());
        };
        if value.len() == PROFILE_ID_CHARS {
            Ok(())
        } else {
            Err(TmsError::InvalidHeader("profile-id"))
        }
    }
}

/// What a path names.
enum Target<'a> {
    Identifiers,
    Identifier(&'a str),
    IdentifierInstruments(&'a str),
    Enrollment(&'a str),
    Instruments,
    Instrument(&'a str),
    Customers,
    Customer(&'a str),
    /// Those of a customer.
    AllOf(Owned, &'a str),
    /// One of a customer.
    OneOf(Owned, &'a str, &'a str),
    Tokenize,
    TokenizedCards,
    TokenizedCard(&'a str),
    TokenizedCardDelete(&'a str),
    IssuerEvents(&'a str),
    Credentials(&'a str),
    /// Of an identifier, by a provider, of a kind.
    Asset(&'a str, &'a str, &'a str),
}

impl<'a> Target<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/tms/")?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        if segments.contains(&"") {
            return None;
        }
        Some(match segments[..] {
            ["v1", "instrumentidentifiers"] => Self::Identifiers,
            ["v1", "instrumentidentifiers", id] => Self::Identifier(id),
            ["v1", "instrumentidentifiers", id, "paymentinstruments"] => {
                Self::IdentifierInstruments(id)
            }
            ["v1", "instrumentidentifiers", id, "enrollment"] => Self::Enrollment(id),
            ["v1", "paymentinstruments"] => Self::Instruments,
            ["v1", "paymentinstruments", id] => Self::Instrument(id),
            ["v2", "customers"] => Self::Customers,
            ["v2", "customers", id] => Self::Customer(id),
            ["v2", "customers", owner, list] => Self::AllOf(owned(list)?, owner),
            ["v2", "customers", owner, list, id] => Self::OneOf(owned(list)?, owner, id),
            ["v2", "tokenize"] => Self::Tokenize,
            ["v2", "tokenized-cards"] => Self::TokenizedCards,
            ["v2", "tokenized-cards", id] => Self::TokenizedCard(id),
            ["v2", "tokenized-cards", id, "delete"] => Self::TokenizedCardDelete(id),
            ["v2", "tokenized-cards", id, ISSUER_EVENTS] => Self::IssuerEvents(id),
            ["v2" | "v3", "tokens", id, "payment-credentials"] => Self::Credentials(id),
            ["v2", "tokens", id, provider, "assets", kind] => Self::Asset(id, provider, kind),
            _ => return None,
        })
    }
}

/// The tokens of customers that a segment of a path names.
fn owned(segment: &str) -> Option<Owned> {
    match segment {
        "payment-instruments" => Some(Owned::Instrument),
        "shipping-addresses" => Some(Owned::Address),
        _ => None,
    }
}

/// The refusal of what a merchant is not set up for.
pub(crate) fn forbidden() -> Reply {
    TmsError::Forbidden.to_reply()
}

/// The refusal of a body that has to be sealed and is not.
pub(crate) fn unsealed() -> Reply {
    TmsError::Unsealed.to_reply()
}

/// Whether the body of this operation has to be sealed (SDK).
pub(crate) fn needs_seal(path: &str) -> bool {
    matches!(Target::parse(path), Some(Target::Tokenize))
}

/// Whether this operation's reply is a bare JWE, whatever the request accepts (SDK).
pub(crate) fn is_always_sealed(path: &str) -> bool {
    path.starts_with("/tms/v2/") && matches!(Target::parse(path), Some(Target::Credentials(_)))
}

/// Whether the first digits of cards are to be looked up, which `/tms/v1` does (SDK).
pub(crate) fn wants_bin_details(path: &str, query: &str) -> bool {
    // The Python SDK writes `True`.
    let is_true = |value: &str| value.eq_ignore_ascii_case("true");
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("retrieveBinDetails="));
    path.starts_with("/tms/v1/") && values.any(is_true)
}

/// Answers an authenticated request of `merchant`.
pub(crate) fn answer(state: &mut State, merchant: &str, call: &Call<'_>) -> Reply {
    let Some(target) = Target::parse(call.path) else {
        return Reply::no_such_resource();
    };
    let (vault, ids) = state.vault(merchant);
    let outcome = match call.check_profile_id() {
        Ok(()) => route(vault, ids, &target, call),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| error.to_reply())
}

fn route(
    vault: &mut Vault,
    ids: &Ids,
    target: &Target<'_>,
    call: &Call<'_>,
) -> Result<Reply, TmsError> {
    use Target::*;
    match (target, call.method) {
        (Identifiers, "POST") => identifier::create(vault, ids, call),
        (Identifier(id), "GET") => identifier::read(vault, call, id),
        (Identifier(id), "PATCH") => identifier::update(vault, ids, call, id),
        (Identifier(id), "DELETE") => identifier::delete(vault, call, id),
        (IdentifierInstruments(id), "GET") => instrument::list_of_identifier(vault, call, id),
        (Enrollment(id), "POST") => identifier::enroll(vault, ids, call, id),
        (Instruments, "POST") => instrument::create(vault, ids, call),
        (Instrument(id), "GET") => instrument::read(vault, call, id),
        (Instrument(id), "PATCH") => instrument::update(vault, ids, call, id),
        (Instrument(id), "DELETE") => instrument::delete(vault, call, id),
        (Customers, "POST") => customer::create(vault, ids, call),
        (Customer(id), "GET") => customer::read(vault, call, id),
        (Customer(id), "PATCH") => customer::update(vault, ids, call, id),
        (Customer(id), "DELETE") => customer::delete(vault, call, id),
        (AllOf(owned, owner), "POST") => owned::create(vault, ids, call, *owned, owner),
        (AllOf(owned, owner), "GET") => owned::list(vault, call, *owned, owner),
        (OneOf(owned, owner, id), "GET") => owned::read(vault, call, *owned, owner, id),
        (OneOf(owned, owner, id), "PATCH") => owned::update(vault, ids, call, *owned, owner, id),
        (OneOf(owned, owner, id), "DELETE") => owned::delete(vault, ids, call, *owned, owner, id),
        (Tokenize, "POST") => tokenize::create(vault, ids, call),
        (TokenizedCards, "POST") => tokenized_card::create(vault, ids, call),
        (TokenizedCard(id), "GET") => tokenized_card::read(vault, call, id),
        (TokenizedCardDelete(id), "POST") => tokenized_card::delete(vault, call, id),
        (IssuerEvents(id), "POST") => tokenized_card::simulate(vault, ids, call, id),
        (Credentials(id), "POST") => credentials::create(vault, ids, call, id),
        (Asset(id, provider, kind), "GET") => tokenized_card::asset(vault, id, provider, kind),
        _ => Ok(Reply::message(405, "The method is not allowed here")),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
