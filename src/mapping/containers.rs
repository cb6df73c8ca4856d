//! The objects and arrays of a body: a tree, of which a request opens what something comes to stand in.

use super::path::Segment;
use super::words::{Word, Words};

/// An object, an array, or a keyed element of an array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Container {
    /// The one that it stands in; its own number for the outermost.
    pub(super) parent: u16,
    /// How many it stands in.
    pub(super) depth: u16,
    /// What is written to open it: a comma, its name where it has one, and a bracket.
    pub(super) open: Word,
    /// What is written to close it.
    pub(super) close: u8,
    /// Whether opening it writes a first member.
    pub(super) opens_with_member: bool,
}

/// The number of the body itself, which is open from the beginning.
pub(super) const OUTERMOST: u16 = 0;

/// All containers of a body, and the texts of those and of its members.
#[derive(Debug, PartialEq)]
pub(super) struct Containers {
    all: Vec<Container>,
    pub(super) words: Words,
}

impl Default for Containers {
    fn default() -> Containers {
        let mut words = Words::default();
        let outermost = Container {
            parent: OUTERMOST,
            depth: 0,
            open: words.add(""),
            close: b'}',
            opens_with_member: false,
        };
        Containers {
            all: vec![outermost],
            words,
        }
    }
}

impl Containers {
    /// The container that a segment of a path leads to, made where it is new; `next` is the segment that follows.
    pub(super) fn within(
        &mut self,
        parent: u16,
        at: Segment<'_>,
        next: Option<Segment<'_>>,
    ) -> u16 {
        let is_array = !matches!(next, None | Some(Segment::Key(_)));
        let (open, close, opens_with_member) = match at {
            Segment::Key(key) if is_array => (format!(",{}:[", json_text(key)), b']', false),
            Segment::Key(key) => (format!(",{}:{{", json_text(key)), b'}', false),
            Segment::Element { key, value } => (
                format!(",{{{}:{}", json_text(key), json_text(value)),
                b'}',
                true,
            ),
            // The number keeps elements apart here; JSON has none.
            Segment::Numbered(number) => (
                format!(",{{{}", " ".repeat(usize::from(number))),
                b'}',
                false,
            ),
            Segment::Append => (",".to_owned(), b' ', false),
        };
        let same = |known: &Container| {
            known.parent == parent && self.words.bytes(known.open) == open.as_bytes()
        };
        if let Some(known) = self.all.iter().position(same) {
            return known as u16;
        }
        self.all.push(Container {
            parent,
            depth: self.get(parent).depth + 1,
            open: self.words.add(&open),
            close,
            opens_with_member,
        });
        self.all.len() as u16 - 1
    }

    /// A container.
    pub(super) fn get(&self, at: u16) -> &Container {
        &self.all[usize::from(at)]
    }

    /// The containers around what stands in one, that itself last; without the outermost.
    pub(super) fn chain(&self, innermost: u16) -> Vec<u16> {
        let mut chain = Vec::new();
        let mut at = innermost;
        while at != OUTERMOST {
            chain.push(at);
            at = self.get(at).parent;
        }
        chain.reverse();
        chain
    }
}

/// A JSON string with its quotes.
pub(in crate::mapping) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
