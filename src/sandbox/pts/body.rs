//! A request's body: members by dotted path, and which of them are missing or wrong.
//!
//! All faults of one kind are reported at once, missing ones before wrong ones. An empty string
//! counts as absent.

use serde_json::{Map, Value};

use super::error::PtsError;
use super::fields::{self, Rule};
use super::money::Amount;

/// A body whose known members have values that they can have.
pub(crate) struct Body {
    root: Value,
    missing: Vec<String>,
}

impl Body {
    /// Reads a body and checks every known member that is there.
    ///
    /// Faults are kept back until [`Self::check`], so that missing members come first.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, PtsError> {
        let root: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|_| PtsError::no_field())?;
        Ok(Self {
            root: Value::Object(root),
            missing: Vec::new(),
        })
    }

    /// The member at a dotted path, unless it is absent, `null` or an empty string.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        let found = path
            .split('.')
            .try_fold(&self.root, |at, name| at.get(name));
        found.filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A string.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// A boolean, also as one of the strings that samples send.
    pub(crate) fn flag(&self, path: &str) -> bool {
        match self.get(path) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// The strings of an array; `None` when the member is absent.
    pub(crate) fn texts(&self, path: &str) -> Option<Vec<&str>> {
        let items = self.get(path)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }

    /// The members of an object, or none.
    pub(crate) fn object(&self, path: &str) -> Map<String, Value> {
        let object = self.get(path).and_then(Value::as_object);
        object.cloned().unwrap_or_default()
    }

    /// Notes the members that have to be there and are not.
    pub(crate) fn require(&mut self, paths: &[&str]) {
        for path in paths {
            if self.get(path).is_none() {
                self.missing.push((*path).to_owned());
            }
        }
    }

    /// Whether a member is there as an empty string.
    pub(crate) fn has_empty(&self, path: &str) -> bool {
        let found = path
            .split('.')
            .try_fold(&self.root, |at, name| at.get(name));
        found.is_some_and(|value| value.as_str() == Some(""))
    }

    /// Refuses when members were missing, or have values that they cannot have.
    pub(crate) fn check(&self) -> Result<(), PtsError> {
        if !self.missing.is_empty() {
            return Err(PtsError::Missing(self.missing.clone()));
        }
        let wrong =
            |(path, rule): &&(&str, Rule)| self.get(path).is_some_and(|value| !rule.takes(value));
        let invalid: Vec<String> = fields::ALL
            .iter()
            .filter(wrong)
            .map(|(path, _)| (*path).to_owned())
            .collect();
        if invalid.is_empty() {
            Ok(())
        } else {
            Err(PtsError::Invalid(invalid))
        }
    }

    /// The amount and the currency at two paths, after [`Self::check`].
    pub(crate) fn amount(&self, amount: &str, currency: &str) -> Result<Amount, PtsError> {
        let missing = || PtsError::Missing(vec![amount.to_owned()]);
        Amount::read(self.text(amount).ok_or_else(missing)?, currency)
            .ok_or_else(|| PtsError::Invalid(vec![amount.to_owned()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(value: Value) -> Body {
        Body::read(value.to_string().as_bytes()).ok().unwrap()
    }

    #[test]
    fn members_are_found_by_path() {
        let body = body(json!({"a": {"b": "x", "c": "", "d": null}, "e": "true", "f": ["g", 1]}));
        assert_eq!(body.text("a.b"), Some("x"));
        assert!(body.get("a.c").is_none() && body.get("a.d").is_none());
        assert!(body.has_empty("a.c") && !body.has_empty("a.b"));
        assert!(body.flag("e") && !body.flag("a.b"));
        assert_eq!(body.texts("f"), Some(vec!["g"]));
    }

    #[test]
    fn missing_members_come_before_wrong_ones() {
        let card = json!({"card": {"expirationMonth": "13"}});
        let mut body = body(json!({"paymentInformation": card}));
        assert!(matches!(body.check(), Err(PtsError::Invalid(fields))
            if fields == ["paymentInformation.card.expirationMonth"]));
        body.require(&["x.y", "paymentInformation.card"]);
        assert!(matches!(body.check(), Err(PtsError::Missing(fields)) if fields == ["x.y"]));
    }

    #[test]
    fn what_is_no_object_has_no_field_to_blame() {
        for bytes in ["", "[]", "{", "null"] {
            let read = Body::read(bytes.as_bytes());
            assert!(matches!(read, Err(PtsError::Invalid(fields)) if fields.is_empty()));
        }
    }
}
