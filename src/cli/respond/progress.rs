//! A run, told while it goes on: a line for each step that ends, and for each wait.

use crate::cli::Console;
use jiff::Timestamp;
use stanch::text::duration::human;
use stanch::workflow::StepId;
use stanch::workflow::event::Event;
use stanch::workflow::runner::Observer;
use stanch::workflow::state::State;
use std::collections::BTreeMap;

/// Tells a run on standard error.
pub struct Progress<'c> {
    console: &'c Console,
    started: BTreeMap<StepId, Timestamp>,
}

impl<'c> Progress<'c> {
    /// One for each run.
    pub fn new(console: &'c Console) -> Self {
        Progress { console, started: BTreeMap::new() }
    }

    fn line(&self, color: &str, mark: &str, text: &str) {
        let (on, off) = if self.console.color { (color, "\x1b[0m") } else { ("", "") };
        self.console.say(&format!("  {on}{mark}{off} {text}"));
    }

    fn took(&self, step: StepId, at: Timestamp) -> String {
        let since = self.started.get(&step).map(|start| at.duration_since(*start).unsigned_abs());
        since.map(|time| format!("  ({})", human(time))).unwrap_or_default()
    }
}

impl Observer for Progress<'_> {
    fn recorded(&mut self, state: &State, at: Timestamp, event: &Event) {
        let label = |step: &StepId| state.step(*step).map(|step| step.spec.label.clone()).unwrap_or_default();
        match event {
            Event::Started { step, .. } => _ = self.started.entry(*step).or_insert(at),
            Event::Done { step, .. } => self.line(GREEN, "✓", &format!("{}{}", label(step), self.took(*step, at))),
            Event::Failed { step, why, again: true, .. } => {
                self.line(YELLOW, "!", &format!("{}: {why}; trying again", label(step)));
            }
            Event::Failed { step, why, again: false, .. } => self.line(RED, "✗", &format!("{}: {why}", label(step))),
            Event::Lost { step, why } => self.line(YELLOW, "?", &format!("{}: {why}; looking", label(step))),
            Event::NotDone { step } => self.line(YELLOW, "?", &format!("{}: was not done", label(step))),
            Event::Unprobed { step, why, .. } => self.line(YELLOW, "?", &format!("{}: {why}", label(step))),
            Event::Aborting { why } => self.line(YELLOW, "↩", &format!("taking everything back: {why}")),
            Event::Undone { step } => self.line(GREEN, "↩", &format!("taken back: {}", label(step))),
            Event::UndoFailed { step, why, .. } => self.line(RED, "✗", &format!("taking back {}: {why}", label(step))),
            Event::Planned { .. } | Event::Undoing { .. } | Event::Stuck { .. } => {}
            Event::Resumed { .. } | Event::Finished { .. } => {}
        }
    }

    fn waiting(&mut self, state: &State, step: StepId, until: Timestamp) {
        let left = until.duration_since(Timestamp::now()).unsigned_abs();
        if left >= WORTH_TELLING {
            let label = state.step(step).map(|step| step.spec.label.clone()).unwrap_or_default();
            self.line(DIM, "…", &format!("{label}: in {}", human(left)));
        }
    }
}

const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";
/// Shorter waits are told by the time of the step that follows.
const WORTH_TELLING: std::time::Duration = std::time::Duration::from_secs(2);
