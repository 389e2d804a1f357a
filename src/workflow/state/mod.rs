//! The pure machine: what the journal says so far, and what is to be done next.
//!
//! [`State::apply`] is the table of what may follow what; [`State::decide`] reads the state and the time, and changes
//! nothing. A state is only ever changed by an event, so a state replayed from the journal decides as the live one did.

mod progress;
mod table;

pub(super) use progress::Act;
pub use progress::{Phase, Progress};

use super::StepId;
use super::action::Receipts;
use super::event::{Event, Outcome};
use jiff::Timestamp;
use progress::{LONGEST_AFTER, later, pause};
use std::time::Duration;

/// A run as far as its journal tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    steps: Option<Vec<Progress>>,
    receipts: Receipts,
    /// When the plan was settled, or the last step ended: what a hold counts from.
    last_end: Option<Timestamp>,
    aborting: Option<String>,
    stuck: Option<Stuck>,
    outcome: Option<Outcome>,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// There is no plan yet: whoever owns the run appends [`Event::Planned`].
    Plan,
    /// Record [`Event::Started`], then run the step.
    Run {
        /// Which.
        step: StepId,
        /// Which try, from 1.
        attempt: u32,
    },
    /// Look whether the step was done.
    Probe {
        /// Which.
        step: StepId,
    },
    /// Record [`Event::Undoing`], then take the step back.
    Undo {
        /// Which.
        step: StepId,
    },
    /// Nothing is to be done before a time.
    Wait {
        /// The step that waits.
        step: StepId,
        /// Until when.
        until: Timestamp,
    },
    /// Nothing is to be done in the world, but this is now so: record it.
    Record(Event),
    /// A person is needed before anything else.
    Stuck(Stuck),
    /// There is nothing more to do.
    Finished(Outcome),
}

/// Where a person is needed, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// At which step.
    pub step: StepId,
    /// The scrubbed cause.
    pub why: String,
    /// Who must do what.
    pub instructions: String,
}

/// An event that cannot follow what the journal says so far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("follow the journal: `{event}` cannot come here: {why}")]
pub struct Illegal {
    /// The event's name.
    pub event: &'static str,
    /// Why not.
    pub why: &'static str,
}

impl State {
    /// A run of which nothing is known yet.
    pub fn new() -> Self {
        State::default()
    }

    /// The state after `events`.
    pub fn replay<'a>(events: impl IntoIterator<Item = (Timestamp, &'a Event)>) -> Result<Self, Illegal> {
        let mut state = State::new();
        for (at, event) in events {
            state.apply(event, at)?;
        }
        Ok(state)
    }

    /// Takes in an event that happened `at`. An illegal one changes nothing.
    pub fn apply(&mut self, event: &Event, at: Timestamp) -> Result<(), Illegal> {
        table::admit(self, event).map_err(|why| Illegal { event: event.name(), why })?;
        self.record(event, at);
        Ok(())
    }

    /// What is to be done next, at `now`.
    pub fn decide(&self, now: Timestamp) -> Command {
        if let Some(outcome) = self.outcome {
            return Command::Finished(outcome);
        }
        if let Some(stuck) = &self.stuck {
            return Command::Stuck(stuck.clone());
        }
        if self.steps.is_none() {
            return Command::Plan;
        }
        match (self.active(), self.aborting.is_some()) {
            (None, false) => Command::Record(Event::Finished { outcome: Outcome::Completed }),
            (None, true) => Command::Record(Event::Finished { outcome: Outcome::Undone }),
            (Some((step, progress)), false) => self.forward(step, progress, now),
            (Some((step, progress)), true) => backward(step, progress, now),
        }
    }

    /// Whether a person may still abort: not once the pivot has started.
    pub fn may_abort(&self) -> Result<(), Illegal> {
        table::admit_abort(self).map_err(|why| Illegal { event: "aborting", why })
    }

    /// The steps and how far they are, in order.
    pub fn steps(&self) -> &[Progress] {
        self.steps.as_deref().unwrap_or_default()
    }

    /// One step.
    pub fn step(&self, step: StepId) -> Option<&Progress> {
        self.steps().get(usize::try_from(step.0).ok()?)
    }

    /// The results of the steps that are done.
    pub fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Whether steps are being undone, and why.
    pub fn aborting(&self) -> Option<&str> {
        self.aborting.as_deref()
    }

    /// Whether a person is needed, and for what.
    pub fn stuck(&self) -> Option<&Stuck> {
        self.stuck.as_ref()
    }

    /// How it ended, if it did.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Whether the pivot has started: nothing is undone any more.
    pub fn past_pivot(&self) -> bool {
        self.steps().iter().any(|step| step.spec.pivot && step.attempts > 0)
    }

    /// When `step` may be acted upon again if `act` fails at `now`: its pause, doubled for each failure before and cut
    /// at 30 s, or the wait that the other side asked for.
    pub(super) fn retry_at(&self, step: StepId, act: Act, now: Timestamp, after: Option<Duration>) -> Timestamp {
        let wait = match (after, self.step(step)) {
            (Some(after), _) => after.min(LONGEST_AFTER),
            (None, Some(progress)) => pause(&progress.spec, progress.failures(act).count),
            (None, None) => Duration::ZERO,
        };
        later(now, wait)
    }

    /// The step that is to be acted upon: forward the first that is not done, backward the last that is not undone.
    fn active(&self) -> Option<(StepId, &Progress)> {
        let mut steps = (0..).map(StepId).zip(self.steps());
        match self.aborting {
            None => steps.find(|(_, step)| step.phase != Phase::Done),
            Some(_) => steps.filter(|(_, step)| step.owes_undo()).last(),
        }
    }

    fn forward(&self, step: StepId, progress: &Progress, now: Timestamp) -> Command {
        match progress.phase {
            Phase::Idle => {
                let start = self.last_end.map(|end| later(end, progress.spec.hold));
                wait(step, start, now).unwrap_or(Command::Run { step, attempt: 1 })
            }
            Phase::Running | Phase::Uncertain if progress.spent(Act::Probe) => Command::Record(stuck(
                step,
                progress,
                "nobody could look whether it was done; put right what stops the look",
            )),
            Phase::Running | Phase::Uncertain => {
                wait(step, progress.not_before, now).unwrap_or(Command::Probe { step })
            }
            _ if progress.spent(Act::Run) && self.past_pivot() => Command::Record(stuck(
                step,
                progress,
                "put right what stops it, or do it by hand (a resume looks first)",
            )),
            _ if progress.spent(Act::Run) => {
                Command::Record(Event::Aborting { why: format!("{}: {}", progress.spec.label, progress.why) })
            }
            _ => {
                let attempt = progress.attempts.saturating_add(1);
                wait(step, progress.not_before, now).unwrap_or(Command::Run { step, attempt })
            }
        }
    }

    /// Changes the state by an event that was admitted.
    fn record(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Planned { steps } => {
                self.steps = Some(steps.iter().cloned().map(Progress::new).collect());
                self.last_end = Some(at);
            }
            Event::Started { step, attempt } => self.change(*step, |p| p.start(*attempt)),
            Event::Done { step, receipt, .. } => {
                self.change(*step, |p| p.settle(Phase::Done));
                self.receipts.insert(*step, receipt.clone());
                self.last_end = Some(at);
            }
            Event::Failed { step, why, again, not_before } => self.change(*step, |p| {
                p.phase = Phase::NotDone;
                p.fail(Act::Run, why, *again, *not_before);
            }),
            Event::Lost { step, why } => self.change(*step, |p| {
                p.phase = Phase::Uncertain;
                p.fail(Act::Run, why, true, None);
            }),
            Event::Unprobed { step, why, not_before } => self.change(*step, |p| {
                p.phase = Phase::Uncertain;
                p.fail(Act::Probe, why, true, *not_before);
            }),
            Event::NotDone { step } => self.change(*step, |p| p.found_not_done(at)),
            Event::Aborting { why } => {
                self.aborting = Some(why.clone());
                self.stuck = None;
                self.steps.iter_mut().flatten().for_each(|p| p.not_before = None);
            }
            Event::Undoing { step } => self.change(*step, |p| p.undoing = true),
            Event::Undone { step } => {
                self.change(*step, |p| p.settle(Phase::Undone));
                self.receipts.remove(step);
            }
            Event::UndoFailed { step, why, again, not_before } => self.change(*step, |p| {
                p.undoing = false;
                p.fail(Act::Undo, why, *again, *not_before);
            }),
            Event::Stuck { step, why, instructions } => {
                let (step, why, instructions) = (*step, why.clone(), instructions.clone());
                self.change(step, |p| p.why.clone_from(&why));
                self.stuck = Some(Stuck { step, why, instructions });
            }
            Event::Resumed { .. } => {
                if let Some(stuck) = self.stuck.take() {
                    self.change(stuck.step, Progress::resume);
                }
            }
            Event::Finished { outcome } => self.outcome = Some(*outcome),
        }
    }

    fn change(&mut self, step: StepId, how: impl FnOnce(&mut Progress)) {
        let at = usize::try_from(step.0).ok();
        if let Some(progress) = self.steps.as_mut().zip(at).and_then(|(steps, at)| steps.get_mut(at)) {
            how(progress);
        }
    }
}

fn backward(step: StepId, progress: &Progress, now: Timestamp) -> Command {
    if progress.spent(Act::Undo) {
        return Command::Record(stuck(step, progress, "take it back by hand, or put right what stops the undo"));
    }
    wait(step, progress.not_before, now).unwrap_or(Command::Undo { step })
}

fn wait(step: StepId, until: Option<Timestamp>, now: Timestamp) -> Option<Command> {
    until.filter(|until| *until > now).map(|until| Command::Wait { step, until })
}

/// The event that calls a person to a step.
fn stuck(step: StepId, progress: &Progress, todo: &str) -> Event {
    let instructions = format!("“{}”: {todo}, then resume.", progress.spec.label);
    Event::Stuck { step, why: progress.why.clone(), instructions }
}
