//! Services: their steps, requirements and replies.

use crate::mapping::body::{Body, LeafValue};
use crate::mapping::code::CodeTable;
use crate::mapping::condition::{Condition, Test};
use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::field::{Dictionary, FieldId};
use crate::mapping::flags::LocalKind;
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::{
    RawBody, RawDrop, RawKeep, RawReply, RawRequire, RawService, RawSources, RawStep, RawUnchanged,
};
use crate::mapping::source::SourceFile;
use crate::mapping::tables::{
    CallTemplate, Checked, Dropped, Keep, PathPart, ReplyLine, ReplyValue, Required, Service,
    Source, Step, Unchanged, Variant,
};

use super::Read;
use super::body;
use super::dictionary::named;
use super::scope::{Scope, split_operation};
use super::vocabulary::Vocabulary;

/// What has been compiled before the services.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    pub dictionary: &'k Dictionary,
    pub codes: &'k [CodeTable],
    pub vocabulary: &'k Vocabulary,
    pub bodies: &'k [Read<'k, RawBody>],
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
        if let Some((file, raw)) = known
            .bodies
            .iter()
            .find(|(file, _)| body::name(file) == name)
        {
            service.bodies.push(body::body(file, raw, &scope, faults));
        }
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
        match step(line.get_ref(), &service, &scope) {
            Ok(step) if service.steps.iter().any(|other| other.name == step.name) => {
                fault(
                    line.span().start,
                    format!("step \"{}\" stands twice.", step.name),
                );
            }
            Ok(step) => service.steps.push(step),
            Err(message) => fault(line.span().start, message),
        }
    }
    for line in raw.steps.iter() {
        if let Some(name) = &line.get_ref().body
            && !known
                .bodies
                .iter()
                .any(|(file, _)| body::name(file) == name)
        {
            fault(
                line.span().start,
                format!("body \"{name}\" has no file under bodies/."),
            );
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
    // Fields of other services would be forged by a slip of the pen; the few common ones are request fields too,
    // or have no service's prefix at all.
    if raw.field.starts_with("pay_subscription_") && !raw.field.starts_with(prefix) {
        return Err(format!(
            "\"{}\" does not begin with this service's prefix \"{prefix}\".",
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

fn step(raw: &RawStep, service: &Service, scope: &Scope<'_>) -> Result<Step, String> {
    let operation = scope.vocabulary.operation(&raw.call)?;
    let body = raw
        .body
        .as_deref()
        .map(|name| scope.body(name))
        .transpose()?;
    if body.is_some() != operation.request.is_some() {
        return Err(match body {
            Some(_) => format!("\"{}\" takes no body.", raw.call),
            None => format!("\"{}\" needs a body.", raw.call),
        });
    }
    let keep = match (&raw.keep, body) {
        (Some(keep), Some(body)) => Some(compile_keep(
            keep,
            service.bodies.get(body).ok_or("`keep` needs a body.")?,
            operation.request.as_deref(),
            scope,
        )?),
        (Some(_), None) => return Err("`keep` needs a body.".to_owned()),
        (None, _) => None,
    };
    Ok(Step {
        name: raw.name.clone(),
        call: call(&raw.call, &raw.path, scope)?,
        body,
        if_match: raw
            .if_match
            .as_deref()
            .map(|name| scope.step(name))
            .transpose()?,
        keep,
        undo: raw
            .undo
            .as_ref()
            .map(|undo| {
                scope.vocabulary.operation(&undo.call)?;
                call(&undo.call, &undo.path, scope)
            })
            .transpose()?,
        changed: raw.changed.clone(),
        when: scope.condition(raw.when.as_ref())?,
    })
}

fn call(
    operation: &str,
    bindings: &indexmap::IndexMap<String, String>,
    scope: &Scope<'_>,
) -> Result<CallTemplate, String> {
    let (method, mut rest) = split_operation(operation)?;
    let mut parts = Vec::new();
    while let Some((text, tail)) = rest.split_once('{') {
        let (name, tail) = tail.split_once('}').ok_or("a { lacks its }.")?;
        let bound = bindings.get(name).ok_or_else(|| {
            format!("`path` must say where {{{name}}} comes from: a field or step.json.path.")
        })?;
        parts.push(PathPart::Text(text.to_owned()));
        parts.push(PathPart::Value {
            name: name.to_owned(),
            source: scope.source(bound)?,
        });
        rest = tail;
    }
    parts.push(PathPart::Text(rest.to_owned()));
    if let Some(stray) = bindings
        .keys()
        .find(|name| !operation.contains(&format!("{{{name}}}")))
    {
        return Err(format!("\"{operation}\" has no parameter \"{stray}\"."));
    }
    Ok(CallTemplate {
        method,
        operation: operation.to_owned(),
        parts,
    })
}

fn compile_keep(
    raw: &RawKeep,
    body: &Body,
    resource: Option<&str>,
    scope: &Scope<'_>,
) -> Result<Keep, String> {
    let step = scope.step(&raw.from)?;
    if scope.steps[step].1.as_deref() != resource {
        return Err(format!(
            "step \"{}\" did not read the object that this call sends.",
            raw.from
        ));
    }
    let mut paths = Vec::new();
    for path in &raw.paths {
        let path = JsonPath::parse(path)?;
        scope
            .vocabulary
            .place(resource.unwrap_or_default(), &path)?;
        paths.push(path);
    }
    let mut element_keys: Vec<(String, String)> = Vec::new();
    for leaf in body.leaves() {
        let mut plain = String::new();
        for segment in leaf.path.segments() {
            match segment {
                Segment::Key(name) if plain.is_empty() => plain.push_str(name),
                Segment::Key(name) => plain.extend([".", name]),
                Segment::Element { key, .. } => {
                    if !element_keys.iter().any(|(known, _)| *known == plain) {
                        element_keys.push((plain.clone(), key.clone()));
                    }
                    plain.push_str("[]");
                }
            }
        }
    }
    Ok(Keep {
        step,
        paths,
        element_keys,
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
        // A body without a file has been told of already.
        let Some(body) = step.body.and_then(|body| service.bodies.get(body)) else {
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
