//! Steps: calls, their bodies, what undoes them and what they keep.

use std::sync::Arc;

use http::Method;

use crate::mapping::body::{Body, LeafValue};
use crate::mapping::flags::LocalKind;
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::{RawKeep, RawStep, RawWay};
use crate::mapping::tables::{
    Action, CallTemplate, Keep, Makes, PathPart, RestCall, SettleCall, SettleWay, Source, Step,
    Undo,
};

use super::dictionary::named;
use super::scope::{Scope, split_operation};

pub fn step(
    raw: &RawStep,
    part: usize,
    bodies: &[Arc<Body>],
    scope: &Scope<'_>,
) -> Result<Step, String> {
    let action = match (&raw.call, &raw.refuse) {
        (Some(operation), None) => {
            Action::Call(Box::new(rest_call(raw, operation, bodies, scope)?))
        }
        (None, Some(kind)) => Action::Refuse(named("kind of outcome", kind, &LocalKind::NAMES)?),
        _ => return Err("a step has either `call` or `refuse`.".to_owned()),
    };
    Ok(Step {
        name: raw.name.clone(),
        part,
        action,
        when: scope.condition(raw.when.as_ref())?,
    })
}

fn rest_call(
    raw: &RawStep,
    name: &str,
    bodies: &[Arc<Body>],
    scope: &Scope<'_>,
) -> Result<RestCall, String> {
    let operation = scope.vocabulary.operation(name)?;
    let resource = operation.request.as_deref();
    let body = match (&raw.body, resource) {
        (Some(body), Some(_)) => scope.body(body, resource)?,
        (None, None) => None,
        (Some(_), None) => return Err(format!("\"{name}\" takes no body.")),
        (None, Some(_)) => return Err(format!("\"{name}\" needs a body.")),
    };
    let keep = match (&raw.keep, body.and_then(|body| bodies.get(body))) {
        (Some(keep), Some(body)) => Some(compile_keep(keep, body, resource, scope)?),
        (Some(_), None) => return Err("`keep` needs a body.".to_owned()),
        (None, _) => None,
    };
    let read = raw
        .if_match
        .as_deref()
        .map(|name| scope.step(name))
        .transpose()?;
    let template = path(name, &raw.path, scope)?;
    let unmasked = match (&raw.unmasked, &template.method) {
        (Some(when), &Method::GET) => Some(scope.condition(Some(when))?),
        (Some(_), _) => return Err("`unmasked` belongs to a GET.".to_owned()),
        (None, _) => None,
    };
    let mut undo = Vec::new();
    for line in &raw.undo {
        let (template, when) = (
            path(&line.call, &line.path, scope)?,
            scope.condition(line.when.as_ref())?,
        );
        undo.extend((!when.is_never()).then_some(Undo { template, when }));
    }
    let overflows = body.is_some_and(|body| {
        let leaves = bodies.get(body).into_iter().flat_map(|body| body.leaves());
        leaves.into_iter().any(|leaf| leaf.overflow.is_some())
    });
    if overflows && raw.undo.is_empty() && name.starts_with("POST ") {
        return Err(format!(
            "\"{name}\" makes something of which values are kept aside, and they may fail to be: say what undoes it."
        ));
    }
    let settle = raw.settle.as_ref().map(|ways| {
        let ways = ways.iter().map(|way| settle_way(way, body, bodies, scope));
        ways.collect::<Result<Vec<_>, _>>()
    });
    let mut ways = raw.settle.iter().flatten();
    if raw.if_match.is_none() && ways.any(|way| way.unchanged) {
        return Err("\"unchanged\" needs `if_match`: the ETag that is compared.".to_owned());
    }
    let leaves = raw.leaves.as_ref();
    let leaves = leaves.map(|way| settle_way(way, body, bodies, scope));
    let mut makes = Vec::new();
    for line in &raw.makes {
        scope.vocabulary.kind(&line.kind)?;
        let when = scope.condition(line.when.as_ref())?;
        let id = scope
            .reply_path(&line.id, false)?
            .filter(|_| !when.is_never());
        makes.extend(id.map(|id| Makes {
            kind: line.kind.clone(),
            id,
            when,
        }));
    }
    let proof = match &operation.proof {
        Some(path) => scope.step(&raw.name)?.map(|step| scope.slot(step, path)),
        None => None,
    };
    Ok(RestCall {
        template,
        proof,
        body,
        sealable: operation.sealable,
        unmasked,
        if_match: read.flatten(),
        keep,
        undo,
        changed: raw.changed.clone(),
        try_next: raw.try_next,
        makes,
        settle: settle.transpose()?,
        leaves: leaves.transpose()?.filter(|way| !way.when.is_never()),
    })
}

/// What settles a call is written down, so its body may hold nothing that must not be kept.
fn keepable(body: &Body, scope: &Scope<'_>) -> Result<(), String> {
    let secret = body.leaves().iter().find_map(|leaf| match leaf.value {
        LeafValue::From(Source::Field(field)) => {
            let field = scope.dictionary.get(field);
            field.sensitivity.map(|_| &field.name)
        }
        _ => None,
    });
    match secret {
        None => Ok(()),
        Some(name) => Err(format!(
            "\"{}\" holds \"{name}\"; what settles a call is kept in the journal, and holds nothing of the customer.",
            body.name
        )),
    }
}

fn settle_way(
    raw: &RawWay,
    own: Option<usize>,
    bodies: &[Arc<Body>],
    scope: &Scope<'_>,
) -> Result<SettleWay, String> {
    let how = match (&raw.call, raw.again) {
        (None, true) => {
            let body = own.and_then(|body| bodies.get(body));
            body.map_or(Ok(()), |body| keepable(body, scope))?;
            SettleCall::Again
        }
        (Some(name), false) => {
            let resource = scope.vocabulary.operation(name)?.request.as_deref();
            let body = raw.body.as_deref();
            let body = body.map(|body| scope.body(body, resource)).transpose()?;
            if let Some(body) = body.flatten().and_then(|body| bodies.get(body)) {
                keepable(body, scope)?;
            }
            SettleCall::Other {
                template: path(name, &raw.path, scope)?,
                body: body.flatten(),
            }
        }
        _ => return Err("a way to settle a call has either `call` or `again`.".to_owned()),
    };
    if raw.find && matches!(how, SettleCall::Again) {
        return Err("\"find\" belongs to a search, not to the same call again.".to_owned());
    }
    if raw.unchanged
        && !raw
            .call
            .as_ref()
            .is_some_and(|name| name.starts_with("GET "))
    {
        return Err("\"unchanged\" belongs to a GET of what the call changes.".to_owned());
    }
    Ok(SettleWay {
        how,
        find: raw.find,
        unchanged: raw.unchanged,
        when: scope.condition(raw.when.as_ref())?,
    })
}

fn path(
    operation: &str,
    bindings: &indexmap::IndexMap<String, String>,
    scope: &Scope<'_>,
) -> Result<CallTemplate, String> {
    let known = scope.vocabulary.operation(operation)?;
    let (group, sealable) = (known.group.clone(), known.sealable);
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
        group,
        sealable,
        parts,
    })
}

fn compile_keep(
    raw: &RawKeep,
    body: &Body,
    resource: Option<&str>,
    scope: &Scope<'_>,
) -> Result<Keep, String> {
    let step = scope
        .step(&raw.from)?
        .ok_or("`keep` names a step of another service.")?;
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
        for segment in &leaf.path.segments() {
            match segment {
                Segment::Key(name) if plain.is_empty() => plain.push_str(name),
                Segment::Key(name) => plain.extend([".", name]),
                Segment::Numbered(_) | Segment::Append => plain.push_str("[]"),
                Segment::Element { key, .. } => {
                    if !element_keys.iter().any(|(known, _)| *known == plain) {
                        element_keys.push((plain.clone(), (*key).to_owned()));
                    }
                    plain.push_str("[]");
                }
            }
        }
    }
    Ok(Keep {
        step,
        paths,
        masked: raw.masked.clone(),
        element_keys,
    })
}

#[cfg(test)]
mod tests {
    use crate::mapping::compile::compile;
    use crate::mapping::source::{SourceFile, embedded};
    use crate::mapping::tables::Step;

    const OPERATION: &str = "POST /tms/v2/customers";

    /// Whether the calls of this operation may be sealed, in a create of a token.
    fn sealable(files: &[SourceFile]) -> Vec<bool> {
        let tables = compile(files).expect("the tables are right");
        let program = tables.program(&["ics_pay_subscription_create"]);
        let steps = program.expect("a program").steps.iter();
        let calls = steps.filter_map(Step::call);
        calls
            .filter(|call| call.template.operation == OPERATION)
            .map(|call| call.sealable)
            .collect()
    }

    #[test]
    fn a_body_is_sealed_unless_the_operation_says_no() {
        let mut files = embedded();
        assert_eq!(sealable(&files), [true]);
        let file = files.iter_mut().find(|file| file.path == "rest/tms.toml");
        let file = file.expect("the REST side's own words");
        let line = file
            .text
            .lines()
            .find(|line| line.starts_with(&format!("\"{OPERATION}\"")));
        let line = line.expect("the operation").to_owned();
        file.text = file
            .text
            .replace(&line, &line.replace(" }", ", mle = false }"))
            .into();
        assert_eq!(sealable(&files), [false]);
    }

    #[test]
    fn only_what_is_read_can_come_unmasked() {
        let mut files = embedded();
        let path = "services/ics_pay_subscription_update.toml";
        let file = files
            .iter_mut()
            .find(|file| file.path == path)
            .expect("a service");
        let unmasked = "body = \"customer\"\nunmasked = { setting = \"unmasked_retrieve\" }";
        file.text = file.text.replace("body = \"customer\"", unmasked).into();
        let faults = compile(&files).expect_err("a fault");
        let said = faults
            .iter()
            .any(|fault| fault.message.contains("`unmasked` belongs to a GET"));
        assert!(said, "{faults:?}");
    }
}
