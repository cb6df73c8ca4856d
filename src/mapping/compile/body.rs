//! Bodies, compiled for the service that sends them.

use crate::mapping::body::{Body, Leaf, LeafValue};
use crate::mapping::condition::Condition;
use crate::mapping::containers::json_text;
use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::field::{Field, Kind, OFFER};
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::{RawBody, RawLine};
use crate::mapping::side::Overflow;
use crate::mapping::source::SourceFile;
use crate::mapping::tables::Source;
use crate::mapping::transform::{JsonKind, Transform};

use super::scope::Scope;
use super::vocabulary::Member;

/// The name of a body: that of its file.
pub fn name(file: &SourceFile) -> &str {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    name.strip_suffix(".toml").unwrap_or(name)
}

/// Compiles a body as it is sent as `resource`.
pub fn body(
    file: &SourceFile,
    raw: &RawBody,
    resource: &str,
    scope: &Scope<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Body {
    let mut leaves: Vec<Leaf> = Vec::new();
    if let Err(message) = scope.vocabulary.resource(raw.resource.get_ref()) {
        faults.push(file.at(raw.resource.span().start, message));
        return Body::new(name(file), leaves);
    }
    let sent = Sent {
        whole: raw.resource.get_ref(),
        resource,
        shared: raw.shared,
        below: "",
    };
    for line in raw.lines.iter() {
        let leaf = leaf(line.get_ref(), sent, scope).and_then(|leaf| apart(leaf, &leaves));
        match leaf {
            Ok(leaf) => leaves.extend(leaf),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    for (leaf, number) in leaves.iter_mut().zip(0..) {
        leaf.overflow = leaf.overflow.map(|known| Overflow { number, ..known });
    }
    if let Some(at) = &raw.offers_at {
        match offers(file, raw, at.get_ref(), sent, scope, faults) {
            Ok(leaf) => leaves.extend(leaf),
            Err(message) => faults.push(file.at(at.span().start, message)),
        }
    }
    Body::new(name(file), leaves)
}

/// As what a body's lines are sent.
#[derive(Clone, Copy)]
struct Sent<'s> {
    /// The object that the body describes.
    whole: &'s str,
    /// The object that this operation takes.
    resource: &'s str,
    /// Whether lines that this operation does not take are left out.
    shared: bool,
    /// What the lines' paths are relative to.
    below: &'s str,
}

impl Sent<'_> {
    /// The member of a path; nothing where this operation does not take it.
    fn member(self, path: &str, scope: &Scope<'_>) -> Result<Option<Member>, String> {
        let path = JsonPath::parse(path)?;
        let whole = scope
            .vocabulary
            .member_below(self.whole, self.below, &path)?;
        if self.shared && !scope.vocabulary.has(self.resource, self.below, &path) {
            return Ok(None);
        }
        match self.resource == self.whole {
            true => Ok(Some(whole)),
            false => scope
                .vocabulary
                .member_below(self.resource, self.below, &path)
                .map(Some),
        }
    }
}

fn offers(
    file: &SourceFile,
    raw: &RawBody,
    at: &str,
    sent: Sent<'_>,
    scope: &Scope<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Result<Option<Leaf>, String> {
    let below = format!("{at}[].");
    let sent = Sent {
        below: &below,
        ..sent
    };
    let mut leaves: Vec<Leaf> = Vec::new();
    for line in raw.offers.iter() {
        let leaf = leaf(line.get_ref(), sent, scope).and_then(|leaf| apart(leaf, &leaves));
        match leaf {
            Ok(leaf) => leaves.extend(leaf),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    if leaves.is_empty() {
        return Ok(None);
    }
    let element = LeafValue::Offers(Box::new(Body::new(at, leaves)));
    let path = JsonPath::parse(at)?;
    Ok(Some(Leaf::new(
        path,
        element,
        Transform::Copy,
        false,
        Condition::default(),
    )))
}

fn leaf(raw: &RawLine, sent: Sent<'_>, scope: &Scope<'_>) -> Result<Option<Leaf>, String> {
    let path = JsonPath::parse(&raw.path)?;
    let member = sent.member(&raw.path, scope)?;
    let transform = scope.transform(raw.transform.as_deref())?;
    let (value, kind) = match (&raw.field, &raw.reply, &raw.computed, &raw.constant) {
        (Some(field), None, None, None) => {
            let name = match sent.below {
                "" => field.clone(),
                _ => format!("{OFFER}{field}"),
            };
            let field = scope.field(&name)?;
            fits(scope.dictionary.get(field), transform)?;
            (LeafValue::From(Source::Field(field)), transform.json())
        }
        (None, Some(reply), None, None) => {
            let source = scope
                .reply_path(reply, false)?
                .map_or(Source::Absent, Source::Reply);
            (LeafValue::From(source), transform.json())
        }
        (None, None, Some(computed), None) => {
            (LeafValue::From(scope.source(computed)?), transform.json())
        }
        (None, None, None, Some(toml::Value::Boolean(flag))) => {
            (LeafValue::Constant(flag.to_string()), JsonKind::Boolean)
        }
        (None, None, None, Some(toml::Value::String(text))) => {
            (LeafValue::Constant(json_text(text)), JsonKind::Text)
        }
        (None, None, None, Some(toml::Value::Integer(number))) => {
            (LeafValue::Constant(number.to_string()), JsonKind::Number)
        }
        (None, None, None, Some(_)) => {
            return Err("a constant is a text, a boolean or a whole number.".to_owned());
        }
        _ => {
            return Err(
                "a line has one of `field`, `reply`, `computed` and `constant`.".to_owned(),
            );
        }
    };
    let when = scope.condition(raw.when.as_ref())?;
    let Some(member) = member.filter(|_| !when.is_never()) else {
        return Ok(None);
    };
    if kind != member.kind {
        let words = |kind| match kind {
            JsonKind::Text => "text",
            JsonKind::Boolean => "a boolean",
            JsonKind::Number => "a number",
        };
        let (wants, has) = (words(member.kind), words(kind));
        return Err(format!(
            "\"{}\" takes {wants} in REST, but this line sends {has}.",
            raw.path
        ));
    }
    let constant = matches!(value, LeafValue::Constant(_))
        || matches!(value, LeafValue::From(Source::Computed(_)));
    let trigger = raw.trigger.unwrap_or(!constant);
    let of_field = matches!(value, LeafValue::From(Source::Field(_)));
    let max = member.max.filter(|_| member.overflow && of_field);
    if max.is_some() && transform != Transform::Copy {
        return Err(format!(
            "\"{}\" may be kept aside, so its value goes there as it is: leave out `transform`.",
            raw.path
        ));
    }
    let mut leaf = Leaf::new(path, value, transform, trigger, when);
    leaf.overflow = max.map(|max| Overflow { max, number: 0 });
    leaf.within.clone_from(&raw.within);
    match &raw.within {
        Some(within) if !within.contains("{}") || kind != JsonKind::Text || constant => {
            Err("`within` is a text in which {} stands for the value.".to_owned())
        }
        _ => Ok(Some(leaf)),
    }
}

/// What a transform makes must be JSON whatever the field holds.
fn fits(field: &Field, transform: Transform) -> Result<(), String> {
    let words = field
        .values
        .iter()
        .all(|value| value == "true" || value == "false");
    let right = match transform.json() {
        JsonKind::Text => true,
        JsonKind::Boolean => field.kind == Kind::Flag || (words && !field.values.is_empty()),
        JsonKind::Number => field.kind == Kind::Digits,
    };
    let needs = if transform.json() == JsonKind::Number {
        "digits"
    } else {
        "flag"
    };
    match right {
        true => Ok(()),
        false => Err(format!(
            "\"{}\" may hold more than this transform takes; give it type = \"{needs}\" in the dictionary first.",
            field.name
        )),
    }
}

/// A path that stands twice, or inside of another, would make broken JSON. Lines that are told apart by `when` may share
/// a path: the first that has a value is sent.
fn apart(leaf: Option<Leaf>, earlier: &[Leaf]) -> Result<Option<Leaf>, String> {
    let Some(leaf) = leaf else { return Ok(None) };
    let mine = leaf.path.segments();
    let appends = matches!(mine.last(), Some(Segment::Append));
    let clash = earlier.iter().find(|other| {
        // A path inside of another begins with its text: a cheap look before the careful one.
        other.path.is_near(&leaf.path) && {
            let theirs = other.path.segments();
            mine.starts_with(&theirs) || theirs.starts_with(&mine)
        }
    });
    let open = |leaf: &Leaf| leaf.when.alternatives.is_empty();
    match clash {
        None => Ok(Some(leaf)),
        Some(_) if appends => Ok(Some(leaf)),
        Some(other) if other.path == leaf.path && !open(other) => Ok(Some(leaf)),
        Some(other) if other.path == leaf.path => Err(format!(
            "\"{}\" stands twice in this body; remove one of the two or tell them apart by `when`.",
            leaf.path
        )),
        Some(other) => Err(format!(
            "\"{}\" and \"{}\" cannot both be sent.",
            leaf.path, other.path
        )),
    }
}
