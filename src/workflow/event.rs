//! What the journal of a run says.

use super::{StepId, StepSpec};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that happened to a run. Events are never changed, only appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The steps are settled.
    Planned {
        /// In order.
        steps: Vec<StepSpec>,
    },
    /// A step is about to be run: the intent.
    Started {
        /// Which.
        step: StepId,
        /// Which try, from 1.
        attempt: u32,
    },
    /// It was done.
    Done {
        /// Which.
        step: StepId,
        /// References only, never a secret.
        receipt: Value,
        /// Learned by a probe, after a crash or a lost answer.
        probed: bool,
    },
    /// A try failed and nothing was done.
    Failed {
        /// Which.
        step: StepId,
        /// The scrubbed cause.
        why: String,
        /// Whether another try makes sense.
        again: bool,
        /// Not before this time.
        not_before: Option<Timestamp>,
    },
    /// The answer was lost: it may have been done.
    Lost {
        /// Which.
        step: StepId,
        /// The scrubbed cause.
        why: String,
    },
    /// A probe found that a started step was not done (or swept what was left of it).
    NotDone {
        /// Which.
        step: StepId,
    },
    /// A probe failed: it is still not known whether the step was done.
    Unprobed {
        /// Which.
        step: StepId,
        /// The scrubbed cause.
        why: String,
        /// No probe before this time.
        not_before: Option<Timestamp>,
    },
    /// From now on steps are undone.
    Aborting {
        /// Why: a person's word, or the step that failed for good.
        why: String,
    },
    /// A step is about to be undone: the intent.
    Undoing {
        /// Which.
        step: StepId,
    },
    /// It was undone.
    Undone {
        /// Which.
        step: StepId,
    },
    /// An undo failed; it may be tried again (an undo can be repeated).
    UndoFailed {
        /// Which.
        step: StepId,
        /// The scrubbed cause.
        why: String,
        /// Whether another try makes sense.
        again: bool,
        /// Not before this time.
        not_before: Option<Timestamp>,
    },
    /// A person is needed.
    Stuck {
        /// At which step.
        step: StepId,
        /// The scrubbed cause.
        why: String,
        /// Who must do what.
        instructions: String,
    },
    /// A person asked to go on after [`Event::Stuck`].
    Resumed {
        /// Who.
        by: String,
    },
    /// All steps are done, or undone.
    Finished {
        /// Which of the two.
        outcome: Outcome,
    },
}

impl Event {
    /// An event's name, as its JSON has it.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Planned { .. } => "planned",
            Event::Started { .. } => "started",
            Event::Done { .. } => "done",
            Event::Failed { .. } => "failed",
            Event::Lost { .. } => "lost",
            Event::NotDone { .. } => "not-done",
            Event::Unprobed { .. } => "unprobed",
            Event::Aborting { .. } => "aborting",
            Event::Undoing { .. } => "undoing",
            Event::Undone { .. } => "undone",
            Event::UndoFailed { .. } => "undo-failed",
            Event::Stuck { .. } => "stuck",
            Event::Resumed { .. } => "resumed",
            Event::Finished { .. } => "finished",
        }
    }

    /// The step that an event is about, if it is about one.
    pub fn step(&self) -> Option<StepId> {
        match self {
            Event::Started { step, .. }
            | Event::Done { step, .. }
            | Event::Failed { step, .. }
            | Event::Lost { step, .. }
            | Event::NotDone { step }
            | Event::Unprobed { step, .. }
            | Event::Undoing { step }
            | Event::Undone { step }
            | Event::UndoFailed { step, .. }
            | Event::Stuck { step, .. } => Some(*step),
            Event::Planned { .. } | Event::Aborting { .. } | Event::Resumed { .. } | Event::Finished { .. } => None,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every step is done.
    Completed,
    /// Every started step was taken back.
    Undone,
}
