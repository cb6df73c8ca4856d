//! What payments ask of the vault: the number behind a token, and new tokens.

use serde_json::{Map, Value, json};

use super::children::Child;
use super::error::TmsError;
use super::number::Number;
use super::owned::{self, Owned};
use super::shape::{self, Shape};
use super::vault::Vault;
use super::{State, fields, instrument};
use crate::sandbox::ids::Ids;

/// A token that pays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reference<'a> {
    /// A customer by its default payment instrument.
    Customer(&'a str),
    /// One payment instrument of a customer.
    CustomersInstrument(&'a str, &'a str),
    /// A payment instrument of whatever home.
    Instrument(&'a str),
    /// An instrument identifier.
    Identifier(&'a str),
}

/// What a token stands for.
pub(crate) struct Means {
    /// The number of the card or the account.
    pub(crate) number: Number,
    /// The members that the token keeps beside it, in TMS's spelling: expiry, address.
    pub(crate) members: Map<String, Value>,
    /// What a payment's reply shows of it (guide: nothing for a customer).
    pub(crate) shown: Map<String, Value>,
}

/// Tokens that a payment asks for, in the form of TMS bodies.
pub(crate) struct Draft {
    number: Number,
    family: Option<Family>,
}

/// A payment instrument with whoever will own it, and an address.
struct Family {
    owner: Owner,
    instrument: Map<String, Value>,
    instrument_default: Option<bool>,
    address: Option<Map<String, Value>>,
    address_default: Option<bool>,
}

enum Owner {
    New(Map<String, Value>),
    Known(String),
    Nobody,
}

/// The ids of new tokens.
pub(crate) struct Made {
    /// The instrument identifier.
    pub(crate) identifier: String,
    /// Whether its number was never seen before.
    pub(crate) identifier_is_new: bool,
    /// The customer.
    pub(crate) customer: Option<String>,
    /// The payment instrument.
    pub(crate) instrument: Option<String>,
    /// The shipping address.
    pub(crate) address: Option<String>,
}

impl Draft {
    /// An instrument identifier and nothing else.
    pub(crate) fn of_identifier(number: Number) -> Self {
        Self {
            number,
            family: None,
        }
    }

    /// A payment instrument that no customer owns; see [`Self::of_customer`].
    pub(crate) fn of_nobody(number: Number, instrument: &Value) -> Result<Self, Vec<String>> {
        let (instrument, _) = cut(fields::PAYMENT_INSTRUMENT, instrument)?;
        Ok(Self {
            number,
            family: Some(Family {
                owner: Owner::Nobody,
                instrument,
                instrument_default: None,
                address: None,
                address_default: None,
            }),
        })
    }

    /// The tokens of a customer; `owner` is one that is there already.
    ///
    /// The bodies are cut and checked as those of TMS calls are; an error names the members.
    pub(crate) fn of_customer(
        number: Number,
        owner: Option<&str>,
        customer: &Value,
        instrument: &Value,
        address: Option<&Value>,
    ) -> Result<Self, Vec<String>> {
        let owner = match owner {
            Some(id) => Owner::Known(id.to_owned()),
            None => Owner::New(cut(fields::CUSTOMER, customer)?.0),
        };
        let (instrument, instrument_default) = cut(fields::PAYMENT_INSTRUMENT, instrument)?;
        let address = address.map(|body| cut(fields::SHIPPING_ADDRESS, body));
        let (address, address_default) = match address.transpose()? {
            Some((members, default)) => (Some(members), default),
            None => (None, None),
        };
        Ok(Self {
            number,
            family: Some(Family {
                owner,
                instrument,
                instrument_default,
                address,
                address_default,
            }),
        })
    }
}

type Members = (Map<String, Value>, Option<bool>);

fn cut(shape: Shape, body: &Value) -> Result<Members, Vec<String>> {
    let body = body.as_object().cloned().unwrap_or_default();
    let mut patch = shape::cut(shape, &body).map_err(|error| error.members())?;
    let default = patch.remove("default").as_ref().and_then(shape::as_flag);
    let mut members = Map::new();
    shape::merge(&mut members, patch);
    Ok((members, default))
}

impl State {
    /// What a token of `merchant` stands for; `None` when it is unknown, deleted or empty.
    pub(crate) fn means(&mut self, merchant: &str, reference: Reference<'_>) -> Option<Means> {
        let (vault, _) = self.vault(merchant);
        match reference {
            Reference::Customer(owner) => {
                let (id, child) = vault.customer(owner).ok()?.instruments.current_default()?;
                let mut means = of_instrument(vault, id, child)?;
                means.shown.clear();
                Some(means)
            }
            Reference::CustomersInstrument(owner, id) => {
                let (_, child) = vault.child(Owned::Instrument, owner, id).ok()?;
                of_instrument(vault, id, child)
            }
            Reference::Instrument(id) => of_instrument(vault, id, vault.instrument(id)?),
            Reference::Identifier(id) => of_identifier(vault, id),
        }
    }

    /// Whether `merchant` has this customer.
    pub(crate) fn has_customer(&mut self, merchant: &str, id: &str) -> bool {
        self.vault(merchant).0.customer(id).is_ok()
    }

    /// Makes the tokens of a draft, whose owner is there; `None` when it is not.
    pub(crate) fn make(&mut self, merchant: &str, draft: Draft) -> Option<Made> {
        let (vault, ids) = self.vault(merchant);
        let (identifier, identifier_is_new) = vault.tokenize(draft.number, Map::new(), ids);
        let mut made = Made {
            identifier,
            identifier_is_new,
            customer: None,
            instrument: None,
            address: None,
        };
        if let Some(family) = draft.family
            && let Err(error) = settle(vault, ids, family, &mut made)
        {
            tracing::error!(%error, "a payment's tokens could not be made");
            return None;
        }
        Some(made)
    }
}

fn settle(vault: &mut Vault, ids: &Ids, family: Family, made: &mut Made) -> Result<(), TmsError> {
    let mut members = family.instrument;
    let identifier = json!({"id": made.identifier});
    members.insert("instrumentIdentifier".to_owned(), identifier);
    let owner = match family.owner {
        Owner::Known(id) => id,
        Owner::New(members) => vault.add_customer(members, ids),
        Owner::Nobody => {
            made.instrument = Some(instrument::add(vault, ids, members)?);
            return Ok(());
        }
    };
    let default = family.instrument_default;
    let instrument = owned::add(vault, ids, Owned::Instrument, &owner, members, default)?;
    made.instrument = Some(instrument);
    if let Some(members) = family.address {
        let default = family.address_default;
        let address = owned::add(vault, ids, Owned::Address, &owner, members, default)?;
        made.address = Some(address);
    }
    made.customer = Some(owner);
    Ok(())
}

fn of_instrument(vault: &Vault, id: &str, child: &Child) -> Option<Means> {
    let mut means = of_identifier(vault, child.identifier()?)?;
    shape::merge(&mut means.members, child.members.clone());
    let shown = json!({"id": id});
    means.shown.insert("paymentInstrument".to_owned(), shown);
    Some(means)
}

fn of_identifier(vault: &Vault, id: &str) -> Option<Means> {
    let identifier = vault.identifier(id).ok()?;
    let shown = json!({"id": id, "state": identifier.state()});
    Some(Means {
        number: identifier.number.clone(),
        members: identifier.members.clone(),
        shown: Map::from_iter([("instrumentIdentifier".to_owned(), shown)]),
    })
}
