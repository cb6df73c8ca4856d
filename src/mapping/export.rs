//! Every mapping as one JSON object a line, for those who compare, count or document them.

use std::collections::HashSet;

use serde::Serialize;

use super::body::{Leaf, LeafValue};
use super::field::OFFER;
use super::path::JsonPath;
use super::tables::{Computed, FieldId, PathPart, Program, ReplyLine, ReplyValue, Source, Tables};

/// One mapping.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mapping {
    /// `request` or `reply`.
    pub direction: &'static str,
    /// The SCMP service; `*` for all.
    pub service: String,
    /// The SCMP field.
    pub field: String,
    /// The REST operation, e.g. `POST /tms/v2/customers`; empty where there is none.
    pub operation: String,
    /// The JSON path with arrays as `[]`, or `@computed`, `@constant`, `@header:NAME`, `@path:/…`, `@none`.
    pub path: String,
    /// The transform and, for elements of arrays, the element's key.
    pub transform: String,
}

/// All mappings, ordered by service.
pub fn mappings(tables: &Tables) -> Vec<Mapping> {
    let mut all = Vec::new();
    for (_, field) in tables.dictionary.iter() {
        let path = match (&field.export, field.control) {
            (Some(path), _) => path.clone(),
            (None, true) => "@none".to_owned(),
            (None, false) => continue,
        };
        all.push(mapping(
            "request",
            "*",
            &field.name,
            "",
            path,
            String::new(),
        ));
    }
    for line in &tables.message {
        all.extend(reply(tables, None, line));
    }
    let mut programs: Vec<&Program> = tables.programs.values().collect();
    programs.sort_by_key(|program| (program.parts.len(), program.name.as_str()));
    let mut seen = HashSet::new();
    for program in programs {
        let mut mappings = requests(tables, program);
        for (number, part) in program.parts.iter().enumerate() {
            let lines = part.reply.iter();
            mappings.extend(lines.flat_map(|line| reply(tables, Some((program, number)), line)));
        }
        // Services that come together do most of what they do alone.
        all.extend(
            mappings
                .into_iter()
                .filter(|mapping| seen.insert(mapping.clone())),
        );
    }
    for (_, field) in tables.dictionary.iter() {
        if !all.iter().any(|known| {
            known.direction == "request"
                && known.field == field.name.strip_prefix(OFFER).unwrap_or(&field.name)
        }) {
            all.push(mapping(
                "request",
                "*",
                &field.name,
                "",
                "@none".to_owned(),
                String::new(),
            ));
        }
    }
    all.extend(aliases(tables, &all));
    all
}

/// The mappings of fields by their other names.
fn aliases(tables: &Tables, all: &[Mapping]) -> Vec<Mapping> {
    let known = |mapping: &Mapping| mapping.direction == "request";
    let other = |(alias, name): (&str, &str)| -> Vec<Mapping> {
        let same = all.iter().filter(|m| known(m) && m.field == name);
        let renamed = same.map(|mapping| Mapping {
            field: alias.to_owned(),
            ..mapping.clone()
        });
        renamed.collect()
    };
    tables
        .dictionary
        .aliases()
        .into_iter()
        .flat_map(other)
        .collect()
}

fn mapping(
    direction: &'static str,
    service: &str,
    field: &str,
    operation: &str,
    path: String,
    transform: String,
) -> Mapping {
    let field = field.strip_prefix(OFFER).unwrap_or(field).to_owned();
    let (service, operation) = (service.to_owned(), operation.to_owned());
    Mapping {
        direction,
        service,
        field,
        operation,
        path,
        transform,
    }
}

fn with_element(transform: String, path: &JsonPath) -> String {
    match path.element() {
        Some(element) => format!("{transform} [{element}]"),
        None => transform,
    }
}

fn requests(tables: &Tables, program: &Program) -> Vec<Mapping> {
    let mut all = Vec::new();
    let name = |field: FieldId| tables.dictionary.get(field).name.as_str();
    for step in &program.steps {
        let Some(call) = step.call() else { continue };
        let service = &program.parts[step.part].name;
        let operation = call.template.operation.as_str();
        for part in &call.template.parts {
            if let PathPart::Value {
                source: Source::Field(field),
                ..
            } = part
            {
                let path = operation.split_once(' ').map_or("", |(_, path)| path);
                let path = format!("@path:{path}");
                all.push(mapping(
                    "request",
                    service,
                    name(*field),
                    operation,
                    path,
                    "copy".into(),
                ));
            }
        }
        for leaf in call
            .body
            .iter()
            .flat_map(|body| program.bodies[*body].leaves())
        {
            for (field, path, transform) in fields(tables, leaf) {
                all.push(mapping(
                    "request",
                    service,
                    name(field),
                    operation,
                    path,
                    transform,
                ));
            }
        }
    }
    for dropped in &program.dropped {
        let service = &program.parts[dropped.part].name;
        let why = dropped.reason.clone();
        all.push(mapping(
            "request",
            service,
            name(dropped.field),
            "",
            "@none".into(),
            why,
        ));
    }
    all
}

/// The fields of a line: one, or those of the offers.
fn fields(tables: &Tables, leaf: &Leaf) -> Vec<(FieldId, String, String)> {
    let transform = with_element(leaf.transform.name(&tables.codes), &leaf.path);
    match &leaf.value {
        LeafValue::From(Source::Field(field)) => vec![(*field, leaf.path.plain(), transform)],
        LeafValue::Offers(element) => {
            let below = element
                .leaves()
                .iter()
                .flat_map(|inner| fields(tables, inner));
            let whole = |path| format!("{}[].{path}", leaf.path.plain());
            below
                .map(|(field, path, transform)| (field, whole(path), transform))
                .collect()
        }
        LeafValue::From(_) | LeafValue::Constant(_) => Vec::new(),
    }
}

fn reply(tables: &Tables, part: Option<(&Program, usize)>, line: &ReplyLine) -> Vec<Mapping> {
    let owner = part.map_or("*", |(program, part)| program.parts[part].name.as_str());
    let operation = |step: usize| {
        let call = part.and_then(|(program, _)| program.steps[step].call());
        call.map_or("", |call| call.template.operation.as_str())
    };
    let transform = line.transform.name(&tables.codes);
    let one = |operation: &str, path: String, transform: String| {
        mapping("reply", owner, &line.field, operation, path, transform)
    };
    match &line.value {
        ReplyValue::Nothing => vec![one("", "@none".into(), String::new())],
        ReplyValue::Constant(text) => vec![one("", "@constant".into(), text.clone())],
        ReplyValue::From(sources) => sources
            .iter()
            .filter(|source| !matches!(source, Source::Absent))
            .map(|source| match source {
                Source::Reply(place) => one(
                    operation(place.step),
                    place.path.plain(),
                    with_element(transform.clone(), &place.path),
                ),
                Source::Status(step) => {
                    one(operation(*step), "@computed".into(), transform.clone())
                }
                Source::Field(_) => one("", "@computed".into(), "echo".into()),
                Source::Computed(computed) => one("", "@computed".into(), words(*computed).into()),
                Source::Absent => one("", "@none".into(), String::new()),
            })
            .collect(),
    }
}

fn words(computed: Computed) -> &'static str {
    match computed {
        Computed::Rcode => "1, 0 or -1 by the flags table",
        Computed::Rflag => "flag by the flags table",
        Computed::Rmsg => "text by the flags table",
        Computed::RequestId => "id that the gateway gives",
        Computed::RequestToken => "opaque token that the gateway gives",
        Computed::Time => "the gateway's clock",
        Computed::Total => "the sum of the offers",
        Computed::Preauthorization => "the amount of the preauthorization",
        Computed::TransactionId => "id of the call",
    }
}
