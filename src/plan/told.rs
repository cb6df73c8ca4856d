//! What an execution says at its end.

use std::borrow::Cow;

use crate::mapping::flags::LocalKind;
use crate::scmp;

use super::execution::{Execution, Failure, Made, Summary};
use super::reply::{Built, PartOutcome, build};

impl<'p> Execution<'p> {
    /// The SCMP reply and what became of the request. Call it when [`Execution::next_call`] says `Done`.
    pub fn finish(&self) -> (scmp::Reply, Summary<'p>) {
        self.told(self.failure.as_ref())
    }

    fn told(&self, failure: Option<&Failure<'p>>) -> (scmp::Reply, Summary<'p>) {
        let success = self.local(LocalKind::Success);
        let verdict = failure.map_or(&success, |failure| &failure.verdict);
        let first = self.things_made().next();
        let (id, kind) = match &first {
            Some((id, kind)) => (&**id, Some(*kind)),
            None => (self.context.request_id.as_str(), None),
        };
        let built = Built {
            tables: self.plan.tables,
            program: Some(self.plan.program),
            part: &|part| self.part(part, failure),
            context: self.context,
            token: &self.history.token(id, kind),
        };
        let reply = build(&built, &self.facts(0, None));
        let unmapped = self.unmapped().count();
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

    /// The reply where nobody may say what became of the request.
    pub fn lost(&self) -> (scmp::Reply, Summary<'p>) {
        self.told(Some(&Failure {
            verdict: self.local(LocalKind::Unknown),
            part: 0,
            told: None,
        }))
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
    pub fn made(&self) -> Vec<Made> {
        let made = self.things_made().map(|(id, kind)| Made {
            id: id.into_owned(),
            kind: kind.to_owned(),
        });
        made.collect()
    }

    /// The ids and kinds of what was made.
    fn things_made(&self) -> impl Iterator<Item = (Cow<'_, str>, &'p str)> {
        let facts = self.facts(0, None);
        let program = self.plan.program;
        let steps = program.steps.iter().enumerate();
        let ran = steps.filter(|(at, _)| self.replies.is_real(*at));
        ran.filter_map(move |(_, step)| {
            let makes = step
                .call()?
                .makes
                .iter()
                .find(|makes| makes.when.holds(&facts))?;
            Some((self.replies.text(&makes.id)?, makes.kind.as_str()))
        })
    }
}
