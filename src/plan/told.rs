//! What an execution says at its end.

use std::borrow::Cow;

use crate::mapping::condition::Facts;
use crate::mapping::flags::LocalKind;
use crate::mapping::reply::Replies;
use crate::scmp;

use super::Context;
use super::execution::{Execution, Failure, Made, Summary};
use super::reply::{Built, PartOutcome, build};

impl<'p> Execution<'p> {
    /// The SCMP reply and what became of the request. Call it when [`Execution::next_call`] says `Done`.
    pub fn finish(&self) -> (scmp::Reply, Summary<'p>) {
        self.told(self.failure.as_ref(), self.context, &self.replies)
    }

    fn told(
        &self,
        failure: Option<&Failure<'p>>,
        context: &Context,
        replies: &Replies,
    ) -> (scmp::Reply, Summary<'p>) {
        let success = self.local(LocalKind::Success);
        let verdict = failure.map_or(&success, |failure| &failure.verdict);
        let first = self.things_made(replies).next();
        let (id, kind) = match &first {
            Some((id, kind)) => (&**id, Some(*kind)),
            None => (context.request_id.as_str(), None),
        };
        let built = Built {
            tables: self.plan.tables,
            program: Some(self.plan.program),
            part: &|part| self.part(part, failure),
            context,
            token: &self.history.token(id, kind),
        };
        let facts = Facts {
            replies,
            ..self.facts(0, None)
        };
        let reply = build(&built, &facts);
        let unmapped = self.plan.unmapped_count();
        let summary = Summary {
            flag: verdict.flag,
            rcode: verdict.rcode,
            calls: self.calls,
            partial: match failure {
                Some(_) => self.partial.clone(),
                None => Vec::new(),
            },
            undone: self.undone,
            unmapped,
        };
        (reply, summary)
    }

    /// The reply where nobody may say what became of the request: it names the one that is on record under this id, and
    /// nothing that was made.
    pub fn lost(&self, request_id: &str) -> (scmp::Reply, Summary<'p>) {
        let failure = Failure {
            verdict: self.local(LocalKind::Unknown),
            part: 0,
            told: None,
        };
        let context = Context {
            request_id: request_id.into(),
            time: self.context.time.clone(),
        };
        self.told(Some(&failure), &context, &Replies::none())
    }

    /// What became of the service of this number.
    pub(super) fn part<'f>(
        &'f self,
        number: usize,
        failure: Option<&'f Failure<'p>>,
    ) -> PartOutcome<'f, 'p> {
        match failure {
            _ if self.plan.program.parts[number].after.is_some() => self.by_itself(number),
            Some(failure) if number > failure.part => PartOutcome::NotRun,
            Some(failure) if number == failure.part => {
                PartOutcome::Failed(&failure.verdict, failure.told)
            }
            _ => PartOutcome::Done,
        }
    }

    /// What was made, be it that a later check declined it: it has an id, and can be followed.
    pub fn made(&self) -> impl Iterator<Item = Made> {
        self.things_made(&self.replies).map(|(id, kind)| Made {
            id: id.into(),
            kind: kind.into(),
        })
    }

    /// The ids and kinds of what was made.
    fn things_made<'r>(
        &'r self,
        replies: &'r Replies,
    ) -> impl Iterator<Item = (Cow<'r, str>, &'p str)> {
        let facts = Facts {
            replies,
            ..self.facts(0, None)
        };
        let program = self.plan.program;
        let steps = program.steps.iter().enumerate();
        let ran = steps.filter(|(at, _)| replies.is_real(*at));
        ran.filter_map(move |(_, step)| {
            let makes = step
                .call()?
                .makes
                .iter()
                .find(|makes| makes.when.holds(&facts))?;
            Some((replies.text(&makes.id)?, makes.kind.as_str()))
        })
    }
}
