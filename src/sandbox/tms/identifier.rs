//! Instrument identifiers: `/tms/v1/instrumentidentifiers`.

use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::number::Number;
use super::vault::{Identifier, Vault};
use super::{fields, href, shape};
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
    let (id, is_new) = vault.tokenize(number, members, ids);
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
        return Err(TmsError::IdentifierInUse);
    }
    vault.remove_identifier(id);
    Ok(Reply::no_content())
}

/// POST of `…/enrollment`: 202 for an identifier that is there. No network answers here, so that
/// nothing comes of it.
pub(crate) fn enroll(vault: &Vault, id: &str) -> Result<Reply, TmsError> {
    vault.identifier(id)?;
    Ok(Reply::accepted())
}

/// Everything but the number, whose members are cut off.
pub(crate) fn read_members(body: &Map<String, Value>) -> Result<Map<String, Value>, TmsError> {
    let mut members = shape::cut(fields::INSTRUMENT_IDENTIFIER, body)?;
    members.remove("card");
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
    shown.insert("state".to_owned(), json!("ACTIVE"));
    shown.insert("metadata".to_owned(), vault.metadata());
    shown.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": href::identifier(id)},
            "paymentInstruments": {"href": href::identifier_instruments(id)},
        }),
    );
    Value::Object(shown)
}
