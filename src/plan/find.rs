//! Looking for a call whose answer was lost: a search lists what may be it, each is read, and the one that bears the lost
//! call's id is it. None, or several, are never guessed at.

use bytes::Bytes;
use compact_str::CompactString;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mapping::condition::Facts;
use crate::mapping::field::Values;
use crate::mapping::flags::LocalKind;
use crate::mapping::lookup::Became;
use crate::mapping::reply::{Replies, StepReply};
use crate::mapping::tables::{PathPart, Program, RestCall, Source};
use crate::mapping::{Settings, Tables};
use crate::rest::{Accept, Call, is_plain, path_segment};
use crate::scmp;
use crate::telemetry::scrub;

use super::execution::{Execution, Failure, Summary};
use super::settle::Way;

/// How many of those that a search lists are read.
const READ_MAX: usize = 20;
/// The HTTP status under which a caller would have had what was found.
const CREATED: u16 = 201;

/// What a call looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// The id that the lost call was sent with.
    pub mark: CompactString,
    /// The path of one transaction, with `{id}`.
    pub read: String,
    /// What it made, by which later requests tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CompactString>,
}

/// A call that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The id that REST gave it.
    pub id: String,
    /// The path at which it can be read.
    pub path: String,
    /// What became of it; nothing where that is not clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<Became>,
    /// What it made, by which later requests tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CompactString>,
    /// What takes back what it left behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Way>,
    /// Whether it shows what it left behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shows: bool,
}

impl Found {
    /// The call that reads it.
    pub fn call(&self) -> Call {
        get(self.path.clone())
    }
}

/// A search that was answered: what is still to be read, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The ids that are still to be read, the next one last.
    left: Vec<String>,
    /// Those that bear the lost call's id.
    found: Vec<Found>,
    /// Whether one could not be read now, and may be the one.
    #[serde(default)]
    missed: bool,
}

impl Look {
    /// What a search listed. Ids that cannot be ids are left out.
    pub fn listed(ids: Vec<String>) -> Look {
        let ids = ids.into_iter().filter(|id| is_id(id));
        let mut left: Vec<String> = ids.take(READ_MAX).collect();
        left.reverse();
        Look {
            left,
            ..Look::default()
        }
    }

    /// The call that reads the next one.
    pub fn call(&self, find: &Find) -> Option<Call> {
        Some(get(find.read.replace("{id}", self.left.last()?)))
    }

    /// Takes what was read; of one that is gone nothing.
    pub fn read(
        &mut self,
        find: &Find,
        (status, body): (u16, Value),
        step: &str,
        of: &Settling<'_>,
    ) {
        let Some(id) = self.left.pop() else { return };
        let lookup = &of.tables.flags.lookup;
        self.missed |= !matches!(status, 200..=299 | 404);
        let body = (200..=299).contains(&status).then_some(body);
        let Some(body) = body.filter(|body| lookup.is_marked(body, &find.mark)) else {
            return;
        };
        self.found.push(Found {
            path: find.read.replace("{id}", &id),
            id,
            became: lookup.became(&body),
            kind: find.kind.clone(),
            shows: lookup.shows_tokens(&body),
            // What a host sends in the place of an id could be anything, and is not kept.
            undo: of.undo(step, &body).filter(|way| is_plain(&way.path)),
        });
    }

    /// Whether all were read.
    pub fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether it was seen through: what it did not find was not there.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && !self.missed
    }

    /// What was found.
    pub fn into_found(self) -> Vec<Found> {
        self.found
    }
}

/// Whether a text can be the id of a transaction.
fn is_id(text: &str) -> bool {
    path_segment(text).is_ok_and(|it| it == text) && is_plain(text)
}

fn get(path: String) -> Call {
    Call {
        method: Method::GET,
        path,
        if_match: None,
        body: None::<Bytes>,
        sealable: false,
        accept: Accept::Json,
    }
}

/// By what it is judged what answers mean to something that is settled.
#[derive(Clone, Copy)]
pub struct Settling<'s> {
    /// The tables.
    pub tables: &'s Tables,
    /// The merchant's settings.
    pub settings: &'s Settings,
    /// The services of the request, joined by commas.
    pub services: &'s str,
}

impl Settling<'_> {
    /// What a step comes to that was answered so.
    fn answered<T>(
        &self,
        step: &str,
        body: &Value,
        read: impl FnOnce(&RestCall, &Facts<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut programs = self.tables.programs.values();
        let program = programs.find(|program| program.name == self.services)?;
        let at = program.steps.iter().position(|known| known.name == step)?;
        let mut replies = Replies::none();
        replies.set(at, reply(program, at, body)?);
        let values = Values::none();
        let facts = Facts::without_request(&values, self.settings, &replies, &program.bodies);
        read(program.steps[at].call()?, &facts)
    }

    /// What undoes a step that was answered so.
    fn undo(&self, step: &str, found: &Value) -> Option<Way> {
        self.answered(step, found, |call, facts| {
            let mut undo = call.undo.iter();
            let template = &undo.find(|undo| undo.when.holds(facts))?.template;
            let mut path = String::new();
            for part in &template.parts {
                match part {
                    PathPart::Text(text) => path.push_str(text),
                    PathPart::Value {
                        source: Source::Reply(place),
                        ..
                    } => path.push_str(&path_segment(&facts.replies.text(place)?).ok()?),
                    PathPart::Value { .. } => return None,
                }
            }
            Some(Way {
                method: template.method.as_str().into(),
                path: path.into(),
                body: None,
                group: template.group.as_str().into(),
                again: true,
                sealable: false,
                find: None,
                unchanged: None,
            })
        })
    }

    /// What a lost call came to that was made again and answered so: it is known by the repetition's id.
    pub(super) fn repeated(&self, step: &str, answer: &Value) -> Option<Found> {
        let (id, kind) = self.answered(step, answer, |call, facts| {
            let makes = call.makes.iter().find(|makes| makes.when.holds(facts))?;
            let id = facts.replies.text(&makes.id)?.into_owned();
            Some((id, makes.kind.as_str().into()))
        })?;
        is_id(&id).then(|| Found {
            path: self.tables.flags.lookup.read().replace("{id}", &id),
            id,
            became: Some(Became::Done),
            kind: Some(kind),
            undo: None,
            shows: false,
        })
    }
}

/// What a step was answered, had its answer not got lost.
fn reply(program: &Program, step: usize, found: &Value) -> Option<StepReply> {
    let body = Bytes::from(found.to_string());
    Some(StepReply::Real {
        status: CREATED,
        etag: None,
        read: program.readings[step].reader.read(body)?,
    })
}

impl<'p> Execution<'p> {
    /// The reply to a request that came again whose lost call was found: what the caller would have been told, as far as
    /// the look-up shows it. Steps after that call were not made. Nothing where it does not say what became of it.
    pub fn as_found(
        &mut self,
        step: &str,
        found: &Found,
        body: Value,
    ) -> Option<(scmp::Reply, Summary<'p>)> {
        let tables = self.plan.tables;
        let program = self.plan.program;
        let at = program.steps.iter().position(|known| known.name == step)?;
        let lookup = &tables.flags.lookup;
        // It must still say what it said when it was settled by that.
        let became = lookup.became(&body)?;
        let mut verdict = lookup.verdict(&tables.flags, &body)?;
        let is_success = verdict.rcode == 1;
        if Some(became) != found.became || (is_success && became != Became::Done) {
            return None;
        }
        verdict.message = scrub(&verdict.message).into_owned().into();
        let shown = lookup.without_tokens(body);
        let shown = reply(program, at, &shown)?;
        let proof = program.steps[at].call()?.proof;
        if is_success && !proof.is_none_or(|proof| shown.has(proof)) {
            return None;
        }
        self.replies.set(at, shown);
        if !is_success {
            self.failure = Some(Failure {
                verdict,
                part: self.plan.program.steps[at].part,
                told: Some(at),
            });
        } else if let Some(next) = self.due(at + 1, false) {
            self.fail(next, self.local(LocalKind::Unknown));
        }
        Some(self.finish())
    }
}
