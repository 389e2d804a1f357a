//! The pure machine: what the journal says so far, and what is to be done next.
//!
//! [`State::apply`] is the table of what may follow what; [`State::decide`] reads the state and the time, and changes
//! nothing. A state is only ever changed by an event, so a state replayed from the journal decides as the live one did.

use super::action::Receipts;
use super::event::{Event, Outcome};
use super::{StepId, StepSpec};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Longest wait between two tries that the machine chooses itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest wait that another side's "try again after" is granted: a wrong header must not park a run for a year.
const LONGEST_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

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
    runs: Failures,
    probes: Failures,
    undos: Failures,
    /// The intent to undo it is recorded.
    undoing: bool,
    /// The next act on it is not before this time.
    not_before: Option<Timestamp>,
}

/// What failed of one kind of act, since its last success or a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Failures {
    count: u32,
    /// Another try would say the same.
    refused: bool,
}

/// What is done to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Run,
    Probe,
    Undo,
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
        admit(self, event).map_err(|why| Illegal { event: name(event), why })?;
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
        admit_abort(self).map_err(|why| Illegal { event: "aborting", why })
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
            Phase::Running | Phase::Uncertain if progress.spent(Act::Probe) => {
                Command::Record(stuck(step, progress, "look whether it was done"))
            }
            Phase::Running | Phase::Uncertain => {
                wait(step, progress.not_before, now).unwrap_or(Command::Probe { step })
            }
            _ if progress.spent(Act::Run) && self.past_pivot() => {
                Command::Record(stuck(step, progress, "put right what stops it"))
            }
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

impl Progress {
    fn new(spec: StepSpec) -> Self {
        let (phase, why) = (Phase::Idle, String::new());
        let (runs, probes, undos) = Default::default();
        Progress { spec, phase, attempts: 0, why, runs, probes, undos, undoing: false, not_before: None }
    }

    fn start(&mut self, attempt: u32) {
        self.phase = Phase::Running;
        self.attempts = attempt;
        self.not_before = None;
    }

    fn settle(&mut self, phase: Phase) {
        self.phase = phase;
        self.undoing = false;
        self.not_before = None;
        self.why.clear();
    }

    fn fail(&mut self, act: Act, why: &str, again: bool, not_before: Option<Timestamp>) {
        let failures = self.failures_mut(act);
        failures.count = failures.count.saturating_add(1);
        failures.refused |= !again;
        self.not_before = not_before;
        self.why = why.to_owned();
    }

    /// A crash is no failure and starts again at once; after a lost answer the pause is kept.
    fn found_not_done(&mut self, at: Timestamp) {
        let before = self.runs.count.checked_sub(1);
        self.not_before = before.map(|before| later(at, pause(&self.spec, before)));
        self.phase = Phase::NotDone;
        self.probes = Failures::default();
    }

    /// A person had a hand in it: whatever was known of a started step is asked again.
    fn resume(&mut self) {
        if self.phase == Phase::Running || self.phase == Phase::NotDone {
            self.phase = Phase::Uncertain;
        }
        (self.runs, self.probes, self.undos) = Default::default();
        self.undoing = false;
        self.not_before = None;
    }

    /// Whether an abort still has to take it back.
    fn owes_undo(&self) -> bool {
        self.attempts > 0 && self.spec.undoable && self.phase != Phase::Undone
    }

    fn spent(&self, act: Act) -> bool {
        let failures = self.failures(act);
        failures.refused || failures.count >= self.spec.tries.max(1)
    }

    fn failures(&self, act: Act) -> Failures {
        match act {
            Act::Run => self.runs,
            Act::Probe => self.probes,
            Act::Undo => self.undos,
        }
    }

    fn failures_mut(&mut self, act: Act) -> &mut Failures {
        match act {
            Act::Run => &mut self.runs,
            Act::Probe => &mut self.probes,
            Act::Undo => &mut self.undos,
        }
    }
}

/// Whether `event` may come now: the table of the machine.
fn admit(state: &State, event: &Event) -> Result<(), &'static str> {
    if let Event::Planned { steps } = event {
        check(state.steps.is_none(), "the plan is settled already")?;
        return check(u32::try_from(steps.len()).is_ok(), "the plan is too long");
    }
    check(state.steps.is_some(), "there is no plan yet")?;
    check(state.outcome.is_none(), "the run has ended")?;
    match event {
        Event::Aborting { .. } => return admit_abort(state),
        Event::Resumed { .. } => return check(state.stuck.is_some(), "the run is not stuck"),
        _ => check(state.stuck.is_none(), "the run is stuck, a person is needed first")?,
    }
    let backward = state.aborting.is_some();
    match event {
        Event::Started { .. } | Event::Done { .. } | Event::Failed { .. } | Event::Lost { .. } => {
            check(!backward, "the run is being undone")?;
        }
        Event::Unprobed { .. } | Event::NotDone { .. } => check(!backward, "the run is being undone")?,
        Event::Undoing { .. } | Event::Undone { .. } | Event::UndoFailed { .. } => {
            check(backward, "the run is not being undone")?;
        }
        _ => {}
    }
    if let Event::Finished { outcome } = event {
        check(state.active().is_none(), "there are steps left")?;
        return check((*outcome == Outcome::Undone) == backward, "that is not how the run went");
    }
    let (active, progress) = state.active().ok_or("there is no step left")?;
    check(subject(event).is_none_or(|step| step == active), "it is another step's turn")?;
    admit_step(progress, event)
}

/// Whether `event` may come to the step whose turn it is.
fn admit_step(progress: &Progress, event: &Event) -> Result<(), &'static str> {
    let phase = progress.phase;
    match event {
        Event::Started { attempt, .. } => {
            check(matches!(phase, Phase::Idle | Phase::NotDone), "the step may have been done")?;
            check(!progress.spent(Act::Run), "the step has no tries left")?;
            check(progress.attempts.checked_add(1) == Some(*attempt), "the try's number does not follow")
        }
        Event::Done { probed: true, .. } | Event::NotDone { .. } | Event::Unprobed { .. } => {
            check(matches!(phase, Phase::Running | Phase::Uncertain), "the step is not in doubt")
        }
        Event::Done { .. } | Event::Failed { .. } | Event::Lost { .. } => {
            check(phase == Phase::Running, "the step is not running")
        }
        Event::Undone { .. } | Event::UndoFailed { .. } => {
            check(progress.undoing, "the intent to undo the step is not recorded")
        }
        Event::Stuck { .. } => check(progress.attempts > 0, "the step never started"),
        _ => Ok(()),
    }
}

fn admit_abort(state: &State) -> Result<(), &'static str> {
    check(state.steps.is_some(), "there is no plan yet")?;
    check(state.outcome.is_none(), "the run has ended")?;
    check(state.aborting.is_none(), "the run is being undone already")?;
    check(!state.past_pivot(), "the run is past the point from which it can be undone")
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
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
    let instructions =
        format!("“{}”: {todo}, then resume. The step is looked at before it is tried.", progress.spec.label);
    Event::Stuck { step, why: progress.why.clone(), instructions }
}

fn pause(spec: &StepSpec, failures_before: u32) -> Duration {
    let doubled = 2u32.checked_pow(failures_before).and_then(|times| spec.pause.checked_mul(times));
    doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

/// The step that an event is about, if it is about one.
fn subject(event: &Event) -> Option<StepId> {
    match event {
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

/// An event's name, as its JSON has it.
fn name(event: &Event) -> &'static str {
    match event {
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
