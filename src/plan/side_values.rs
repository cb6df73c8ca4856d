//! Which values of a call REST does not take, and which it refers to.

use http::Method;
use serde_json::Value;

use crate::mapping::side;
use crate::mapping::tables::{ReplyValue, RestCall, Source};

use super::execution::Execution;
use super::reply::PartOutcome;
use super::side::{KeptValue, Wanted};

impl Execution<'_> {
    pub(super) fn method(&self, at: usize) -> Option<&Method> {
        let call = self.plan.program.steps[at].call()?;
        Some(&call.template.method)
    }

    /// The object of this path, as it was read.
    pub(super) fn stored(&self, path: &str) -> Option<Value> {
        let steps = self.plan.program.steps.iter().enumerate();
        let mut read = steps.filter_map(|(at, step)| {
            let call = step
                .call()
                .filter(|call| call.template.method == Method::GET)?;
            let is_it = self.replies.is_real(at) && self.path(&call.template).ok()? == path;
            is_it.then(|| self.replies.whole(at)).flatten()
        });
        read.next()
    }

    /// The values of a call's body that REST does not take.
    pub(super) fn values(&self, at: usize, call: &RestCall) -> Vec<KeptValue> {
        let facts = self.facts(
            self.plan.program.steps[at].part,
            Some(&call.template.method),
        );
        let leaves = call
            .body
            .iter()
            .flat_map(|body| self.plan.program.bodies[*body].overflowing());
        let values = leaves.filter_map(|leaf| {
            Some(KeptValue {
                text: leaf.sent(&facts)?.into_owned(),
                reference: leaf.reference(&facts)?,
                member: leaf.path.to_string(),
            })
        });
        values.collect()
    }

    /// The references in a stored object that a call's body overwrites.
    pub(super) fn replaced(
        &self,
        at: usize,
        call: &RestCall,
        stored: Option<&Value>,
    ) -> Vec<String> {
        let facts = self.facts(
            self.plan.program.steps[at].part,
            Some(&call.template.method),
        );
        let leaves = call
            .body
            .iter()
            .flat_map(|body| self.plan.program.bodies[*body].overflowing());
        let replaced = leaves.filter(|leaf| leaf.sent(&facts).is_some());
        let replaced = replaced.filter_map(|leaf| leaf.path.find(stored?)?.as_str());
        replaced
            .filter_map(side::reference)
            .map(str::to_owned)
            .collect()
    }

    /// What the reply's lines find in place of a value.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        if !self.replies.mention(&side::MARKED) {
            return Vec::new();
        }
        let parts = self.plan.program.parts.iter().enumerate();
        let done = parts.filter(|(part, _)| self.part(*part, None) == PartOutcome::Done);
        let lines = done.flat_map(|(part, it)| it.reply.iter().map(move |line| (part, line)));
        let mut wanted = Vec::new();
        for (part, line) in lines {
            let ReplyValue::From(sources) = &line.value else {
                continue;
            };
            for source in sources {
                let Source::Reply(at) = source else { continue };
                let Some(text) = self.replies.text(at) else {
                    continue;
                };
                let call = self.plan.program.steps[at.step].call();
                let place = call.and_then(|call| self.path(&call.template).ok());
                let kept = side::reference(&text).zip(place);
                wanted.extend(kept.map(|(reference, place)| Wanted {
                    place,
                    reference: reference.to_owned(),
                    member: at.path.to_string(),
                    field: line.field.clone(),
                    at: at.clone(),
                    part,
                }));
            }
        }
        wanted
    }
}

/// All references in an object.
pub(super) fn references(object: &Value, found: &mut Vec<String>) {
    match object {
        Value::String(text) => found.extend(side::reference(text).map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Object(map) => map.values().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
