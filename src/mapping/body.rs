//! Request bodies: compiled to a sequence of leaves, written straight to one buffer.

use std::borrow::Cow;
use std::sync::Arc;

use super::by_field::ByField;
use super::code::CodeTable;
use super::condition::{Condition, Facts};
use super::containers::{Containers, OUTERMOST, json_text};
use super::field::FieldId;
use super::marks::Marks;
use super::path::{JsonPath, Segment};
use super::side::Overflow;
use super::tables::Source;
use super::transform::Transform;
use super::words::Word;
use super::writer::Writer;

/// A compiled body.
#[derive(Debug, PartialEq)]
pub struct Body {
    /// Its name in `bodies/`.
    pub name: String,
    /// The containers that leaves stand in.
    containers: Containers,
    /// The leaves, those of one container together. Other bodies have many of them, too.
    leaves: Vec<Arc<Leaf>>,
    /// The place of each.
    spots: Vec<Spot>,
    /// Those that hold a field of the request, by the field.
    of_fields: ByField,
    /// All others, in order.
    others: Vec<u16>,
    /// Those whose values may be kept aside.
    overflowing: Vec<u16>,
}

/// A mapping line.
#[derive(Debug, PartialEq)]
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
}

/// The place of a leaf in the body, and all that writing most leaves takes: a request meets some forty, and one after the
/// other they are found in the processor's cache.
#[derive(Debug, PartialEq)]
pub(super) struct Spot {
    /// The innermost container around it.
    pub(super) container: u16,
    /// What is written before a text there: a comma, the name and its colon, but for an element of a list, and a quote.
    pub(super) member: Word,
    /// The first leaf of the same member, by which lines for one member are known.
    first: u16,
    /// The only way of meaning the service in which it is sent, where there is one.
    variant: Option<u8>,
    /// The field whose value goes out as it came, whenever it came and the service is meant so.
    copies: Option<FieldId>,
}

/// Of so few leaves each is looked at, whatever came.
const FEW: usize = 16;

/// What stands before a text that is an element of a list.
const NO_NAME: &[u8] = b",\"";

/// What a leaf holds.
#[derive(Debug, PartialEq)]
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

    /// The field whose value it sends as it came, whenever that came and the service is meant so.
    fn copies(&self) -> Option<FieldId> {
        let always = self.transform == Transform::Copy
            && self.within.is_none()
            && self.overflow.is_none()
            && self.when.is_of_variant_alone();
        self.field().filter(|_| always)
    }

    fn field(&self) -> Option<FieldId> {
        match self.value {
            LeafValue::From(Source::Field(field)) => Some(field),
            _ => None,
        }
    }

    /// Its value as it came.
    pub(super) fn text<'f>(&self, facts: &Facts<'f>) -> Option<Cow<'f, str>> {
        match &self.value {
            LeafValue::Constant(_) | LeafValue::Offers(_) => None,
            LeafValue::From(source) => match source {
                Source::Field(field) => facts.value(*field).map(Cow::Borrowed),
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
            containers: Containers::default(),
            leaves: Vec::new(),
            spots: Vec::new(),
            of_fields: ByField::default(),
            others: Vec::new(),
            overflowing: Vec::new(),
        };
        let mut placed: Vec<Placed> = Vec::new();
        for leaf in lines {
            let segments = leaf.path.segments();
            let mut container = OUTERMOST;
            for (depth, segment) in segments[..segments.len() - 1].iter().enumerate() {
                let next = segments.get(depth + 1).copied();
                container = body.containers.within(container, *segment, next);
            }
            let member = match segments.last() {
                Some(Segment::Key(key)) => format!("{}:", json_text(key)),
                _ => String::new(),
            };
            let member = format!(",{member}\"");
            let same = |other: &Placed| other.leaf.path == leaf.path;
            let at = placed
                .iter()
                .rposition(same)
                .map_or(placed.len(), |at| at + 1);
            let spot = Spot {
                container,
                member: body.containers.words.add(&member),
                first: 0,
                variant: leaf.when.variant(),
                copies: leaf.copies(),
            };
            let chain = body.containers.chain(container);
            placed.insert(at, Placed { chain, leaf, spot });
        }
        body.index(depth_first(placed));
        body
    }

    /// Takes the leaves in the order in which they are written, and notes how to find them.
    fn index(&mut self, placed: Vec<Placed>) {
        (self.leaves, self.spots) = placed
            .into_iter()
            .map(|placed| (Arc::new(placed.leaf), placed.spot))
            .unzip();
        self.leaves.shrink_to_fit();
        self.spots.shrink_to_fit();
        for at in 1..self.spots.len() {
            let (before, spot) = (&self.spots[at - 1], &self.spots[at]);
            let name = |spot: &Spot| self.containers.words.bytes(spot.member);
            let same = name(spot) != NO_NAME
                && (before.container, name(before)) == (spot.container, name(spot));
            self.spots[at].first = if same { before.first } else { at as u16 };
        }
        let numbered = || (0..).zip(&self.leaves);
        self.of_fields =
            ByField::new(numbered().filter_map(|(at, leaf)| Some((leaf.field()?, at))));
        let others = numbered().filter(|(_, leaf)| leaf.field().is_none());
        self.others = others.map(|(at, _)| at).collect();
        let overflowing = numbered().filter(|(_, leaf)| leaf.overflow.is_some());
        self.overflowing = overflowing.map(|(at, _)| at).collect();
    }

    /// The mapping lines.
    pub fn leaves(&self) -> &[Arc<Leaf>] {
        &self.leaves
    }

    /// The same, to put what is known already in the place of what is equal to it.
    pub(super) fn leaves_mut(&mut self) -> &mut [Arc<Leaf>] {
        &mut self.leaves
    }

    /// The mapping lines whose values may be kept aside.
    pub fn overflowing(&self) -> impl Iterator<Item = &Leaf> {
        self.overflowing
            .iter()
            .map(|at| &*self.leaves[usize::from(*at)])
    }

    /// Whether a value came that is a reason to send this body.
    pub fn is_triggered(&self, facts: &Facts<'_>) -> bool {
        self.leaves
            .iter()
            .any(|leaf| leaf.trigger && leaf.text(facts).is_some() && leaf.when.holds(facts))
    }

    /// Writes the body. Containers without a leaf do not appear.
    pub fn write(&self, facts: &Facts<'_>, codes: &[CodeTable]) -> Vec<u8> {
        let due = self.due(facts);
        // A member with its name and value takes less on the average; and of a few leaves not all are sent.
        let usual = if self.leaves.len() <= FEW { 24 } else { 36 };
        let mut out = Vec::with_capacity(128 + due.count() * usual);
        self.write_due(&due, &mut out, facts, codes);
        out
    }

    /// Writes the body behind what is there.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, facts: &Facts<'_>, codes: &[CodeTable]) {
        self.write_due(&self.due(facts), out, facts, codes);
    }

    fn write_due(&self, due: &Marks, out: &mut Vec<u8>, facts: &Facts<'_>, codes: &[CodeTable]) {
        let as_is = facts.values.as_is();
        let mut writer = Writer::new(out, &self.containers);
        let mut written: Option<u16> = None;
        due.for_each(|at| {
            let spot = &self.spots[at];
            // Of several lines for one member the first that has a value is sent.
            let is_due = spot.variant.is_none_or(|meant| meant == facts.variant);
            if !is_due || written == Some(spot.first) {
                return;
            }
            let copied = match spot.copies {
                Some(field) if as_is => writer.copy(spot, facts.value(field)),
                _ => false,
            };
            let leaf = &self.leaves[at];
            if copied || (leaf.when.holds(facts) && leaf.write(spot, &mut writer, facts, codes)) {
                written = Some(spot.first);
            }
        });
        writer.finish();
    }

    /// The leaves that can have a value: of those for fields, the ones whose fields came.
    fn due(&self, facts: &Facts<'_>) -> Marks {
        if self.leaves.len() <= FEW {
            return Marks::all(self.leaves.len());
        }
        let mut due = Marks::new(self.leaves.len());
        let mut marking = due.marking();
        marking.set(&self.others);
        let add = |field: FieldId| marking.set(self.of_fields.of(field));
        match facts.offer {
            Some(offer) => offer.present().for_each(add),
            None => facts.values.for_each_plain(add),
        }
        due
    }
}

/// A leaf on its way to its place.
struct Placed {
    /// The containers around it that are still to be sorted by.
    chain: Vec<u16>,
    leaf: Leaf,
    spot: Spot,
}

/// Brings the leaves of each container together, keeping the order in which containers first appear.
fn depth_first(placed: Vec<Placed>) -> Vec<Placed> {
    let mut sorted = Vec::with_capacity(placed.len());
    let mut rest = placed;
    while !rest.is_empty() {
        let first = rest[0].chain.first().copied();
        let (mut group, other): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|placed| placed.chain.first().copied() == first);
        rest = other;
        match first {
            None => sorted.extend(group),
            Some(_) => {
                for placed in &mut group {
                    placed.chain.remove(0);
                }
                sorted.extend(depth_first(group));
            }
        }
    }
    sorted
}
