//! One leaked credential's life, from found to closed, as the events that tell it.
//!
//! An incident *is* its events. They are written to the ledger as [`ledger::Body`] and read back by [`read`]; everything
//! else here is computed from them: [`story::Story`] says where an incident stands, [`postmortem::PostMortem`] tells the
//! whole of it. Nothing is computed from the world or from configuration, so a post-mortem made a year later says the same.
//!
//! Invariants: an event holds no secret (fingerprints, masks and ids only); events are only appended; an event of a kind
//! that this stanch does not know is an error, never skipped.
//!
//! Knows nothing of providers' answers, stores or the command line.

pub mod exposure;
pub mod postmortem;
pub mod severity;
pub mod story;
pub mod triage;

pub use postmortem::PostMortem;
pub use severity::Severity;
pub use story::Story;

use crate::inventory::Wanted;
use crate::ledger;
use crate::provider::Verdict;
use crate::rotate::{Plan, Reach};
use crate::secret::Fingerprint;
use crate::workflow;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One thing that happened to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// It was opened: what leaked, and where it lay.
    Opened(Box<Opened>),
    /// Something else than what the policy says was asked for: kept before the plan is made, so that a plan that is made
    /// after a crash is the one that was asked for.
    Asked {
        /// Which way to go.
        strategy: Wanted,
        /// Whether the plan is to wait for a person's approval.
        approval: bool,
    },
    /// The provider was asked whether the credential lives.
    Validated {
        /// What it said.
        verdict: Verdict,
    },
    /// The plan was made. The last one before the run counts.
    Decided {
        /// The plan.
        plan: Box<Plan>,
        /// Whether it waits for a person's approval.
        approval: bool,
    },
    /// A person approved the plan.
    Approved {
        /// Who.
        by: String,
    },
    /// A person ends the incident: what was started is taken back, as far as it can be.
    Withdrawn {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run went on.
    Workflow {
        /// How.
        run: workflow::event::Event,
    },
    /// Something was measured from outside.
    Measured {
        /// What.
        cutover: Cutover,
    },
    /// A remark, by a person or by stanch itself.
    Noted {
        /// Who.
        by: String,
        /// What.
        text: String,
    },
    /// It is over.
    Closed {
        /// How it ended.
        outcome: Outcome,
    },
    /// The sealed secrets are wiped and the post-mortem is written: nothing is left to do.
    Filed,
}

/// What leaked, and where it lay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The inventory's id of the credential, when it has one.
    pub credential: Option<String>,
    /// The provider's id, when it is known.
    pub provider: Option<String>,
    /// The rule that found it.
    pub rule: Option<String>,
    /// The secret's name.
    pub fingerprint: Fingerprint,
    /// The secret, as it may be shown.
    pub redacted: String,
    /// Who owns it, by the inventory.
    pub owner: Option<String>,
    /// Where it is used, by the inventory.
    pub environment: Option<String>,
    /// How much stands on it, by the inventory: 1 is the most.
    pub tier: Option<u64>,
    /// Every place where it lay.
    pub occurrences: Vec<Place>,
    /// Who may have seen it.
    pub reach: Reach,
    /// How that is known.
    pub reach_known_by: String,
    /// When it first lay where it was found; `None` when nobody knows.
    pub introduced: Option<Timestamp>,
    /// When it was found.
    pub detected: Timestamp,
    /// By what: `stanch respond`, `github secret_scanning_alert`.
    pub source: String,
    /// The stanch that opened it.
    pub version: String,
}

/// One place where the secret lay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The path, printable.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// The commit that brought it, when it lay in a history.
    pub commit: Option<String>,
    /// Who wrote that commit.
    pub author: Option<String>,
    /// When; of a line of a log, when that was written.
    pub date: Option<Timestamp>,
}

/// What the service's callers felt while keys changed, as measured from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutover {
    /// How it was measured.
    pub by: String,
    /// Requests in all.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The leaked credential is dead and a new one took its place.
    Rotated,
    /// It is dead; nothing took its place.
    Killed,
    /// It was dead already, and no store named it.
    NothingToDo,
    /// A person ended the incident with the credential as it was.
    Aborted,
    /// A person ended it where it stood, past the point from which it can be undone.
    Abandoned,
}

/// An event with its place in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Place in the incident, from 1.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Its hash in the chain.
    pub hash: String,
}

impl Event {
    /// As the ledger keeps it.
    pub fn body(&self) -> Result<ledger::Body, Error> {
        let data = serde_json::to_value(self).map_err(|error| Error::Unwritable(error.to_string()))?;
        Ok(ledger::Body { kind: self.kind().to_owned(), data })
    }

    /// The word for lists.
    pub fn kind(&self) -> &'static str {
        use workflow::event::Event as Run;
        match self {
            Event::Opened(_) => "opened",
            Event::Asked { .. } => "asked",
            Event::Validated { .. } => "validated",
            Event::Decided { .. } => "decided",
            Event::Approved { .. } => "approved",
            Event::Withdrawn { .. } => "withdrawn",
            Event::Measured { .. } => "measured",
            Event::Noted { .. } => "noted",
            Event::Closed { .. } => "closed",
            Event::Filed => "filed",
            Event::Workflow { run } => match run {
                Run::Planned { .. } => "run-planned",
                Run::Started { .. } => "step-started",
                Run::Done { .. } => "step-done",
                Run::Failed { .. } => "step-failed",
                Run::Lost { .. } => "step-lost",
                Run::NotDone { .. } => "step-not-done",
                Run::Unprobed { .. } => "step-unprobed",
                Run::Aborting { .. } => "aborting",
                Run::Undoing { .. } => "undoing",
                Run::Undone { .. } => "undone",
                Run::UndoFailed { .. } => "undo-failed",
                Run::Stuck { .. } => "stuck",
                Run::Resumed { .. } => "resumed",
                Run::Finished { .. } => "run-finished",
            },
        }
    }
}

/// Reads an incident's events back from the ledger.
pub fn read(entries: Vec<ledger::Entry>) -> Result<Vec<Entry>, Error> {
    let one = |entry: ledger::Entry| {
        let event = Event::deserialize(&entry.body.data).map_err(|why| Error::Unreadable {
            seq: entry.seq,
            kind: entry.body.kind,
            why: why.to_string(),
        })?;
        Ok(Entry { seq: entry.seq, at: entry.at, event, hash: entry.hash })
    };
    entries.into_iter().map(one).collect()
}

/// Why an incident's events could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An event does not become JSON.
    #[error("write an event: {0}")]
    Unwritable(String),
    /// The ledger holds an event that this stanch does not understand.
    #[error("read event {seq} ({kind}): {why}; a newer stanch may have written it")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// Its kind.
        kind: String,
        /// The cause.
        why: String,
    },
    /// The events do not tell a story: the first is not `opened`.
    #[error("read the incident: it does not start with what leaked")]
    NoBeginning,
    /// The run's events cannot follow one another.
    #[error(transparent)]
    Illegal(#[from] workflow::state::Illegal),
}
