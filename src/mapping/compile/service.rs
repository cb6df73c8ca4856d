//! Services: their steps, requirements and replies.

use crate::mapping::body::LeafValue;
use crate::mapping::code::CodeTable;
use crate::mapping::condition::{Condition, Test};
use crate::mapping::diagnostic::Diagnostic;
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

/// Compiles what is done for a set of services, given in the order in which they run.
pub fn program(
    services: &[&Read<'_, RawService>],
    known: Known<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Program {
    let scope = scope(services, known);
    let mut program = Program {
        parts: Vec::new(),
        variants: Vec::new(),
        require: Vec::new(),
        dropped: Vec::new(),
        unchanged: Vec::new(),
        follow_on: None,
        steps: Vec::new(),
        bodies: Vec::new(),
        message: Vec::new(),
        checked: Vec::new(),
    };
    for (name, resource) in &scope.bodies {
        if let Some((file, raw)) = known.bodies.iter().find(|(file, _)| body::name(file) == name) {
            program.bodies.push(body::body(file, raw, resource, &scope, faults));
        }
    }
    for (number, (file, raw)) in services.iter().enumerate() {
        part(number, file, raw, &scope, &mut program, faults);
    }
    if let Some((file, raw)) = known.message {
        let mut fault = |at: usize, message: String| faults.push(file.at(at, message));
        collect(&raw.reply, &mut program.message, &mut fault, |raw, earlier| {
            reply_line(raw, earlier, "", &scope)
        });
    }
    program.checked = checked(&program, &scope);
    program
}

/// Adds one service to a program.
fn part(
    number: usize,
    file: &SourceFile,
    raw: &RawService,
    scope: &Scope<'_>,
    program: &mut Program,
    faults: &mut Vec<Diagnostic>,
) {
    let mut fault = |at: usize, message: String| faults.push(file.at(at, message));
    let fault = &mut fault;
    // How the request is meant is said by the first service.
    let mut variants = Vec::new();
    collect(&raw.variants, &mut variants, fault, |raw, _| {
        let id = scope.variant(&raw.name)?;
        Ok(Some(Variant { id, when: scope.condition(raw.when.as_ref())? }))
    });
    if number == 0 {
        program.variants = variants;
    }
    collect(&raw.require, &mut program.require, fault, |raw, _| required(raw, scope));
    collect(&raw.drop, &mut program.dropped, fault, |raw, _| dropped(raw, scope).map(Some));
    collect(&raw.unchanged, &mut program.unchanged, fault, |raw, _| unchanged(raw, scope));
    let prefix = raw.prefix.clone().unwrap_or_default();
    let mut reply = Vec::new();
    collect(&raw.reply, &mut reply, fault, |raw, earlier| {
        reply_line(raw, earlier, &prefix, scope)
    });
    for line in raw.steps.iter() {
        let step = line.get_ref();
        if scope.steps.iter().all(|(name, _)| *name != step.name) {
            // Left out of this program; its lines are compiled where it belongs.
            continue;
        }
        match step::step(step, number, &program.bodies, scope) {
            Ok(step) if program.steps.iter().any(|other| other.name == step.name) => {
                fault(line.span().start, format!("step \"{}\" stands twice.", step.name));
            }
            Ok(step) => program.steps.push(step),
            Err(message) => fault(line.span().start, message),
        }
    }
    if let Some(raw) = &raw.follow_on {
        match (scope.field(raw.field.get_ref()), scope.field(raw.token.get_ref())) {
            (Ok(id), Ok(token)) => program.follow_on = Some(FollowOn { id, token }),
            (Err(message), _) => fault(raw.field.span().start, message),
            (_, Err(message)) => fault(raw.token.span().start, message),
        }
    }
    let mut fails_as = None;
    if let Some(line) = &raw.fails_as {
        let raw = line.get_ref();
        let kind = named("kind of outcome", &raw.refusal, &LocalKind::NAMES);
        match kind.and_then(|kind| Ok((kind, scope.condition(raw.when.as_ref())?))) {
            Ok((kind, when)) => fails_as = Some(kind).filter(|_| !when.is_never()),
            Err(message) => fault(line.span().start, message),
        }
    }
    let name = raw.service.get_ref().to_ascii_lowercase();
    program.parts.push(Part { name, prefix, reply, fails_as });
}

fn scope<'k>(services: &[&Read<'_, RawService>], known: Known<'k>) -> Scope<'k> {
    let mut scope = Scope {
        services: services.iter().map(|(_, raw)| raw.service.get_ref().clone()).collect(),
        all_services: known.names,
        elsewhere: known.steps,
        all_bodies: known.body_names,
        dictionary: known.dictionary,
        codes: known.codes,
        vocabulary: known.vocabulary,
        prefixes: known.prefixes,
        variants: Vec::new(),
        steps: Vec::new(),
        bodies: Vec::new(),
    };
    for (_, raw) in services {
        for line in raw.variants.iter() {
            if !scope.variants.contains(&line.get_ref().name) {
                scope.variants.push(line.get_ref().name.clone());
            }
        }
        for step in raw.steps.iter().map(|line| line.get_ref()) {
            if !belongs(step, &scope) {
                continue;
            }
            let operation = step.call.as_ref().and_then(|call| known.vocabulary.operation(call).ok());
            scope.steps.push((step.name.clone(), operation.and_then(|o| o.reply.clone())));
            let resource = operation.and_then(|operation| operation.request.clone());
            if let Some(body) = step.body.clone().zip(resource)
                && known.body_names.contains(&body.0)
                && !scope.bodies.contains(&body)
            {
                scope.bodies.push(body);
            }
        }
    }
    scope
}

/// Whether a step belongs to the services of this program.
fn belongs(step: &RawStep, scope: &Scope<'_>) -> bool {
    // A name of no service is reported where the condition is compiled.
    let belongs = |tests: &RawTests| scope.belongs(tests).unwrap_or(true);
    match &step.when {
        None => true,
        Some(RawWhen::All(tests)) => belongs(tests),
        Some(RawWhen::Any(several)) => several.iter().any(belongs),
    }
}

/// Compiles each line and reports those that are wrong.
fn collect<R, T>(
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
}

fn required(raw: &RawRequire, scope: &Scope<'_>) -> Result<Option<Required>, String> {
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
