//! What to do about a leaked credential, and doing it: the strategy, the plan, and one file for each kind of step.
//!
//! Two strategies, one engine. *Overlap*: the new key is made, brought out and proven before the old one is killed, so
//! nobody is cut off. *Contain*: the old key is killed first, because it is worth more to a stranger now than an
//! interruption costs. [`strategy`] chooses and gives its reasons as sentences; [`plan`] is pure and makes the steps out of
//! [`survey::Facts`]; [`Rotation`] carries them out as the workflow's [`Actions`].
//!
//! Invariants:
//! - In overlap, a store names only keys that work: the new key is verified before it is deployed, the old one is killed
//!   only after no store holds it ([`guard`]), and undoing puts the old value back before the new key is swept.
//! - The pivot is the first kill. A killed key is never switched on again here.
//! - A kill ends with its *proof*: the old value is asked about until it is refused. That moment ends the exposure.
//! - Issuing is an unsafe create: each try has a label of its own under the incident's prefix, and whatever carries the
//!   prefix and is not the new key is swept, after a lost answer, on undo, and once more at the end.
//! - Secrets live sealed in the ledger ([`sealed`]): `leaked` from the opening to the close, `new` from the moment it is
//!   issued until every store is proven to hold it. Receipts are references: ids and fingerprints.
//!
//! Knows nothing of findings, incidents' events, reports or the command line.

pub mod deploy;
pub mod disable;
pub mod forget;
pub mod guard;
pub mod issue;
pub mod observe;
pub mod plan;
pub mod prove;
pub mod receipt;
pub mod restart;
pub mod revoke;
pub mod sealed;
pub mod strategy;
pub mod survey;
pub mod verify;

pub use plan::{Plan, Step, StepKind};
pub use receipt::Receipt;
pub use strategy::{Reach, Strategy};

use crate::consumer::Consumer;
use crate::ledger::{IncidentId, Ledger};
use crate::probe::Probe;
use crate::provider::{self, Provider};
use crate::secret::FingerprintKey;
use crate::store::Store;
use crate::workflow::StepId;
use crate::workflow::action::{Actions, Failure, Found, Receipts};
use crate::workflow::clock::Clock;
use sealed::Sealed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Everything a rotation lays hands on.
#[derive(Default)]
pub struct Hands {
    /// Who issued the credential, when it is known and described.
    pub provider: Option<Arc<dyn Provider>>,
    /// Where it is kept.
    pub stores: Vec<Box<dyn Store>>,
    /// Who must take up a new value.
    pub consumers: Vec<Box<dyn Consumer>>,
    /// How to see that the service works.
    pub probes: Vec<Look>,
    /// Further values for the provider's templates, from the inventory.
    pub with: BTreeMap<String, String>,
    /// Fingerprints of the administrator's own credentials, which must never be killed.
    pub admins: Vec<crate::secret::Fingerprint>,
}

/// A probe, and how long what it looks for may take to come true.
pub struct Look {
    /// The probe.
    pub probe: Box<dyn Probe>,
    /// Longest wait for good evidence.
    pub within: Duration,
}

/// One plan being carried out: the actions of the workflow.
pub struct Rotation<'a> {
    /// For which incident.
    pub incident: &'a IncidentId,
    /// The plan, as recorded.
    pub plan: &'a Plan,
    /// What it works on.
    pub hands: &'a Hands,
    /// Where secrets are sealed.
    pub ledger: &'a dyn Ledger,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Makes fingerprints.
    pub key: &'a FingerprintKey,
    /// How many keys were asked for in this incident so far: makes each label its own.
    pub issues: u32,
    /// Steps that were stuck and that a person said to go on from: a missing proof there is waived.
    pub waived: BTreeSet<StepId>,
}

impl Actions for Rotation<'_> {
    fn run(&mut self, step: StepId, receipts: &Receipts) -> Result<Value, Failure> {
        let receipt = match self.kind(step)? {
            StepKind::Issue => issue::run(self),
            StepKind::IssueByHand => issue::by_hand(self),
            StepKind::Verify => verify::new_key(self),
            StepKind::Deploy { store } => deploy::run(self, store),
            StepKind::Restart { consumer } => restart::run(self, consumer),
            StepKind::Probe { probe } => verify::probe(self, probe, receipts),
            StepKind::Forget => forget::run(self, receipts),
            StepKind::Observe { quiet } => observe::run(self, *quiet, self.waived.contains(&step)),
            StepKind::Disable => disable::run(self, receipts),
            StepKind::Revoke => revoke::run(self, receipts),
            StepKind::KillByHand => revoke::by_hand(self, self.waived.contains(&step)),
            StepKind::Prove => prove::run(self),
        }?;
        Ok(receipt.to_value())
    }

    fn probe(&mut self, step: StepId, _receipts: &Receipts) -> Result<Found, Failure> {
        let found = match self.kind(step)? {
            StepKind::Issue => issue::look(self)?,
            StepKind::Deploy { store } => deploy::look(self, store)?,
            StepKind::Disable => disable::look(self)?,
            // Looks, and acts that may be done twice: not knowing, they are simply done again.
            _ => None,
        };
        Ok(found.map_or(Found::NotDone, |receipt| Found::Done(receipt.to_value())))
    }

    fn undo(&mut self, step: StepId, receipts: &Receipts) -> Result<(), Failure> {
        match self.kind(step)? {
            StepKind::Issue => issue::undo(self, receipts),
            StepKind::Deploy { store } => deploy::undo(self, store, receipts),
            _ => Ok(()),
        }
    }
}

/// What the steps share.
impl Rotation<'_> {
    fn kind(&self, step: StepId) -> Result<&StepKind, Failure> {
        let found = self.plan.steps.get(step.0 as usize);
        found.map(|step| &step.kind).ok_or_else(|| refused(format!("the plan has no step {}", step.0)))
    }

    fn provider(&self) -> Result<&dyn Provider, Failure> {
        self.hands.provider.as_deref().ok_or_else(|| Failure::Person {
            why: format!("{} is not described in the rules at hand", self.plan.provider),
            instructions: "Run the same stanch, with the same rules and configuration, that made the plan.".into(),
        })
    }

    fn store(&self, name: &str) -> Result<&dyn Store, Failure> {
        let found = self.hands.stores.iter().find(|store| store.describe() == name);
        found.map(|store| &**store).ok_or_else(|| gone("store", name))
    }

    fn sealed(&self) -> Sealed<'_> {
        Sealed { ledger: self.ledger, incident: self.incident }
    }

    /// The label's part that all tries of this incident share.
    fn label_prefix(&self) -> String {
        format!("stanch-{}-", self.incident)
    }

    /// Asks `look` every so often until it says something, or `window` is over.
    fn poll<T>(&self, window: Duration, every: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let start = self.clock.now();
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if self.clock.now().duration_since(start).unsigned_abs() >= window {
                return None;
            }
            self.clock.sleep(every);
        }
    }

    /// How long one look at the provider's data plane waits: past its settle time, but not so long that nobody hears of it.
    fn window(&self) -> Duration {
        (self.plan.settle * 2 + Duration::from_secs(3)).min(LONGEST_WINDOW)
    }

    /// How often it is asked meanwhile.
    fn every(&self) -> Duration {
        (self.plan.settle / 10).clamp(Duration::from_millis(50), Duration::from_secs(2))
    }
}

/// A step that polls gives up its turn after this long and is tried again, so that the journal shows it lives.
const LONGEST_WINDOW: Duration = Duration::from_secs(20);

fn refused(why: impl Into<String>) -> Failure {
    Failure::Refused { why: why.into() }
}

fn again(why: impl Into<String>) -> Failure {
    Failure::TryAgain { why: why.into(), after: None }
}

/// Something that the plan names and the configuration no longer does.
fn gone(what: &str, name: &str) -> Failure {
    Failure::Person {
        why: format!("the inventory no longer names the {what} {name}"),
        instructions: format!("Put the {what} back into stanch.yaml as it was when the plan was made, then resume."),
    }
}

/// A provider's error as the workflow understands it.
fn failure(error: provider::Error) -> Failure {
    let why = error.to_string();
    match error {
        provider::Error::TryAgain { after, .. } => Failure::TryAgain { why, after },
        provider::Error::Lost { .. } | provider::Error::Misanswered { .. } => Failure::Unknown { why },
        provider::Error::Refused { .. } => Failure::Refused { why },
        provider::Error::Unsupported { why: missing, .. } => {
            Failure::Person { why, instructions: format!("Configure what is missing ({missing}), then resume.") }
        }
        provider::Error::NoAdmin { why: missing, .. } => {
            Failure::Person { why, instructions: format!("Put it right (failed to {missing}), then resume.") }
        }
    }
}

/// The ledger could not be read or written: nothing else is safe to do.
fn ledger(error: crate::ledger::Error) -> Failure {
    Failure::Unknown { why: error.to_string() }
}
