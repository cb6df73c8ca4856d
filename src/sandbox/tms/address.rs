//! Shipping addresses of customers: `/tms/v2/customers/{id}/shipping-addresses`.

use serde_json::{Map, Value, json};

use super::children::Child;
use super::error::TmsError;
use super::list::{self, Page};
use super::vault::Vault;
use super::{fields, href, shape};
use crate::sandbox::call::Call;
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// POST.
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
    Ok(reply.with_location(href::address(owner, &id)))
}

/// Adds an address to a customer that is there; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    owner: &str,
    members: Map<String, Value>,
    default: Option<bool>,
) -> Result<String, TmsError> {
    let customer = vault.customer_mut(owner)?;
    let id = customer.addresses.add(members, ids);
    if default == Some(true) {
        customer.addresses.choose_default(&id, ids);
    }
    if customer.addresses.is_default(&id) {
        customer.etag = ids.token();
    }
    Ok(id)
}

/// GET of the list.
pub(crate) fn list(vault: &Vault, call: &Call<'_>, owner: &str) -> Result<Reply, TmsError> {
    let addresses = &vault.customer(owner)?.addresses;
    let page = Page::read(call.query)?;
    let items = page
        .of(addresses.iter())
        .map(|(id, child)| render(vault, owner, id, child, addresses.is_default(id)))
        .collect();
    let path = href::addresses(owner);
    let total = addresses.len();
    Ok(list::reply(&path, page, "shippingAddresses", items, total))
}

/// GET.
pub(crate) fn read(vault: &Vault, owner: &str, id: &str) -> Result<Reply, TmsError> {
    show(vault, owner, id, 200)
}

/// PATCH; `default: false` on the default changes nothing.
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    let (_, child) = vault.address(owner, id)?;
    call.check_if_match(&child.etag)?;
    let (patch, default) = read_body(call)?;
    let mut members = child.members.clone();
    shape::merge(&mut members, patch);
    let customer = vault.customer_mut(owner)?;
    customer.addresses.replace(id, members, ids);
    if default == Some(true) && customer.addresses.choose_default(id, ids) {
        customer.etag = ids.token();
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
    let (_, child) = vault.address(owner, id)?;
    call.check_if_match(&child.etag)?;
    vault.remove_address(owner, id, ids)?;
    Ok(Reply::no_content())
}

/// The members of a body, and its `default`.
fn read_body(call: &Call<'_>) -> Result<(Map<String, Value>, Option<bool>), TmsError> {
    let mut members = shape::cut(fields::SHIPPING_ADDRESS, &call.object()?)?;
    let default = members.remove("default").as_ref().and_then(shape::as_flag);
    Ok((members, default))
}

fn show(vault: &Vault, owner: &str, id: &str, status: u16) -> Result<Reply, TmsError> {
    let (customer, child) = vault.address(owner, id)?;
    let is_default = customer.addresses.is_default(id);
    let body = render(vault, owner, id, child, is_default);
    Ok(Reply::json(status, body).with_etag(&child.etag))
}

/// The address as a reply shows it.
pub(crate) fn render(
    vault: &Vault,
    owner: &str,
    id: &str,
    child: &Child,
    is_default: bool,
) -> Value {
    let mut shown = child.members.clone();
    shown.insert("id".to_owned(), json!(id));
    shown.insert("default".to_owned(), json!(is_default));
    shown.insert("metadata".to_owned(), vault.metadata());
    shown.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": href::address(owner, id)},
            "customer": {"href": href::customer(owner)},
        }),
    );
    Value::Object(shown)
}
