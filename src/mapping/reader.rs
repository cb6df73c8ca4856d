//! Reading a REST reply in one pass: the places that the tables name are noted as it goes by, the rest is skipped unread.
//!
//! A [`Reader`] is compiled once for each step: all places that lines read from its reply, as a trie. A [`Read`] is a
//! reply with these places found: it keeps the text as it came and where in it each value stands.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::Value;

use super::json::Cursor;
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
            let mut cursor = Cursor::new(&body);
            self.root.look_below(&mut cursor, &mut spans)?;
            if !cursor.is_at_end() {
                return None;
            }
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

    /// Passes over its value: notes where it stands if that is wanted, and looks into it.
    fn look(&self, cursor: &mut Cursor<'_>, spans: &mut [Span]) -> Option<()> {
        for slot in &self.all {
            spans[usize::from(slot.0)] = Span::NONE;
        }
        let first = cursor.next()?;
        let start = cursor.at();
        self.look_below(cursor, spans)?;
        // Replies are bounded far below 4 GiB.
        let span = Span {
            start: start as u32,
            end: cursor.at() as u32,
        };
        for slot in &self.slots {
            spans[usize::from(slot.0)] = span;
        }
        if first == b'[' {
            for slot in &self.lists {
                spans[usize::from(slot.0)] = span;
            }
        }
        Some(())
    }

    /// Passes over its value, and looks into it.
    fn look_below(&self, cursor: &mut Cursor<'_>, spans: &mut [Span]) -> Option<()> {
        match cursor.next()? {
            b'{' if !self.members.is_empty() => {
                cursor.members(|cursor, name| match self.member(name) {
                    Some(member) => member.look(cursor, spans),
                    None => cursor.skip(),
                })
            }
            b'[' if !(self.keyed.is_empty() && self.numbered.is_empty()) => {
                self.look_at_elements(cursor, spans)
            }
            _ => cursor.skip(),
        }
    }

    /// The node of a member by its name, as that stands in the text.
    fn member(&self, name: &str) -> Option<&Node> {
        let known = |name: &str| {
            let mut members = self.members.iter();
            members.find_map(|(known, node)| (**known == *name).then_some(node))
        };
        // No name of the tables has an escape.
        let escaped = || {
            let unescaped = serde_json::from_str::<String>(&format!("\"{name}\""));
            known(&unescaped.ok()?)
        };
        known(name).or_else(|| name.contains('\\').then(escaped).flatten())
    }

    fn look_at_elements(&self, cursor: &mut Cursor<'_>, spans: &mut [Span]) -> Option<()> {
        let mut open: Vec<&(Key, Node)> = self.keyed.iter().collect();
        let mut number = 0;
        cursor.elements(|cursor| {
            cursor.next()?;
            let element = cursor.clone();
            cursor.skip()?;
            let raw = cursor.since(element.at());
            // It was passed over once: what is looked at again is JSON.
            let mut look = |node: &Node| node.look(&mut element.clone(), spans);
            open.retain(|(key, node)| !(key.is_of(raw) && look(node).is_some()));
            for (_, node) in self.numbered.iter().filter(|(at, _)| *at == number) {
                look(node)?;
            }
            number += 1;
            Some(())
        })
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
        // What nobody asks for may be as deep as it likes.
        let deep = format!(
            r#"{{"p": ["a"], "x": {}{}}}"#,
            "[".repeat(1000),
            "]".repeat(1000)
        );
        check(&["p"], &deep, &[Some("a")]);
        // What is no list has no elements.
        check(&["p[]", "q[]"], r#"{"p": "a", "q": null}"#, &[None, None]);
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
