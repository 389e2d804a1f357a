//! Where an incident stands, from its events.

use super::{Entry, Error, Event, Opened, Outcome};
use crate::inventory::Wanted;
use crate::ledger::Status;
use crate::provider::Verdict;
use crate::rotate::{Plan, StepKind};
use crate::workflow;
use crate::workflow::StepId;
use crate::workflow::event::Event as Run;
use crate::workflow::state::{Phase, State};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// An incident so far.
#[derive(Debug, Clone)]
pub struct Story {
    /// What leaked.
    pub opened: Opened,
    /// What was asked for: the strategy, and whether the plan is to wait for an approval.
    pub asked: (Wanted, bool),
    /// The last verdict.
    pub verdict: Option<Verdict>,
    /// The last plan.
    pub plan: Option<Plan>,
    /// Whether that plan waits for an approval that did not come yet.
    pub unapproved: bool,
    /// The run of that plan.
    pub run: State,
    /// Keys asked for in all runs: each had a label of its own.
    pub issues: u32,
    /// Steps that were stuck and that a person let go on.
    pub waived: BTreeSet<StepId>,
    /// When the leaked value was first proven refused, or a person's kill was recorded.
    pub contained: Option<Timestamp>,
    /// Whether a person ended it.
    pub withdrawn: bool,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Whether what follows the end is done too.
    pub filed: bool,
}

impl Story {
    /// Reads the story out of an incident's events.
    pub fn read(entries: &[Entry]) -> Result<Story, Error> {
        let Some(Event::Opened(opened)) = entries.first().map(|entry| &entry.event) else {
            return Err(Error::NoBeginning);
        };
        let mut story = Story {
            opened: (**opened).clone(),
            asked: (Wanted::Auto, false),
            verdict: None,
            plan: None,
            unapproved: false,
            run: State::new(),
            issues: 0,
            waived: BTreeSet::new(),
            contained: None,
            withdrawn: false,
            outcome: None,
            filed: false,
        };
        entries.iter().try_for_each(|entry| story.take(entry))?;
        Ok(story)
    }

    /// Where it stands, as lists show it.
    pub fn status(&self) -> Status {
        match (self.outcome, self.filed) {
            (Some(_), true) => return Status::Closed,
            (Some(Outcome::Aborted), false) => return Status::Open,
            (Some(_), false) => return Status::Contained,
            (None, _) => {}
        }
        // An undone run has left the leaked credential as it was: somebody must decide.
        if self.run.stuck().is_some() || self.run.outcome() == Some(workflow::event::Outcome::Undone) {
            return Status::Stuck;
        }
        match (self.unapproved, self.contained) {
            (true, _) => Status::Waiting,
            (false, Some(_)) => Status::Contained,
            (false, None) => Status::Open,
        }
    }

    /// Whether a run has begun and is not over.
    pub fn under_way(&self) -> bool {
        !self.run.steps().is_empty() && self.run.outcome().is_none()
    }

    /// Whether the run is between the making of the new key and the last proof that every store holds it.
    pub fn replacing(&self) -> bool {
        let at = |wanted: StepKind| self.plan.iter().flat_map(|plan| &plan.steps).position(|step| step.kind == wanted);
        let forget = at(StepKind::Forget).and_then(|at| self.run.steps().get(at));
        self.under_way() && forget.is_some_and(|step| step.phase != Phase::Done)
    }

    /// The kind of a step of the last plan.
    pub fn kind(&self, step: StepId) -> Option<&StepKind> {
        self.plan.as_ref()?.steps.get(step.0 as usize).map(|step| &step.kind)
    }

    /// Takes in one more event.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Error> {
        match &entry.event {
            Event::Opened(_) | Event::Measured { .. } | Event::Noted { .. } => {}
            Event::Asked { strategy, approval } => self.asked = (*strategy, *approval),
            Event::Validated { verdict } => self.verdict = Some(verdict.clone()),
            Event::Decided { plan, approval } => {
                self.plan = Some((**plan).clone());
                self.unapproved = *approval;
                self.run = State::new();
                self.waived.clear();
            }
            Event::Approved { .. } => self.unapproved = false,
            Event::Withdrawn { .. } => self.withdrawn = true,
            Event::Workflow { run } => {
                self.note(run, entry.at);
                self.run.apply(run, entry.at)?;
            }
            Event::Closed { outcome } => self.outcome = Some(*outcome),
            Event::Filed => self.filed = true,
        }
        Ok(())
    }

    fn note(&mut self, run: &Run, at: Timestamp) {
        match run {
            Run::Started { step, .. } if self.kind(*step) == Some(&StepKind::Issue) => self.issues += 1,
            Run::Resumed { .. } => self.waived.extend(self.run.stuck().map(|stuck| stuck.step)),
            Run::Done { step, .. } if self.contained.is_none() => {
                let proves = self.kind(*step) == Some(&StepKind::Prove);
                let last_word = self.kind(*step).is_some_and(StepKind::kills) && !self.proof_follows(*step);
                self.contained = (proves || last_word).then_some(at);
            }
            _ => {}
        }
    }

    fn proof_follows(&self, step: StepId) -> bool {
        let steps = self.plan.iter().flat_map(|plan| &plan.steps).skip(step.0 as usize);
        steps.into_iter().any(|step| step.kind == StepKind::Prove)
    }
}
