//! Every mapping as one JSON object a line, for those who compare, count or document them.

use serde::Serialize;

use super::body::LeafValue;
use super::path::JsonPath;
use super::tables::{Computed, PathPart, ReplyLine, ReplyValue, Service, Source, Tables};

/// One mapping.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
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
    let mut services: Vec<&Service> = tables.services.values().collect();
    services.sort_by(|left, right| left.name.cmp(&right.name));
    for service in services {
        all.extend(requests(tables, service));
        all.extend(
            service
                .reply
                .iter()
                .flat_map(|line| reply(tables, Some(service), line)),
        );
    }
    for (_, field) in tables.dictionary.iter() {
        if !all
            .iter()
            .any(|known| known.direction == "request" && known.field == field.name)
        {
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
    all
}

fn mapping(
    direction: &'static str,
    service: &str,
    field: &str,
    operation: &str,
    path: String,
    transform: String,
) -> Mapping {
    let (service, field, operation) = (service.to_owned(), field.to_owned(), operation.to_owned());
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

fn requests(tables: &Tables, service: &Service) -> Vec<Mapping> {
    let mut all = Vec::new();
    let name = |field| tables.dictionary.get(field).name.as_str();
    for step in &service.steps {
        let operation = step.call.operation.as_str();
        for part in &step.call.parts {
            if let PathPart::Value {
                source: Source::Field(field),
                ..
            } = part
            {
                let path = operation.split_once(' ').map_or("", |(_, path)| path);
                let path = format!("@path:{path}");
                all.push(mapping(
                    "request",
                    &service.name,
                    name(*field),
                    operation,
                    path,
                    "copy".into(),
                ));
            }
        }
        for leaf in step
            .body
            .iter()
            .flat_map(|body| service.bodies[*body].leaves())
        {
            if let LeafValue::From(Source::Field(field)) = &leaf.value {
                let transform = with_element(leaf.transform.name(&tables.codes), &leaf.path);
                let path = leaf.path.plain();
                all.push(mapping(
                    "request",
                    &service.name,
                    name(*field),
                    operation,
                    path,
                    transform,
                ));
            }
        }
    }
    for dropped in &service.dropped {
        let why = dropped.reason.clone();
        all.push(mapping(
            "request",
            &service.name,
            name(dropped.field),
            "",
            "@none".into(),
            why,
        ));
    }
    all
}

fn reply(tables: &Tables, service: Option<&Service>, line: &ReplyLine) -> Vec<Mapping> {
    let owner = service.map_or("*", |service| service.name.as_str());
    let operation =
        |step: usize| service.map_or("", |service| service.steps[step].call.operation.as_str());
    let transform = line.transform.name(&tables.codes);
    let one = |operation: &str, path: String, transform: String| {
        mapping("reply", owner, &line.field, operation, path, transform)
    };
    match &line.value {
        ReplyValue::Nothing => vec![one("", "@none".into(), String::new())],
        ReplyValue::Constant(text) => vec![one("", "@constant".into(), text.clone())],
        ReplyValue::From(sources) => sources
            .iter()
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
    }
}
