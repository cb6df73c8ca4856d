//! Which values a program uses, and what limits them.

use crate::mapping::body::{Body, LeafValue};
use crate::mapping::condition::{Condition, Test};
use crate::mapping::field::FieldId;
use crate::mapping::tables::{Checked, Program, Source};
use crate::mapping::transform::Transform;

use super::scope::Scope;

/// Every field whose value this program uses, with what limits it.
pub fn checked(program: &Program, scope: &Scope<'_>) -> Vec<Checked> {
    let mut checked = Vec::new();
    let mut plain = |part: usize, field: FieldId, when: Condition| {
        checked.push(Checked {
            part,
            field,
            rest_max: None,
            overflow: false,
            when,
        });
    };
    for required in &program.require {
        plain(required.part, required.field, required.when.clone());
    }
    for dropped in program.dropped.iter().filter(|dropped| dropped.checked) {
        plain(dropped.part, dropped.field, Condition::default());
    }
    if let Some(follow_on) = program.follow_on {
        plain(0, follow_on.id, Condition::default());
    }
    for step in &program.steps {
        let Some(call) = step.call() else { continue };
        let Some(body) = call.body.map(|body| &program.bodies[body]) else {
            continue;
        };
        let operation = scope.vocabulary.operation(&call.template.operation);
        let resource = operation
            .ok()
            .and_then(|operation| operation.request.as_deref());
        let sent = (step.part, resource.unwrap_or_default());
        leaves(body, "", sent, scope, &mut checked);
    }
    checked.sort_by_key(|checked| checked.field);
    checked.shrink_to_fit();
    checked
}

fn leaves(
    body: &Body,
    below: &str,
    (part, resource): (usize, &str),
    scope: &Scope<'_>,
    checked: &mut Vec<Checked>,
) {
    for leaf in body.leaves() {
        // A flag may decide what is sent without being sent: a word that is neither yes nor no decides nothing.
        let tests = leaf.when.alternatives.iter().flatten();
        checked.extend(tests.filter_map(|test| match test {
            Test::Says(field, _) => Some(Checked {
                part,
                field: *field,
                rest_max: None,
                overflow: false,
                when: Condition::default(),
            }),
            _ => None,
        }));
        match &leaf.value {
            LeafValue::Offers(element) => {
                let below = format!("{}[].", leaf.path);
                leaves(element, &below, (part, resource), scope, checked);
            }
            LeafValue::From(Source::Field(field)) => {
                let member = scope.vocabulary.member_below(resource, below, &leaf.path);
                let rest_max = match leaf.transform {
                    Transform::Code(_) => None,
                    _ => member.unwrap_or_default().max,
                };
                let when = before_any_call(&leaf.when);
                checked.push(Checked {
                    part,
                    field: *field,
                    rest_max,
                    overflow: leaf.overflow.is_some(),
                    when,
                });
            }
            LeafValue::From(_) | LeafValue::Constant(_) => {}
        }
    }
}

/// The part of a condition that is known before any call is made.
fn before_any_call(when: &Condition) -> Condition {
    let early = |test: &&Test| {
        !matches!(
            test,
            Test::Method(_) | Test::Mapped(_) | Test::Has(..) | Test::Shows(..) | Test::Run(..)
        )
    };
    let alternatives = when.alternatives.iter();
    let alternatives: Box<[Box<[Test]>]> = alternatives
        .map(|tests| tests.iter().filter(early).cloned().collect())
        .collect();
    // Where nothing is left of one, it holds whatever comes.
    match alternatives.iter().any(|tests| tests.is_empty()) {
        true => Condition::default(),
        false => Condition { alternatives },
    }
}
