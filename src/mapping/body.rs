//! Request bodies: compiled to a sequence of leaves, written straight to one buffer.

use std::borrow::Cow;

use super::by_field::ByField;
use super::code::CodeTable;
use super::condition::{Condition, Facts};
use super::field::FieldId;
use super::marks::Marks;
use super::path::{JsonPath, Segment};
use super::side::Overflow;
use super::tables::Source;
use super::transform::Transform;
use super::writer::Writer;

/// A compiled body.
#[derive(Debug)]
pub struct Body {
    /// Its name in `bodies/`.
    pub name: String,
    /// The containers that leaves stand in.
    containers: Vec<Container>,
    /// The leaves, those of one container together.
    leaves: Vec<Leaf>,
    /// Those that hold a field of the request, by the field.
    of_fields: ByField,
    /// All others, in order.
    others: Vec<u16>,
    /// Those whose values may be kept aside.
    overflowing: Vec<u16>,
}

/// An object, an array, or a keyed element of an array.
#[derive(Debug)]
pub(super) struct Container {
    parent: Option<usize>,
    /// The containers that it stands in, the outermost first and itself last.
    pub(super) chain: Vec<usize>,
    /// What is written to open it, member name included.
    pub(super) open: String,
    pub(super) close: char,
    /// Whether opening it writes a first member.
    pub(super) opens_with_member: bool,
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
    /// What it stands in, as `{}`.
    pub within: Option<String>,
    /// Whether its value alone is a reason to send the body.
    pub trigger: bool,
    /// When it is sent.
    pub when: Condition,
    /// What happens to a value that is longer than REST takes, if it is not refused.
    pub overflow: Option<Overflow>,
    container: Option<usize>,
    /// Whether the value of a field is sent as it came.
    pub(super) is_copy: bool,
    /// Its name with quotes and colon; empty for an element of a list.
    member: String,
    /// The first leaf of the same member, by which lines for one member are known.
    first: u16,
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
            within: None,
            trigger,
            when,
            overflow: None,
            container: None,
            is_copy: false,
            member: String::new(),
            first: 0,
        }
    }

    /// The value that it sends; nothing where it sends none.
    pub fn sent<'f>(&self, facts: &Facts<'f>) -> Option<Cow<'f, str>> {
        self.text(facts).filter(|_| self.when.holds(facts))
    }

    /// By what a value is known that is kept aside, for REST does not take it.
    pub fn reference(&self, facts: &Facts<'_>) -> Option<String> {
        let overflow = self.overflow?;
        overflow.reference(facts.side?, &self.text(facts)?)
    }

    /// Where it stands, and what the member begins with.
    pub(super) fn place(&self) -> (Option<usize>, &str) {
        (self.container, &self.member)
    }

    /// Its value as it came.
    pub(super) fn text<'f>(&self, facts: &Facts<'f>) -> Option<Cow<'f, str>> {
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
}

impl Body {
    /// Builds the body: leaves of one container come to stand together, in the order of their first line.
    pub fn new(name: &str, lines: Vec<Leaf>) -> Body {
        let mut body = Body {
            name: name.to_owned(),
            containers: Vec::new(),
            leaves: Vec::new(),
            of_fields: ByField::default(),
            others: Vec::new(),
            overflowing: Vec::new(),
        };
        let mut placed: Vec<(Vec<usize>, Leaf)> = Vec::new();
        for mut leaf in lines {
            leaf.is_copy = leaf.transform == Transform::Copy
                && leaf.within.is_none()
                && matches!(leaf.value, LeafValue::From(Source::Field(_)));
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
        body.index(depth_first(placed));
        body
    }

    /// Takes the leaves in the order in which they are written, and notes how to find them.
    fn index(&mut self, mut leaves: Vec<Leaf>) {
        for at in 1..leaves.len() {
            let (before, leaf) = (&leaves[at - 1], &leaves[at]);
            let same = !leaf.member.is_empty()
                && (before.container, &before.member) == (leaf.container, &leaf.member);
            leaves[at].first = if same { before.first } else { at as u16 };
        }
        let numbered = || (0..).zip(&leaves);
        let field = |leaf: &Leaf| match leaf.value {
            LeafValue::From(Source::Field(field)) => Some(field),
            _ => None,
        };
        self.of_fields = ByField::new(numbered().filter_map(|(at, leaf)| Some((field(leaf)?, at))));
        let others = numbered().filter(|(_, leaf)| field(leaf).is_none());
        self.others = others.map(|(at, _)| at).collect();
        let overflowing = numbered().filter(|(_, leaf)| leaf.overflow.is_some());
        self.overflowing = overflowing.map(|(at, _)| at).collect();
        self.leaves = leaves;
    }

    /// The mapping lines.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The mapping lines whose values may be kept aside.
    pub fn overflowing(&self) -> impl Iterator<Item = &Leaf> {
        self.overflowing
            .iter()
            .map(|at| &self.leaves[usize::from(*at)])
    }

    /// Whether a value came that is a reason to send this body.
    pub fn is_triggered(&self, facts: &Facts<'_>) -> bool {
        self.leaves
            .iter()
            .any(|leaf| leaf.trigger && leaf.text(facts).is_some() && leaf.when.holds(facts))
    }

    /// Writes the body. Containers without a leaf do not appear.
    pub fn write(&self, facts: &Facts<'_>, codes: &[CodeTable]) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        self.write_to(&mut out, facts, codes);
        out
    }

    /// Writes the body behind what is there.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, facts: &Facts<'_>, codes: &[CodeTable]) {
        let mut writer = Writer::new(out, &self.containers);
        let mut written: Option<u16> = None;
        for at in self.due(facts).iter() {
            let leaf = &self.leaves[at];
            // Of several lines for one member the first that has a value is sent.
            if written == Some(leaf.first) || !leaf.when.holds(facts) {
                continue;
            }
            if leaf.write(&mut writer, facts, codes) {
                written = Some(leaf.first);
            }
        }
        writer.finish();
    }

    /// The leaves that can have a value: of those for fields, the ones whose fields came.
    fn due(&self, facts: &Facts<'_>) -> Marks {
        let mut due = Marks::new(self.leaves.len());
        due.set(&self.others);
        let mut add = |field: FieldId| due.set(self.of_fields.of(field));
        match facts.offer {
            Some(offer) => offer.present().for_each(&mut add),
            None => facts.values.plain().for_each(&mut add),
        }
        due
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
            let mut chain =
                parent.map_or(Vec::new(), |parent| self.containers[parent].chain.clone());
            chain.push(self.containers.len());
            self.containers.push(Container {
                parent,
                chain,
                open,
                close,
                opens_with_member,
            });
            self.containers.len() - 1
        })
    }

    /// The containers around a leaf, outermost first.
    fn chain(&self, innermost: Option<usize>) -> Vec<usize> {
        innermost.map_or(Vec::new(), |at| self.containers[at].chain.clone())
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
