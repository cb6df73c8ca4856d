//! The replies of the steps that ran, and how values are read out of them.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde_json::Value;
use smallvec::SmallVec;

use super::read::Read;
use super::reader::Slot;
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
        /// The body; without values where there was none.
        read: Read,
    },
    /// A reply that is only assumed, by a translation without network: every value is `{step.path}`.
    Assumed {
        /// The step's name.
        step: String,
    },
}

impl StepReply {
    /// Whether it holds something at a place.
    pub fn has(&self, slot: Slot) -> bool {
        match self {
            StepReply::Real { read, .. } => read.has(slot),
            StepReply::Assumed { .. } => true,
        }
    }
}

/// How many steps most programs have at most: room for their replies needs no memory of its own.
const USUAL: usize = 4;

/// The replies of a service's steps, by their index. Holds customers' data: it has no `Debug`.
#[derive(Default)]
pub struct Replies {
    steps: SmallVec<[Option<StepReply>; USUAL]>,
}

impl Replies {
    /// No step has run yet, nor will.
    pub fn none() -> Replies {
        Replies::default()
    }

    /// Stores what a step's call gave back.
    pub fn set(&mut self, step: usize, reply: StepReply) {
        if self.steps.len() <= step {
            self.steps.resize_with(step + 1, || None);
        }
        self.steps[step] = Some(reply);
    }

    /// Whether a step's call was answered with success.
    pub fn has_run(&self, step: usize) -> bool {
        self.step(step).is_some()
    }

    /// Whether a reply holds something at a place, be it a value or an object.
    pub fn has(&self, place: &ReplyPath) -> bool {
        match self.step(place.step) {
            Some(reply) => reply.has(place.slot),
            None => false,
        }
    }

    /// The text at a place of a reply; numbers and booleans as they came. An empty text counts as absent.
    pub fn text(&self, place: &ReplyPath) -> Option<Cow<'_, str>> {
        match self.step(place.step)? {
            StepReply::Real { read, .. } => read.text(place.slot),
            StepReply::Assumed { step } => Some(format!("{{{step}.{}}}", place.path).into()),
        }
    }

    /// The string at a place that is known by its slot alone.
    pub fn string(&self, step: usize, slot: Slot) -> Option<Cow<'_, str>> {
        self.read(step)?.string(slot)
    }

    /// Puts a text at a place of a reply that holds one.
    pub fn put(&mut self, place: &ReplyPath, text: String) {
        if let Some(Some(StepReply::Real { read, .. })) = self.steps.get_mut(place.step) {
            read.put(place.slot, text);
        }
    }

    /// The HTTP status of a step's reply, as text.
    pub fn status(&self, step: usize) -> Option<String> {
        match self.step(step)? {
            StepReply::Real { status, .. } => Some(status.to_string()),
            StepReply::Assumed { step } => Some(format!("{{{step}@status}}")),
        }
    }

    /// The ETag of a step's reply.
    pub fn etag(&self, step: usize) -> Option<String> {
        match self.step(step)? {
            StepReply::Real { etag, .. } => etag.clone(),
            StepReply::Assumed { step } => Some(format!("{{{step}@etag}}")),
        }
    }

    /// Whether a step was really answered, and not only assumed to be.
    pub fn is_real(&self, step: usize) -> bool {
        self.read(step).is_some()
    }

    /// The whole body of a step's real reply.
    pub fn whole(&self, step: usize) -> Option<Value> {
        self.read(step).and_then(Read::whole)
    }

    /// Whether what is looked for stands anywhere in a real reply, without escapes.
    pub fn mention(&self, text: &Finder<'_>) -> bool {
        (0..self.steps.len())
            .filter_map(|step| self.read(step))
            .any(|read| read.mentions(text))
    }

    fn step(&self, step: usize) -> Option<&StepReply> {
        self.steps.get(step)?.as_ref()
    }

    /// A step's real reply.
    pub fn read(&self, step: usize) -> Option<&Read> {
        match self.step(step)? {
            StepReply::Real { read, .. } => Some(read),
            StepReply::Assumed { .. } => None,
        }
    }
}
