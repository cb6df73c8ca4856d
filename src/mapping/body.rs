//! Request bodies: compiled to a sequence of leaves, written straight to one buffer.

use std::borrow::Cow;

use super::code::CodeTable;
use super::condition::{Condition, Facts};
use super::path::{JsonPath, Segment};
use super::side::{self, Overflow};
use super::tables::Source;
use super::transform::{JsonKind, Transform};

/// A compiled body.
#[derive(Debug)]
pub struct Body {
    /// Its name in `bodies/`.
    pub name: String,
    /// The containers that leaves stand in.
    containers: Vec<Container>,
    /// The leaves, those of one container together.
    leaves: Vec<Leaf>,
}

/// An object, an array, or a keyed element of an array.
#[derive(Debug)]
struct Container {
    parent: Option<usize>,
    /// What is written to open it, member name included.
    open: String,
    close: char,
    /// Whether opening it writes a first member.
    opens_with_member: bool,
}

/// A mapping line.
#[derive(Debug)]
pub struct Leaf {
    /// Where it goes.
    pub path: JsonPath,
    /// What it holds.
    pub value: LeafValue,
    /// How the value changes on its way.
    pub transform: Transform,
    /// Whether its value alone is a reason to send the body.
    pub trigger: bool,
    /// When it is sent.
    pub when: Condition,
    /// What happens to a value that is longer than REST takes, if it is not refused.
    pub overflow: Option<Overflow>,
    container: Option<usize>,
    member: String,
}

/// What a leaf holds.
#[derive(Debug)]
pub enum LeafValue {
    /// A value of the request or of an earlier reply.
    From(Source),
    /// Always this JSON text.
    Constant(String),
    /// An array with one element for each offer, written by this body.
    Offers(Box<Body>),
}

impl Leaf {
    /// A line that is not yet part of a body.
    pub fn new(
        path: JsonPath,
        value: LeafValue,
        transform: Transform,
        trigger: bool,
        when: Condition,
    ) -> Leaf {
        Leaf {
            path,
            value,
            transform,
            trigger,
            when,
            overflow: None,
            container: None,
            member: String::new(),
        }
    }

    /// The value that it sends; nothing where it sends none.
    pub fn sent<'f>(&self, facts: Facts<'f>) -> Option<Cow<'f, str>> {
        self.text(facts).filter(|_| self.when.holds(facts))
    }

    /// By what a value is known that is kept aside, for REST does not take it.
    pub fn reference(&self, facts: Facts<'_>) -> Option<String> {
        let overflow = self.overflow?;
        overflow.reference(facts.side?, &self.text(facts)?)
    }

    fn text<'f>(&self, facts: Facts<'f>) -> Option<Cow<'f, str>> {
        match &self.value {
            LeafValue::Constant(_) | LeafValue::Offers(_) => None,
            LeafValue::From(source) => match source {
                Source::Field(field) => match facts.offer {
                    Some(offer) => offer.get(*field).map(Cow::Borrowed),
                    None => facts.values.get(*field).map(Cow::Borrowed),
                },
                Source::Reply(place) => facts.replies.text(place),
                Source::Computed(computed) => facts.made(*computed),
                Source::Status(_) | Source::Absent => None,
            },
        }
    }

    /// The JSON value, where there is one.
    fn json(&self, facts: Facts<'_>, codes: &[CodeTable]) -> Option<String> {
        match &self.value {
            LeafValue::Constant(json) => Some(json.clone()),
            LeafValue::Offers(body) => {
                let offers = facts.values.offers().iter();
                let written = offers.map(|offer| {
                    let facts = Facts {
                        offer: Some(offer),
                        ..facts
                    };
                    String::from_utf8_lossy(&body.write(facts, codes)).into_owned()
                });
                let written: Vec<String> = written.filter(|json| json != "{}").collect();
                (!written.is_empty()).then(|| format!("[{}]", written.join(",")))
            }
            LeafValue::From(_) => {
                let text = self.text(facts)?;
                if let Some(reference) = self.reference(facts) {
                    return Some(json_text(&side::mark(&reference)));
                }
                let value = self.transform.to_rest(&text, codes, facts.decimals);
                match (self.transform, self.transform.json()) {
                    (Transform::List, _) => {
                        let words = value.split([',', ' ']).filter(|word| !word.is_empty());
                        let words: Vec<String> = words.map(json_text).collect();
                        (!words.is_empty()).then(|| words.join(","))
                    }
                    (_, JsonKind::Text) => Some(json_text(&value)),
                    // The dictionary admits nothing else but digits and words for yes and no here.
                    (_, JsonKind::Boolean | JsonKind::Number) => Some(value.into_owned()),
                }
            }
        }
    }
}

impl Body {
    /// Builds the body: leaves of one container come to stand together, in the order of their first line.
    pub fn new(name: &str, lines: Vec<Leaf>) -> Body {
        let mut body = Body {
            name: name.to_owned(),
            containers: Vec::new(),
            leaves: Vec::new(),
        };
        let mut placed: Vec<(Vec<usize>, Leaf)> = Vec::new();
        for mut leaf in lines {
            let segments = leaf.path.segments().to_vec();
            let mut container = None;
            for (depth, segment) in segments[..segments.len() - 1].iter().enumerate() {
                container = Some(body.container(container, segment, segments.get(depth + 1)));
            }
            leaf.container = container;
            if let Some(Segment::Key(key)) = segments.last() {
                leaf.member = format!("{}:", json_text(key));
            }
            let same = |other: &(Vec<usize>, Leaf)| other.1.path == leaf.path;
            let at = placed
                .iter()
                .rposition(same)
                .map_or(placed.len(), |at| at + 1);
            placed.insert(at, (body.chain(container), leaf));
        }
        body.leaves = depth_first(placed);
        body
    }

    /// The mapping lines.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Whether a value came that is a reason to send this body.
    pub fn is_triggered(&self, facts: Facts<'_>) -> bool {
        self.leaves
            .iter()
            .any(|leaf| leaf.trigger && leaf.text(facts).is_some() && leaf.when.holds(facts))
    }

    /// Writes the body. Containers without a leaf do not appear.
    pub fn write(&self, facts: Facts<'_>, codes: &[CodeTable]) -> Vec<u8> {
        let mut writer = Writer {
            out: Vec::with_capacity(1024),
            open: Vec::new(),
            first: true,
        };
        writer.out.push(b'{');
        let mut written: Option<&Leaf> = None;
        for leaf in &self.leaves {
            // Of several lines for one member the first that has a value is sent.
            let done = written.is_some_and(|written| {
                !leaf.member.is_empty()
                    && (written.container, &written.member) == (leaf.container, &leaf.member)
            });
            if done || !leaf.when.holds(facts) {
                continue;
            }
            let Some(json) = leaf.json(facts, codes) else {
                continue;
            };
            writer.enter(self, leaf.container);
            writer.comma();
            writer.out.extend_from_slice(leaf.member.as_bytes());
            writer.out.extend_from_slice(json.as_bytes());
            written = Some(leaf);
        }
        writer.enter(self, None);
        writer.out.push(b'}');
        writer.out
    }

    fn container(&mut self, parent: Option<usize>, at: &Segment, next: Option<&Segment>) -> usize {
        let is_array = !matches!(next, None | Some(Segment::Key(_)));
        let (open, close, opens_with_member) = match at {
            Segment::Key(key) if is_array => (format!("{}:[", json_text(key)), ']', false),
            Segment::Key(key) => (format!("{}:{{", json_text(key)), '}', false),
            Segment::Element { key, value } => (
                format!("{{{}:{}", json_text(key), json_text(value)),
                '}',
                true,
            ),
            // The number keeps elements apart here; JSON has none.
            Segment::Numbered(number) => (
                format!("{{{}", " ".repeat(usize::from(*number))),
                '}',
                false,
            ),
            Segment::Append => (String::new(), ' ', false),
        };
        let known = self
            .containers
            .iter()
            .position(|c| c.parent == parent && c.open == open);
        known.unwrap_or_else(|| {
            self.containers.push(Container {
                parent,
                open,
                close,
                opens_with_member,
            });
            self.containers.len() - 1
        })
    }

    /// The containers around a leaf, outermost first.
    fn chain(&self, innermost: Option<usize>) -> Vec<usize> {
        let mut chain: Vec<usize> =
            std::iter::successors(innermost, |at| self.containers[*at].parent).collect();
        chain.reverse();
        chain
    }
}

/// Brings the leaves of each container together, keeping the order in which containers first appear.
fn depth_first(placed: Vec<(Vec<usize>, Leaf)>) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(placed.len());
    let mut rest = placed;
    while !rest.is_empty() {
        let first = rest[0].0.first().copied();
        let (mut group, other): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|(chain, _)| chain.first().copied() == first);
        rest = other;
        match first {
            None => leaves.extend(group.into_iter().map(|(_, leaf)| leaf)),
            Some(_) => {
                for (chain, _) in &mut group {
                    chain.remove(0);
                }
                leaves.extend(depth_first(group));
            }
        }
    }
    leaves
}

/// A JSON string with its quotes.
pub fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Writer {
    out: Vec<u8>,
    open: Vec<usize>,
    first: bool,
}

impl Writer {
    /// Closes and opens containers until exactly those around `container` are open.
    fn enter(&mut self, body: &Body, container: Option<usize>) {
        let chain = body.chain(container);
        let shared = self
            .open
            .iter()
            .zip(&chain)
            .take_while(|(open, want)| open == want)
            .count();
        while self.open.len() > shared {
            if let Some(at) = self.open.pop() {
                self.out.push(body.containers[at].close as u8);
                self.first = false;
            }
        }
        for at in &chain[shared..] {
            self.comma();
            self.out
                .extend_from_slice(body.containers[*at].open.as_bytes());
            self.first = !body.containers[*at].opens_with_member;
            self.open.push(*at);
        }
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}
