//! What an execution says at its end.

use crate::mapping::flags::LocalKind;
use crate::scmp;

use super::execution::{Execution, Failure, Made, Summary};
use super::reply::{Built, PartOutcome, build};

impl Execution<'_> {
    /// The SCMP reply and what became of the request. Call it when [`Execution::next_call`] says `Done`.
    pub fn finish(&self) -> (scmp::Reply, Summary) {
        self.told(self.failure.as_ref())
    }

    fn told(&self, failure: Option<&Failure>) -> (scmp::Reply, Summary) {
        let success = self.local(LocalKind::Success);
        let verdict = failure.map_or(success, |failure| failure.verdict.clone());
        let made = self.made();
        let (id, kind) = match made.first() {
            Some(made) => (made.id.as_str(), Some(made.kind.as_str())),
            None => (self.context.request_id.as_str(), None),
        };
        let parts = self.parts(failure);
        let built = Built {
            tables: self.plan.tables,
            program: Some(self.plan.program),
            parts: &parts,
            context: &self.context,
            token: &self.history.token(id, kind),
        };
        let reply = build(&built, self.facts(0, None));
        let unmapped = self.unmapped().len();
        let summary = Summary {
            flag: verdict.flag,
            rcode: verdict.rcode,
            calls: self.calls,
            partial: match failure {
                Some(_) => self.partial.clone(),
                None => Vec::new(),
            },
            undone: self.undone,
            made,
            unmapped,
        };
        (reply, summary)
    }

    /// The reply where nobody may say what became of the request.
    pub fn lost(&self) -> (scmp::Reply, Summary) {
        self.told(Some(&Failure {
            verdict: self.local(LocalKind::Unknown),
            part: 0,
            told: None,
        }))
    }

    /// What became of each service.
    pub(super) fn parts(&self, failure: Option<&Failure>) -> Vec<PartOutcome> {
        let outcome = |number: usize| match failure {
            _ if self.plan.program.parts[number].after.is_some() => self.by_itself(number),
            Some(failure) if number > failure.part => PartOutcome::NotRun,
            Some(failure) if number == failure.part => {
                PartOutcome::Failed(failure.verdict.clone(), failure.told)
            }
            _ => PartOutcome::Done,
        };
        (0..self.plan.program.parts.len()).map(outcome).collect()
    }

    /// What was made, be it that a later check declined it: it has an id, and can be followed.
    fn made(&self) -> Vec<Made> {
        let facts = self.facts(0, None);
        let steps = self.plan.program.steps.iter().enumerate();
        let ran = steps.filter(|(at, _)| self.replies.body(*at).is_some());
        ran.filter_map(|(_, step)| {
            let makes = step
                .call()?
                .makes
                .iter()
                .find(|makes| makes.when.holds(facts))?;
            let id = self.replies.text(&makes.id)?.into_owned();
            Some(Made {
                id,
                kind: makes.kind.clone(),
            })
        })
        .collect()
    }
}
