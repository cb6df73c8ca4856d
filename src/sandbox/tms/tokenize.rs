//! Several tokens by one call: `POST /tms/v2/tokenize`.
//!
//! The reply is 200 with one element for each token that was asked for, each with a status of its
//! own; what depends on one that could not be made is `notAttempted` (SDK). What was made stays
//! (choice).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::error::TmsError;
use super::number::Number;
use super::owned::{self, Owned, read_members};
use super::vault::Vault;
use super::{customer, fields, identifier, instrument, shape, tokenized_card};
use crate::sandbox::call::Call;
use crate::sandbox::ids::Ids;
use crate::sandbox::reply::Reply;

/// What can be made, each after what it depends on.
const RESOURCES: &[&str] = &[
    "instrumentIdentifier",
    "customer",
    "shippingAddress",
    "paymentInstrument",
    "tokenizedCard",
];
/// POST.
pub(crate) fn create(vault: &mut Vault, ids: &Ids, call: &Call<'_>) -> Result<Reply, TmsError> {
    let body = call.object()?;
    let wanted = read_types(&body)?;
    let mut work = Work {
        vault,
        ids,
        given: object(&body, "tokenInformation"),
        made: HashMap::new(),
    };
    for resource in RESOURCES {
        if wanted.iter().any(|name| name == resource) {
            let made = work.make(resource);
            work.made.insert(resource, made);
        }
    }
    let shown: Vec<Value> = wanted.iter().map(|name| work.show(name)).collect();
    Ok(Reply::json(200, json!({"responses": shown})))
}

/// The kinds of token that are asked for, in the order of the request.
fn read_types(body: &Map<String, Value>) -> Result<Vec<String>, TmsError> {
    let processing = object(body, "processingInformation");
    let texts = |name: &str| -> Vec<String> {
        let items = processing.get(name).and_then(Value::as_array);
        let texts = items.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let place = "processingInformation";
    if texts("actionList") != ["TOKEN_CREATE"] {
        return Err(match processing.contains_key("actionList") {
            true => TmsError::invalid("actionList", place),
            false => TmsError::missing("actionList", place),
        });
    }
    let wanted = texts("actionTokenTypes");
    let is_known = |name: &String| RESOURCES.contains(&name.as_str());
    if wanted.is_empty() {
        return Err(TmsError::missing("actionTokenTypes", place));
    }
    match wanted.iter().all(is_known) {
        true => Ok(wanted),
        false => Err(TmsError::invalid("actionTokenTypes", place)),
    }
}

fn object(body: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let object = body.get(name).and_then(Value::as_object);
    object.cloned().unwrap_or_default()
}

/// A token that was made: the status that its own call would have had, and its id.
type Made = Result<(u16, String), TmsError>;

struct Work<'a> {
    vault: &'a mut Vault,
    ids: &'a Ids,
    given: Map<String, Value>,
    made: HashMap<&'static str, Made>,
}

impl Work<'_> {
    fn make(&mut self, resource: &str) -> Made {
        let body = object(&self.given, resource);
        match resource {
            "instrumentIdentifier" => self.make_identifier(&body),
            "customer" => {
                let id = customer::add(self.vault, self.ids, &body)?;
                Ok((201, id))
            }
            "shippingAddress" => self.make_address(&body),
            "tokenizedCard" => self.make_network_token(),
            _ => self.make_instrument(&body),
        }
    }

    fn make_identifier(&mut self, body: &Map<String, Value>) -> Made {
        let number = Number::read(body)?;
        let members = identifier::read_members(body)?;
        let (id, is_new) = self.vault.tokenize(number, members, self.ids);
        Ok((if is_new { 201 } else { 200 }, id))
    }

    /// Of the identifier's card; joined to the identifier when this call makes one.
    fn make_network_token(&mut self) -> Made {
        let identifier = self.id_of("instrumentIdentifier")?;
        let body = object(&self.given, "instrumentIdentifier");
        let id = tokenized_card::add(self.vault, self.ids, &body)?;
        if let Some(identifier) = identifier {
            self.vault.link(&id, &identifier, self.ids);
        }
        Ok((201, id))
    }

    fn make_address(&mut self, body: &Map<String, Value>) -> Made {
        let owner = self.id_of("customer")?;
        let owner = owner.ok_or_else(|| TmsError::missing("id", "customer"))?;
        self.vault.customer(&owner)?;
        let (members, default) = read_members(fields::SHIPPING_ADDRESS, body)?;
        let members = merged(members);
        let owned = Owned::Address;
        let id = owned::add(self.vault, self.ids, owned, &owner, members, default)?;
        Ok((201, id))
    }

    fn make_instrument(&mut self, body: &Map<String, Value>) -> Made {
        let (members, default) = read_members(fields::PAYMENT_INSTRUMENT, body)?;
        let mut members = merged(members);
        if let Some(identifier) = self.id_of("instrumentIdentifier")? {
            members.insert("instrumentIdentifier".to_owned(), json!({"id": identifier}));
        }
        let id = match self.id_of("customer")? {
            Some(owner) => {
                self.vault.customer(&owner)?;
                let owned = Owned::Instrument;
                owned::add(self.vault, self.ids, owned, &owner, members, default)?
            }
            None => instrument::add(self.vault, self.ids, members)?,
        };
        Ok((201, id))
    }

    /// The id of a token that others hang on: one made by this call, or else one that the request
    /// names.
    fn id_of(&self, resource: &str) -> Result<Option<String>, TmsError> {
        match self.made.get(resource) {
            Some(Ok((_, id))) => Ok(Some(id.clone())),
            Some(Err(_)) => Err(TmsError::NotAttempted),
            None => {
                let given = self.given.get(resource).and_then(|given| given.get("id"));
                Ok(given.and_then(Value::as_str).map(str::to_owned))
            }
        }
    }

    fn show(&self, resource: &str) -> Value {
        match self.made.get(resource) {
            Some(Ok((status, id))) => json!({
                "resource": resource, "httpStatus": status, "id": id,
            }),
            Some(Err(error)) => failed(resource, error),
            // Only known resources are asked for, and each was tried.
            None => failed(resource, &TmsError::NotAttempted),
        }
    }
}

/// Members of a new token: `null` has nothing to remove.
fn merged(patch: Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    shape::merge(&mut members, patch);
    members
}

fn failed(resource: &str, error: &TmsError) -> Value {
    let (status, _) = error.class();
    json!({"resource": resource, "httpStatus": status, "errors": [error.to_json()]})
}
