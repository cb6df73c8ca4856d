//! Steps: calls, their bodies, what undoes them and what they keep.

use crate::mapping::body::Body;
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::{RawKeep, RawStep};
use crate::mapping::tables::{CallTemplate, Keep, PathPart, Service, Step};

use super::scope::{Scope, split_operation};

pub fn step(raw: &RawStep, service: &Service, scope: &Scope<'_>) -> Result<Step, String> {
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
            &service.bodies[body],
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
