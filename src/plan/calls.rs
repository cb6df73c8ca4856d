//! Making the calls of an execution, and finding out which field a refusal of one blames.

use bytes::Bytes;
use http::Method;

use crate::mapping::body::LeafValue;
use crate::mapping::condition::Facts;
use crate::mapping::field::FieldId;
use crate::mapping::rest_error::RestError;
use crate::mapping::tables::{CallTemplate, PathPart, RestCall, Source, Undo};
use crate::rest::{Accept, Call, UnsafeId, path_segment};

use super::execution::{Execution, Purpose};
use super::keep::{Lost, keep};

/// Why a call cannot be made.
#[derive(Debug)]
pub enum Hindrance {
    /// An id cannot stand in a path.
    Id,
    /// Something that is stored would be lost: its key.
    Lost(String),
}

impl From<UnsafeId> for Hindrance {
    fn from(_: UnsafeId) -> Hindrance {
        Hindrance::Id
    }
}

impl<'p> Execution<'p> {
    pub(super) fn facts<'f>(&'f self, part: usize, method: Option<&'f Method>) -> Facts<'f> {
        let settings = self.plan.settings;
        Facts {
            method,
            side: settings
                .side_store
                .then_some(self.context.request_id.as_str()),
            ..self.plan.facts(&self.replies, part)
        }
    }

    pub(super) fn call(
        &self,
        part: usize,
        call: &RestCall,
        purpose: Purpose,
    ) -> Result<Call, Hindrance> {
        if let (Purpose::Undo, Some(undo)) = (purpose, self.undo(call)) {
            let (method, path) = (undo.template.method.clone(), self.path(&undo.template)?);
            return Ok(Call {
                method,
                path,
                if_match: None,
                body: None,
                sealable: false,
                accept: Accept::Json,
            });
        }
        let if_match = call.if_match.and_then(|read| self.replies.etag(read));
        let (method, path) = (call.template.method.clone(), self.path(&call.template)?);
        Ok(Call {
            method,
            path,
            if_match,
            body: self.body(part, call)?,
            sealable: call.sealable,
            accept: match &call.unmasked {
                Some(when) if when.holds(&self.facts(part, Some(&call.template.method))) => {
                    Accept::Jose
                }
                _ => Accept::Json,
            },
        })
    }

    /// What undoes a call now.
    pub(super) fn undo<'c>(&self, call: &'c RestCall) -> Option<&'c Undo> {
        let facts = self.facts(0, None);
        call.undo.iter().find(|undo| undo.when.holds(&facts))
    }

    pub(super) fn written(
        &self,
        body: usize,
        part: usize,
        transaction_id: &str,
        method: &Method,
    ) -> Vec<u8> {
        let facts = Facts {
            transaction_id,
            ..self.facts(part, Some(method))
        };
        self.plan.program.bodies[body].write(&facts, &self.plan.tables.codes)
    }

    fn body(&self, part: usize, call: &RestCall) -> Result<Option<Bytes>, Hindrance> {
        let Some(body) = call.body else {
            return Ok(None);
        };
        let id = self.transaction_id();
        let body = self.written(body, part, id.as_str(), &call.template.method);
        let stored = call
            .keep
            .as_ref()
            .and_then(|line| Some((line, self.replies.whole(line.step)?)));
        match stored {
            Some((line, stored)) => match keep(body, line, &stored) {
                Ok(body) => Ok(Some(body.into())),
                Err(Lost(key)) => Err(Hindrance::Lost(key)),
            },
            None => Ok(Some(body.into())),
        }
    }

    /// The field whose line fills the element of this key.
    pub(super) fn field_of_element(&self, key: &str) -> Option<&str> {
        let leaves = self
            .plan
            .program
            .bodies
            .iter()
            .flat_map(|body| body.leaves());
        let field = leaves
            .filter(|leaf| leaf.path.element().as_deref() == Some(key))
            .find_map(|leaf| match leaf.value {
                LeafValue::From(Source::Field(field)) => Some(field),
                _ => None,
            })?;
        Some(&self.plan.tables.dictionary.get(field).name)
    }

    pub(super) fn path(&self, template: &CallTemplate) -> Result<String, UnsafeId> {
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
                    match self.replies.is_real(place.step) {
                        true => path.push_str(&path_segment(&value)?),
                        // An assumed value is a placeholder, not an id.
                        false => path.push_str(&value),
                    }
                }
                // Nothing else can be the id of something; an empty segment is refused like any unsafe id.
                PathPart::Value { .. } => path.push_str(&path_segment("")?),
            }
        }
        Ok(path)
    }

    /// The field of the request that stands in a path and cannot.
    pub(super) fn unsafe_field(&self) -> Option<&str> {
        let calls = self
            .plan
            .program
            .steps
            .iter()
            .filter_map(|step| step.call());
        let field = calls.flat_map(path_fields).find(|field| {
            self.plan
                .values
                .get(*field)
                .is_some_and(|value| path_segment(value).is_err())
        })?;
        Some(&self.plan.tables.dictionary.get(field).name)
    }

    /// The SCMP field of what a REST error blames: by its whole path, else by its last name. Where several lines have it,
    /// such as the elements of one array, none is to blame. An id that REST does not know is the fault of the field that
    /// it came from.
    pub(super) fn blamed(
        &self,
        call: &RestCall,
        status: u16,
        error: &RestError<'_>,
    ) -> Option<&'p str> {
        let named = error.blamed.iter().find_map(|path| {
            self.only(call, |known| known == path)
                .or_else(|| self.only(call, |known| last(known) == last(path)))
        });
        let gone = matches!(status, 404 | 410);
        let field = named.or_else(|| path_fields(call).next().filter(|_| gone))?;
        let tables = self.plan.tables;
        Some(&tables.dictionary.get(field).name)
    }

    /// The field of the id in a call's path.
    pub(super) fn followed_field(&self, call: &RestCall) -> Option<&'p str> {
        let field = path_fields(call).next()?;
        let tables = self.plan.tables;
        Some(&tables.dictionary.get(field).name)
    }

    /// The field of the one line of a call's body whose path fits.
    fn only(&self, call: &RestCall, fits: impl Fn(&str) -> bool) -> Option<FieldId> {
        let body = &self.plan.program.bodies[call.body?];
        let mut fitting = body.leaves().iter().filter_map(|leaf| match leaf.value {
            LeafValue::From(Source::Field(field)) => {
                Some(field).filter(|_| fits(&leaf.path.plain()))
            }
            _ => None,
        });
        let field = fitting.next()?;
        fitting.all(|other| other == field).then_some(field)
    }
}

/// The fields of the request in a call's path.
fn path_fields(call: &RestCall) -> impl Iterator<Item = FieldId> {
    call.template.parts.iter().filter_map(|part| match part {
        PathPart::Value {
            source: Source::Field(field),
            ..
        } => Some(*field),
        _ => None,
    })
}

fn last(path: &str) -> Option<&str> {
    path.rsplit('.').next()
}
