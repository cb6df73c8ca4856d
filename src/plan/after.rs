//! Services that run by themselves after others: whose turn it is, and what becomes of them.

use crate::mapping::flags::Verdict;

use super::execution::{Execution, Phase};
use super::reply::PartOutcome;

impl<'p> Execution<'p> {
    /// The first step from `at` on whose condition holds, of the services that were asked for or of those that run by
    /// themselves.
    pub(super) fn due(&self, at: usize, after: bool) -> Option<usize> {
        let steps = &self.plan.program.steps;
        (at..steps.len()).find(|at| {
            let part = &self.plan.program.parts[steps[*at].part];
            let turn = match part.after {
                Some(first) => after && self.went_well(first),
                None => !after,
            };
            if !turn {
                return false;
            }
            let method = steps[*at].call().map(|call| &call.template.method);
            steps[*at].when.holds(&self.facts(steps[*at].part, method))
        })
    }

    fn went_well(&self, part: usize) -> bool {
        self.failure
            .as_ref()
            .is_none_or(|failure| failure.part > part)
    }

    /// Runs a step of a service that runs by itself: its failure is its own, and ends it.
    pub(super) fn aside(&mut self, step: impl FnOnce(&mut Self)) {
        let failure = self.failure.take();
        step(self);
        self.after = std::mem::replace(&mut self.failure, failure);
        self.phase = match self.phase {
            Phase::Step(next) if self.after.is_none() => Phase::After(next),
            _ => Phase::Done,
        };
    }

    /// A step that cannot be made ends what it belongs to.
    pub(super) fn give_up(&mut self, at: usize, verdict: Verdict<'p>) {
        match self.phase {
            Phase::After(_) => self.aside(|execution| execution.fail(at, verdict)),
            _ => self.fail(at, verdict),
        }
    }

    /// What became of a service that runs by itself.
    pub(super) fn by_itself(&self, part: usize) -> PartOutcome<'_, 'p> {
        let steps = self.plan.program.steps.iter().enumerate();
        let mut own = steps.filter(|(_, step)| step.part == part);
        match &self.after {
            Some(failure) => PartOutcome::Failed(&failure.verdict, failure.told),
            None if own.any(|(at, _)| self.replies.has_run(at)) => PartOutcome::Done,
            None => PartOutcome::NotRun,
        }
    }
}
