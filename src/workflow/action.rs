//! What the machine asks of those who act.

use super::StepId;
use serde_json::Value;
use std::time::Duration;

/// Does, looks after and takes back the steps of one plan. `receipts` are the results of the steps done so far, as
/// their actions gave them.
pub trait Actions {
    /// Runs a step.
    fn run(&mut self, step: StepId, receipts: &Receipts) -> Result<Value, Failure>;

    /// Looks whether a step that was started and has no result was done. Changes nothing in the world, except that it
    /// may sweep what an unfinished try left behind (an orphan key) before it says [`Found::NotDone`].
    fn probe(&mut self, step: StepId, receipts: &Receipts) -> Result<Found, Failure>;

    /// Takes a step back, whether it ended or only started. Taking back what was never done is success.
    fn undo(&mut self, step: StepId, receipts: &Receipts) -> Result<(), Failure>;
}

/// The results of the steps that are done, by step.
pub type Receipts = std::collections::BTreeMap<StepId, Value>;

/// What a probe found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It was done, with this result.
    Done(Value),
    /// It was not done, or was swept: it may be run again.
    NotDone,
}

/// Why a step has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was done; worth another try, after `after` when the other side asks for it.
    TryAgain {
        /// The scrubbed cause.
        why: String,
        /// The wait that was asked for.
        after: Option<Duration>,
    },
    /// It may have been done: probe before anything else.
    Unknown {
        /// The scrubbed cause.
        why: String,
    },
    /// It cannot be done; another try would say the same.
    Refused {
        /// The scrubbed cause.
        why: String,
    },
    /// Only a person can do it, and this is what they must do.
    Person {
        /// The scrubbed cause.
        why: String,
        /// Who must do what, as sentences.
        instructions: String,
    },
}
