//! The one-line entries of a service: what it requires, excludes, drops, and replies.

use crate::mapping::condition::Condition;
use crate::mapping::field::{FieldId, OFFER};
use crate::mapping::flags::LocalKind;
use crate::mapping::schema::{RawDrop, RawExclude, RawReply, RawRequire, RawTotal, RawUnchanged};
use crate::mapping::tables::{Dropped, ReplyLine, ReplyValue, Required, Total, Unchanged};

use super::dictionary::named;
use super::scope::Scope;

/// Compiles each line and reports those that are wrong.
pub fn collect<R, T>(
    raw: &[toml::Spanned<R>],
    into: &mut Vec<T>,
    fault: &mut impl FnMut(usize, String),
    compile: impl Fn(&R, &[T]) -> Result<Option<T>, String>,
) {
    for line in raw {
        match compile(line.get_ref(), into) {
            Ok(compiled) => into.extend(compiled),
            Err(message) => fault(line.span().start, message),
        }
    }
    into.shrink_to_fit();
}

pub fn exclude(
    raw: &RawExclude,
    scope: &Scope<'_>,
) -> Result<Option<([FieldId; 2], Condition)>, String> {
    let fields = [scope.field(&raw.fields[0])?, scope.field(&raw.fields[1])?];
    let when = scope.condition(raw.when.as_ref())?;
    Ok(Some((fields, when)).filter(|(_, when)| !when.is_never()))
}

pub fn required(
    raw: &RawRequire,
    part: usize,
    scope: &Scope<'_>,
) -> Result<Option<Required>, String> {
    let refusal = raw.refusal.as_deref();
    let required = Required {
        part,
        field: scope.field(&raw.field)?,
        refusal: refusal.map_or(Ok(LocalKind::Missing), |name| {
            named("kind of outcome", name, &LocalKind::NAMES)
        })?,
        when: scope.condition(raw.when.as_ref())?,
    };
    Ok(Some(required).filter(|required| !required.when.is_never()))
}

pub fn total(raw: &RawTotal, scope: &Scope<'_>) -> Result<Total, String> {
    let field = |name: &String| scope.field(&format!("{OFFER}{name}"));
    Ok(Total {
        amount: field(&raw.amount)?,
        quantity: field(&raw.quantity)?,
        tax: field(&raw.tax)?,
    })
}

pub fn dropped(raw: &RawDrop, part: usize, scope: &Scope<'_>) -> Result<Option<Dropped>, String> {
    let field = scope.field(&raw.field)?;
    let when = scope.condition(raw.when.as_ref())?;
    let dropped = Dropped {
        part,
        field,
        reason: raw.reason.clone(),
        checked: raw.checked,
    };
    Ok(Some(dropped).filter(|_| !when.is_never()))
}

pub fn unchanged(raw: &RawUnchanged, scope: &Scope<'_>) -> Result<Option<Unchanged>, String> {
    let field = scope.field(&raw.field)?;
    let refusal = named("kind of outcome", &raw.refusal, &LocalKind::NAMES)?;
    let when = scope.condition(raw.when.as_ref())?;
    let stored = scope.reply_path(&raw.stored, false)?;
    Ok(stored.map(|stored| Unchanged {
        field,
        stored,
        refusal,
        plain: raw.plain,
        when,
    }))
}

pub fn reply_line(
    raw: &RawReply,
    earlier: &[ReplyLine],
    prefix: &str,
    scope: &Scope<'_>,
) -> Result<Option<ReplyLine>, String> {
    let value = match (&raw.from, &raw.constant, &raw.none) {
        (Some(sources), None, None) => ReplyValue::From(
            sources
                .all()
                .iter()
                .map(|s| scope.source(s))
                .collect::<Result<_, _>>()?,
        ),
        (None, Some(text), None) => ReplyValue::Constant(text.clone()),
        (None, None, Some(_)) => ReplyValue::Nothing,
        _ => return Err("a reply line has one of `from`, `constant` and `none`.".to_owned()),
    };
    let when = scope.condition(raw.when.as_ref())?;
    if when.is_never() {
        return Ok(None);
    }
    let same = earlier.iter().find(|line| line.field == raw.field);
    if same.is_some_and(|line| line.when.alternatives.is_empty() || when.alternatives.is_empty()) {
        return Err(format!(
            "\"{}\" stands twice; remove one of the two or tell them apart by `when`.",
            raw.field
        ));
    }
    if !raw
        .field
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        return Err(format!(
            "\"{}\" is not a field name; write lower case, digits and _.",
            raw.field
        ));
    }
    if let Some(owner) = scope.owner(&raw.field)
        && owner != prefix
    {
        return Err(format!(
            "\"{}\" begins with \"{owner}\", the prefix of another service; this one's is \"{prefix}\".",
            raw.field
        ));
    }
    Ok(Some(ReplyLine {
        field: raw.field.clone(),
        value,
        transform: scope.transform(raw.transform.as_deref())?,
        default: raw.default.clone(),
        when,
        alone: false,
    }))
}
