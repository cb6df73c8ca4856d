//! JSON paths as the tables write them: `billTo.firstName`, `merchantDefinedInformation[name=data1].value`.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// A step into a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'p> {
    /// A member of an object.
    Key(&'p str),
    /// The element of an array whose member `key` has this text.
    Element {
        /// The member that tells the elements apart.
        key: &'p str,
        /// Its text in the element that is meant.
        value: &'p str,
    },
    /// The element of this number of an array whose elements nothing tells apart.
    Numbered(u8),
    /// One more element of an array of plain values.
    Append,
}

/// A path into a JSON document. Thousands are kept, and few are followed once the tables are compiled: it is its text alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonPath(Arc<str>);

impl JsonPath {
    /// Reads a path; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<JsonPath, String> {
        segments(text)?;
        Ok(JsonPath(text.into()))
    }

    /// The steps, outermost first.
    pub fn segments(&self) -> Vec<Segment<'_>> {
        // It could be read when it was made.
        segments(&self.0).unwrap_or_default()
    }

    /// Whether one of the two texts begins with the other.
    pub fn is_near(&self, other: &JsonPath) -> bool {
        self.0.starts_with(&*other.0) || other.0.starts_with(&*self.0)
    }

    /// The value at this path.
    pub fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        let mut segments = self.segments().into_iter();
        segments.try_fold(root, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Element { key, value: wanted } => {
                let mut elements = value.as_array()?.iter();
                elements.find(|one| one.get(key).and_then(Value::as_str) == Some(wanted))
            }
            Segment::Numbered(number) => value.as_array()?.get(usize::from(number)),
            // The list itself.
            Segment::Append => value.is_array().then_some(value),
        })
    }

    /// The value at this path, to be changed.
    pub fn find_mut<'v>(&self, root: &'v mut Value) -> Option<&'v mut Value> {
        let mut segments = self.segments().into_iter();
        segments.try_fold(root, |value, segment| match segment {
            Segment::Key(key) => value.get_mut(key),
            Segment::Element { key, value: wanted } => {
                let mut elements = value.as_array_mut()?.iter_mut();
                elements.find(|one| one.get(key).and_then(Value::as_str) == Some(wanted))
            }
            Segment::Numbered(number) => value.as_array_mut()?.get_mut(usize::from(number)),
            Segment::Append => None,
        })
    }

    /// The path with every element written `[]`, as REST documents write it.
    pub fn plain(&self) -> String {
        let mut plain = String::new();
        for segment in self.segments() {
            match segment {
                Segment::Element { .. } | Segment::Numbered(_) | Segment::Append => {
                    plain.push_str("[]");
                }
                Segment::Key(key) => {
                    if !plain.is_empty() {
                        plain.push('.');
                    }
                    plain.push_str(key);
                }
            }
        }
        plain
    }

    /// The element keys, e.g. `name=data1`.
    pub fn element(&self) -> Option<String> {
        let mut segments = self.segments().into_iter();
        segments.find_map(|segment| match segment {
            Segment::Element { key, value } => Some(format!("{key}={value}")),
            Segment::Numbered(number) => Some(format!("#{number}")),
            Segment::Key(_) | Segment::Append => None,
        })
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The steps of a path's text.
fn segments(text: &str) -> Result<Vec<Segment<'_>>, String> {
    let mut segments = Vec::new();
    for part in split_dots(text) {
        let (key, element) = match part.split_once('[') {
            None => (part, None),
            Some((key, rest)) => (key, Some(parse_element(text, rest)?)),
        };
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!(
                "\"{text}\" is not a JSON path; write names joined by dots."
            ));
        }
        segments.push(Segment::Key(key));
        segments.extend(element);
    }
    Ok(segments)
}

/// Splits at dots outside of brackets, for an element's value may hold one.
fn split_dots(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => inside = true,
            b']' => inside = false,
            b'.' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_element<'p>(text: &str, rest: &'p str) -> Result<Segment<'p>, String> {
    if rest == "]" && text.ends_with("[]") {
        return Ok(Segment::Append);
    }
    if let Some(number) = rest
        .strip_prefix('#')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return number.parse().map(Segment::Numbered).map_err(|_| {
            format!("\"{text}\" has an element without a number; write it as list[#0].")
        });
    }
    rest.strip_suffix(']')
        .and_then(|inner| inner.split_once('='))
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
        .map(|(key, value)| Segment::Element { key, value })
        .ok_or_else(|| {
            format!("\"{text}\" has an element without a key; write it as list[name=value].")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_members_and_keyed_elements() {
        let root = json!({"a": {"b": [{"name": "x", "v": 1}, {"name": "y.z", "v": 2}]}});
        let path = JsonPath::parse("a.b[name=y.z].v").expect("a path");
        assert_eq!(path.find(&root), Some(&json!(2)));
        assert_eq!(path.plain(), "a.b[].v");
        assert_eq!(path.element().as_deref(), Some("name=y.z"));
        assert_eq!(JsonPath::parse("a.c").expect("a path").find(&root), None);
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in ["", "a..b", "a.b[].c", "a.b[name]", "a.b[#x]", "a b", ".a"] {
            assert!(JsonPath::parse(text).is_err(), "{text}");
        }
    }
}
