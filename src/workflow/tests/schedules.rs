//! Whatever is lost, refused or killed, and in whatever order: a run ends, and what it leaves is whole.

use super::super::event::{Event, Outcome};
use super::super::{Class, StepSpec};
use super::spec;
use super::world::{End, Fate, Person, Schedule, World, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

/// What must hold of every end.
fn check(end: &End, steps: &[StepSpec]) {
    for (effect, step) in end.effects.iter().zip(steps) {
        match end.outcome {
            Outcome::Completed => assert_eq!(*effect, 1, "{} is done exactly once: {:#?}", step.label, end.events),
            Outcome::Undone if step.undoable => assert_eq!(*effect, 0, "nothing is left of {}", step.label),
            Outcome::Undone => assert!(!step.pivot || *effect == 0, "the pivot never started"),
        }
    }
    assert!(matches!(end.events.last(), Some((_, Event::Finished { .. }))));
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Good),
        3 => Just(Fate::LostDone),
        2 => Just(Fate::LostUndone),
        2 => Just(Fate::Busy),
        1 => (0..100_000u64).prop_map(Fate::BusyFor),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Person),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![8 => Just(Write::Good), 1 => Just(Write::CrashBefore), 1 => Just(Write::CrashAfter)]
}

fn person() -> impl Strategy<Value = Person> {
    prop_oneof![3 => Just(Person::Resumes), 1 => Just(Person::Aborts), 1 => Just(Person::Helps)]
}

fn step() -> impl Strategy<Value = StepSpec> {
    let class = prop_oneof![Just(Class::Idempotent), Just(Class::Keyed), Just(Class::UnsafeCreate)];
    let hold = prop_oneof![4 => Just(0u64), 1 => Just(10), 1 => Just(86_400)];
    (class, any::<bool>(), 0..4u32, 0..20u64, hold).prop_map(|(class, undoable, tries, pause, hold)| StepSpec {
        class,
        undoable,
        tries,
        pause: Duration::from_secs(pause),
        hold: Duration::from_secs(hold),
        ..spec("a step")
    })
}

prop_compose! {
    fn schedule()(
        mut steps in vec(step(), 0..6),
        pivot in proptest::option::of(0..6usize),
        fates in vec(fate(), 0..40),
        writes in vec(write(), 0..60),
        persons in vec(person(), 0..6),
        adopts: bool,
        patience in prop_oneof![Just(0u64), Just(60), Just(1_000_000)],
    ) -> Schedule {
        if let Some(step) = pivot.and_then(|pivot| steps.get_mut(pivot)) {
            step.pivot = true;
        }
        let patience = Duration::from_secs(patience);
        Schedule { steps, fates: fates.into(), writes: writes.into(), persons: persons.into(), adopts, patience }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_ends_whole(schedule in schedule()) {
        let steps = schedule.steps.clone();
        check(&World::new(schedule).run(), &steps);
    }
}

/// A plan as a rotation has it: create, put, restart, then the pivot, a look, and the end of the old key after a grace.
fn rotation() -> Schedule {
    let create = StepSpec { class: Class::UnsafeCreate, ..spec("issue") };
    let pivot = StepSpec { class: Class::Idempotent, pivot: true, undoable: false, ..spec("disable") };
    let grace = Duration::from_secs(86_400);
    let delete = StepSpec { class: Class::Idempotent, undoable: false, hold: grace, ..spec("delete") };
    let steps = vec![create, spec("put"), spec("restart"), pivot, spec("look"), delete];
    Schedule { steps, patience: Duration::from_secs(60), ..Schedule::default() }
}

/// One crash before or after each append, together with each answer lost in turn, done or not.
#[test]
fn a_crash_at_every_point_with_every_answer_lost() {
    let calm = World::new(rotation());
    let events = calm.run().events.len();
    let mut walked = 0;
    for (adopts, fate) in
        [(true, Fate::LostDone), (false, Fate::LostDone), (true, Fate::LostUndone), (true, Fate::Busy)]
    {
        for lost in 0..=calm.acts.get() {
            // A failure adds at most a probe and another try.
            for crash in 0..events + 4 {
                for write in [Write::CrashBefore, Write::CrashAfter] {
                    let mut schedule = Schedule { adopts, ..rotation() };
                    schedule.fates.extend(std::iter::repeat_n(Fate::Good, lost).chain([fate]));
                    schedule.writes.extend(std::iter::repeat_n(Write::Good, crash).chain([write]));
                    let steps = schedule.steps.clone();
                    let world = World::new(schedule);
                    let end = world.run();
                    assert_eq!(end.outcome, Outcome::Completed, "one lost answer stops nothing");
                    assert!(world.crashes.get() <= 1);
                    check(&end, &steps);
                    walked += 1;
                }
            }
        }
    }
    assert!(walked > 800, "{walked}");
}

/// The same with a step that is refused, so that the way leads back.
#[test]
fn a_crash_at_every_point_of_the_way_back() {
    for refused in 0..3 {
        for crash in 0..20 {
            for write in [Write::CrashBefore, Write::CrashAfter] {
                for lost in 0..8 {
                    let mut schedule = rotation();
                    let good = std::iter::repeat_n(Fate::Good, refused);
                    let back = std::iter::repeat_n(Fate::Good, lost).chain([Fate::LostDone]);
                    schedule.fates.extend(good.chain([Fate::Refused]).chain(back));
                    schedule.writes.extend(std::iter::repeat_n(Write::Good, crash).chain([write]));
                    let steps = schedule.steps.clone();
                    let end = World::new(schedule).run();
                    check(&end, &steps);
                }
            }
        }
    }
}

#[test]
fn a_long_wait_does_not_keep_the_process() {
    let end = World::new(rotation()).run();
    let starts: Vec<_> = end.events.iter().filter(|(_, event)| matches!(event, Event::Started { .. })).collect();
    let held = starts[5].0.duration_since(starts[4].0).as_secs();
    assert!((86_400..86_410).contains(&held), "{held}");
}
