//! Programs: what is done for the services of one request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::mapping::by_field::ByField;
use crate::mapping::code::CodeTable;
use crate::mapping::diagnostic::Diagnostic;
use crate::mapping::field::Dictionary;
use crate::mapping::flags::LocalKind;
use crate::mapping::schema::{RawBody, RawService, RawStep, RawTests, RawWhen};
use crate::mapping::source::SourceFile;
use crate::mapping::tables::{FollowOn, Part, Program, Reading, ReplyLine, Variant};

use super::Read;
use super::body;
use super::checked::checked;
use super::dictionary::named;
use super::lines::{collect, dropped, exclude, reply_line, required, total, unchanged};
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
    /// The names of all services.
    pub names: &'k [String],
    /// The steps of all services, and the REST object that each answers with.
    pub steps: &'k [(String, Option<String>)],
    /// The names of all bodies.
    pub body_names: &'k [String],
    /// The names of all ways in which services are meant.
    pub variants: &'k [String],
    /// What every reply carries.
    pub message: Option<&'k Read<'k, RawService>>,
}

/// Compiles what is done for a set of services, given in the order in which they run.
pub fn program(
    services: &[&Read<'_, RawService>],
    known: Known<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Program {
    let scope = scope(services, known);
    let mut program = Program {
        name: String::new(),
        parts: Vec::new(),
        instead: Vec::new(),
        variants: Vec::new(),
        require: Vec::new(),
        exclude: Vec::new(),
        dropped: Vec::new(),
        unchanged: Vec::new(),
        follow_on: None,
        total: None,
        steps: Vec::new(),
        bodies: Vec::new(),
        message: Vec::new(),
        readings: Vec::new(),
        checked: Vec::new(),
        checked_by_field: ByField::default(),
        used: Vec::new(),
        free: Vec::new(),
    };
    for (name, resource) in &scope.bodies {
        if let Some((file, raw)) = known
            .bodies
            .iter()
            .find(|(file, _)| body::name(file) == name)
        {
            let body = body::body(file, raw, resource, &scope, faults);
            program.bodies.push(Arc::new(body));
            if let Some(line) = &raw.total {
                match total(line.get_ref(), &scope) {
                    Ok(total) => program.total = Some(total),
                    Err(message) => faults.push(file.at(line.span().start, message)),
                }
            }
        }
    }
    for (number, (file, raw)) in services.iter().enumerate() {
        part(number, file, raw, &scope, &mut program, faults);
    }
    if let Some((file, raw)) = known.message {
        let mut fault = |at: usize, message: String| faults.push(file.at(at, message));
        collect(
            &raw.reply,
            &mut program.message,
            &mut fault,
            |raw, earlier| reply_line(raw, earlier, "", &scope),
        );
    }
    let names: Vec<&str> = program
        .parts
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    program.name = names.join(",");
    program.checked = checked(&program, &scope);
    let fields = program.checked.iter().map(|checked| checked.field);
    program.checked_by_field = ByField::new(fields.zip(0..));
    let readings = scope.readings.into_inner().into_iter();
    program.readings = readings.map(Reading::ready).map(Arc::new).collect();
    program.used = used(&program, known.dictionary);
    program.free = free(&program, known.dictionary);
    alone(&mut program);
    program
}

/// Which fields something is done with in any request for these services, by their numbers.
fn used(program: &Program, dictionary: &Dictionary) -> Vec<bool> {
    let used = dictionary.iter().map(|(id, field)| {
        let token = program
            .follow_on
            .is_some_and(|follow_on| follow_on.token == id);
        let checked = program.checks_of(id).any(|checked| checked.when.is_open());
        field.control || field.export.is_some() || token || checked || program.in_path(id)
    });
    used.collect()
}

/// Up to how many bytes any text of each field passes all checks, by the fields' numbers.
fn free(program: &Program, dictionary: &Dictionary) -> Vec<u16> {
    let free = dictionary.iter().map(|(id, field)| {
        let checks = || program.checks_of(id);
        if !field.is_any_text() || checks().any(|checked| checked.overflow) {
            return 0;
        }
        let limits = checks().filter_map(|checked| checked.rest_max);
        limits.chain(field.max).min().unwrap_or(u16::MAX)
    });
    free.collect()
}

/// Marks the reply lines whose field no other line is for, and notes those that do no more than copy.
fn alone(program: &mut Program) {
    let mut times: HashMap<String, usize> = HashMap::new();
    for line in reply_lines(program) {
        *times.entry(line.field.clone()).or_default() += 1;
    }
    for line in reply_lines(program) {
        line.alone = times[&line.field] == 1;
    }
    for part in &mut program.parts {
        part.copied = part.reply.iter().map(ReplyLine::copied).collect();
    }
}

fn reply_lines(program: &mut Program) -> impl Iterator<Item = &mut ReplyLine> {
    let parts = program.parts.iter_mut().flat_map(|part| &mut part.reply);
    program.message.iter_mut().chain(parts)
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
    let mut variants = Vec::new();
    collect(&raw.variants, &mut variants, fault, |raw, _| {
        let id = scope.variant(&raw.name)?;
        Ok(Some(Variant {
            id,
            when: scope.condition(raw.when.as_ref())?,
        }))
    });
    program.variants.push(variants);
    collect(&raw.require, &mut program.require, fault, |raw, _| {
        required(raw, number, scope)
    });
    collect(&raw.exclude, &mut program.exclude, fault, |raw, _| {
        exclude(raw, scope)
    });
    collect(&raw.drop, &mut program.dropped, fault, |raw, _| {
        dropped(raw, number, scope)
    });
    collect(&raw.unchanged, &mut program.unchanged, fault, |raw, _| {
        unchanged(raw, scope)
    });
    let prefix = raw.prefix.clone().unwrap_or_default();
    let mut reply = Vec::new();
    collect(&raw.reply, &mut reply, fault, |raw, earlier| {
        reply_line(raw, earlier, &prefix, scope)
    });
    let mut wrong_steps = Vec::new();
    for line in raw.steps.iter() {
        let step = line.get_ref();
        if !belongs(step, scope) {
            // Left out of this program; its lines are compiled where it belongs.
            continue;
        }
        match step::step(step, number, &program.bodies, scope) {
            Ok(step) if program.steps.iter().any(|other| other.name == step.name) => {
                let text = format!("step \"{}\" stands twice.", step.name);
                wrong_steps.push(file.within(line.span().start, text));
            }
            Ok(step) => program.steps.push(step),
            Err(message) => wrong_steps.push(file.within(line.span().start, message)),
        }
    }
    if let Some(raw) = &raw.follow_on {
        match (
            scope.field(raw.field.get_ref()),
            scope.field(raw.token.get_ref()),
        ) {
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
    let mut after = None;
    if let Some(line) = &raw.after {
        let fits = |part: &Part| part.name == *line.get_ref();
        match scope.service(line.get_ref()) {
            Ok(()) => after = program.parts.iter().position(fits),
            Err(message) => fault(line.span().start, message),
        }
    }
    faults.extend(wrong_steps);
    let name = raw.service.get_ref().to_ascii_lowercase();
    program.parts.push(Part {
        name,
        prefix,
        after,
        reply,
        copied: Vec::new(),
        fails_as,
    });
}

pub fn scope<'k>(services: &[&Read<'_, RawService>], known: Known<'k>) -> Scope<'k> {
    let mut scope = Scope {
        services: services
            .iter()
            .map(|(_, raw)| raw.service.get_ref().clone())
            .collect(),
        all_services: known.names,
        elsewhere: known.steps,
        all_bodies: known.body_names,
        dictionary: known.dictionary,
        codes: known.codes,
        vocabulary: known.vocabulary,
        prefixes: known.prefixes,
        variants: known.variants,
        steps: Vec::new(),
        bodies: Vec::new(),
        readings: RefCell::default(),
    };
    for (_, raw) in services {
        for step in raw.steps.iter().map(|line| line.get_ref()) {
            if !belongs(step, &scope) {
                continue;
            }
            let operation = step
                .call
                .as_ref()
                .and_then(|call| known.vocabulary.operation(call).ok());
            scope
                .steps
                .push((step.name.clone(), operation.and_then(|o| o.reply.clone())));
            let ways = step.settle.iter().flatten().chain(&step.leaves);
            let ways = ways.map(|way| (&way.call, &way.body));
            for (call, body) in ways.chain([(&step.call, &step.body)]) {
                let call = call.as_ref();
                let operation = call.and_then(|call| known.vocabulary.operation(call).ok());
                let resource = operation.and_then(|operation| operation.request.clone());
                if let Some(body) = body.clone().zip(resource)
                    && known.body_names.contains(&body.0)
                    && !scope.bodies.contains(&body)
                {
                    scope.bodies.push(body);
                }
            }
        }
    }
    let readings = scope.steps.iter().map(|_| Reading::of_errors());
    scope.readings = RefCell::new(readings.collect());
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
