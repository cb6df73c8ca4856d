//! Instrument identifiers: `/tms/v1/instrumentidentifiers`.

use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::network_token::Expiry;
use super::number::Number;
use super::vault::{Identifier, Vault};
use super::{bin_details, fields, href, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// POST: 201 for a number never seen, 200 for a known one.
///
/// The members sent with a known number are not stored: nothing says that a POST changes a token.
pub(crate) fn create(vault: &mut Vault, ids: &Ids, call: &Call<'_>) -> Result<Reply, TmsError> {
    let body = call.object()?;
    let number = Number::read(&body)?;
    let members = read_members(&body)?;
    let expiry = read_enrollment(&body)?;
    let (id, is_new) = vault.tokenize(number, members, ids);
    if let Some(expiry) = expiry {
        vault.enroll(&id, expiry, ids)?;
    }
    let status = if is_new { 201 } else { 200 };
    let reply = show(vault, call.view, &id, status)?;
    Ok(reply.with_location(href::identifier(&id)))
}

/// GET.
pub(crate) fn read(vault: &Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    show(vault, call.view, id, 200)
}

/// PATCH: everything but the number, which is the identity of the token.
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let identifier = vault.identifier(id)?;
    call.check_if_match(&identifier.etag)?;
    let body = call.object()?;
    identifier.number.check_unchanged(&body)?;
    let mut members = identifier.members.clone();
    shape::merge(&mut members, read_members(&body)?);
    vault.replace_identifier(id, members, ids);
    show(vault, call.view, id, 200)
}

/// DELETE: 409 while payment instruments use it.
pub(crate) fn delete(vault: &mut Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    let identifier = vault.identifier(id)?;
    call.check_if_match(&identifier.etag)?;
    if !identifier.used_by.is_empty() {
        let instruments = href::identifier_instruments(id);
        return Err(TmsError::IdentifierInUse { instruments });
    }
    vault.remove_identifier(id);
    Ok(Reply::no_content())
}

/// POST of `…/enrollment`: 202, and the card has a network token at once (choice).
pub(crate) fn enroll(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let identifier = vault.identifier(id)?;
    let body = call.object()?;
    identifier.number.check_unchanged(&body)?;
    shape::cut(fields::INSTRUMENT_IDENTIFIER, &body)?;
    let expiry = read_enrollment(&body)?;
    vault.enroll(
        id,
        expiry.ok_or_else(|| TmsError::missing("type", ""))?,
        ids,
    )?;
    Ok(Reply::accepted())
}

/// The expiry of a card that is to get a network token; `None` when it is not.
fn read_enrollment(body: &Map<String, Value>) -> Result<Option<Expiry>, TmsError> {
    match body.get("type").and_then(Value::as_str) {
        Some(kind) if fields::ENROLLABLE.contains(&kind) => Expiry::read(body).map(Some),
        _ => Ok(None),
    }
}

/// Everything but the number, whose members are cut off.
pub(crate) fn read_members(body: &Map<String, Value>) -> Result<Map<String, Value>, TmsError> {
    let mut members = shape::cut(fields::INSTRUMENT_IDENTIFIER, body)?;
    for name in ["card", "type"] {
        members.remove(name);
    }
    Ok(members)
}

fn show(vault: &Vault, view: View, id: &str, status: u16) -> Result<Reply, TmsError> {
    let identifier = vault.identifier(id)?;
    let body = render(vault, view, id, identifier);
    Ok(Reply::json(status, body).with_etag(&identifier.etag))
}

/// The identifier as a reply shows it.
pub(crate) fn render(vault: &Vault, view: View, id: &str, identifier: &Identifier) -> Value {
    let mut shown = identifier.members.clone();
    let (name, number) = identifier.number.shown(view);
    shown.insert(name.to_owned(), number);
    shown.insert("id".to_owned(), json!(id));
    shown.insert("object".to_owned(), json!("instrumentIdentifier"));
    shown.insert("state".to_owned(), json!(identifier.state()));
    shown.insert("metadata".to_owned(), vault.metadata());
    let mut links = json!({
        "self": {"href": href::identifier(id)},
        "paymentInstruments": {"href": href::identifier_instruments(id)},
    });
    if let Some(token) = &identifier.network_token
        && let Ok(found) = vault.network_token(token)
    {
        links["tokenized-cards"] = json!({"href": href::tokenized_card(token)});
        let token = vault.show_network_token(token, found, view);
        shown.insert("tokenizedCard".to_owned(), token);
    }
    shown.insert("_links".to_owned(), links);
    if view.has_bin_details
        && let Some(details) = bin_details::look_up(&identifier.number)
    {
        shown.insert("_embedded".to_owned(), json!({"binLookup": details}));
    }
    Value::Object(shown)
}
