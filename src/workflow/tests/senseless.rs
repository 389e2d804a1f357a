//! Journals that no runner would write: the machine refuses or takes each event, never panics, and what it decides
//! afterwards can always be written.

use super::super::event::{Event, Outcome};
use super::super::state::{Command, State};
use super::super::{StepId, StepSpec};
use super::{at, spec};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![(0..100i64).prop_map(at), Just(Timestamp::MIN), Just(Timestamp::MAX)]
}

fn spec_of_any_kind() -> impl Strategy<Value = StepSpec> {
    let duration = prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), Just(Duration::from_secs(3))];
    let tries = prop_oneof![0..3u32, Just(u32::MAX)];
    (any::<bool>(), any::<bool>(), tries, duration.clone(), duration).prop_map(
        |(undoable, pivot, tries, pause, hold)| StepSpec { undoable, pivot, tries, pause, hold, ..spec("a step") },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let step = prop_oneof![9 => 0..3u32, 1 => Just(u32::MAX)].prop_map(StepId);
    let attempt = prop_oneof![9 => 1..4u32, 1 => any::<u32>()];
    let numbers = (0..14u8, step, attempt, any::<bool>(), proptest::option::of(time()));
    (numbers, vec(spec_of_any_kind(), 0..4)).prop_map(|((kind, step, attempt, flag, not_before), steps)| {
        let why = String::new();
        let outcome = if flag { Outcome::Completed } else { Outcome::Undone };
        match kind {
            0 => Event::Planned { steps },
            1 => Event::Started { step, attempt },
            2 => Event::Done { step, receipt: Value::Null, probed: flag },
            3 => Event::Failed { step, why, again: flag, not_before },
            4 => Event::Lost { step, why },
            5 => Event::Unprobed { step, why, not_before },
            6 => Event::NotDone { step },
            7 => Event::Aborting { why },
            8 => Event::Undoing { step },
            9 => Event::Undone { step },
            10 => Event::UndoFailed { step, why, again: flag, not_before },
            11 => Event::Stuck { step, why, instructions: String::new() },
            12 => Event::Resumed { by: String::new() },
            _ => Event::Finished { outcome },
        }
    })
}

/// What a runner writes first when it does `command`.
fn written_for(command: Command) -> Option<Event> {
    match command {
        Command::Run { step, attempt } => Some(Event::Started { step, attempt }),
        Command::Probe { step } => Some(Event::NotDone { step }),
        Command::Undo { step } => Some(Event::Undoing { step }),
        Command::Record(event) => Some(event),
        Command::Stuck(_) => Some(Event::Resumed { by: String::new() }),
        Command::Plan => Some(Event::Planned { steps: vec![] }),
        Command::Wait { .. } | Command::Finished(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_taken_in_what_is_decided_can_be_written(
        plan in vec(spec_of_any_kind(), 1..4),
        events in vec((time(), event()), 0..200),
    ) {
        let mut state = State::new();
        state.apply(&Event::Planned { steps: plan }, at(0)).unwrap();
        for (time, event) in events {
            let before = state.clone();
            if state.apply(&event, time).is_err() {
                prop_assert_eq!(&state, &before);
            }
            if let Some(next) = written_for(state.decide(time)) {
                prop_assert!(state.clone().apply(&next, time).is_ok(), "{:?} after {:?}", next, state);
            }
            prop_assert!(!(state.past_pivot() && state.aborting().is_some()), "nothing is undone after the pivot");
        }
    }
}
