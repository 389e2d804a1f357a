//! Carries the machine out: decide, record the intent, act, record the result, apply.
//!
//! The runner has no will of its own; what it does is [`State::decide`]. Every event is durable in the [`Journal`] before
//! the state takes it in, so a process may end between any two lines of this file.

use super::action::{Actions, Failure, Found};
use super::clock::Clock;
use super::event::{Event, Outcome};
use super::state::{Act, Command, Illegal, State, Stuck};
use super::{StepId, StepSpec};
use jiff::Timestamp;
use std::time::Duration;

/// Longest sleep between two signs of life to the journal (a lease of a minute lives through it).
const SLICE: Duration = Duration::from_secs(15);

/// Where events go.
pub trait Journal {
    /// Makes an event durable, as one that happened `at`.
    fn append(&mut self, at: Timestamp, event: &Event) -> Result<(), JournalError>;

    /// A sign of life while a run waits: whoever holds a lease prolongs it here.
    fn keep(&mut self, _at: Timestamp) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Why an event could not be made durable. The run ends at once: what is not written has not happened.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JournalError(pub Box<dyn std::error::Error + Send + Sync>);

/// Who watches a run. Called after an event is durable.
pub trait Observer {
    /// An event was recorded; `state` has taken it in.
    fn recorded(&mut self, _state: &State, _at: Timestamp, _event: &Event) {}

    /// The run sleeps until then, before it acts on `step` again.
    fn waiting(&mut self, _state: &State, _step: StepId, _until: Timestamp) {}
}

/// Nobody watches.
impl Observer for () {}

/// What a run needs.
pub struct Runner<'a> {
    /// Those who act.
    pub actions: &'a mut dyn Actions,
    /// Where events go.
    pub journal: &'a mut dyn Journal,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who watches; `&mut ()` for nobody.
    pub observer: &'a mut dyn Observer,
    /// Longest wait that is slept through; a longer one ends the run with [`Ended::Waiting`].
    pub patience: Duration,
}

/// Why a run stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is over.
    Finished(Outcome),
    /// A person is needed.
    Stuck(Stuck),
    /// There is nothing to do before `until`, which is further away than the runner's patience: run again then.
    Waiting {
        /// The step that waits.
        step: StepId,
        /// Until when.
        until: Timestamp,
    },
}

/// Why a run broke off. Nothing is lost: run again from the journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An event could not be made durable.
    #[error("record what was done: {0}")]
    Journal(#[from] JournalError),
    /// The journal does not follow the machine's rules: it was changed, or another stanch wrote it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// There is no plan to run.
    #[error("run the plan: there is none yet")]
    NoPlan,
}

impl Runner<'_> {
    /// Settles the steps of a new run.
    pub fn plan(&mut self, state: &mut State, steps: Vec<StepSpec>) -> Result<(), Error> {
        self.record(state, Event::Planned { steps })
    }

    /// A person aborts: steps are undone from here on, unless the pivot has started.
    pub fn abort(&mut self, state: &mut State, why: &str) -> Result<(), Error> {
        self.record(state, Event::Aborting { why: why.to_owned() })
    }

    /// A person lets a stuck run go on.
    pub fn resume(&mut self, state: &mut State, by: &str) -> Result<(), Error> {
        self.record(state, Event::Resumed { by: by.to_owned() })
    }

    /// Goes on from `state` until the run is over, stuck, or has to wait for long.
    pub fn run(&mut self, state: &mut State) -> Result<Ended, Error> {
        loop {
            match state.decide(self.clock.now()) {
                Command::Plan => return Err(Error::NoPlan),
                Command::Run { step, attempt } => self.start(state, step, attempt)?,
                Command::Probe { step } => self.probe(state, step)?,
                Command::Undo { step } => self.undo(state, step)?,
                Command::Record(event) => self.record(state, event)?,
                Command::Wait { step, until } => {
                    if !self.wait(state, step, until)? {
                        return Ok(Ended::Waiting { step, until });
                    }
                }
                Command::Stuck(stuck) => return Ok(Ended::Stuck(stuck)),
                Command::Finished(outcome) => return Ok(Ended::Finished(outcome)),
            }
        }
    }

    fn start(&mut self, state: &mut State, step: StepId, attempt: u32) -> Result<(), Error> {
        self.record(state, Event::Started { step, attempt })?;
        let result = match self.actions.run(step, state.receipts()) {
            Ok(receipt) => Event::Done { step, receipt, probed: false },
            Err(Failure::TryAgain { why, after }) => {
                let not_before = self.retry_at(state, step, Act::Run, after);
                Event::Failed { step, why, again: true, not_before }
            }
            Err(Failure::Unknown { why }) => Event::Lost { step, why },
            Err(Failure::Refused { why }) => Event::Failed { step, why, again: false, not_before: None },
            Err(Failure::Person { why, instructions }) => Event::Stuck { step, why, instructions },
        };
        self.record(state, result)
    }

    fn probe(&mut self, state: &mut State, step: StepId) -> Result<(), Error> {
        let result = match self.actions.probe(step, state.receipts()) {
            Ok(Found::Done(receipt)) => Event::Done { step, receipt, probed: true },
            Ok(Found::NotDone) => Event::NotDone { step },
            Err(Failure::TryAgain { why, after }) => self.unprobed(state, step, why, after),
            Err(Failure::Unknown { why }) => self.unprobed(state, step, why, None),
            Err(Failure::Refused { why }) => {
                let instructions =
                    "Look by hand whether the step was done, put right what stops the look, then resume.";
                Event::Stuck { step, why, instructions: instructions.to_owned() }
            }
            Err(Failure::Person { why, instructions }) => Event::Stuck { step, why, instructions },
        };
        self.record(state, result)
    }

    fn unprobed(&self, state: &State, step: StepId, why: String, after: Option<Duration>) -> Event {
        Event::Unprobed { step, why, not_before: self.retry_at(state, step, Act::Probe, after) }
    }

    fn undo(&mut self, state: &mut State, step: StepId) -> Result<(), Error> {
        self.record(state, Event::Undoing { step })?;
        let (why, again, after) = match self.actions.undo(step, state.receipts()) {
            Ok(()) => return self.record(state, Event::Undone { step }),
            Err(Failure::Person { why, instructions }) => {
                return self.record(state, Event::Stuck { step, why, instructions });
            }
            Err(Failure::TryAgain { why, after }) => (why, true, after),
            Err(Failure::Unknown { why }) => (why, true, None),
            Err(Failure::Refused { why }) => (why, false, None),
        };
        let not_before = self.retry_at(state, step, Act::Undo, after).filter(|_| again);
        self.record(state, Event::UndoFailed { step, why, again, not_before })
    }

    fn retry_at(&self, state: &State, step: StepId, act: Act, after: Option<Duration>) -> Option<Timestamp> {
        Some(state.retry_at(step, act, self.clock.now(), after))
    }

    /// The one way into the state: first durable, then applied. An event that cannot come is not written either.
    fn record(&mut self, state: &mut State, event: Event) -> Result<(), Error> {
        let at = self.clock.now();
        let mut next = state.clone();
        next.apply(&event, at)?;
        self.journal.append(at, &event)?;
        *state = next;
        self.observer.recorded(state, at, &event);
        Ok(())
    }

    /// Sleeps until then and says so, or says no when that is too long.
    fn wait(&mut self, state: &State, step: StepId, until: Timestamp) -> Result<bool, Error> {
        let left = |now: Timestamp| Duration::try_from(until.duration_since(now)).unwrap_or_default();
        if left(self.clock.now()) > self.patience {
            return Ok(false);
        }
        self.observer.waiting(state, step, until);
        loop {
            let left = left(self.clock.now());
            if left.is_zero() {
                return Ok(true);
            }
            self.clock.sleep(left.min(SLICE));
            if left > SLICE {
                self.journal.keep(self.clock.now())?;
            }
        }
    }
}
