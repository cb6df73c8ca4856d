//! The replies of the steps that ran, and how values are read out of them.

use std::borrow::Cow;

use serde_json::Value;

use super::tables::ReplyPath;

/// What one step's call gave back.
#[derive(Clone)]
pub enum StepReply {
    /// A real answer.
    Real {
        /// The HTTP status.
        status: u16,
        /// The ETag header.
        etag: Option<String>,
        /// The body; null where there was none.
        body: Value,
    },
    /// A reply that is only assumed, by a translation without network: every value is `{step.path}`.
    Assumed {
        /// The step's name.
        step: String,
    },
}

/// The replies of a service's steps, by their index. Holds customers' data: it has no `Debug`.
pub struct Replies {
    steps: Vec<Option<StepReply>>,
}

impl Replies {
    /// No step has run yet.
    pub fn new(steps: usize) -> Replies {
        Replies {
            steps: vec![None; steps],
        }
    }

    /// Stores what a step's call gave back.
    pub fn set(&mut self, step: usize, reply: StepReply) {
        self.steps[step] = Some(reply);
    }

    /// Whether a step's call was answered with success.
    pub fn has_run(&self, step: usize) -> bool {
        self.steps[step].is_some()
    }

    /// Whether a reply holds something at a place, be it a value or an object.
    pub fn has(&self, place: &ReplyPath) -> bool {
        match &self.steps[place.step] {
            Some(StepReply::Real { body, .. }) => {
                place.path.find(body).is_some_and(|found| !found.is_null())
            }
            Some(StepReply::Assumed { .. }) => true,
            None => false,
        }
    }

    /// The text at a place of a reply; numbers and booleans as JSON writes them. An empty text counts as absent.
    pub fn text(&self, place: &ReplyPath) -> Option<Cow<'_, str>> {
        match self.steps[place.step].as_ref()? {
            StepReply::Real { body, .. } => scalar(place.path.find(body)?),
            StepReply::Assumed { step } => Some(format!("{{{step}.{}}}", place.path).into()),
        }
    }

    /// Puts a text at a place of a reply that holds one.
    pub fn put(&mut self, place: &ReplyPath, text: String) {
        if let Some(StepReply::Real { body, .. }) = &mut self.steps[place.step]
            && let Some(found) = place.path.find_mut(body)
        {
            *found = Value::String(text);
        }
    }

    /// The HTTP status of a step's reply, as text.
    pub fn status(&self, step: usize) -> Option<String> {
        match self.steps[step].as_ref()? {
            StepReply::Real { status, .. } => Some(status.to_string()),
            StepReply::Assumed { step } => Some(format!("{{{step}@status}}")),
        }
    }

    /// The ETag of a step's reply.
    pub fn etag(&self, step: usize) -> Option<String> {
        match self.steps[step].as_ref()? {
            StepReply::Real { etag, .. } => etag.clone(),
            StepReply::Assumed { step } => Some(format!("{{{step}@etag}}")),
        }
    }

    /// The whole body of a step's real reply.
    pub fn body(&self, step: usize) -> Option<&Value> {
        match self.steps[step].as_ref()? {
            StepReply::Real { body, .. } => Some(body),
            StepReply::Assumed { .. } => None,
        }
    }
}

/// SCMP writes the values of a list between carets.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
        Value::Array(values) => {
            let texts: Vec<&str> = values.iter().map(Value::as_str).collect::<Option<_>>()?;
            (!texts.is_empty()).then(|| texts.join("^").into())
        }
        Value::Null | Value::Object(_) => None,
    }
}
