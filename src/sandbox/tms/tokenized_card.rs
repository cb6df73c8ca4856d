//! Network tokens by themselves: `/tms/v2/tokenized-cards`, and a card's picture.

use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::network_token::{Event, Expiry, Standing};
use super::number::{Kind, Number};
use super::vault::Vault;
use super::{fields, href, shape};
use crate::sandbox::call::{Call, View};
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// A picture of one transparent pixel (PNG).
const PICTURE: &str = concat!(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "AAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
);

/// POST.
pub(crate) fn create(vault: &mut Vault, ids: &Ids, call: &Call<'_>) -> Result<Reply, TmsError> {
    let body = call.object()?;
    let id = add(vault, ids, &body)?;
    let with_identifier = body.get("createPanInstrumentIdentifier");
    if with_identifier.and_then(shape::as_flag) == Some(true) {
        let (identifier, _) = vault.tokenize(Number::read(&body)?, Map::new(), ids);
        vault.link(&id, &identifier, ids);
    }
    let reply = show(vault, call.view, &id, 201)?;
    Ok(reply.with_location(href::tokenized_card(&id)))
}

/// Adds one for the card of a body; returns its id.
pub(crate) fn add(
    vault: &mut Vault,
    ids: &Ids,
    body: &Map<String, Value>,
) -> Result<String, TmsError> {
    let number = Number::read(body)?;
    let members = shape::cut(fields::TOKENIZED_CARD, body)?;
    if number.kind() == Kind::Bank {
        return Err(TmsError::missing("number", "card"));
    }
    let expiry = Expiry::read(&members)?;
    Ok(vault.provision(&number, expiry, ids))
}

/// GET.
pub(crate) fn read(vault: &Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    show(vault, call.view, id, 200)
}

/// POST of `…/delete`; the body, with a reason, may be absent.
pub(crate) fn delete(vault: &mut Vault, call: &Call<'_>, id: &str) -> Result<Reply, TmsError> {
    vault.network_token(id)?;
    if !call.body.is_empty() {
        shape::cut(fields::TOKENIZED_CARD_DELETE, &call.object()?)?;
    }
    vault.remove_network_token(id);
    Ok(Reply::no_content())
}

/// POST of `…/issuer-life-cycle-event-simulations`: does what the issuer would have done.
pub(crate) fn simulate(
    vault: &mut Vault,
    ids: &Ids,
    call: &Call<'_>,
    id: &str,
) -> Result<Reply, TmsError> {
    if !call.headers.contains_key("profile-id") {
        return Err(TmsError::MissingHeader("profile-id"));
    }
    vault.network_token(id)?;
    let event = shape::cut(fields::LIFE_CYCLE_EVENT, &call.object()?)?;
    if event.is_empty() {
        return Err(TmsError::missing("state", ""));
    }
    let standing = event
        .get("state")
        .and_then(Value::as_str)
        .map(|state| match state {
            "SUSPENDED" => Standing::Suspended,
            "DELETED" => Standing::Deleted,
            _ => Standing::Active,
        });
    let suffix = event.get("card").and_then(|card| card["last4"].as_str());
    let event = Event {
        standing,
        suffix: suffix.map(str::to_owned),
        expiry: Expiry::read(&event).ok(),
    };
    vault.apply(id, event, ids);
    Ok(Reply::no_content())
}

/// GET of `/tms/v2/tokens/{identifier}/{provider}/assets/{type}`: a card's picture.
pub(crate) fn asset(
    vault: &Vault,
    identifier: &str,
    provider: &str,
    kind: &str,
) -> Result<Reply, TmsError> {
    let identifier = vault.identifier(identifier)?;
    let token = identifier.network_token.as_deref();
    let id = token.ok_or(TmsError::NotFound)?;
    let picture = json!({"type": "image/png", "data": PICTURE, "width": 1, "height": 1});
    let body = json!({"id": id, "type": kind, "provider": provider, "content": [picture]});
    Ok(Reply::json(200, body))
}

fn show(vault: &Vault, view: View, id: &str, status: u16) -> Result<Reply, TmsError> {
    let token = vault.network_token(id)?;
    let body = json!({
        "_links": {"self": {"href": href::tokenized_card(id)}},
        "tokenizedCard": vault.show_network_token(id, token, view),
    });
    Ok(Reply::json(status, body))
}
