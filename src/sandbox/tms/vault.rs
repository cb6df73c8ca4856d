//! The tokens of one merchant.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::children::{Child, Children};
use super::error::TmsError;
use super::href;
use super::network_token::NetworkToken;
use super::number::Number;
use super::owned::Owned;
use crate::sandbox::ids::Ids;
use crate::sandbox::store::pairs;

/// Where a payment instrument is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The customer that owns it, if one does.
    pub(crate) owner: Option<String>,
    /// Its id.
    pub(crate) id: String,
}

impl Place {
    /// With a customer.
    pub(crate) fn of(owner: &str, id: &str) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            id: id.to_owned(),
        }
    }

    /// With nobody.
    pub(crate) fn alone(id: &str) -> Self {
        Self {
            owner: None,
            id: id.to_owned(),
        }
    }
}

/// An instrument identifier: the token of a number.
#[derive(Serialize, Deserialize)]
pub(crate) struct Identifier {
    /// What it stands for.
    pub(crate) number: Number,
    /// Its other members, cut to its shape.
    pub(crate) members: Map<String, Value>,
    /// Its version.
    pub(crate) etag: String,
    /// The payment instruments that use it.
    pub(crate) used_by: IndexSet<Place>,
    /// The network token of its card.
    #[serde(default)]
    pub(crate) network_token: Option<String>,
    /// Whether the issuer closed the account.
    #[serde(default)]
    pub(crate) is_closed: bool,
}

impl Identifier {
    /// The issuer's word on the account (spec).
    pub(crate) fn state(&self) -> &'static str {
        match self.is_closed {
            true => "CLOSED",
            false => "ACTIVE",
        }
    }
}

/// A customer with what it owns.
#[derive(Serialize, Deserialize)]
pub(crate) struct Customer {
    /// Its members, cut to its shape, without the defaults.
    pub(crate) members: Map<String, Value>,
    /// Its version; changes with its members and its defaults.
    pub(crate) etag: String,
    /// Its payment instruments.
    pub(crate) instruments: Children,
    /// Its shipping addresses.
    pub(crate) addresses: Children,
}

/// The tokens of one merchant.
#[derive(Serialize, Deserialize)]
pub(crate) struct Vault {
    creator: String,
    identifiers: HashMap<String, Identifier>,
    /// The id of each number ever seen; outlives the identifier, so that a number comes back
    /// with its original id.
    #[serde(with = "pairs")]
    numbers: HashMap<Number, String>,
    customers: HashMap<String, Customer>,
    /// The customer of each instrument that has one.
    owners: HashMap<String, String>,
    /// The instruments that no customer owns.
    instruments: IndexMap<String, Child>,
    /// The network tokens.
    #[serde(default)]
    pub(super) network_tokens: HashMap<String, NetworkToken>,
    /// Paths of deleted tokens, which are 410 and not 404.
    pub(super) gone: HashSet<String>,
}

impl Vault {
    /// The empty vault of a merchant.
    pub(crate) fn new(merchant: &str) -> Self {
        Self {
            creator: merchant.to_owned(),
            identifiers: HashMap::new(),
            numbers: HashMap::new(),
            customers: HashMap::new(),
            owners: HashMap::new(),
            instruments: IndexMap::new(),
            network_tokens: HashMap::new(),
            gone: HashSet::new(),
        }
    }

    /// The member `metadata` of every token.
    pub(crate) fn metadata(&self) -> Value {
        json!({"creator": self.creator})
    }

    /// Why a token is not there.
    pub(super) fn absent(&self, path: &str) -> TmsError {
        if self.gone.contains(path) {
            TmsError::Gone
        } else {
            TmsError::NotFound
        }
    }
}

// Instrument identifiers.
impl Vault {
    /// An identifier.
    pub(crate) fn identifier(&self, id: &str) -> Result<&Identifier, TmsError> {
        let found = self.identifiers.get(id);
        found.ok_or_else(|| self.absent(&href::identifier(id)))
    }

    /// An identifier, to change it.
    pub(super) fn identifier_mut(&mut self, id: &str) -> Option<&mut Identifier> {
        self.identifiers.get_mut(id)
    }

    /// Stores the members of an identifier that is there.
    pub(crate) fn replace_identifier(&mut self, id: &str, members: Map<String, Value>, ids: &Ids) {
        if let Some(identifier) = self.identifiers.get_mut(id) {
            identifier.members = members;
            identifier.etag = ids.token();
        }
    }

    /// The id of the number's identifier and whether the number was never seen before.
    ///
    /// A number whose identifier was deleted gets it back, and is not new.
    pub(crate) fn tokenize(
        &mut self,
        number: Number,
        members: Map<String, Value>,
        ids: &Ids,
    ) -> (String, bool) {
        let (id, is_new) = match self.numbers.get(&number) {
            Some(id) => (id.clone(), false),
            None => (self.fresh_identifier(&number, ids), true),
        };
        if !self.identifiers.contains_key(&id) {
            let identifier = Identifier {
                number,
                members,
                etag: ids.token(),
                used_by: IndexSet::new(),
                network_token: None,
                is_closed: false,
            };
            self.identifiers.insert(id.clone(), identifier);
        }
        (id, is_new)
    }

    fn fresh_identifier(&mut self, number: &Number, ids: &Ids) -> String {
        loop {
            let id = ids.identifier(number.tail());
            let taken =
                self.identifiers.contains_key(&id) || self.gone.contains(&href::identifier(&id));
            if !taken {
                self.numbers.insert(number.clone(), id.clone());
                return id;
            }
        }
    }

    /// Deletes an identifier, used or not.
    pub(crate) fn remove_identifier(&mut self, id: &str) {
        if let Some(identifier) = self.identifiers.remove(id) {
            self.gone.insert(href::identifier(id));
            if let Some(token) = identifier.network_token {
                self.remove_network_token(&token);
            }
        }
    }

    /// Notes that an instrument uses an identifier.
    pub(crate) fn attach(&mut self, identifier: &str, place: Place) {
        if let Some(identifier) = self.identifiers.get_mut(identifier) {
            identifier.used_by.insert(place);
        }
    }

    /// Notes that an instrument uses another identifier than before.
    pub(crate) fn move_use(&mut self, from: &str, to: &str, place: Place) {
        if let Some(identifier) = self.identifiers.get_mut(from) {
            identifier.used_by.shift_remove(&place);
        }
        self.attach(to, place);
    }

    /// Deletes the identifier of a deleted instrument unless another uses it.
    fn release(&mut self, child: &Child, place: &Place) {
        let Some(id) = child.identifier() else {
            return;
        };
        let Some(identifier) = self.identifiers.get_mut(id) else {
            return;
        };
        identifier.used_by.shift_remove(place);
        if identifier.used_by.is_empty() {
            self.remove_identifier(id);
        }
    }
}

// Customers.
impl Vault {
    /// A customer.
    pub(crate) fn customer(&self, id: &str) -> Result<&Customer, TmsError> {
        let found = self.customers.get(id);
        found.ok_or_else(|| self.absent(&href::customer(id)))
    }

    /// A customer, to change it.
    pub(crate) fn customer_mut(&mut self, id: &str) -> Result<&mut Customer, TmsError> {
        if !self.customers.contains_key(id) {
            return Err(self.absent(&href::customer(id)));
        }
        self.customers.get_mut(id).ok_or(TmsError::NotFound)
    }

    /// Adds a customer; returns its id.
    pub(crate) fn add_customer(&mut self, members: Map<String, Value>, ids: &Ids) -> String {
        let id = ids.token();
        let customer = Customer {
            members,
            etag: ids.token(),
            instruments: Children::default(),
            addresses: Children::default(),
        };
        self.customers.insert(id.clone(), customer);
        id
    }

    /// Deletes a customer with all it owns, and the identifiers that nothing else uses.
    pub(crate) fn remove_customer(&mut self, id: &str) -> Result<(), TmsError> {
        let Some(customer) = self.customers.remove(id) else {
            return Err(self.absent(&href::customer(id)));
        };
        self.gone.insert(href::customer(id));
        for (instrument, child) in customer.instruments.iter() {
            self.owners.remove(instrument);
            self.release(child, &Place::of(id, instrument));
        }
        Ok(())
    }
}

// What customers own.
impl Vault {
    /// A payment instrument or a shipping address, with its customer.
    pub(crate) fn child(
        &self,
        owned: Owned,
        owner: &str,
        id: &str,
    ) -> Result<(&Customer, &Child), TmsError> {
        let customer = self.customer(owner)?;
        let found = owned.of(customer).get(id).map(|child| (customer, child));
        found.ok_or_else(|| self.absent(&owned.path(owner, id)))
    }

    /// Adds one to a customer.
    pub(crate) fn add_child(
        &mut self,
        owned: Owned,
        owner: &str,
        id: &str,
        child: Child,
        as_default: bool,
        ids: &Ids,
    ) -> Result<(), TmsError> {
        let customer = self.customer_mut(owner)?;
        let children = owned.of_mut(customer);
        children.add(id, child);
        if as_default {
            children.choose_default(id, ids);
        }
        if children.is_default(id) {
            customer.etag = ids.token();
        }
        if owned == Owned::Instrument {
            self.owners.insert(id.to_owned(), owner.to_owned());
        }
        Ok(())
    }

    /// Deletes one, and an instrument's identifier when nothing else uses it.
    pub(crate) fn remove_child(
        &mut self,
        owned: Owned,
        owner: &str,
        id: &str,
        ids: &Ids,
    ) -> Result<(), TmsError> {
        let customer = self.customer_mut(owner)?;
        let children = owned.of_mut(customer);
        let was_default = children.is_default(id);
        let removed = children.remove(id);
        let removed = removed.map_err(|_| TmsError::IsDefault(owned.label()))?;
        if was_default {
            customer.etag = ids.token();
        }
        if let Some(child) = removed {
            self.gone.insert(owned.path(owner, id));
            if owned == Owned::Instrument {
                self.owners.remove(id);
                self.release(&child, &Place::of(owner, id));
            }
        }
        Ok(())
    }
}

// Payment instruments that no customer owns, and those of whatever home.
impl Vault {
    /// An instrument that no customer owns.
    pub(crate) fn lone(&self, id: &str) -> Result<&Child, TmsError> {
        let found = self.instruments.get(id);
        found.ok_or_else(|| self.absent(&href::lone_instrument(id)))
    }

    /// Adds one, or replaces it.
    pub(crate) fn add_lone(&mut self, id: &str, child: Child) {
        self.instruments.insert(id.to_owned(), child);
    }

    /// Deletes one, and its identifier when nothing else uses it.
    pub(crate) fn remove_lone(&mut self, id: &str) {
        if let Some(child) = self.instruments.shift_remove(id) {
            self.gone.insert(href::lone_instrument(id));
            self.release(&child, &Place::alone(id));
        }
    }

    /// The customer of an instrument, when it has one.
    pub(crate) fn owner(&self, instrument: &str) -> Option<&str> {
        self.owners.get(instrument).map(String::as_str)
    }

    /// An instrument that is named without a customer, wherever it is.
    pub(crate) fn instrument(&self, id: &str) -> Option<&Child> {
        match self.owners.get(id) {
            Some(owner) => self.customers.get(owner)?.instruments.get(id),
            None => self.instruments.get(id),
        }
    }
}
