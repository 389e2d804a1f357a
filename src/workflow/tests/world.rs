//! A model world: steps have effects that can be counted, and everything that can go wrong goes wrong on demand.

use super::super::action::{Actions, Failure, Found, Receipts};
use super::super::clock::Clock;
use super::super::event::{Event, Outcome};
use super::super::runner::{Ended, Error, Journal, JournalError, Observer, Runner};
use super::super::state::{Phase, State};
use super::super::{Class, StepId, StepSpec};
use super::at;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

/// What becomes of one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Good,
    /// It was done, the answer is lost.
    LostDone,
    /// It was not done, and the answer is lost.
    LostUndone,
    Busy,
    /// Not before so many seconds, says the other side.
    BusyFor(u64),
    Refused,
    Person,
}

/// What becomes of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Good,
    /// The process ends before the event is written.
    CrashBefore,
    /// The process ends after it.
    CrashAfter,
}

/// What a person does about a run that is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    Resumes,
    /// Aborts, when that is still allowed.
    Aborts,
    /// Does the step by hand, then resumes.
    Helps,
}

/// All that is decided about a run beforehand. What runs out is good from there on.
#[derive(Debug, Clone, Default)]
pub(super) struct Schedule {
    pub steps: Vec<StepSpec>,
    pub fates: VecDeque<Fate>,
    pub writes: VecDeque<Write>,
    pub persons: VecDeque<Person>,
    /// Whether a probe can adopt what an unsafe create left, or only sweep it.
    pub adopts: bool,
    pub patience: Duration,
}

/// The world, and the journal of the one run in it.
pub(super) struct World {
    schedule: RefCell<Schedule>,
    /// How often each step's effect is there.
    effects: RefCell<Vec<u32>>,
    /// Each event went through JSON, as a ledger keeps it.
    journal: RefCell<Vec<(Timestamp, Event)>>,
    now: Cell<Timestamp>,
    /// Acts and crashes so far.
    pub acts: Cell<usize>,
    pub crashes: Cell<usize>,
}

/// How a run ended, and what it left.
#[derive(Debug)]
pub(super) struct End {
    pub outcome: Outcome,
    pub effects: Vec<u32>,
    pub events: Vec<(Timestamp, Event)>,
}

impl World {
    pub(super) fn new(schedule: Schedule) -> Self {
        World {
            effects: RefCell::new(vec![0; schedule.steps.len()]),
            schedule: RefCell::new(schedule),
            journal: RefCell::default(),
            now: Cell::new(at(0)),
            acts: Cell::default(),
            crashes: Cell::default(),
        }
    }

    /// Runs to the end, through every crash, wait and person.
    pub(super) fn run(&self) -> End {
        for _round in 0..1_000 {
            let mut state = self.replayed();
            let ended = self.life(&mut state);
            self.pass(1);
            match ended {
                Err(Error::Journal(_)) => {
                    self.crashes.set(self.crashes.get() + 1);
                    let events = self.events();
                    let known = |events: &[(Timestamp, Event)]| State::replay(events.iter().map(|(at, e)| (*at, e)));
                    let without_last = events.split_last().map_or(&events[..], |(_, rest)| rest);
                    let follows = known(&events) == Ok(state.clone()) || known(without_last) == Ok(state);
                    assert!(follows, "a state never knows more than its journal");
                }
                Err(error) => panic!("{error}: {:#?}", self.journal.borrow()),
                Ok(Ended::Waiting { until, .. }) => self.now.set(until.max(self.now.get())),
                Ok(Ended::Stuck(_)) => self.call_person(),
                Ok(Ended::Finished(outcome)) => {
                    let effects = self.effects.borrow().clone();
                    return End { outcome, effects, events: self.events() };
                }
            }
        }
        panic!("no end: {:#?}", self.journal.borrow());
    }

    /// One process's life: from the journal until it ends or is ended.
    fn life(&self, state: &mut State) -> Result<Ended, Error> {
        let (mut acting, mut writing, mut watching) = (self, self, self);
        let patience = self.schedule.borrow().patience;
        let mut runner =
            Runner { actions: &mut acting, journal: &mut writing, clock: self, observer: &mut watching, patience };
        if state.steps().is_empty() && self.journal.borrow().is_empty() {
            let steps = self.schedule.borrow().steps.clone();
            runner.plan(state, steps)?;
        }
        runner.run(state)
    }

    fn call_person(&self) {
        let mut state = self.replayed();
        let person = self.schedule.borrow_mut().persons.pop_front().unwrap_or(Person::Resumes);
        let event = match person {
            Person::Aborts if state.may_abort().is_ok() => Event::Aborting { why: "a person's word".into() },
            Person::Helps if state.aborting().is_none() => {
                if let Some(stuck) = state.stuck() {
                    self.effects.borrow_mut()[stuck.step.0 as usize] = 1;
                }
                Event::Resumed { by: "a person".into() }
            }
            _ => Event::Resumed { by: "a person".into() },
        };
        state.apply(&event, self.now()).unwrap();
        self.write(self.now(), &event);
    }

    fn write(&self, at: Timestamp, event: &Event) {
        let text = serde_json::to_string(event).unwrap();
        self.journal.borrow_mut().push((at, serde_json::from_str(&text).unwrap()));
    }

    /// The state as the journal tells it.
    fn replayed(&self) -> State {
        State::replay(self.journal.borrow().iter().map(|(at, event)| (*at, event))).unwrap()
    }

    fn events(&self) -> Vec<(Timestamp, Event)> {
        self.journal.borrow().clone()
    }

    fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }

    /// The fate of the next act; each takes a second.
    fn fate(&self) -> Fate {
        self.acts.set(self.acts.get() + 1);
        self.pass(1);
        self.schedule.borrow_mut().fates.pop_front().unwrap_or(Fate::Good)
    }

    fn spec(&self, step: StepId) -> StepSpec {
        self.schedule.borrow().steps[step.0 as usize].clone()
    }

    fn effect(&self, step: StepId) -> u32 {
        self.effects.borrow()[step.0 as usize]
    }

    fn set(&self, step: StepId, effect: u32) {
        self.effects.borrow_mut()[step.0 as usize] = effect;
    }

    /// Does what `act` does, or not, and answers, or not.
    fn answer<T>(&self, act: impl FnOnce() -> T) -> Result<T, Failure> {
        let why = "the cause".to_owned();
        match self.fate() {
            Fate::Good => Ok(act()),
            Fate::LostDone => {
                act();
                Err(Failure::Unknown { why })
            }
            Fate::LostUndone => Err(Failure::Unknown { why }),
            Fate::Busy => Err(Failure::TryAgain { why, after: None }),
            Fate::BusyFor(seconds) => Err(Failure::TryAgain { why, after: Some(Duration::from_secs(seconds)) }),
            Fate::Refused => Err(Failure::Refused { why }),
            Fate::Person => Err(Failure::Person { why, instructions: "do it".into() }),
        }
    }

    /// The intent of what is done now must be the last thing in the journal.
    fn assert_intent(&self, intent: &Event) {
        assert_eq!(&self.journal.borrow().last().unwrap().1, intent, "the intent is durable before the act");
    }
}

impl Actions for &World {
    fn run(&mut self, step: StepId, receipts: &Receipts) -> Result<Value, Failure> {
        let (spec, events) = (self.spec(step), self.events());
        let state = self.replayed();
        let attempt = state.step(step).unwrap().attempts;
        self.assert_intent(&Event::Started { step, attempt });
        assert!(receipts.keys().copied().eq((0..step.0).map(StepId)), "all before it is done");
        assert_eq!(receipts, state.receipts());
        let ended = |(at, event): &(Timestamp, Event)| {
            matches!(event, Event::Planned { .. } | Event::Done { .. }).then_some(*at)
        };
        let before = events.iter().rev().find_map(ended).unwrap();
        assert!(self.now() >= before + SignedDuration::try_from(spec.hold).unwrap(), "it was held");
        self.answer(|| {
            match spec.class {
                Class::UnsafeCreate => {
                    assert_eq!(self.effect(step), 0, "an unsafe create is never repeated blindly");
                    self.set(step, self.effect(step) + 1);
                }
                Class::Idempotent | Class::Keyed => self.set(step, 1),
            }
            json!({ "step": step, "attempt": attempt })
        })
    }

    fn probe(&mut self, step: StepId, _receipts: &Receipts) -> Result<Found, Failure> {
        let (class, adopts) = (self.spec(step).class, self.schedule.borrow().adopts);
        self.answer(|| match self.effect(step) {
            0 => Found::NotDone,
            _ if class == Class::UnsafeCreate && !adopts => {
                self.set(step, 0);
                Found::NotDone
            }
            _ => {
                self.set(step, 1);
                Found::Done(json!({ "step": step, "probed": true }))
            }
        })
    }

    fn undo(&mut self, step: StepId, _receipts: &Receipts) -> Result<(), Failure> {
        self.assert_intent(&Event::Undoing { step });
        let state = self.replayed();
        assert!(!state.past_pivot(), "nothing is undone after the pivot");
        assert!(self.spec(step).undoable);
        let later = state.steps().iter().skip(step.0 as usize + 1);
        assert!(
            later.clone().all(|one| one.attempts == 0 || !one.spec.undoable || one.phase == Phase::Undone),
            "backwards"
        );
        self.answer(|| self.set(step, 0))
    }
}

impl Journal for &World {
    fn append(&mut self, at: Timestamp, event: &Event) -> Result<(), JournalError> {
        let write = self.schedule.borrow_mut().writes.pop_front().unwrap_or(Write::Good);
        if write != Write::CrashBefore {
            self.write(at, event);
        }
        if write == Write::Good { Ok(()) } else { Err(JournalError("the process ended".into())) }
    }
}

impl Observer for &World {
    fn recorded(&mut self, state: &State, at: Timestamp, _event: &Event) {
        let replayed = self.replayed();
        assert_eq!(&replayed, state);
        for seconds in [0, 1, 40, 100_000] {
            let at = at + SignedDuration::from_secs(seconds);
            assert_eq!(replayed.decide(at), state.decide(at), "a replayed state decides as the live one");
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) {
        assert!(!duration.is_zero() && duration <= self.schedule.borrow().patience);
        self.now.set(self.now.get() + duration);
    }
}
