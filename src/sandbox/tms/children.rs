//! The tokens that a customer owns: payment instruments, or shipping addresses.
//!
//! Both follow the same rules: the first one becomes the default, another can be chosen, and the
//! default cannot go while others are there (spec).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sandbox::ids::Ids;

/// A payment instrument or a shipping address.
#[derive(Serialize, Deserialize)]
pub(crate) struct Child {
    /// Its members, cut to its shape, without `default`.
    pub(crate) members: Map<String, Value>,
    /// Its version.
    pub(crate) etag: String,
}

impl Child {
    /// A child in its first version.
    pub(crate) fn new(members: Map<String, Value>, ids: &Ids) -> Self {
        Self {
            members,
            etag: ids.token(),
        }
    }

    /// The id of the instrument identifier that a payment instrument points to.
    pub(crate) fn identifier(&self) -> Option<&str> {
        identifier_of(&self.members)
    }
}

/// The id in the member `instrumentIdentifier` of a payment instrument.
pub(crate) fn identifier_of(members: &Map<String, Value>) -> Option<&str> {
    members.get("instrumentIdentifier")?.get("id")?.as_str()
}

/// The removal of a default while others are there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DefaultOfSeveral;

/// The children of one kind of one customer, oldest first.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Children {
    items: IndexMap<String, Child>,
    default: Option<String>,
}

impl Children {
    /// A child.
    pub(crate) fn get(&self, id: &str) -> Option<&Child> {
        self.items.get(id)
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Child)> {
        self.items.iter().map(|(id, child)| (id.as_str(), child))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The default, which is there as soon as one child is.
    pub(crate) fn current_default(&self) -> Option<(&str, &Child)> {
        let id = self.default.as_deref()?;
        self.items.get(id).map(|child| (id, child))
    }

    /// Whether `id` is the default.
    pub(crate) fn is_default(&self, id: &str) -> bool {
        self.default.as_deref() == Some(id)
    }

    /// Adds one, as the default when it is the first.
    pub(crate) fn add(&mut self, id: &str, child: Child) {
        self.items.insert(id.to_owned(), child);
        self.default.get_or_insert_with(|| id.to_owned());
    }

    /// Replaces the members of one.
    pub(crate) fn replace(&mut self, id: &str, members: Map<String, Value>, ids: &Ids) {
        if let Some(child) = self.items.get_mut(id) {
            *child = Child::new(members, ids);
        }
    }

    /// Makes one the default; returns whether that is a change.
    ///
    /// The old and the new default both show another `default`, so both get another version.
    pub(crate) fn choose_default(&mut self, id: &str, ids: &Ids) -> bool {
        if self.is_default(id) || !self.items.contains_key(id) {
            return false;
        }
        let old = self.default.replace(id.to_owned());
        for changed in [old.as_deref(), Some(id)].into_iter().flatten() {
            if let Some(child) = self.items.get_mut(changed) {
                child.etag = ids.token();
            }
        }
        true
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, id: &str) -> Result<Option<Child>, DefaultOfSeveral> {
        if self.is_default(id) {
            if self.items.len() > 1 {
                return Err(DefaultOfSeveral);
            }
            self.default = None;
        }
        Ok(self.items.shift_remove(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two children; the first is the default.
    fn two(ids: &Ids) -> Children {
        let mut children = Children::default();
        for id in ["first", "second"] {
            children.add(id, Child::new(Map::new(), ids));
        }
        children
    }

    #[test]
    fn the_first_is_the_default_and_cannot_go_before_the_others() {
        let ids = Ids::new(1);
        let mut children = two(&ids);
        assert!(children.is_default("first"));
        assert_eq!(children.remove("first").err(), Some(DefaultOfSeveral));
        assert!(children.remove("second").is_ok());
        assert!(children.remove("first").is_ok());
        assert!(children.current_default().is_none());
        assert_eq!(children.len(), 0);
    }

    #[test]
    fn a_moved_default_changes_both_versions() {
        let ids = Ids::new(1);
        let mut children = two(&ids);
        let before: Vec<String> = children.iter().map(|(_, it)| it.etag.clone()).collect();
        assert!(children.choose_default("second", &ids));
        assert!(!children.choose_default("second", &ids));
        assert!(!children.is_default("first"));
        let after: Vec<String> = children.iter().map(|(_, it)| it.etag.clone()).collect();
        assert!(before[0] != after[0] && before[1] != after[1]);
    }
}
