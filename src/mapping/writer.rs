//! Writing JSON straight to one buffer: containers are opened when something comes to stand in them.

use std::borrow::Cow;

use super::body::{Body, Leaf, LeafValue, Spot};
use super::code::CodeTable;
use super::condition::Facts;
use super::containers::{Containers, OUTERMOST};
use super::side;
use super::tables::Source;
use super::transform::{JsonKind, Transform};
use super::words::Word;

/// A JSON object that is being written.
pub(super) struct Writer<'w> {
    out: &'w mut Vec<u8>,
    containers: &'w Containers,
    /// The innermost container that is open.
    open: u16,
    /// Whether nothing stands in it yet.
    first: bool,
}

impl<'w> Writer<'w> {
    /// Begins.
    pub(super) fn new(out: &'w mut Vec<u8>, containers: &'w Containers) -> Writer<'w> {
        out.push(b'{');
        Writer {
            out,
            containers,
            open: OUTERMOST,
            first: true,
        }
    }

    /// Closes all that is open.
    pub(super) fn finish(mut self) {
        self.enter(OUTERMOST);
        self.out.push(b'}');
    }

    /// Begins a member.
    fn member(&mut self, spot: &Spot) {
        self.enter(spot.container);
        self.word(spot.member.without_last());
    }

    /// Writes a value that needs no escape, where there is one; whether there was.
    pub(super) fn copy(&mut self, spot: &Spot, value: Option<&str>) -> bool {
        let Some(value) = value else {
            return false;
        };
        self.enter(spot.container);
        self.word(spot.member);
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
        true
    }

    /// Closes and opens containers until `container` is the innermost.
    fn enter(&mut self, container: u16) {
        if self.open == container {
            return;
        }
        let mut shared = container;
        while self.open != shared {
            let (from, to) = (self.containers.get(self.open), self.containers.get(shared));
            if from.depth < to.depth {
                shared = to.parent;
                continue;
            }
            self.out.push(from.close);
            self.first = false;
            self.open = from.parent;
        }
        self.open_from(shared, container);
    }

    /// Opens `container` and what is around it, from one on that is open.
    fn open_from(&mut self, shared: u16, container: u16) {
        if container == shared {
            return;
        }
        let known = self.containers.get(container);
        self.open_from(shared, known.parent);
        self.word(known.open);
        self.first = !known.opens_with_member;
        self.open = container;
    }

    /// Writes what begins with a comma, which falls away before what is first.
    fn word(&mut self, word: Word) {
        let word = if self.first {
            word.without_first()
        } else {
            word
        };
        self.first = false;
        self.containers.words.write(word, self.out);
    }

    /// What has been written, to go back to.
    fn state(&self) -> State {
        State {
            length: self.out.len(),
            open: self.open,
            first: self.first,
        }
    }

    /// Takes back what has been written since.
    fn go_back(&mut self, before: State) {
        self.out.truncate(before.length);
        (self.open, self.first) = (before.open, before.first);
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}

/// How far a writer was.
struct State {
    length: usize,
    open: u16,
    first: bool,
}

impl Leaf {
    /// Writes its value, where there is one; whether there was.
    pub(super) fn write(
        &self,
        spot: &Spot,
        writer: &mut Writer<'_>,
        facts: &Facts<'_>,
        codes: &[CodeTable],
    ) -> bool {
        match &self.value {
            LeafValue::Constant(json) => {
                writer.member(spot);
                writer.out.extend_from_slice(json.as_bytes());
                true
            }
            LeafValue::Offers(body) => {
                let before = writer.state();
                writer.member(spot);
                writer.out.push(b'[');
                let any = elements(writer.out, body, facts, codes);
                match any {
                    true => writer.out.push(b']'),
                    false => writer.go_back(before),
                }
                any
            }
            LeafValue::From(_) => {
                let Some(text) = self.text(facts) else {
                    return false;
                };
                if let Some(reference) = self.reference(facts) {
                    writer.member(spot);
                    write_text(writer.out, &side::mark(&reference));
                    return true;
                }
                let value = self.transform.to_rest(&text, codes, facts.decimals);
                if self.transform == Transform::List {
                    let mut words = value
                        .split([',', ' '])
                        .filter(|word| !word.is_empty())
                        .peekable();
                    if words.peek().is_none() {
                        return false;
                    }
                    writer.enter(spot.container);
                    for word in words {
                        writer.comma();
                        write_text(writer.out, word);
                    }
                    return true;
                }
                writer.member(spot);
                match self.transform.json() {
                    JsonKind::Text => match &self.within {
                        Some(within) => write_text(writer.out, &within.replace("{}", &value)),
                        None => match &value {
                            Cow::Borrowed(part) if self.is_of_request(facts) => {
                                quote(writer.out, part);
                            }
                            _ => write_text(writer.out, &value),
                        },
                    },
                    // The dictionary admits nothing else but digits and words for yes and no here.
                    JsonKind::Boolean | JsonKind::Number => {
                        writer.out.extend_from_slice(value.as_bytes());
                    }
                }
                true
            }
        }
    }
}

impl Leaf {
    /// Whether what it borrows is of the request's own text, and that needs no escape.
    fn is_of_request(&self, facts: &Facts<'_>) -> bool {
        let is_field = matches!(self.value, LeafValue::From(Source::Field(_)));
        let is_code = matches!(self.transform, Transform::Code(_));
        is_field && !is_code && facts.values.as_is()
    }
}

/// Writes one element for each offer that has something to send, between commas; whether there was any.
fn elements(out: &mut Vec<u8>, body: &Body, facts: &Facts<'_>, codes: &[CodeTable]) -> bool {
    let mut any = false;
    for offer in facts.values.offers() {
        let before = out.len();
        if any {
            out.push(b',');
        }
        let start = out.len();
        let facts = Facts {
            offer: Some(offer),
            ..*facts
        };
        body.write_to(out, &facts, codes);
        match &out[start..] == b"{}" {
            true => out.truncate(before),
            false => any = true,
        }
    }
    any
}

/// Writes a text that needs no escape between quotes.
fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a JSON string with its quotes.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| (byte >= 0x20) & (byte != b'"') & (byte != b'\\');
    // Most texts need no escape; a fold without an early exit looks at many bytes at a time.
    if text
        .bytes()
        .fold(true, |plain, byte| plain & is_plain(byte))
    {
        return quote(out, text);
    }
    if serde_json::to_writer(&mut *out, text).is_err() {
        // A Vec takes everything, and every text can be written.
        out.extend_from_slice(b"null");
    }
}
