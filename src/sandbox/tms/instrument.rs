//! Payment instruments: what those of customers and those of nobody have in common, and the
//! latter's calls, `/tms/v1/paymentinstruments`.
//!
//! The two homes are apart: an instrument is found where it was made (choice). Payments take both.

use serde_json::{Map, Value, json};

use super::children::{Child, identifier_of};
use super::error::{Detail, TmsError};
use super::list::{self, Page};
use super::number::Kind;
use super::owned::{self, Owned, read_members};
use super::vault::{Place, Vault};
use super::{fields, href, identifier, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// POST.
pub(crate) fn create(vault: &mut Vault, ids: &Ids, call: &Call<'_>) -> Result<Reply, TmsError> {
    let (patch, _) = read_members(fields::PAYMENT_INSTRUMENT, &call.object()?)?;
    let mut members = Map::new();
    shape::merge(&mut members, patch);
    let id = add(vault, ids, members)?;
    let reply = show(vault, call.view, &id, 201)?;
    Ok(reply.with_location(href::lone_instrument(&id)))
}

/// Adds an instrument that no customer owns; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    members: Map<String, Value>,
) -> Result<String, TmsError> {
    let identifier = check_new(vault, &members)?;
    let id = ids.token();
    vault.add_lone(&id, Child::new(members, ids));
    vault.attach(&identifier, Place::alone(&id));
    Ok(id)
}

/// GET.
pub(crate) fn read(vault: &Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    show(vault, call.view, id, 200)
}

/// PATCH.
pub(crate) fn update(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let child = vault.lone(id)?;
    call.check_if_match(&child.etag)?;
    let (patch, _) = read_members(fields::PAYMENT_INSTRUMENT, &call.object()?)?;
    let mut members = child.members.clone();
    let moved = check_change(vault, &mut members, patch)?;
    vault.add_lone(id, Child::new(members, ids));
    if let Some(moved) = moved {
        vault.move_use(&moved.from, &moved.to, Place::alone(id));
    }
    show(vault, call.view, id, 200)
}

/// DELETE.
pub(crate) fn delete(vault: &mut Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    call.check_if_match(&vault.lone(id)?.etag)?;
    vault.remove_lone(id);
    Ok(Reply::no_content())
}

/// GET of the list of those that use an identifier, of either home.
pub(crate) fn list_of_identifier(
    vault: &Vault,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    let used_by = &vault.identifier(id)?.used_by;
    let page = Page::read(call.query)?;
    let mut items = Vec::new();
    for place in page.of(used_by.iter()) {
        let id = &place.id;
        items.push(match &place.owner {
            Some(owner) => {
                let (customer, child) = vault.child(Owned::Instrument, owner, id)?;
                let is_default = customer.instruments.is_default(id);
                owned::render(
                    vault,
                    call.view,
                    Owned::Instrument,
                    owner,
                    id,
                    child,
                    is_default,
                )
            }
            None => render_lone(vault, call.view, id, vault.lone(id)?),
        });
    }
    let path = href::identifier_instruments(id);
    let total = used_by.len();
    Ok(list::reply(&path, page, "paymentInstruments", items, total))
}

/// Checks a new instrument; returns the identifier that it uses.
///
/// An identifier that is unknown, deleted or another merchant's is an invalid field and not 404,
/// because 404 would say that the customer in the path is missing (choice).
pub(crate) fn check_new(vault: &Vault, members: &Map<String, Value>) -> Result<String, TmsError> {
    let (identifier, kind) = find_identifier(vault, members)?;
    match members_of_other_kind(members, kind) {
        Some(name) => Err(TmsError::InvalidCombination(vec![
            Detail::new(name, ""),
            Detail::new("id", "instrumentIdentifier"),
        ])),
        None => Ok(identifier),
    }
}

/// An instrument that uses another identifier than before.
pub(crate) struct Moved {
    /// The old one.
    pub(crate) from: String,
    /// The new one.
    pub(crate) to: String,
}

/// Changes `members`; a card stays a card and an account an account.
///
/// The identifier that is no longer used stays; only deletions cascade (spec).
pub(crate) fn check_change(
    vault: &Vault,
    members: &mut Map<String, Value>,
    patch: Map<String, Value>,
) -> Result<Option<Moved>, TmsError> {
    let (from, old_kind) = find_identifier(vault, members)?;
    let crosses = members_of_other_kind(&patch, old_kind).is_some();
    shape::merge(members, patch);
    let (to, kind) = find_identifier(vault, members)?;
    if crosses || kind != old_kind {
        return Err(TmsError::UnsupportedModification);
    }
    Ok((from != to).then_some(Moved { from, to }))
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

fn show(vault: &Vault, view: View, id: &str, status: u16) -> Result<Reply, TmsError> {
    let child = vault.lone(id)?;
    let body = render_lone(vault, view, id, child);
    Ok(Reply::json(status, body).with_etag(&child.etag))
}

fn render_lone(vault: &Vault, view: View, id: &str, child: &Child) -> Value {
    let mut shown = render(vault, view, id, child);
    let links = json!({"self": {"href": href::lone_instrument(id)}});
    shown.insert("_links".to_owned(), links);
    Value::Object(shown)
}

/// What a reply shows of an instrument in either home, with its identifier embedded.
pub(crate) fn render(vault: &Vault, view: View, id: &str, child: &Child) -> Map<String, Value> {
    let mut shown = child.members.clone();
    shown.insert("id".to_owned(), json!(id));
    shown.insert("object".to_owned(), json!("paymentInstrument"));
    shown.insert("state".to_owned(), json!("ACTIVE"));
    shown.insert("metadata".to_owned(), vault.metadata());
    if let Some(used) = child.identifier()
        && let Ok(identifier) = vault.identifier(used)
    {
        shown.insert("state".to_owned(), json!(identifier.state()));
        let identifier = identifier::render(vault, view, used, identifier);
        let embedded = json!({"instrumentIdentifier": identifier});
        shown.insert("_embedded".to_owned(), embedded);
    }
    shown
}
