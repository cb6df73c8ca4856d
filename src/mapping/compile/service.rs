//! Services: their steps, requirements and replies.

use crate::mapping::body::{Body, LeafValue};
use crate::mapping::code::CodeTable;
use crate::mapping::condition::{Condition, Test};
use crate::mapping::diagnostic::{Diagnostic, hint};
use crate::mapping::field::{Dictionary, FieldId};
use crate::mapping::flags::LocalKind;
use crate::mapping::schema::{
    RawBody, RawDrop, RawReply, RawRequire, RawService, RawSources, RawUnchanged,
};
use crate::mapping::source::SourceFile;
use crate::mapping::tables::{
    Checked, Dropped, ReplyLine, ReplyValue, Required, Service, Source, Unchanged, Variant,
};

use super::Read;
use super::body;
use super::dictionary::named;
use super::scope::Scope;
use super::step;
use super::vocabulary::Vocabulary;

/// What has been compiled before the services.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    pub dictionary: &'k Dictionary,
    pub codes: &'k [CodeTable],
    pub vocabulary: &'k Vocabulary,
    pub bodies: &'k [Read<'k, RawBody>],
    /// The reply prefixes of all services.
    pub prefixes: &'k [String],
}

pub fn service(
    file: &SourceFile,
    raw: &RawService,
    known: Known<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Service {
    let scope = scope(raw, known);
    let mut service = Service {
        name: raw.service.get_ref().to_ascii_lowercase(),
        prefix: raw.prefix.clone().unwrap_or_default(),
        variants: Vec::new(),
        require: Vec::new(),
        dropped: Vec::new(),
        unchanged: Vec::new(),
        steps: Vec::new(),
        bodies: Vec::new(),
        reply: Vec::new(),
        checked: Vec::new(),
    };
    for name in &scope.bodies {
        let found = known
            .bodies
            .iter()
            .find(|(file, _)| body::name(file) == name);
        // One without a file, which is reported below, holds its place: steps know their bodies by number.
        service.bodies.push(match found {
            Some((file, raw)) => body::body(file, raw, &scope, faults),
            None => Body::new(name, Vec::new()),
        });
    }
    let mut fault = |at: usize, message: String| faults.push(file.at(at, message));
    for line in raw.variants.iter() {
        let raw = line.get_ref();
        let variant = scope.variant(&raw.name).and_then(|id| {
            Ok(Variant {
                id,
                when: scope.condition(raw.when.as_ref())?,
            })
        });
        match variant {
            Ok(variant) => service.variants.push(variant),
            Err(message) => fault(line.span().start, message),
        }
    }
    collect(&raw.require, &mut service.require, &mut fault, |raw, _| {
        required(raw, &scope)
    });
    collect(&raw.drop, &mut service.dropped, &mut fault, |raw, _| {
        dropped(raw, &scope)
    });
    collect(
        &raw.unchanged,
        &mut service.unchanged,
        &mut fault,
        |raw, _| unchanged(raw, &scope),
    );
    collect(
        &raw.reply,
        &mut service.reply,
        &mut fault,
        |raw, earlier| reply_line(raw, earlier, &service.prefix, &scope),
    );
    for line in raw.steps.iter() {
        match step::step(line.get_ref(), &service, &scope) {
            Ok(step) if service.steps.iter().any(|other| other.name == step.name) => {
                let text = format!("step \"{}\" stands twice.", step.name);
                faults.push(file.within(line.span().start, text));
            }
            Ok(step) => service.steps.push(step),
            Err(message) => faults.push(file.within(line.span().start, message)),
        }
    }
    for line in raw.steps.iter() {
        if let Some(name) = &line.get_ref().body
            && !known
                .bodies
                .iter()
                .any(|(file, _)| body::name(file) == name)
        {
            let hint = hint(name, known.bodies.iter().map(|(file, _)| body::name(file)));
            let text = format!("\"{name}\" has no file under bodies/{hint}");
            faults.push(file.within(line.span().start, text));
        }
    }
    service.checked = checked(&service, &scope);
    service
}

fn scope<'k>(raw: &RawService, known: Known<'k>) -> Scope<'k> {
    let mut variants: Vec<String> = Vec::new();
    for line in raw.variants.iter() {
        if !variants.contains(&line.get_ref().name) {
            variants.push(line.get_ref().name.clone());
        }
    }
    let mut bodies: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for line in raw.steps.iter() {
        let step = line.get_ref();
        bodies.extend(step.body.clone().filter(|body| !bodies.contains(body)));
        let reply = known.vocabulary.operation(&step.call).ok();
        steps.push((
            step.name.clone(),
            reply.and_then(|operation| operation.reply.clone()),
        ));
    }
    Scope {
        dictionary: known.dictionary,
        codes: known.codes,
        vocabulary: known.vocabulary,
        prefixes: known.prefixes,
        variants,
        steps,
        bodies,
    }
}

/// Compiles each line and reports those that are wrong.
fn collect<R, T>(
    raw: &[toml::Spanned<R>],
    into: &mut Vec<T>,
    fault: &mut impl FnMut(usize, String),
    compile: impl Fn(&R, &[T]) -> Result<T, String>,
) {
    for line in raw {
        match compile(line.get_ref(), into) {
            Ok(compiled) => into.push(compiled),
            Err(message) => fault(line.span().start, message),
        }
    }
}

fn required(raw: &RawRequire, scope: &Scope<'_>) -> Result<Required, String> {
    let refusal = raw.refusal.as_deref();
    Ok(Required {
        field: scope.field(&raw.field)?,
        refusal: refusal.map_or(Ok(LocalKind::Missing), |name| {
            named("kind of outcome", name, &LocalKind::NAMES)
        })?,
        when: scope.condition(raw.when.as_ref())?,
    })
}

fn dropped(raw: &RawDrop, scope: &Scope<'_>) -> Result<Dropped, String> {
    let field = scope.field(&raw.field)?;
    Ok(Dropped {
        field,
        reason: raw.reason.clone(),
        checked: raw.checked,
    })
}

fn unchanged(raw: &RawUnchanged, scope: &Scope<'_>) -> Result<Unchanged, String> {
    Ok(Unchanged {
        field: scope.field(&raw.field)?,
        stored: scope.reply_path(&raw.stored, false)?,
        refusal: named("kind of outcome", &raw.refusal, &LocalKind::NAMES)?,
        plain: raw.plain,
        when: scope.condition(raw.when.as_ref())?,
    })
}

fn reply_line(
    raw: &RawReply,
    earlier: &[ReplyLine],
    prefix: &str,
    scope: &Scope<'_>,
) -> Result<ReplyLine, String> {
    let value = match (&raw.from, &raw.constant, &raw.none) {
        (Some(RawSources::One(source)), None, None) => {
            ReplyValue::From(vec![scope.source(source)?])
        }
        (Some(RawSources::Several(sources)), None, None) => ReplyValue::From(
            sources
                .iter()
                .map(|s| scope.source(s))
                .collect::<Result<_, _>>()?,
        ),
        (None, Some(text), None) => ReplyValue::Constant(text.clone()),
        (None, None, Some(_)) => ReplyValue::Nothing,
        _ => return Err("a reply line has one of `from`, `constant` and `none`.".to_owned()),
    };
    let when = scope.condition(raw.when.as_ref())?;
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
    Ok(ReplyLine {
        field: raw.field.clone(),
        value,
        transform: scope.transform(raw.transform.as_deref())?,
        default: raw.default.clone(),
        when,
    })
}

/// Every field whose value this service uses, with what limits it.
fn checked(service: &Service, scope: &Scope<'_>) -> Vec<Checked> {
    let mut checked = Vec::new();
    let mut plain = |field: FieldId, when: Condition| {
        checked.push(Checked {
            field,
            rest_max: None,
            when,
        });
    };
    for required in &service.require {
        plain(required.field, required.when.clone());
    }
    for dropped in service.dropped.iter().filter(|dropped| dropped.checked) {
        plain(dropped.field, Condition::default());
    }
    for step in &service.steps {
        let Some(body) = step.body.map(|body| &service.bodies[body]) else {
            continue;
        };
        let operation = scope
            .vocabulary
            .operation(&step.call.operation)
            .cloned()
            .unwrap_or_default();
        for leaf in body.leaves() {
            if let LeafValue::From(Source::Field(field)) = leaf.value {
                let resource = operation.request.as_deref().unwrap_or_default();
                let member = scope
                    .vocabulary
                    .member(resource, &leaf.path)
                    .unwrap_or_default();
                let rest_max = match leaf.transform {
                    crate::mapping::transform::Transform::Code(_) => None,
                    _ => member.max,
                };
                checked.push(Checked {
                    field,
                    rest_max,
                    when: before_any_call(&leaf.when),
                });
            }
        }
    }
    checked.sort_by_key(|checked| checked.field);
    checked
}

/// The part of a condition that is known before any call is made.
fn before_any_call(when: &Condition) -> Condition {
    let early = |test: &&Test| {
        matches!(
            test,
            Test::Variant(_) | Test::Setting(..) | Test::Processor(_)
        )
    };
    let alternatives = when
        .alternatives
        .iter()
        .map(|tests| tests.iter().filter(early).cloned().collect())
        .collect();
    Condition { alternatives }
}
