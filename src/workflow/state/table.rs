//! What may follow what: the table of the machine.

use super::super::event::{Event, Outcome};
use super::State;
use super::progress::{Act, Phase, Progress};

/// Whether `event` may come now: the table of the machine.
pub(super) fn admit(state: &State, event: &Event) -> Result<(), &'static str> {
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
        Event::Started { .. }
        | Event::Done { .. }
        | Event::Failed { .. }
        | Event::Lost { .. }
        | Event::Unprobed { .. }
        | Event::NotDone { .. } => check(!backward, "the run is being undone")?,
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
    check(event.step().is_none_or(|step| step == active), "it is another step's turn")?;
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
        Event::Undoing { .. } => check(!progress.spent(Act::Undo), "the undo has no tries left"),
        Event::Undone { .. } | Event::UndoFailed { .. } => {
            check(progress.undoing, "the intent to undo the step is not recorded")
        }
        Event::Stuck { .. } => check(progress.attempts > 0, "the step never started"),
        _ => Ok(()),
    }
}

pub(super) fn admit_abort(state: &State) -> Result<(), &'static str> {
    check(state.steps.is_some(), "there is no plan yet")?;
    check(state.outcome.is_none(), "the run has ended")?;
    check(state.aborting.is_none(), "the run is being undone already")?;
    check(!state.past_pivot(), "the run is past the point from which it can be undone")
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}
