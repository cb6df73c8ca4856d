//! A REST reply with its places found: the text as it came, and where in it each value stands.

use std::borrow::Cow;

use bytestring::ByteString;
use memchr::memmem::Finder;
use serde_json::Value;

use super::reader::Slot;
use crate::scmp::fits_lines;

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
    /// Whether there is an escape in it anywhere.
    escaped: bool,
    /// Whether any text of it fits a line of an SCMP reply as it came: there is no escape, and JSON has no character below
    /// the blank in a text.
    fits_lines: bool,
}

/// A text for a line of an SCMP reply.
pub enum LineText<'r> {
    /// It fits a line as it is.
    Fits(&'r str),
    /// It may hold what does not.
    Any(Cow<'r, str>),
}

impl Read {
    /// A reply, and where in it the places stand.
    pub(super) fn new(body: ByteString, spans: Vec<Span>) -> Read {
        let escaped = memchr::memchr(b'\\', body.as_bytes()).is_some();
        Read {
            escaped,
            fits_lines: !escaped && fits_lines(&body),
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
            b'"' => self.unquoted(raw).filter(|text| !text.is_empty()),
            b'[' => {
                let texts: Vec<String> = serde_json::from_str(raw).ok()?;
                (!texts.is_empty()).then(|| texts.join("^").into())
            }
            b'{' | b'n' => None,
            _ => Some(raw.into()),
        }
    }

    /// The same, for a line of an SCMP reply.
    pub fn line(&self, slot: Slot) -> Option<LineText<'_>> {
        if !self.put.is_empty() {
            return self.text(slot).map(LineText::Any);
        }
        // Most lines of a reply are for what did not come.
        let raw = self.raw(slot)?;
        let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        match text.filter(|_| self.fits_lines) {
            Some(text) => (!text.is_empty()).then_some(LineText::Fits(text)),
            None => self.text(slot).map(LineText::Any),
        }
    }

    /// The string at a place, be it empty; nothing for a value of another type.
    pub fn string(&self, slot: Slot) -> Option<Cow<'_, str>> {
        self.raw(slot).and_then(|raw| self.unquoted(raw))
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
        match end {
            0 => None,
            _ => self.body.get(start as usize..end as usize),
        }
    }

    /// The text of a JSON string.
    fn unquoted<'r>(&self, raw: &'r str) -> Option<Cow<'r, str>> {
        let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
        match self.escaped && inner.contains('\\') {
            false => Some(inner.into()),
            true => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::JsonPath;
    use super::super::reader::Reader;
    use super::LineText;

    /// What is copied into a line as it came.
    fn line(reply: &str, put: bool) -> Option<String> {
        let mut reader = Reader::default();
        let mut slot = |path| reader.slot(&JsonPath::parse(path).expect("a path"));
        let (a, b) = (slot("a"), slot("b"));
        let mut read = reader.read(reply.to_owned().into()).expect("JSON");
        if put {
            read.put(b, "put".to_owned());
        }
        match read.line(a)? {
            LineText::Fits(text) => Some(text.to_owned()),
            LineText::Any(text) => Some(format!("any: {text}")),
        }
    }

    #[test]
    fn only_what_needs_no_look_is_copied_as_a_line() {
        assert_eq!(line(r#"{"a": "x = y"}"#, false).as_deref(), Some("x = y"));
        for (reply, put, expected) in [
            (r#"{"a": "x\ny"}"#, false, Some("any: x\ny")),
            (r#"{"a": "x", "c": "\u0041"}"#, false, Some("any: x")),
            ("{\"a\": \"x\u{7f}\"}", false, Some("any: x\u{7f}")),
            ("{\"a\": \"x\u{2028}\"}", false, Some("any: x\u{2028}")),
            (r#"{"a": "x", "b": "y"}"#, true, Some("any: x")),
            (r#"{"a": ""}"#, false, None),
            (r#"{"a": "", "c": "\\"}"#, false, None),
            (r#"{"a": 1}"#, false, Some("any: 1")),
            (r#"{"a": ["x", "y"]}"#, false, Some("any: x^y")),
            (r#"{"a": null}"#, false, None),
            (r#"{"a": {}}"#, false, None),
            ("{}", false, None),
        ] {
            assert_eq!(line(reply, put).as_deref(), expected, "{reply}");
        }
    }
}
