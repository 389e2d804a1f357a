//! One step, how far it is, and when it may be tried again.

use super::super::StepSpec;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Longest wait between two tries that the machine chooses itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest wait that another side's "try again after" is granted: a wrong header must not park a run for a year.
pub(super) const LONGEST_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// One step's place in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Never started.
    Idle,
    /// Started, without a result. Whoever reads this in a journal reads it after a crash.
    Running,
    /// It may have been done; only a probe can tell.
    Uncertain,
    /// A try was made and nothing is done.
    NotDone,
    /// Done.
    Done,
    /// Taken back.
    Undone,
}

/// A step, and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What it is.
    pub spec: StepSpec,
    /// Where it stands.
    pub phase: Phase,
    /// How often it was started.
    pub attempts: u32,
    /// The last cause of a failure, or nothing.
    pub why: String,
    pub(super) runs: Failures,
    pub(super) probes: Failures,
    pub(super) undos: Failures,
    /// The intent to undo it is recorded.
    pub(super) undoing: bool,
    /// The next act on it is not before this time.
    pub(super) not_before: Option<Timestamp>,
}

/// What failed of one kind of act, since its last success or a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// Another try would say the same.
    pub(super) refused: bool,
}

/// What is done to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workflow) enum Act {
    Run,
    Probe,
    Undo,
}

impl Progress {
    pub(super) fn new(spec: StepSpec) -> Self {
        let (phase, why) = (Phase::Idle, String::new());
        let (runs, probes, undos) = Default::default();
        Progress { spec, phase, attempts: 0, why, runs, probes, undos, undoing: false, not_before: None }
    }

    pub(super) fn start(&mut self, attempt: u32) {
        self.phase = Phase::Running;
        self.attempts = attempt;
        self.not_before = None;
    }

    pub(super) fn settle(&mut self, phase: Phase) {
        self.phase = phase;
        self.undoing = false;
        self.not_before = None;
        self.why.clear();
    }

    pub(super) fn fail(&mut self, act: Act, why: &str, again: bool, not_before: Option<Timestamp>) {
        let failures = self.failures_mut(act);
        failures.count = failures.count.saturating_add(1);
        failures.refused |= !again;
        self.not_before = not_before;
        self.why = why.to_owned();
    }

    /// A crash is no failure and starts again at once; after a lost answer the pause is kept.
    pub(super) fn found_not_done(&mut self, at: Timestamp) {
        let before = self.runs.count.checked_sub(1);
        self.not_before = before.map(|before| later(at, pause(&self.spec, before)));
        self.phase = Phase::NotDone;
        self.probes = Failures::default();
    }

    /// A person had a hand in it: whatever was known of a started step is asked again.
    pub(super) fn resume(&mut self) {
        if self.phase == Phase::Running || self.phase == Phase::NotDone {
            self.phase = Phase::Uncertain;
        }
        (self.runs, self.probes, self.undos) = Default::default();
        self.undoing = false;
        self.not_before = None;
    }

    /// Whether an abort still has to take it back.
    pub(super) fn owes_undo(&self) -> bool {
        self.attempts > 0 && self.spec.undoable && self.phase != Phase::Undone
    }

    pub(super) fn spent(&self, act: Act) -> bool {
        let failures = self.failures(act);
        failures.refused || failures.count >= self.spec.tries.max(1)
    }

    pub(super) fn failures(&self, act: Act) -> Failures {
        match act {
            Act::Run => self.runs,
            Act::Probe => self.probes,
            Act::Undo => self.undos,
        }
    }

    pub(super) fn failures_mut(&mut self, act: Act) -> &mut Failures {
        match act {
            Act::Run => &mut self.runs,
            Act::Probe => &mut self.probes,
            Act::Undo => &mut self.undos,
        }
    }
}

pub(super) fn pause(spec: &StepSpec, failures_before: u32) -> Duration {
    let doubled = 2u32.checked_pow(failures_before).and_then(|times| spec.pause.checked_mul(times));
    doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}
