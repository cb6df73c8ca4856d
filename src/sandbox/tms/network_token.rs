//! Network tokens ("tokenized cards"): what a card network gives out in the place of a card.
//!
//! No network answers here: a card of the three networks that take part gets a token at once, any
//! other stays unprovisioned (choice). The numbers are made up and pass the check of cards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::href;
use super::number::Number;
use super::vault::Vault;
use crate::sandbox::call::View;
use crate::sandbox::ids::Ids;

/// The networks that give out tokens: brand, name, first digits and length of its tokens.
const NETWORKS: &[(&str, &str, &str, usize)] = &[
    ("001", "visa", "489537", 16),
    ("002", "mastercard", "520473", 16),
    ("003", "americanexpress", "374500", 15),
];
/// The length of a payment account reference (EMVCo).
const ACCOUNT_REFERENCE_CHARS: usize = 29;

/// Month and year, as they were sent.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Expiry {
    month: String,
    year: String,
}

impl Expiry {
    /// Reads `card.expirationMonth` and `card.expirationYear` of a checked body.
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, TmsError> {
        let card = members.get("card");
        let text = |name: &str| {
            let found = card.and_then(|card| card.get(name)).and_then(Value::as_str);
            let missing = || TmsError::missing(name, "card");
            found.map(str::to_owned).ok_or_else(missing)
        };
        Ok(Self {
            month: text("expirationMonth")?,
            year: text("expirationYear")?,
        })
    }

    fn show(&self, object: &mut Value) {
        object["expirationMonth"] = json!(self.month);
        object["expirationYear"] = json!(self.year);
    }
}

/// The life of a network token (spec).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Standing {
    /// It pays.
    Active,
    /// It does not pay for now.
    Suspended,
    /// It never pays again.
    Deleted,
    /// The card got none.
    Unprovisioned,
}

/// A network token.
#[derive(Serialize, Deserialize)]
pub(crate) struct NetworkToken {
    /// Whether it pays.
    pub(crate) standing: Standing,
    /// Its number; `None` when the card got none.
    number: Option<Number>,
    expiry: Expiry,
    brand: Option<String>,
    card_suffix: String,
    card_expiry: Expiry,
    enrollment: String,
    reference: String,
    account_reference: String,
    /// The identifier of its card.
    pub(crate) identifier: Option<String>,
    /// How often it was used.
    uses: u32,
}

/// What an issuer says about a token.
pub(crate) struct Event {
    /// Its new standing.
    pub(crate) standing: Option<Standing>,
    /// The last digits of the card that replaces the old one.
    pub(crate) suffix: Option<String>,
    /// The new card's expiry.
    pub(crate) expiry: Option<Expiry>,
}

impl Vault {
    /// Asks the card's network for a token; returns its id.
    pub(crate) fn provision(&mut self, card: &Number, expiry: Expiry, ids: &Ids) -> String {
        let brand = card.brand().ok().flatten().map(|brand| brand.code);
        let network = brand.and_then(|code| NETWORKS.iter().find(|(of, ..)| *of == code));
        let number = network.and_then(|(_, _, prefix, digits)| make_number(prefix, *digits, ids));
        let standing = match number {
            Some(_) => Standing::Active,
            None => Standing::Unprovisioned,
        };
        let account = ids.digits(ACCOUNT_REFERENCE_CHARS - 4);
        let token = NetworkToken {
            standing,
            number,
            expiry: expiry.clone(),
            brand: brand.map(str::to_owned),
            card_suffix: card.tail().to_owned(),
            card_expiry: expiry,
            enrollment: ids.token(),
            reference: ids.token(),
            account_reference: format!("V001{account}"),
            identifier: None,
            uses: 0,
        };
        let id = ids.token();
        self.network_tokens.insert(id.clone(), token);
        id
    }

    /// Gives an identifier's card a network token unless it has one.
    pub(crate) fn enroll(&mut self, id: &str, expiry: Expiry, ids: &Ids) -> Result<(), TmsError> {
        let identifier = self.identifier(id)?;
        if identifier.network_token.is_some() {
            return Ok(());
        }
        let number = identifier.number.clone();
        let token = self.provision(&number, expiry, ids);
        self.link(&token, id, ids);
        Ok(())
    }

    /// Joins a network token and the identifier of its card.
    pub(crate) fn link(&mut self, token: &str, identifier: &str, ids: &Ids) {
        if let Some(found) = self.network_tokens.get_mut(token) {
            found.identifier = Some(identifier.to_owned());
        }
        if let Some(found) = self.identifier_mut(identifier) {
            found.network_token = Some(token.to_owned());
            found.etag = ids.token();
        }
    }

    /// A network token.
    pub(crate) fn network_token(&self, id: &str) -> Result<&NetworkToken, TmsError> {
        let found = self.network_tokens.get(id);
        found.ok_or_else(|| self.absent(&href::tokenized_card(id)))
    }

    /// Deletes a network token; the card's identifier stays.
    pub(crate) fn remove_network_token(&mut self, id: &str) {
        let Some(token) = self.network_tokens.remove(id) else {
            return;
        };
        self.gone.insert(href::tokenized_card(id));
        let identifier = token.identifier.as_deref();
        let found = identifier.and_then(|id| self.identifier_mut(id));
        if let Some(identifier) = found
            && identifier.network_token.as_deref() == Some(id)
        {
            identifier.network_token = None;
        }
    }

    /// What an issuer says. A deletion closes the card's identifier too (choice).
    pub(crate) fn apply(&mut self, id: &str, event: Event, ids: &Ids) {
        let Some(token) = self.network_tokens.get_mut(id) else {
            return;
        };
        token.standing = event.standing.unwrap_or(token.standing);
        if let Some(suffix) = event.suffix {
            token.card_suffix = suffix;
        }
        if let Some(expiry) = event.expiry {
            token.card_expiry = expiry;
        }
        let is_closed = token.standing == Standing::Deleted;
        let identifier = token.identifier.clone();
        if let Some(identifier) = identifier.and_then(|id| self.identifier_mut(&id)) {
            identifier.is_closed = is_closed;
            identifier.etag = ids.token();
        }
    }

    /// Counts a use; returns how many there were.
    pub(crate) fn use_network_token(&mut self, id: &str) -> u32 {
        let Some(token) = self.network_tokens.get_mut(id) else {
            return 0;
        };
        token.uses += 1;
        token.uses
    }

    /// A network token as replies show it.
    pub(crate) fn show_network_token(&self, id: &str, token: &NetworkToken, view: View) -> Value {
        let mut shown = json!({
            "id": id,
            "object": "tokenizedCard",
            "source": "ONFILE",
            "state": token.standing,
            "enrollmentId": token.enrollment,
            "card": {"suffix": token.card_suffix},
            "metadata": self.metadata(),
        });
        token.card_expiry.show(&mut shown["card"]);
        if let Some(brand) = &token.brand {
            shown["card"]["type"] = json!(brand);
        }
        let network = NETWORKS
            .iter()
            .find(|(brand, ..)| token.brand.as_deref() == Some(*brand));
        if let (Some(number), Some((_, name, ..))) = (&token.number, network) {
            shown["number"] = number.shown(view).1["number"].clone();
            shown["type"] = json!(name);
            shown["tokenReferenceId"] = json!(token.reference);
            shown["paymentAccountReference"] = json!(token.account_reference);
            token.expiry.show(&mut shown);
        } else {
            shown["reason"] = json!("CARD_NOT_ELIGIBLE");
        }
        shown
    }
}

/// A number of the network's range whose check digit is right.
fn make_number(prefix: &str, digits: usize, ids: &Ids) -> Option<Number> {
    let body = format!("{prefix}{}", ids.digits(digits - prefix.len() - 1));
    (0..10).find_map(|check| Number::of_card(&format!("{body}{check}")))
}
