//! The tokens of one merchant.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use serde_json::{Map, Value, json};

use super::children::{Child, Children};
use super::error::TmsError;
use super::href;
use super::number::Number;
use crate::sandbox::ids::Ids;

/// An instrument identifier: the token of a number.
pub(crate) struct Identifier {
    /// What it stands for.
    pub(crate) number: Number,
    /// Its other members, cut to its shape.
    pub(crate) members: Map<String, Value>,
    /// Its version.
    pub(crate) etag: String,
    /// The payment instruments that use it: ids of customer and instrument.
    pub(crate) used_by: IndexSet<(String, String)>,
}

/// A customer with what it owns.
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
pub(crate) struct Vault {
    creator: String,
    identifiers: HashMap<String, Identifier>,
    /// The id of each number ever seen; outlives the identifier, so that a number comes back
    /// with its original id.
    numbers: HashMap<Number, String>,
    customers: HashMap<String, Customer>,
    /// Paths of deleted tokens, which are 410 and not 404.
    gone: HashSet<String>,
}

impl Vault {
    /// The empty vault of a merchant.
    pub(crate) fn new(merchant: &str) -> Self {
        Self {
            creator: merchant.to_owned(),
            identifiers: HashMap::new(),
            numbers: HashMap::new(),
            customers: HashMap::new(),
            gone: HashSet::new(),
        }
    }

    /// The member `metadata` of every token.
    pub(crate) fn metadata(&self) -> Value {
        json!({"creator": self.creator})
    }

    /// Why a token is not there.
    fn absent(&self, path: &str) -> TmsError {
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
        if self.identifiers.remove(id).is_some() {
            self.gone.insert(href::identifier(id));
        }
    }

    /// Notes that an instrument uses an identifier.
    pub(crate) fn attach(&mut self, identifier: &str, owner: &str, instrument: &str) {
        if let Some(identifier) = self.identifiers.get_mut(identifier) {
            let user = (owner.to_owned(), instrument.to_owned());
            identifier.used_by.insert(user);
        }
    }

    /// Notes that an instrument no longer uses an identifier; returns whether any still does.
    pub(crate) fn detach(&mut self, identifier: &str, owner: &str, instrument: &str) -> bool {
        let Some(identifier) = self.identifiers.get_mut(identifier) else {
            return false;
        };
        let user = (owner.to_owned(), instrument.to_owned());
        identifier.used_by.shift_remove(&user);
        !identifier.used_by.is_empty()
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
            self.release(id, instrument, child);
        }
        Ok(())
    }

    /// Deletes the identifier of a deleted instrument unless another uses it.
    fn release(&mut self, owner: &str, instrument: &str, child: &Child) {
        if let Some(identifier) = child.identifier()
            && !self.detach(identifier, owner, instrument)
        {
            self.remove_identifier(identifier);
        }
    }
}

// What customers own.
impl Vault {
    /// A payment instrument with its customer.
    pub(crate) fn instrument(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<(&Customer, &Child), TmsError> {
        let customer = self.customer(owner)?;
        let found = customer.instruments.get(id).map(|child| (customer, child));
        found.ok_or_else(|| self.absent(&href::instrument(owner, id)))
    }

    /// The customer of a payment instrument that is named without one.
    pub(crate) fn owner_of(&self, instrument: &str) -> Option<&str> {
        let owns = |customer: &Customer| customer.instruments.get(instrument).is_some();
        let mut customers = self.customers.iter();
        let found = customers.find(|(_, customer)| owns(customer));
        found.map(|(id, _)| id.as_str())
    }

    /// A shipping address with its customer.
    pub(crate) fn address(&self, owner: &str, id: &str) -> Result<(&Customer, &Child), TmsError> {
        let customer = self.customer(owner)?;
        let found = customer.addresses.get(id).map(|child| (customer, child));
        found.ok_or_else(|| self.absent(&href::address(owner, id)))
    }

    /// Deletes a payment instrument, and its identifier when nothing else uses it.
    pub(crate) fn remove_instrument(
        &mut self,
        owner: &str,
        id: &str,
        ids: &Ids,
    ) -> Result<(), TmsError> {
        let customer = self.customer_mut(owner)?;
        let was_default = customer.instruments.is_default(id);
        let removed = customer.instruments.remove(id);
        let removed = removed.map_err(|_| TmsError::IsDefault("PaymentInstrument"))?;
        if was_default {
            customer.etag = ids.token();
        }
        if let Some(child) = removed {
            self.gone.insert(href::instrument(owner, id));
            self.release(owner, id, &child);
        }
        Ok(())
    }

    /// Deletes a shipping address.
    pub(crate) fn remove_address(
        &mut self,
        owner: &str,
        id: &str,
        ids: &Ids,
    ) -> Result<(), TmsError> {
        let customer = self.customer_mut(owner)?;
        let was_default = customer.addresses.is_default(id);
        let removed = customer.addresses.remove(id);
        let removed = removed.map_err(|_| TmsError::IsDefault("ShippingAddress"))?;
        if was_default {
            customer.etag = ids.token();
        }
        if removed.is_some() {
            self.gone.insert(href::address(owner, id));
        }
        Ok(())
    }
}
