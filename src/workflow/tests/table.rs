//! Short stories, each a journal and what the machine makes of it.

use super::super::event::{Event, Outcome};
use super::super::state::{Command, State};
use super::super::{StepId, StepSpec};
use super::{at, spec};
use serde_json::json;
use std::time::Duration;

const A: StepId = StepId(0);
const B: StepId = StepId(1);

/// A plan of two steps of which the second is the pivot, and what happened to it, one second after the other.
fn after(events: &[Event]) -> State {
    after_plan(vec![spec("a"), StepSpec { pivot: true, ..spec("b") }], events)
}

fn after_plan(steps: Vec<StepSpec>, events: &[Event]) -> State {
    let plan = Event::Planned { steps };
    State::replay((0..).map(at).zip([&plan].into_iter().chain(events))).unwrap()
}

fn started(step: StepId, attempt: u32) -> Event {
    Event::Started { step, attempt }
}

fn done(step: StepId) -> Event {
    Event::Done { step, receipt: json!({"of": step}), probed: false }
}

fn failed(step: StepId, again: bool) -> Event {
    Event::Failed { step, why: "busy".into(), again, not_before: Some(at(100)) }
}

fn lost(step: StepId) -> Event {
    Event::Lost { step, why: "no answer".into() }
}

fn stuck(step: StepId) -> Event {
    Event::Stuck { step, why: "no right".into(), instructions: "do it".into() }
}

fn resumed() -> Event {
    Event::Resumed { by: "a person".into() }
}

fn aborting() -> Event {
    Event::Aborting { why: "a person's word".into() }
}

#[test]
fn forward_to_the_end() {
    assert_eq!(State::new().decide(at(0)), Command::Plan);
    assert_eq!(after(&[]).decide(at(0)), Command::Run { step: A, attempt: 1 });
    let state = after(&[started(A, 1), done(A)]);
    assert_eq!(state.decide(at(2)), Command::Run { step: B, attempt: 1 });
    assert_eq!(state.receipts()[&A], json!({"of": 0}));
    let state = after(&[started(A, 1), done(A), started(B, 1), done(B)]);
    let end = Event::Finished { outcome: Outcome::Completed };
    assert_eq!(state.decide(at(4)), Command::Record(end.clone()));
    let state = after(&[started(A, 1), done(A), started(B, 1), done(B), end]);
    assert_eq!(state.decide(at(5)), Command::Finished(Outcome::Completed));
    assert_eq!(after_plan(vec![], &[]).decide(at(0)), Command::Record(Event::Finished { outcome: Outcome::Completed }));
}

#[test]
fn what_was_started_without_a_result_is_probed() {
    assert_eq!(after(&[started(A, 1)]).decide(at(1)), Command::Probe { step: A });
    assert_eq!(after(&[started(A, 1), lost(A)]).decide(at(2)), Command::Probe { step: A });
    let state = after(&[started(A, 1), Event::NotDone { step: A }]);
    assert_eq!(state.decide(at(2)), Command::Run { step: A, attempt: 2 }, "a crash is no failure");
    let state = after(&[started(A, 1), lost(A), Event::NotDone { step: A }]);
    assert_eq!(state.decide(at(3)), Command::Wait { step: A, until: at(4) }, "a lost answer is one");
}

#[test]
fn a_probe_that_fails_is_tried_again_and_then_needs_a_person() {
    let unprobed = |until| Event::Unprobed { step: A, why: "down".into(), not_before: Some(at(until)) };
    let state = after(&[started(A, 1), unprobed(9)]);
    assert_eq!(state.decide(at(8)), Command::Wait { step: A, until: at(9) });
    assert_eq!(state.decide(at(9)), Command::Probe { step: A });
    let state = after(&[started(A, 1), unprobed(9), unprobed(20)]);
    let Command::Record(Event::Stuck { step: A, why, .. }) = state.decide(at(9)) else { panic!("{state:?}") };
    assert_eq!(why, "down");
}

#[test]
fn before_the_pivot_a_failure_for_good_undoes_what_was_started() {
    let steps = || vec![spec("a"), spec("b"), spec("c"), StepSpec { pivot: true, ..spec("d") }];
    let events = [started(A, 1), done(A), started(B, 1), failed(B, true)];
    assert_eq!(after_plan(steps(), &events).decide(at(5)), Command::Wait { step: B, until: at(100) });
    for end in [vec![failed(B, false)], vec![failed(B, true), started(B, 2), failed(B, true)]] {
        let mut events = [vec![started(A, 1), done(A), started(B, 1)], end].concat();
        let why = "b: busy".to_owned();
        assert_eq!(after_plan(steps(), &events).decide(at(5)), Command::Record(Event::Aborting { why }));
        events.push(aborting());
        assert_eq!(
            after_plan(steps(), &events).decide(at(5)),
            Command::Undo { step: B },
            "it has no result, but it started"
        );
        events.extend([Event::Undoing { step: B }, Event::Undone { step: B }]);
        let state = after_plan(steps(), &events);
        assert_eq!(state.decide(at(5)), Command::Undo { step: A });
        assert!(state.receipts().contains_key(&A), "an undo needs its receipt");
        events.extend([Event::Undoing { step: A }, Event::Undone { step: A }]);
        let end = Command::Record(Event::Finished { outcome: Outcome::Undone });
        assert_eq!(after_plan(steps(), &events).decide(at(5)), end);
    }
}

#[test]
fn from_the_pivot_on_a_failure_for_good_needs_a_person() {
    let state = after(&[started(A, 1), done(A), started(B, 1), failed(B, false)]);
    assert!(matches!(state.decide(at(5)), Command::Record(Event::Stuck { step: B, .. })));
    assert!(state.may_abort().is_err());
    let mut events = vec![started(A, 1), done(A), started(B, 1), failed(B, true), started(B, 2), failed(B, true)];
    events.extend([stuck(B), resumed()]);
    let state = after(&events);
    assert_eq!(state.decide(at(9)), Command::Probe { step: B }, "a person had a hand in it");
    events.extend([Event::NotDone { step: B }, started(B, 3), failed(B, true)]);
    assert_eq!(after(&events).decide(at(100)), Command::Run { step: B, attempt: 4 }, "with fresh tries");
}

#[test]
fn a_person_is_waited_for_and_may_abort_before_the_pivot() {
    let mut events = vec![started(A, 1), stuck(A)];
    let state = after(&events);
    let Command::Stuck(called) = state.decide(at(9)) else { panic!("{state:?}") };
    assert_eq!((called.step, &*called.instructions), (A, "do it"));
    state.may_abort().unwrap();
    events.push(aborting());
    assert_eq!(after(&events).decide(at(9)), Command::Undo { step: A });
    events.extend([Event::Undoing { step: A }, stuck(A)]);
    assert!(matches!(after(&events).decide(at(9)), Command::Stuck(_)));
    assert!(after(&events).may_abort().is_err());
    events.push(resumed());
    assert_eq!(after(&events).decide(at(9)), Command::Undo { step: A });
}

#[test]
fn a_hold_counts_from_the_end_of_the_step_before() {
    let steps = || vec![spec("a"), StepSpec { hold: Duration::from_secs(86_400), ..spec("b") }];
    let state = after_plan(steps(), &[started(A, 1), done(A)]);
    assert_eq!(state.decide(at(50)), Command::Wait { step: B, until: at(2 + 86_400) });
    assert_eq!(state.decide(at(2 + 86_400)), Command::Run { step: B, attempt: 1 });
    let state = after_plan(steps(), &[started(A, 1), done(A), started(B, 1), Event::NotDone { step: B }]);
    assert_eq!(state.decide(at(50)), Command::Run { step: B, attempt: 2 }, "it was held already");
}

#[test]
fn pauses_double_up_to_half_a_minute() {
    let long = StepSpec { tries: u32::MAX, ..spec("a") };
    let mut events = Vec::new();
    let mut waits = Vec::new();
    for attempt in 1..=40 {
        events.extend([started(A, attempt), lost(A), Event::NotDone { step: A }]);
        let state = after_plan(vec![long.clone()], &events);
        let now = at(3 * i64::from(attempt));
        let Command::Wait { until, .. } = state.decide(now) else { panic!("{state:?}") };
        waits.push(until.duration_since(now).as_secs());
    }
    assert_eq!(waits[..7], [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(waits[39], 30);
}

#[test]
fn what_cannot_come_is_refused_and_changes_nothing() {
    let state = after(&[started(A, 1)]);
    let cases = [
        Event::Planned { steps: vec![] },
        started(A, 2),
        started(B, 1),
        done(B),
        Event::Undoing { step: A },
        Event::Undone { step: A },
        resumed(),
        Event::Finished { outcome: Outcome::Completed },
        Event::Finished { outcome: Outcome::Undone },
        stuck(B),
    ];
    for event in cases {
        let mut after = state.clone();
        let error = after.apply(&event, at(9)).unwrap_err();
        assert_eq!(error.event, event.name());
        assert_eq!(after, state, "{event:?}");
    }
    let mut spent = after(&[started(A, 1), failed(A, false)]);
    assert!(spent.apply(&started(A, 2), at(9)).is_err(), "there is no try left");
    let error = state.clone().apply(&started(B, 1), at(9)).unwrap_err();
    assert_eq!(error.to_string(), "follow the journal: `started` cannot come here: it is another step's turn");
}

#[test]
fn an_events_name_is_that_of_its_json() {
    for event in [started(A, 1), done(A), lost(A), Event::NotDone { step: A }, stuck(A), resumed(), aborting()] {
        assert_eq!(serde_json::to_value(&event).unwrap()["event"], event.name());
    }
}
