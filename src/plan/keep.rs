//! What is stored and must survive a call that may replace it.

use serde_json::{Map, Value};

use crate::mapping::mask::is_masked;
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::tables::Keep;

/// A stored element that would be lost, for REST shows it masked and it cannot be sent back: its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Lost(pub String);

/// Adds to a body the parts of the stored object that are to be kept. What the body says itself wins; what REST returned
/// masked is never sent back.
pub fn keep(body: Vec<u8>, keep: &Keep, stored: &Value) -> Result<Vec<u8>, Lost> {
    let Ok(mut new) = serde_json::from_slice::<Value>(&body) else {
        return Ok(body);
    };
    for path in &keep.paths {
        let Some(old) = path.find(stored) else {
            continue;
        };
        // A list that the body does not touch is not sent at all: it stays as it is.
        if old.is_array() && path.find(&new).is_none() {
            continue;
        }
        if let Some(place) = place(&mut new, path) {
            merge(place, old, &path.plain(), keep)?;
        }
    }
    Ok(serde_json::to_vec(&new).unwrap_or(body))
}

/// The place of a path in a document, made where it is missing.
fn place<'v>(root: &'v mut Value, path: &JsonPath) -> Option<&'v mut Value> {
    let mut segments = path.segments().into_iter();
    segments.try_fold(root, |value, segment| match segment {
        Segment::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let members = value.as_object_mut()?;
            Some(members.entry(key).or_insert(Value::Null))
        }
        Segment::Element { .. } | Segment::Numbered(_) | Segment::Append => None,
    })
}

fn merge(new: &mut Value, old: &Value, plain: &str, keep: &Keep) -> Result<(), Lost> {
    match (&mut *new, old) {
        (Value::Object(new), Value::Object(old)) => {
            for (name, old) in old {
                let plain = format!("{plain}.{name}");
                merge(
                    new.entry(name.clone()).or_insert(Value::Null),
                    old,
                    &plain,
                    keep,
                )?;
            }
            new.retain(|_, value| !value.is_null());
        }
        (Value::Array(new), Value::Array(old)) => {
            if let Some((_, key)) = keep.element_keys.iter().find(|(array, _)| array == plain) {
                merge_elements(new, old, key, plain, keep)?;
            }
        }
        (Value::Null, old) => *new = unmasked(old),
        _ => {}
    }
    Ok(())
}

fn merge_elements(
    new: &mut Vec<Value>,
    old: &[Value],
    key: &str,
    plain: &str,
    keep: &Keep,
) -> Result<(), Lost> {
    for old in old {
        let same = new
            .iter_mut()
            .find(|new| new.get(key).is_some() && new.get(key) == old.get(key));
        let name = old.get(key).and_then(Value::as_str).unwrap_or_default();
        match same {
            Some(same) => merge(same, old, &format!("{plain}[]"), keep)?,
            None if holds_mask(old) && keep.masked.iter().any(|masked| masked == name) => {
                return Err(Lost(format!("{key}={name}")));
            }
            None => new.push(old.clone()),
        }
    }
    Ok(())
}

fn holds_mask(value: &Value) -> bool {
    match value {
        Value::String(text) => is_masked(text),
        Value::Array(list) => list.iter().any(holds_mask),
        Value::Object(map) => map.values().any(holds_mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A copy without masked values.
fn unmasked(value: &Value) -> Value {
    match value {
        Value::String(text) if is_masked(text) => Value::Null,
        Value::Array(list) => list
            .iter()
            .filter(|value| !holds_mask(value))
            .cloned()
            .collect(),
        Value::Object(map) => {
            let kept = map
                .iter()
                .map(|(name, value)| (name.clone(), unmasked(value)));
            Value::Object(
                kept.filter(|(_, value)| !value.is_null())
                    .collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(paths: &[&str], new: Value, stored: &Value) -> Value {
        let keep_line = Keep {
            step: 0,
            paths: paths
                .iter()
                .map(|p| JsonPath::parse(p).expect("a path"))
                .collect(),
            masked: vec!["s".into()],
            element_keys: vec![
                ("list".into(), "name".into()),
                ("buyer.ids".into(), "type".into()),
            ],
        };
        let body = keep(serde_json::to_vec(&new).expect("JSON"), &keep_line, stored).expect("kept");
        serde_json::from_slice(&body).expect("JSON")
    }

    #[test]
    fn elements_that_the_request_does_not_name_survive() {
        let stored = json!({"list": [{"name": "a", "value": "1"}, {"name": "own", "value": "2"}]});
        let new = json!({"list": [{"name": "a", "value": "new"}]});
        let want = json!({"list": [{"name": "a", "value": "new"}, {"name": "own", "value": "2"}]});
        assert_eq!(kept(&["list"], new, &stored), want);
    }

    #[test]
    fn a_list_that_is_not_touched_is_not_sent() {
        let stored = json!({"list": [{"name": "a", "value": "1"}]});
        assert_eq!(kept(&["list"], json!({"x": 1}), &stored), json!({"x": 1}));
    }

    #[test]
    fn masked_values_are_never_sent_back() {
        let stored = json!({"buyer": {"tax": "12XXXXX89", "currency": "USD", "ids": [{"type": "d", "id": "AXX1"}]}});
        let want = json!({"buyer": {"currency": "USD", "ids": [{"type": "d", "id": "AXX1"}]}});
        assert_eq!(kept(&["buyer"], json!({}), &stored), want);
    }

    #[test]
    fn a_merchants_own_words_survive_whatever_they_look_like() {
        let stored = json!({"list": [{"name": "a", "value": "411111XXXXXX1111"}]});
        let new = json!({"list": [{"name": "b", "value": "1"}]});
        let want = json!({"list": [{"name": "b", "value": "1"}, {"name": "a", "value": "411111XXXXXX1111"}]});
        assert_eq!(kept(&["list"], new, &stored), want);
    }

    #[test]
    fn a_masked_element_is_not_lost_in_silence() {
        let keep_line = Keep {
            step: 0,
            paths: vec![JsonPath::parse("list").expect("a path")],
            masked: vec!["s".into()],
            element_keys: vec![("list".into(), "name".into())],
        };
        let stored = json!({"list": [{"name": "s", "value": "XXXXXX1111"}]});
        let body = br#"{"list":[{"name":"a","value":"1"}]}"#.to_vec();
        assert_eq!(keep(body, &keep_line, &stored), Err(Lost("name=s".into())));
    }

    #[test]
    fn a_part_is_kept_without_its_neighbours() {
        let stored = json!({"a": {"b": true, "c": {"d": 1}}});
        assert_eq!(
            kept(&["a.b"], json!({"x": 1}), &stored),
            json!({"x": 1, "a": {"b": true}})
        );
    }

    #[test]
    fn parts_of_an_element_come_together() {
        let stored = json!({"buyer": {"ids": [{"type": "d", "id": "D1", "by": {"area": "CA"}}]}});
        let new = json!({"buyer": {"ids": [{"type": "d", "by": {"area": "NY"}}]}});
        let want = json!({"buyer": {"ids": [{"type": "d", "id": "D1", "by": {"area": "NY"}}]}});
        assert_eq!(kept(&["buyer.ids"], new, &stored), want);
    }
}
