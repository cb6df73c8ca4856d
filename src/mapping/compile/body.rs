//! Bodies, compiled for the service that sends them.

use crate::mapping::body::{Body, Leaf, LeafValue};
use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::{RawBody, RawLine};
use crate::mapping::source::SourceFile;
use crate::mapping::tables::Source;
use crate::mapping::transform::Transform;

use super::scope::Scope;

/// The name of a body: that of its file.
pub fn name(file: &SourceFile) -> &str {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    name.strip_suffix(".toml").unwrap_or(name)
}

pub fn body(
    file: &SourceFile,
    raw: &RawBody,
    scope: &Scope<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Body {
    let mut leaves: Vec<Leaf> = Vec::new();
    if let Err(message) = scope.vocabulary.resource(raw.resource.get_ref()) {
        faults.push(file.at(raw.resource.span().start, message));
        return Body::new(name(file), leaves);
    }
    for line in raw.lines.iter() {
        let leaf = leaf(line.get_ref(), raw.resource.get_ref(), scope)
            .and_then(|leaf| apart(leaf, &leaves));
        match leaf {
            Ok(leaf) => leaves.push(leaf),
            Err(message) => faults.push(file.at(line.span().start, message)),
        }
    }
    Body::new(name(file), leaves)
}

fn leaf(raw: &RawLine, resource: &str, scope: &Scope<'_>) -> Result<Leaf, String> {
    let path = JsonPath::parse(&raw.path)?;
    let member = scope.vocabulary.member(resource, &path)?;
    let transform = scope.transform(raw.transform.as_deref())?;
    let (value, is_boolean) = match (&raw.field, &raw.reply, &raw.constant) {
        (Some(field), None, None) => {
            let field = scope.field(field)?;
            let known = scope.dictionary.get(field);
            if transform == Transform::Boolean
                && (known.values.is_empty()
                    || known
                        .values
                        .iter()
                        .any(|value| value != "true" && value != "false"))
            {
                return Err(format!(
                    "\"{}\" may hold more than true and false; give it `values` in the dictionary first.",
                    known.name
                ));
            }
            (
                LeafValue::From(Source::Field(field)),
                transform == Transform::Boolean,
            )
        }
        (None, Some(reply), None) => (
            LeafValue::From(Source::Reply(scope.reply_path(reply, false)?)),
            false,
        ),
        (None, None, Some(toml::Value::Boolean(flag))) => {
            (LeafValue::Constant(flag.to_string()), true)
        }
        (None, None, Some(toml::Value::String(text))) => (
            LeafValue::Constant(crate::mapping::body::json_text(text)),
            false,
        ),
        (None, None, Some(_)) => return Err("a constant is a text or a boolean.".to_owned()),
        _ => return Err("a line has one of `field`, `reply` and `constant`.".to_owned()),
    };
    if is_boolean != member.boolean {
        let (has, wants) = if is_boolean {
            ("a boolean", "text")
        } else {
            ("text", "a boolean")
        };
        return Err(format!(
            "\"{}\" takes {wants} in REST, but this line sends {has}.",
            raw.path
        ));
    }
    let constant = matches!(value, LeafValue::Constant(_));
    let trigger = raw.trigger.unwrap_or(!constant);
    Ok(Leaf::new(
        path,
        value,
        transform,
        trigger,
        scope.condition(raw.when.as_ref())?,
    ))
}

/// A path that stands twice, or inside of another, would make broken JSON.
fn apart(leaf: Leaf, earlier: &[Leaf]) -> Result<Leaf, String> {
    let mine = leaf.path.segments();
    let starts_with = |long: &[Segment], short: &[Segment]| long.starts_with(short);
    let clash = earlier.iter().find(|other| {
        let other = other.path.segments();
        starts_with(mine, other) || starts_with(other, mine)
    });
    match clash {
        None => Ok(leaf),
        Some(other) if other.path == leaf.path => Err(format!(
            "\"{}\" stands twice in this body; remove one of the two.",
            leaf.path
        )),
        Some(other) => Err(format!(
            "\"{}\" and \"{}\" cannot both be sent.",
            leaf.path, other.path
        )),
    }
}
