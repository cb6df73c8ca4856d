//! A REST reply with its places found: the text as it came, and where in it each value stands.

use std::borrow::Cow;

use bytestring::ByteString;
use memchr::memmem::Finder;
use serde_json::Value;

use super::reader::Slot;

/// Where in a reply's text a value stands, quotes and all.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// That of a value that is not there.
    pub(super) const NONE: Span = Span { start: 0, end: 0 };
}

/// A reply that has been read. Holds customers' data: it has no `Debug`.
#[derive(Clone)]
pub struct Read {
    body: ByteString,
    spans: Vec<Span>,
    /// Texts that were put in place of what came.
    put: Vec<(Slot, String)>,
}

impl Read {
    /// A reply, and where in it the places stand.
    pub(super) fn new(body: ByteString, spans: Vec<Span>) -> Read {
        Read {
            body,
            spans,
            put: Vec::new(),
        }
    }

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
            false => serde_json::from_str(&self.body).ok(),
        }
    }

    /// Whether what is looked for stands anywhere in the reply, without escapes.
    pub fn mentions(&self, text: &Finder<'_>) -> bool {
        text.find(self.body.as_bytes()).is_some()
    }

    /// Puts a text at a place.
    pub fn put(&mut self, slot: Slot, text: String) {
        self.put.push((slot, text));
    }

    fn raw(&self, slot: Slot) -> Option<&str> {
        let Span { start, end } = self.spans[usize::from(slot.0)];
        // A span covers a whole value, or nothing.
        let raw = self.body.get(start as usize..end as usize);
        raw.filter(|raw| !raw.is_empty())
    }
}

/// The text of a JSON string.
fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    if raw.as_bytes().first() != Some(&b'"') {
        return None;
    }
    let inner = raw.get(1..raw.len() - 1)?;
    match memchr::memchr(b'\\', inner.as_bytes()) {
        None => Some(inner.into()),
        Some(_) => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
    }
}
