//! Payment instruments of customers: `/tms/v2/customers/{id}/payment-instruments`.

use serde_json::{Map, Value, json};

use super::children::{Child, identifier_of};
use super::error::{Detail, TmsError};
use super::list::{self, Page};
use super::number::Kind;
use super::vault::Vault;
use super::{fields, href, identifier, shape};
use crate::sandbox::call::Call;
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// The member of a list that holds payment instruments.
const LIST_NAME: &str = "paymentInstruments";

/// POST.
///
/// An identifier that is unknown, deleted or another merchant's is an invalid field and not 404,
/// because 404 would say that the customer in the path is missing (choice).
pub(crate) fn create(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owner: &str,
) -> Result<Reply, TmsError> {
    vault.customer(owner)?;
    let (patch, default) = read_body(call)?;
    let mut members = Map::new();
    shape::merge(&mut members, patch);
    let id = add(vault, ids, owner, members, default)?;
    let reply = show(vault, owner, &id, 201)?;
    Ok(reply.with_location(href::instrument(owner, &id)))
}

/// Adds an instrument to a customer that is there; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    owner: &str,
    members: Map<String, Value>,
    default: Option<bool>,
) -> Result<String, TmsError> {
    let (identifier, kind) = find_identifier(vault, &members)?;
    if let Some(name) = members_of_other_kind(&members, kind) {
        return Err(TmsError::InvalidCombination(vec![
            Detail::new(name, ""),
            Detail::new("id", "instrumentIdentifier"),
        ]));
    }
    let customer = vault.customer_mut(owner)?;
    let id = customer.instruments.add(members, ids);
    if default == Some(true) {
        customer.instruments.choose_default(&id, ids);
    }
    if customer.instruments.is_default(&id) {
        customer.etag = ids.token();
    }
    vault.attach(&identifier, owner, &id);
    Ok(id)
}

/// GET of a customer's list.
pub(crate) fn list(vault: &Vault, call: &Call<'_>, owner: &str) -> Result<Reply, TmsError> {
    let instruments = &vault.customer(owner)?.instruments;
    let page = Page::read(call.query)?;
    let items = page
        .of(instruments.iter())
        .map(|(id, child)| {
            let is_default = instruments.is_default(id);
            render(vault, owner, id, child, is_default)
        })
        .collect();
    let path = href::instruments(owner);
    Ok(list::reply(
        &path,
        page,
        LIST_NAME,
        items,
        instruments.len(),
    ))
}

/// GET of the list of those that use an identifier.
pub(crate) fn list_of_identifier(
    vault: &Vault,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let used_by = &vault.identifier(id)?.used_by;
    let page = Page::read(call.query)?;
    let mut items = Vec::new();
    for (owner, instrument) in page.of(used_by.iter()) {
        let (customer, child) = vault.instrument(owner, instrument)?;
        let is_default = customer.instruments.is_default(instrument);
        items.push(render(vault, owner, instrument, child, is_default));
    }
    let path = href::identifier_instruments(id);
    Ok(list::reply(&path, page, LIST_NAME, items, used_by.len()))
}

/// GET.
pub(crate) fn read(vault: &Vault, owner: &str, id: &str) -> Result<Reply, TmsError> {
    show(vault, owner, id, 200)
}

/// PATCH.
///
/// `default: false` on the default changes nothing: there is no other to take its place. The
/// identifier that is no longer used stays; only deletions cascade (spec).
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    let (_, child) = vault.instrument(owner, id)?;
    call.check_if_match(&child.etag)?;
    let (patch, default) = read_body(call)?;
    let (old_identifier, old_kind) = find_identifier(vault, &child.members)?;
    let mut members = child.members.clone();
    let crosses = members_of_other_kind(&patch, old_kind).is_some();
    shape::merge(&mut members, patch);
    let (identifier, kind) = find_identifier(vault, &members)?;
    if crosses || kind != old_kind {
        return Err(TmsError::UnsupportedModification);
    }
    let customer = vault.customer_mut(owner)?;
    customer.instruments.replace(id, members, ids);
    if default == Some(true) && customer.instruments.choose_default(id, ids) {
        customer.etag = ids.token();
    }
    if identifier != old_identifier {
        vault.detach(&old_identifier, owner, id);
        vault.attach(&identifier, owner, id);
    }
    show(vault, owner, id, 200)
}

/// DELETE: 409 for the default while others are there.
pub(crate) fn delete(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    let (_, child) = vault.instrument(owner, id)?;
    call.check_if_match(&child.etag)?;
    vault.remove_instrument(owner, id, ids)?;
    Ok(Reply::no_content())
}

/// Deletes an instrument that a payment made without a customer.
pub(crate) fn delete_any(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let owner = vault.owner_of(id).map(str::to_owned);
    delete(vault, ids, call, &owner.unwrap_or_default(), id)
}

/// The members of a body, and its `default`.
fn read_body(call: &Call<'_>) -> Result<(Map<String, Value>, Option<bool>), TmsError> {
    let mut members = shape::cut(fields::PAYMENT_INSTRUMENT, &call.object()?)?;
    let default = members.remove("default").as_ref().and_then(shape::as_flag);
    Ok((members, default))
}

/// The identifier that `members` point to, and what it is the number of.
fn find_identifier(
    vault: &Vault,
    members: &Map<String, Value>,
) -> Result<(String, Kind), TmsError> {
    let id =
        identifier_of(members).ok_or_else(|| TmsError::missing("id", "instrumentIdentifier"))?;
    match vault.identifier(id) {
        Ok(identifier) => Ok((id.to_owned(), identifier.number.kind())),
        Err(_) => Err(TmsError::invalid("id", "instrumentIdentifier")),
    }
}

/// The member that an instrument of this kind cannot have, when it is there and not `null`.
fn members_of_other_kind(members: &Map<String, Value>, kind: Kind) -> Option<&'static str> {
    let name = match kind {
        Kind::Card => "bankAccount",
        Kind::Bank => "card",
    };
    members
        .get(name)
        .is_some_and(|value| !value.is_null())
        .then_some(name)
}

fn show(vault: &Vault, owner: &str, id: &str, status: u16) -> Result<Reply, TmsError> {
    let (customer, child) = vault.instrument(owner, id)?;
    let is_default = customer.instruments.is_default(id);
    let body = render(vault, owner, id, child, is_default);
    Ok(Reply::json(status, body).with_etag(&child.etag))
}

/// The payment instrument as a reply shows it, with its identifier embedded.
pub(crate) fn render(
    vault: &Vault,
    owner: &str,
    id: &str,
    child: &Child,
    is_default: bool,
) -> Value {
    let mut shown = child.members.clone();
    shown.insert("id".to_owned(), json!(id));
    shown.insert("object".to_owned(), json!("paymentInstrument"));
    shown.insert("default".to_owned(), json!(is_default));
    shown.insert("state".to_owned(), json!("ACTIVE"));
    shown.insert("metadata".to_owned(), vault.metadata());
    shown.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": href::instrument(owner, id)},
            "customer": {"href": href::customer(owner)},
        }),
    );
    if let Some(used) = child.identifier()
        && let Ok(identifier) = vault.identifier(used)
    {
        let identifier = identifier::render(vault, used, identifier);
        shown.insert(
            "_embedded".to_owned(),
            json!({"instrumentIdentifier": identifier}),
        );
    }
    Value::Object(shown)
}
