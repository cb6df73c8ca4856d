//! Making the calls of an execution, and finding out which field a refusal of one blames.

use bytes::Bytes;
use http::Method;

use crate::mapping::body::LeafValue;
use crate::mapping::condition::Facts;
use crate::mapping::field::FieldId;
use crate::mapping::flags::RestError;
use crate::mapping::tables::{CallTemplate, PathPart, Source, Step};
use crate::rest::{Call, UnsafeId, path_segment};

use super::execution::{Execution, Purpose};
use super::keep::keep;

impl Execution<'_> {
    pub(super) fn facts<'f>(&'f self, method: Option<&'f Method>) -> Facts<'f> {
        Facts {
            method,
            ..self.plan.facts(&self.replies)
        }
    }

    pub(super) fn call(&self, at: usize, purpose: Purpose) -> Result<Call, UnsafeId> {
        let step = &self.plan.service.steps[at];
        if let (Purpose::Undo, Some(undo)) = (purpose, &step.undo) {
            let (method, path) = (undo.method.clone(), self.path(undo)?);
            return Ok(Call {
                method,
                path,
                if_match: None,
                body: None,
            });
        }
        let if_match = step.if_match.and_then(|read| self.replies.etag(read));
        let (method, path) = (step.call.method.clone(), self.path(&step.call)?);
        Ok(Call {
            method,
            path,
            if_match,
            body: self.body(step),
        })
    }

    fn body(&self, step: &Step) -> Option<Bytes> {
        let facts = self.facts(Some(&step.call.method));
        let body = self.plan.service.bodies[step.body?].write(facts, &self.plan.tables.codes);
        let stored = step
            .keep
            .as_ref()
            .and_then(|line| Some((line, self.replies.body(line.step)?)));
        Some(match stored {
            Some((line, stored)) => keep(body, line, stored).into(),
            None => body.into(),
        })
    }

    fn path(&self, template: &CallTemplate) -> Result<String, UnsafeId> {
        let mut path = String::new();
        for part in &template.parts {
            match part {
                PathPart::Text(text) => path.push_str(text),
                PathPart::Value {
                    source: Source::Field(field),
                    ..
                } => {
                    path.push_str(&path_segment(
                        self.plan.values.get(*field).unwrap_or_default(),
                    )?);
                }
                PathPart::Value {
                    source: Source::Reply(place),
                    ..
                } => {
                    let value = self.replies.text(place).unwrap_or_default();
                    match self.replies.body(place.step) {
                        Some(_) => path.push_str(&path_segment(&value)?),
                        // An assumed value is a placeholder, not an id.
                        None => path.push_str(&value),
                    }
                }
                PathPart::Value {
                    source: Source::Status(_) | Source::Computed(_),
                    ..
                } => {}
            }
        }
        Ok(path)
    }

    /// The SCMP field of what a REST error blames: by its whole path, else by its last name. Where several lines have it,
    /// such as the elements of one array, none is to blame. An id that REST does not know is the fault of the field that
    /// it came from.
    pub(super) fn blamed(&self, step: &Step, status: u16, error: &RestError) -> Option<&str> {
        let named = error.blamed.iter().find_map(|path| {
            self.only(step, |known| known == path)
                .or_else(|| self.only(step, |known| last(known) == last(path)))
        });
        let in_path = || {
            step.call.parts.iter().find_map(|part| match part {
                PathPart::Value {
                    source: Source::Field(field),
                    ..
                } => Some(*field),
                _ => None,
            })
        };
        let gone = matches!(status, 404 | 410);
        let field = named.or_else(|| if gone { in_path() } else { None })?;
        Some(&self.plan.tables.dictionary.get(field).name)
    }

    /// The field of the one line of a step's body whose path fits.
    fn only(&self, step: &Step, fits: impl Fn(&str) -> bool) -> Option<FieldId> {
        let body = &self.plan.service.bodies[step.body?];
        let mut fitting = body.leaves().iter().filter_map(|leaf| match leaf.value {
            LeafValue::From(Source::Field(field)) => {
                Some(field).filter(|_| fits(&leaf.path.plain()))
            }
            LeafValue::From(_) | LeafValue::Constant(_) => None,
        });
        let field = fitting.next()?;
        fitting.next().is_none().then_some(field)
    }
}

fn last(path: &str) -> Option<&str> {
    path.rsplit('.').next()
}
