//! What customers own: `/tms/v2/customers/{id}/payment-instruments` and `…/shipping-addresses`.
//!
//! Both have the same verbs and the same rules; only their members differ, and that an instrument
//! uses an identifier.

use serde_json::{Map, Value, json};

use super::children::{Child, Children};
use super::error::TmsError;
use super::list::{self, Page};
use super::shape::Shape;
use super::vault::{Customer, Place, Vault};
use super::{fields, href, instrument, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// A kind of token that customers own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    /// Payment instruments.
    Instrument,
    /// Shipping addresses.
    Address,
}

impl Owned {
    fn shape(self) -> Shape {
        match self {
            Self::Instrument => fields::PAYMENT_INSTRUMENT,
            Self::Address => fields::SHIPPING_ADDRESS,
        }
    }

    /// The member of a list that holds them.
    fn list_name(self) -> &'static str {
        match self {
            Self::Instrument => "paymentInstruments",
            Self::Address => "shippingAddresses",
        }
    }

    /// What errors call them.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Instrument => "PaymentInstrument",
            Self::Address => "ShippingAddress",
        }
    }

    fn list_path(self, owner: &str) -> String {
        match self {
            Self::Instrument => href::instruments(owner),
            Self::Address => href::addresses(owner),
        }
    }

    /// The path of one.
    pub(crate) fn path(self, owner: &str, id: &str) -> String {
        format!("{}/{id}", self.list_path(owner))
    }

    /// Those of a customer.
    pub(crate) fn of(self, customer: &Customer) -> &Children {
        match self {
            Self::Instrument => &customer.instruments,
            Self::Address => &customer.addresses,
        }
    }

    /// Those of a customer, to change them.
    pub(crate) fn of_mut(self, customer: &mut Customer) -> &mut Children {
        match self {
            Self::Instrument => &mut customer.instruments,
            Self::Address => &mut customer.addresses,
        }
    }
}

/// POST.
pub(crate) fn create(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owned: Owned,
    owner: &str,
) -> Result<Reply, TmsError> {
    vault.customer(owner)?;
    let (patch, default) = read_members(owned.shape(), &call.object()?)?;
    let mut members = Map::new();
    shape::merge(&mut members, patch);
    let id = add(vault, ids, owned, owner, members, default)?;
    let reply = show(vault, call.view, owned, owner, &id, 201)?;
    Ok(reply.with_location(owned.path(owner, &id)))
}

/// Adds one to a customer that is there; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    owned: Owned,
    owner: &str,
    members: Map<String, Value>,
    default: Option<bool>,
) -> Result<String, TmsError> {
    let used = match owned {
        Owned::Instrument => Some(instrument::check_new(vault, &members)?),
        Owned::Address => None,
    };
    let id = ids.token();
    let child = Child::new(members, ids);
    vault.add_child(owned, owner, &id, child, default == Some(true), ids)?;
    if let Some(identifier) = used {
        vault.attach(&identifier, Place::of(owner, &id));
    }
    Ok(id)
}

/// GET of the list.
pub(crate) fn list(
    vault: &Vault,
    call: &Call<'_>,
    owned: Owned,
    owner: &str,
) -> Result<Reply, TmsError> {
    let children = owned.of(vault.customer(owner)?);
    let page = Page::read(call.query)?;
    let items = page
        .of(children.iter())
        .map(|(id, child)| {
            let is_default = children.is_default(id);
            render(vault, call.view, owned, owner, id, child, is_default)
        })
        .collect();
    let path = owned.list_path(owner);
    let total = children.len();
    Ok(list::reply(&path, page, owned.list_name(), items, total))
}

/// GET.
pub(crate) fn read(
    vault: &Vault,
    call: &Call<'_>,
    owned: Owned,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    show(vault, call.view, owned, owner, id, 200)
}

/// PATCH; `default: false` on the default changes nothing: there is no other to take its place.
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owned: Owned,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    let (_, child) = vault.child(owned, owner, id)?;
    call.check_if_match(&child.etag)?;
    let (patch, default) = read_members(owned.shape(), &call.object()?)?;
    let mut members = child.members.clone();
    let moved = match owned {
        Owned::Instrument => instrument::check_change(vault, &mut members, patch)?,
        Owned::Address => {
            shape::merge(&mut members, patch);
            None
        }
    };
    let customer = vault.customer_mut(owner)?;
    let children = owned.of_mut(customer);
    children.replace(id, members, ids);
    if default == Some(true) && children.choose_default(id, ids) {
        customer.etag = ids.token();
    }
    if let Some(moved) = moved {
        vault.move_use(&moved.from, &moved.to, Place::of(owner, id));
    }
    show(vault, call.view, owned, owner, id, 200)
}

/// DELETE: 409 for the default while others are there.
pub(crate) fn delete(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    owned: Owned,
    owner: &str,
    id: &str,
) -> Result<Reply, TmsError> {
    let (_, child) = vault.child(owned, owner, id)?;
    call.check_if_match(&child.etag)?;
    vault.remove_child(owned, owner, id, ids)?;
    Ok(Reply::no_content())
}

/// The members of a body, and its `default`.
pub(crate) fn read_members(
    shape: Shape,
    body: &Map<String, Value>,
) -> Result<(Map<String, Value>, Option<bool>), TmsError> {
    let mut members = shape::cut(shape, body)?;
    let default = members.remove("default").as_ref().and_then(shape::as_flag);
    Ok((members, default))
}

fn show(
    vault: &Vault,
    view: View,
    owned: Owned,
    owner: &str,
    id: &str,
    status: u16,
) -> Result<Reply, TmsError> {
    let (customer, child) = vault.child(owned, owner, id)?;
    let is_default = owned.of(customer).is_default(id);
    let body = render(vault, view, owned, owner, id, child, is_default);
    Ok(Reply::json(status, body).with_etag(&child.etag))
}

/// One of them as a reply shows it.
pub(crate) fn render(
    vault: &Vault,
    view: View,
    owned: Owned,
    owner: &str,
    id: &str,
    child: &Child,
    is_default: bool,
) -> Value {
    let mut shown = match owned {
        Owned::Instrument => instrument::render(vault, view, id, child),
        Owned::Address => {
            let mut shown = child.members.clone();
            shown.insert("id".to_owned(), json!(id));
            shown.insert("metadata".to_owned(), vault.metadata());
            shown
        }
    };
    shown.insert("default".to_owned(), json!(is_default));
    shown.insert(
        "_links".to_owned(),
        json!({
            "self": {"href": owned.path(owner, id)},
            "customer": {"href": href::customer(owner)},
        }),
    );
    Value::Object(shown)
}
