//! The shape of a resource: which members it has and which values they take.
//!
//! A body is cut to its shape: unknown members are accepted and dropped, known ones are checked.
//! All faults are reported at once, as the real service does with its `details` array.

use serde_json::{Map, Value};

use super::error::{Detail, TmsError};

/// What a member takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// A string of at most so many characters.
    Text(usize),
    /// `01` to `12`.
    Month,
    /// `1900` to `2099`.
    Year,
    /// A boolean, or the strings `true` and `false`, which samples send.
    Flag,
    /// One of these strings.
    OneOf(&'static [&'static str]),
}

impl Rule {
    fn takes(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text(chars_max) => text.is_some_and(|text| text.chars().count() <= chars_max),
            Self::Month => text.is_some_and(|text| digits_between(text, 2, 1, 12)),
            Self::Year => text.is_some_and(|text| digits_between(text, 4, 1900, 2099)),
            Self::Flag => as_flag(value).is_some(),
            Self::OneOf(values) => text.is_some_and(|text| values.contains(&text)),
        }
    }
}

fn digits_between(text: &str, digits: usize, min: u16, max: u16) -> bool {
    text.len() == digits
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text
            .parse::<u16>()
            .is_ok_and(|number| (min..=max).contains(&number))
}

/// Reads a value that [`Rule::Flag`] takes.
pub(crate) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// A resource's members: dotted paths, `[]` after the name of an array.
pub(crate) type Shape = &'static [(&'static str, Rule)];

/// Cuts `body` to `shape`.
///
/// Members that are `null` stay so: a merge takes them as removals.
pub(crate) fn cut(shape: Shape, body: &Map<String, Value>) -> Result<Map<String, Value>, TmsError> {
    let mut faults = Vec::new();
    let cut = cut_object(shape, "", body, &mut faults);
    if faults.is_empty() {
        Ok(cut)
    } else {
        Err(TmsError::InvalidFields(faults))
    }
}

fn cut_object(
    shape: Shape,
    path: &str,
    object: &Map<String, Value>,
    faults: &mut Vec<Detail>,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in object {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        if let Some(value) = cut_value(shape, &path, value, faults) {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

fn cut_value(shape: Shape, path: &str, value: &Value, faults: &mut Vec<Detail>) -> Option<Value> {
    let rule = shape.iter().find(|(known, _)| *known == path);
    let is_array = shape.iter().any(|(known, _)| below(known, path, "[]"));
    let is_object = shape.iter().any(|(known, _)| below(known, path, "."));
    match (rule, value) {
        (None, _) if !is_array && !is_object => None,
        (_, Value::Null) => Some(Value::Null),
        (Some((_, rule)), value) if rule.takes(value) => Some(value.clone()),
        (None, Value::Object(object)) if is_object => {
            Some(Value::Object(cut_object(shape, path, object, faults)))
        }
        (None, Value::Array(items)) if is_array => {
            let path = format!("{path}[]");
            let items = items
                .iter()
                .filter_map(|item| cut_value(shape, &path, item, faults));
            Some(Value::Array(items.map(without_nulls).collect()))
        }
        _ => {
            faults.push(blame(path));
            None
        }
    }
}

fn below(known: &str, path: &str, separator: &str) -> bool {
    known
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with(separator))
}

fn blame(path: &str) -> Detail {
    let path = path.replace("[]", "");
    match path.rsplit_once('.') {
        Some((location, name)) => Detail::new(name, location),
        None => Detail::new(&path, ""),
    }
}

/// An element of an array is never merged, so a `null` in it has nothing to remove.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut kept = Map::new();
            merge(&mut kept, object);
            Value::Object(kept)
        }
        other => other,
    }
}

/// Merges `patch` into `stored`: objects member by member, all else replaced, `null` removes.
///
/// Arrays are **replaced**. Whether the real service merges them is not documented; replacement
/// shows a client that sends only the changed elements what it may lose.
pub(crate) fn merge(stored: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                stored.remove(&name);
            }
            Value::Object(patch) => {
                let mut object = match stored.remove(&name) {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                merge(&mut object, patch);
                if !object.is_empty() {
                    stored.insert(name, Value::Object(object));
                }
            }
            other => {
                stored.insert(name, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHAPE: Shape = &[
        ("card.month", Rule::Month),
        ("card.year", Rule::Year),
        ("flag", Rule::Flag),
        ("kind", Rule::OneOf(&["a", "b"])),
        ("list[].name", Rule::Text(3)),
        ("list[].by.area", Rule::Text(3)),
    ];

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    fn faults(body: Value) -> Vec<Detail> {
        match cut(SHAPE, &map(body)) {
            Err(TmsError::InvalidFields(details)) => details,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unknown_members_are_dropped_at_every_level() {
        let body = json!({"id": "x", "card": {"month": "01", "number": "4111111111111111"},
            "list": [{"name": "a", "more": 1, "by": {"area": "CA", "x": 2}}]});
        let kept = cut(SHAPE, &map(body)).unwrap();
        assert_eq!(
            Value::Object(kept),
            json!({"card": {"month": "01"}, "list": [{"name": "a", "by": {"area": "CA"}}]})
        );
    }

    #[test]
    fn faults_name_the_leaf_and_its_parent() {
        assert_eq!(
            faults(json!({"card": {"month": "13"}})),
            [Detail::new("month", "card")]
        );
        assert_eq!(
            faults(json!({"list": [{"name": "abcd"}]})),
            [Detail::new("name", "list")]
        );
        assert_eq!(
            faults(json!({"list": [{"by": {"area": 1}}]})),
            [Detail::new("area", "list.by")]
        );
        assert_eq!(faults(json!({"kind": "c"})), [Detail::new("kind", "")]);
        assert_eq!(faults(json!({"card": "x"})), [Detail::new("card", "")]);
        assert_eq!(faults(json!({"list": {}})), [Detail::new("list", "")]);
    }

    #[test]
    fn every_fault_is_reported() {
        let body = json!({"card": {"month": "1", "year": "30"}, "flag": "yes"});
        assert_eq!(faults(body).len(), 3);
    }

    #[test]
    fn years_and_flags() {
        for year in ["1900", "2099"] {
            assert!(Rule::Year.takes(&json!(year)));
        }
        for year in [json!("1899"), json!("2100"), json!("+203"), json!(2030)] {
            assert!(!Rule::Year.takes(&year), "{year}");
        }
        assert_eq!(as_flag(&json!("true")), Some(true));
        assert_eq!(as_flag(&json!(false)), Some(false));
        assert_eq!(as_flag(&json!("TRUE")), None);
    }

    #[test]
    fn merge_is_by_member_and_replaces_arrays() {
        let mut stored = map(json!({"a": {"b": "1", "c": "2"}, "list": [1, 2], "gone": "x"}));
        merge(
            &mut stored,
            map(json!({"a": {"c": "3"}, "list": [9], "gone": null, "n": {"m": null}})),
        );
        assert_eq!(
            Value::Object(stored),
            json!({"a": {"b": "1", "c": "3"}, "list": [9]})
        );
    }
}
