//! What pays in the place of a token: `POST /tms/v2/tokens/{id}/payment-credentials`, a bare JWE,
//! and the same under `/tms/v3`, which is JSON.
//!
//! The token can be any: a customer and a payment instrument stand for their card. Cryptograms and
//! security codes are made up. The third version shows a network token whole and a card's number
//! masked, as it may not be sealed (choice).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::network_token::{NetworkToken, Standing};
use super::owned::Owned;
use super::vault::{Identifier, Vault};
use super::{fields, href, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// What a token leads to.
#[derive(Default)]
struct Found {
    links: Map<String, Value>,
    /// The id of the network token, when the card has one.
    network_token: Option<String>,
    identifier: Option<String>,
    /// What a payment instrument knows of its card.
    card: Map<String, Value>,
}

/// POST.
pub(crate) fn create(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let found = find(vault, id)?;
    let members = shape::cut(fields::PAYMENT_CREDENTIALS, &call.object()?)?;
    let kind = members.get("paymentCredentialType");
    let is_code = kind.and_then(Value::as_str) == Some("SECURITY_CODE");
    let mut shown = json!({"_links": found.links});
    if let Some(token) = &found.network_token {
        let uses = vault.use_network_token(token);
        shown["tokenizedCard"] = show_token(vault, ids, token, uses, is_code)?;
    }
    if let Some(identifier) = &found.identifier {
        let (name, number) = vault.identifier(identifier)?.number.shown(call.view);
        if name == "card" {
            let mut card = found.card;
            card.insert("number".to_owned(), number["number"].clone());
            shown["card"] = Value::Object(card);
        }
    }
    Ok(Reply::json(201, shown))
}

fn show_token(
    vault: &Vault,
    ids: &Ids,
    id: &str,
    uses: u32,
    is_code: bool,
) -> Result<Value, TmsError> {
    let whole = View {
        is_unmasked: true,
        ..View::default()
    };
    let token = vault.network_token(id)?;
    let mut shown = vault.show_network_token(id, token, whole);
    // Of the module's own reply only, not of this one's.
    if let Some(members) = shown.as_object_mut() {
        members.remove("metadata");
    }
    match is_code {
        true => shown["securityCode"] = json!(ids.digits(3)),
        false => shown["cryptogram"] = json!(cryptogram(ids)),
    }
    shown["applicationTransactionCounter"] = json!(uses.to_string());
    Ok(shown)
}

fn cryptogram(ids: &Ids) -> String {
    let numbers = [ids.number(), ids.number(), ids.number()];
    let bytes: Vec<u8> = numbers.iter().flat_map(|it| it.to_be_bytes()).collect();
    STANDARD.encode(&bytes[..20])
}

fn find(vault: &Vault, id: &str) -> Result<Found, TmsError> {
    if let Ok(token) = vault.network_token(id) {
        return of_network_token(vault, id, token);
    }
    if let Ok(customer) = vault.customer(id) {
        let default = customer.instruments.current_default();
        let (instrument, _) = default.ok_or(TmsError::NotFound)?;
        return of_instrument(vault, instrument);
    }
    if vault.instrument(id).is_some() {
        return of_instrument(vault, id);
    }
    of_identifier(vault, id, vault.identifier(id)?)
}

fn of_instrument(vault: &Vault, id: &str) -> Result<Found, TmsError> {
    let instrument = vault.instrument(id).ok_or(TmsError::NotFound)?;
    let identifier = instrument.identifier().ok_or(TmsError::NotFound)?;
    let mut found = of_identifier(vault, identifier, vault.identifier(identifier)?)?;
    let card = instrument.members.get("card").and_then(Value::as_object);
    for name in ["expirationMonth", "expirationYear"] {
        if let Some(value) = card.and_then(|card| card.get(name)) {
            found.card.insert(name.to_owned(), value.clone());
        }
    }
    let owner = vault.owner(id);
    let path = match owner {
        Some(owner) => Owned::Instrument.path(owner, id),
        None => href::lone_instrument(id),
    };
    add_link(&mut found.links, "paymentInstruments", path);
    if let Some(owner) = owner {
        add_link(&mut found.links, "customer", href::customer(owner));
    }
    Ok(found)
}

fn of_identifier(vault: &Vault, id: &str, identifier: &Identifier) -> Result<Found, TmsError> {
    let mut found = match &identifier.network_token {
        Some(token) => of_network_token(vault, token, vault.network_token(token)?)?,
        None => Found::default(),
    };
    add_link(
        &mut found.links,
        "instrumentIdentifier",
        href::identifier(id),
    );
    found.identifier = Some(id.to_owned());
    Ok(found)
}

/// A token that does not pay gives no credentials (choice).
fn of_network_token(vault: &Vault, id: &str, token: &NetworkToken) -> Result<Found, TmsError> {
    let mut found = Found::default();
    if token.standing == Standing::Active {
        found.network_token = Some(id.to_owned());
        add_link(&mut found.links, "tokenizedCard", href::tokenized_card(id));
    }
    if let Some(identifier) = &token.identifier {
        vault.identifier(identifier)?;
        add_link(
            &mut found.links,
            "instrumentIdentifier",
            href::identifier(identifier),
        );
        found.identifier = Some(identifier.clone());
    }
    match found.links.is_empty() {
        true => Err(TmsError::NotFound),
        false => Ok(found),
    }
}

fn add_link(links: &mut Map<String, Value>, name: &str, path: String) {
    links.insert(name.to_owned(), json!({"href": path}));
}
