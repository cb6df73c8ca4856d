//! Customers: `/tms/v2/customers`.

use serde_json::{Map, Value, json};

use super::children::Children;
use super::error::TmsError;
use super::owned::{self, Owned};
use super::vault::Vault;
use super::{fields, href, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// POST.
///
/// A default named here cannot be the customer's, who owns nothing yet: invalid.
pub(crate) fn create(vault: &mut Vault, ids: &Ids, call: &Call<'_>) -> Result<Reply, TmsError> {
    let id = add(vault, ids, &call.object()?)?;
    let reply = show(vault, call.view, &id, 201)?;
    Ok(reply.with_location(href::customer(&id)))
}

/// Adds a customer; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    body: &Map<String, Value>,
) -> Result<String, TmsError> {
    let sent = Sent::read(body)?;
    sent.check_defaults(&Children::default(), &Children::default())?;
    let mut members = Map::new();
    shape::merge(&mut members, sent.members);
    Ok(vault.add_customer(members, ids))
}

/// GET, with the defaults embedded.
pub(crate) fn read(vault: &Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    show(vault, call.view, id, 200)
}

/// PATCH; can also move the defaults.
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let customer = vault.customer_mut(id)?;
    call.check_if_match(&customer.etag)?;
    let sent = Sent::read(&call.object()?)?;
    sent.check_defaults(&customer.instruments, &customer.addresses)?;
    if let Some(default) = &sent.default_instrument {
        customer.instruments.choose_default(default, ids);
    }
    if let Some(default) = &sent.default_address {
        customer.addresses.choose_default(default, ids);
    }
    shape::merge(&mut customer.members, sent.members);
    customer.etag = ids.token();
    show(vault, call.view, id, 200)
}

/// DELETE, with all that the customer owns.
pub(crate) fn delete(vault: &mut Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    call.check_if_match(&vault.customer(id)?.etag)?;
    vault.remove_customer(id)?;
    Ok(Reply::no_content())
}

/// What a body says.
struct Sent {
    members: Map<String, Value>,
    default_instrument: Option<String>,
    default_address: Option<String>,
}

impl Sent {
    fn read(body: &Map<String, Value>) -> Result<Self, TmsError> {
        let mut members = shape::cut(fields::CUSTOMER, body)?;
        take_sdk_spelling(&mut members);
        Ok(Self {
            default_instrument: take_id(&mut members, "defaultPaymentInstrument"),
            default_address: take_id(&mut members, "defaultShippingAddress"),
            members,
        })
    }

    fn check_defaults(&self, instruments: &Children, addresses: &Children) -> Result<(), TmsError> {
        for (id, children, location) in [
            (
                &self.default_instrument,
                instruments,
                "defaultPaymentInstrument",
            ),
            (&self.default_address, addresses, "defaultShippingAddress"),
        ] {
            if let Some(id) = id
                && children.get(id).is_none()
            {
                return Err(TmsError::invalid("id", location));
            }
        }
        Ok(())
    }
}

/// The Python SDK sends `merchantCustomerId` for the documented `merchantCustomerID`.
fn take_sdk_spelling(members: &mut Map<String, Value>) {
    if let Some(Value::Object(buyer)) = members.get_mut("buyerInformation")
        && let Some(value) = buyer.remove("merchantCustomerId")
    {
        buyer.entry("merchantCustomerID").or_insert(value);
    }
}

fn take_id(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    let reference = members.remove(name)?;
    reference.get("id")?.as_str().map(str::to_owned)
}

fn show(vault: &Vault, view: View, id: &str, status: u16) -> Result<Reply, TmsError> {
    let customer = vault.customer(id)?;
    let mut shown = customer.members.clone();
    let mut embedded = Map::new();
    for (owned, name) in [
        (Owned::Instrument, "defaultPaymentInstrument"),
        (Owned::Address, "defaultShippingAddress"),
    ] {
        if let Some((default, child)) = owned.of(customer).current_default() {
            shown.insert(name.to_owned(), json!({"id": default}));
            let child = owned::render(vault, view, owned, id, default, child, true);
            embedded.insert(name.to_owned(), child);
        }
    }
    if !embedded.is_empty() {
        shown.insert("_embedded".to_owned(), Value::Object(embedded));
    }
    shown.insert("id".to_owned(), json!(id));
    shown.insert("metadata".to_owned(), vault.metadata());
    shown.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": href::customer(id)},
            "paymentInstruments": {"href": href::instruments(id)},
            "shippingAddress": {"href": href::addresses(id)},
        }),
    );
    Ok(Reply::json(status, Value::Object(shown)).with_etag(&customer.etag))
}
