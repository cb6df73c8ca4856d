//! Reading a REST reply in one pass: the places that the tables name are noted as it goes by, the rest is skipped unread.
//!
//! A [`Reader`] is compiled once for each step: all places that lines read from its reply, as a trie. A [`Read`] is a
//! reply with these places found: it keeps the text as it came and where in it each value stands.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::path::{JsonPath, Segment};
use super::read::{Read, Span};

/// The number of a place among those that are read from a step's reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(pub(super) u16);

/// What is read from the reply of one step.
#[derive(Debug, Default, PartialEq)]
pub struct Reader {
    paths: Vec<JsonPath>,
    root: Node,
}

/// A value that is looked at on the way through a document.
#[derive(Debug, Default, PartialEq)]
struct Node {
    /// Its own places.
    slots: Vec<Slot>,
    /// Its place as a list of plain values.
    lists: Vec<Slot>,
    /// All places in it, its own too: they are forgotten when a member comes twice, for the last one counts.
    all: Vec<Slot>,
    members: Vec<(Box<str>, Node)>,
    /// The elements of a list of which a member has a certain text: the first such.
    keyed: Vec<(Key, Node)>,
    /// Elements by their number.
    numbered: Vec<(usize, Node)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Key {
    member: Box<str>,
    text: Box<str>,
}

impl Reader {
    /// The slot of a place; the same for the same path.
    pub fn slot(&mut self, path: &JsonPath) -> Slot {
        if let Some(known) = self.paths.iter().position(|known| known == path) {
            return Slot(known as u16);
        }
        let slot = Slot(self.paths.len() as u16);
        self.paths.push(path.clone());
        self.root.add(&path.segments(), slot);
        slot
    }

    /// Gives back the room for more places.
    pub(super) fn tighten(&mut self) {
        self.paths.shrink_to_fit();
        self.root.tighten();
    }

    /// Reads a reply; nothing if it is no JSON. No reply at all is one without values.
    pub fn read(&self, body: Bytes) -> Option<Read> {
        let body = ByteString::try_from(body).ok()?;
        let mut spans = vec![Span::NONE; self.paths.len()];
        if !body.is_empty() {
            let mut found = Found {
                begins: body.as_ptr() as usize,
                spans: &mut spans,
            };
            let mut json = serde_json::Deserializer::from_str(&body);
            let below = Below {
                node: &self.root,
                found: &mut found,
            };
            below.deserialize(&mut json).ok()?;
            json.end().ok()?;
        }
        Some(Read::new(body, spans))
    }

    /// A reply without values.
    pub fn nothing(&self) -> Read {
        Read::new(ByteString::new(), vec![Span::NONE; self.paths.len()])
    }
}

impl Node {
    fn add(&mut self, segments: &[Segment<'_>], slot: Slot) {
        self.all.push(slot);
        match segments {
            [] => self.slots.push(slot),
            [Segment::Append, ..] => self.lists.push(slot),
            [Segment::Key(key), rest @ ..] => {
                child(&mut self.members, (*key).into()).add(rest, slot)
            }
            [Segment::Element { key, value }, rest @ ..] => {
                let key = Key {
                    member: (*key).into(),
                    text: (*value).into(),
                };
                child(&mut self.keyed, key).add(rest, slot);
            }
            [Segment::Numbered(number), rest @ ..] => {
                child(&mut self.numbered, usize::from(*number)).add(rest, slot);
            }
        }
    }

    fn tighten(&mut self) {
        self.all.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.lists.shrink_to_fit();
        tighten(&mut self.members);
        tighten(&mut self.keyed);
        tighten(&mut self.numbered);
    }

    fn is_leaf(&self) -> bool {
        !(self.slots.is_empty() && self.lists.is_empty())
    }

    fn has_below(&self) -> bool {
        !(self.members.is_empty() && self.keyed.is_empty() && self.numbered.is_empty())
    }
}

fn child<K: PartialEq>(children: &mut Vec<(K, Node)>, key: K) -> &mut Node {
    let at = children.iter().position(|(known, _)| *known == key);
    let at = at.unwrap_or_else(|| {
        children.push((key, Node::default()));
        children.len() - 1
    });
    &mut children[at].1
}

fn tighten<K>(children: &mut Vec<(K, Node)>) {
    children.shrink_to_fit();
    children.iter_mut().for_each(|(_, child)| child.tighten());
}

/// What has been found so far.
struct Found<'s> {
    /// The address of the text's first byte: values are slices of the text.
    begins: usize,
    spans: &'s mut [Span],
}

impl Found<'_> {
    fn note(&mut self, slot: Slot, raw: &str) {
        let start = (raw.as_ptr() as usize - self.begins) as u32;
        // Replies are bounded far below 4 GiB.
        let end = start + raw.len() as u32;
        self.spans[usize::from(slot.0)] = Span { start, end };
    }

    fn forget(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.spans[usize::from(slot.0)] = Span::NONE;
        }
    }
}

/// Reads a value: notes where it stands if that is wanted, and goes on into it.
struct Here<'n, 'f, 's> {
    node: &'n Node,
    found: &'f mut Found<'s>,
}

impl<'de> DeserializeSeed<'de> for Here<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Here { node, found } = self;
        found.forget(&node.all);
        if !node.is_leaf() {
            return Below { node, found }.deserialize(json);
        }
        let raw = <&RawValue>::deserialize(json)?.get();
        for slot in &node.slots {
            found.note(*slot, raw);
        }
        if raw.starts_with('[') {
            for slot in &node.lists {
                found.note(*slot, raw);
            }
        }
        if node.has_below() {
            let mut json = serde_json::Deserializer::from_str(raw);
            // It was read once already: it is JSON, if perhaps too deep, and then has nothing that is looked for.
            let _read = Below { node, found }.deserialize(&mut json);
        }
        Ok(())
    }
}

/// Reads what stands below a value.
struct Below<'n, 'f, 's> {
    node: &'n Node,
    found: &'f mut Found<'s>,
}

impl<'de> DeserializeSeed<'de> for Below<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Below { node, found } = self;
        while let Some(member) = map.next_key_seed(Member(node))? {
            match member {
                Some(node) => map.next_value_seed(Here { node, found })?,
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Below { node, found } = self;
        if node.keyed.is_empty() && node.numbered.is_empty() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut open: Vec<&(Key, Node)> = node.keyed.iter().collect();
        let mut number = 0;
        while let Some(raw) = list.next_element::<&RawValue>()? {
            open.retain(|(key, node)| {
                let is_it = key.is_of(raw.get());
                if is_it {
                    read_again(raw, node, found);
                }
                !is_it
            });
            for (_, node) in node.numbered.iter().filter(|(at, _)| *at == number) {
                read_again(raw, node, found);
            }
            number += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

fn read_again(raw: &RawValue, node: &Node, found: &mut Found<'_>) {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    // As where a value is noted and gone into.
    let _read = Here { node, found }.deserialize(&mut json);
}

/// Finds the node of a member by its name.
struct Member<'n>(&'n Node);

impl<'de, 'n> DeserializeSeed<'de> for Member<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Member<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let mut members = self.0.members.iter();
        Ok(members.find_map(|(known, node)| (&**known == name).then_some(node)))
    }
}

impl Key {
    /// Whether an element has the member's text.
    fn is_of(&self, raw: &str) -> bool {
        if !raw.starts_with('{') {
            return false;
        }
        let element: Result<Value, _> = serde_json::from_str(raw);
        element.is_ok_and(|element| {
            element.get(&*self.member).and_then(Value::as_str) == Some(&*self.text)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn texts(paths: &[&str], reply: &str) -> Option<Vec<Option<String>>> {
        let mut reader = Reader::default();
        let slot = |path: &&str| reader.slot(&JsonPath::parse(path).expect("a path"));
        let slots: Vec<Slot> = paths.iter().map(slot).collect();
        let read = reader.read(Bytes::from(reply.to_owned()))?;
        let texts = slots.iter().map(|slot| read.text(*slot));
        Some(texts.map(|text| text.map(Cow::into_owned)).collect())
    }

    fn check(paths: &[&str], reply: &str, expected: &[Option<&str>]) {
        let found = texts(paths, reply).expect("JSON");
        let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "{reply}");
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let reply = r#"{"skipped": {"a": [1, {"b": "}"}]}, "a": {"b": "1", "n": 10.00, "t": true}, "e": ""}"#;
        let paths = ["a.b", "a.n", "a.t", "a.x", "e", "a", "skipped.a"];
        check(
            &paths,
            reply,
            &[
                Some("1"),
                Some("10.00"),
                Some("true"),
                None,
                None,
                None,
                None,
            ],
        );
    }

    #[test]
    fn escapes_are_read_in_names_and_values() {
        let reply = r#"{"\u0061": "x\ny \u00e9", "b": "\ud83d"}"#;
        check(&["a", "b"], reply, &[Some("x\ny \u{e9}"), None]);
    }

    #[test]
    fn elements_are_told_apart() {
        let reply = r#"{"l": [{"v": "1", "k": "x"}, 7, {"k": "y", "v": "2"}, {"k": "y", "v": "3"}], "p": ["a", "b"], "q": ["a", 1]}"#;
        let paths = [
            "l[k=x].v", "l[k=y].v", "l[k=z].v", "l[#2].v", "p", "p[]", "q",
        ];
        check(
            &paths,
            reply,
            &[
                Some("1"),
                Some("2"),
                None,
                Some("2"),
                Some("a^b"),
                Some("a^b"),
                None,
            ],
        );
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts_whole() {
        let reply = r#"{"a": {"b": "1", "c": "2"}, "a": {"c": "3"}, "d": {"e": "4"}, "d": null}"#;
        check(&["a.b", "a.c", "d.e"], reply, &[None, Some("3"), None]);
    }

    #[test]
    fn what_is_no_json_is_no_reply() {
        for wrong in [
            "{",
            "{\"a\": \"\n\"}",
            "{\"b\": \"\n\"}",
            "{} x",
            "<html>",
            "{\"a\": }",
            "\u{feff}{}",
        ] {
            assert!(texts(&["a"], wrong).is_none(), "{wrong}");
        }
        check(&["a"], "", &[None]);
        check(&["a", "a.b"], "[1]", &[None, None]);
    }

    #[test]
    fn what_is_null_is_not_there() {
        let mut reader = Reader::default();
        let mut slot = |path| reader.slot(&JsonPath::parse(path).expect("a path"));
        let (null, object) = (slot("n"), slot("o"));
        let read = reader.read(Bytes::from_static(br#"{"n": null, "o": {}}"#));
        let read = read.expect("JSON");
        assert!(!read.has(null) && read.has(object));
    }
}
