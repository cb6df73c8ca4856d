//! Reading a REST reply in one pass: the places that the tables name are noted as it goes by, the rest is skipped unread.
//!
//! A [`Reader`] is compiled once for each step: all places that lines read from its reply, as a trie. A [`Read`] is a
//! reply with these places found: it keeps the text as it came and where in it each value stands.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::path::{JsonPath, Segment};

/// The number of a place among those that are read from a step's reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u16);

/// What is read from the reply of one step.
#[derive(Debug, Default)]
pub struct Reader {
    paths: Vec<JsonPath>,
    root: Node,
}

/// A value that is looked at on the way through a document.
#[derive(Debug, Default)]
struct Node {
    /// Its own places.
    slots: Vec<Slot>,
    /// Its place as a list of plain values.
    lists: Vec<Slot>,
    /// All places in it, its own too: they are forgotten when a member comes twice, for the last one counts.
    all: Vec<Slot>,
    members: Vec<(String, Node)>,
    /// The elements of a list of which a member has a certain text: the first such.
    keyed: Vec<(Key, Node)>,
    /// Elements by their number.
    numbered: Vec<(usize, Node)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Key {
    member: String,
    text: String,
}

impl Reader {
    /// The slot of a place; the same for the same path.
    pub fn slot(&mut self, path: &JsonPath) -> Slot {
        if let Some(known) = self.paths.iter().position(|known| known == path) {
            return Slot(known as u16);
        }
        let slot = Slot(self.paths.len() as u16);
        self.paths.push(path.clone());
        self.root.add(path.segments(), slot);
        slot
    }

    /// Reads a reply; nothing if it is no JSON. No reply at all is one without values.
    pub fn read(&self, body: Bytes) -> Option<Read> {
        let mut spans = vec![Span::NONE; self.paths.len()];
        if !body.is_empty() {
            let text = str::from_utf8(&body).ok()?;
            let mut found = Found {
                begins: text.as_ptr() as usize,
                spans: &mut spans,
            };
            let mut json = serde_json::Deserializer::from_str(text);
            let below = Below {
                node: &self.root,
                found: &mut found,
            };
            below.deserialize(&mut json).ok()?;
            json.end().ok()?;
        }
        Some(Read {
            body,
            spans,
            put: Vec::new(),
        })
    }

    /// A reply without values.
    pub fn nothing(&self) -> Read {
        Read {
            body: Bytes::new(),
            spans: vec![Span::NONE; self.paths.len()],
            put: Vec::new(),
        }
    }
}

impl Node {
    fn add(&mut self, segments: &[Segment], slot: Slot) {
        self.all.push(slot);
        match segments {
            [] => self.slots.push(slot),
            [Segment::Append, ..] => self.lists.push(slot),
            [Segment::Key(key), rest @ ..] => child(&mut self.members, key.clone()).add(rest, slot),
            [Segment::Element { key, value }, rest @ ..] => {
                let key = Key {
                    member: key.clone(),
                    text: value.clone(),
                };
                child(&mut self.keyed, key).add(rest, slot);
            }
            [Segment::Numbered(number), rest @ ..] => {
                child(&mut self.numbered, usize::from(*number)).add(rest, slot);
            }
        }
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

/// Where in a reply's text a value stands, quotes and all.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    const NONE: Span = Span { start: 0, end: 0 };
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
        Ok(members.find_map(|(known, node)| (known == name).then_some(node)))
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
            element.get(&self.member).and_then(Value::as_str) == Some(&self.text)
        })
    }
}

/// A reply that has been read. Holds customers' data: it has no `Debug`.
#[derive(Clone)]
pub struct Read {
    body: Bytes,
    spans: Vec<Span>,
    /// Texts that were put in place of what came.
    put: Vec<(Slot, String)>,
}

impl Read {
    /// Whether there is something at a place, be it a value or an object.
    pub fn has(&self, slot: Slot) -> bool {
        self.raw(slot).is_some_and(|raw| raw != "null")
    }

    /// The text at a place; numbers and booleans as they came, the texts of a list between carets, as SCMP writes it. An
    /// empty text counts as absent.
    pub fn text(&self, slot: Slot) -> Option<Cow<'_, str>> {
        if let Some((_, text)) = self.put.iter().find(|(at, _)| *at == slot) {
            return Some(text.into());
        }
        let raw = self.raw(slot)?;
        match raw.as_bytes().first()? {
            b'"' => unquoted(raw).filter(|text| !text.is_empty()),
            b'[' => {
                let texts: Vec<String> = serde_json::from_str(raw).ok()?;
                (!texts.is_empty()).then(|| texts.join("^").into())
            }
            b'{' | b'n' => None,
            _ => Some(raw.into()),
        }
    }

    /// The string at a place, be it empty; nothing for a value of another type.
    pub fn string(&self, slot: Slot) -> Option<Cow<'_, str>> {
        self.raw(slot).and_then(unquoted)
    }

    /// The value at a place, as a tree.
    pub fn tree(&self, slot: Slot) -> Option<Value> {
        serde_json::from_str(self.raw(slot)?).ok()
    }

    /// The whole reply, as a tree; null where there was none. Nothing where a value that was skipped is none after all,
    /// such as half a character.
    pub fn whole(&self) -> Option<Value> {
        match self.body.is_empty() {
            true => Some(Value::Null),
            false => serde_json::from_slice(&self.body).ok(),
        }
    }

    /// Whether a plain text stands anywhere in the reply.
    pub fn mentions(&self, text: &str) -> bool {
        memchr::memmem::find(&self.body, text.as_bytes()).is_some()
    }

    /// Puts a text at a place.
    pub fn put(&mut self, slot: Slot, text: String) {
        self.put.push((slot, text));
    }

    fn raw(&self, slot: Slot) -> Option<&str> {
        let Span { start, end } = self.spans[usize::from(slot.0)];
        let raw = &self.body[start as usize..end as usize];
        // A span covers a whole value of what was UTF-8.
        str::from_utf8(raw).ok().filter(|raw| !raw.is_empty())
    }
}

/// The text of a JSON string.
fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    match memchr::memchr(b'\\', inner.as_bytes()) {
        None => Some(inner.into()),
        Some(_) => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
    }
}
