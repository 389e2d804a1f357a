//! The responder killed at every point, and every reply of the provider lost in turn: nothing may be lost, nothing done
//! twice. Real processes, a real SIGKILL, a sandbox and a service of its own for each case.

use crate::stage::{Stage, run, said};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Cases side by side, in each test.
const SIDE_BY_SIDE: usize = 2;
/// How fast the sandboxes settle, in milliseconds.
const SETTLE: u64 = 20;

#[test]
fn killed_at_every_point_while_the_keys_overlap() {
    killed_at_every_point("overlap");
}

#[test]
fn killed_at_every_point_while_containing() {
    killed_at_every_point("contain");
}

#[test]
fn killed_again_while_resuming() {
    let points = points("overlap");
    let cases: Vec<(usize, usize)> =
        (0..12).map(|case| (1 + (case * 37) % points, 1 + (case * 11) % (points / 3))).collect();
    each(&cases, |&(first, second)| {
        let stage = Stage::new(SETTLE, "");
        let watch = Watch::new("overlap");
        watch.during(&stage, || {
            killed(respond(&stage, "overlap"), first);
            if let Some(resume) = resumption(&stage, "overlap") {
                killed(resume, second);
            }
            finish(&stage, "overlap");
        });
    });
}

#[test]
fn every_reply_lost_in_turn() {
    for strategy in ["overlap", "contain"] {
        each(&calls(strategy, "management_calls"), |&call| {
            let stage = Stage::new(SETTLE, "");
            stage.order(&json!({ "lose_replies": [call] }));
            Watch::new(strategy).during(&stage, || finish(&stage, strategy));
        });
        // Without a watch: it asks for keys too, and would take the loss upon itself.
        each(&calls(strategy, "introspections"), |&call| {
            let stage = Stage::new(SETTLE, "");
            stage.order(&json!({ "lose_introspections": [call] }));
            finish(&stage, strategy);
        });
    }
}

#[test]
fn every_call_refused_in_turn() {
    for strategy in ["overlap", "contain"] {
        each(&calls(strategy, "management_calls"), |&call| {
            let stage = Stage::new(SETTLE, "");
            stage.order(&json!({ "refuse": [call] }));
            Watch::new(strategy).during(&stage, || finish(&stage, strategy));
        });
    }
}

fn killed_at_every_point(strategy: &str) {
    let points = points(strategy);
    let reached = AtomicUsize::new(0);
    each(&(1..=points).collect::<Vec<_>>(), |&point| {
        let stage = Stage::new(SETTLE, "");
        Watch::new(strategy).during(&stage, || {
            let dead = killed(respond(&stage, strategy), point);
            reached.fetch_add(usize::from(dead), Ordering::SeqCst);
            finish(&stage, strategy);
        });
    });
    let reached = reached.into_inner();
    // A run asks the sandbox until it has settled: now and then once less than the run that was counted.
    assert!(reached + points / 10 >= points, "only {reached} of {points} points were reached");
}

/// How many points a run passes.
fn points(strategy: &str) -> usize {
    let stage = Stage::new(SETTLE, "");
    let log = stage.path("points.log");
    let mut command = respond(&stage, strategy);
    let output = command.env("STANCH_CRASH_LOG", &log).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    check(&stage, strategy);
    std::fs::read_to_string(log).unwrap().lines().count()
}

/// The calls of a run, by number.
fn calls(strategy: &str, kind: &str) -> Vec<u64> {
    let stage = Stage::new(SETTLE, "");
    let count = || stage.stats()[kind].as_u64().unwrap();
    let before = count();
    resumption(&stage, strategy).map(run).unwrap();
    let calls = count() - before;
    finish(&stage, strategy);
    (1..=calls).collect()
}

fn respond(stage: &Stage, strategy: &str) -> Command {
    stage.stanch(&["respond", "sandbox-prod", "--yes", "--strategy", strategy])
}

/// Runs until it is killed at a point; whether it came so far.
fn killed(mut command: Command, point: usize) -> bool {
    let output = command.env("STANCH_CRASH_AT", point.to_string()).output().unwrap();
    assert!(output.status.signal() == Some(9) || output.status.success(), "{}", said(&output));
    output.status.signal() == Some(9)
}

/// What a person types next: the incident's resumption, or the response again where nothing was decided yet. `None` when
/// it is closed.
fn resumption(stage: &Stage, strategy: &str) -> Option<Command> {
    let list = json(&run(stage.stanch(&["incident", "list", "--all", "--format", "json"])));
    let incidents = list["incidents"].as_array().unwrap();
    assert!(incidents.len() <= 1, "one leak, one incident: {list:#}");
    let Some(incident) = incidents.first() else { return Some(respond(stage, strategy)) };
    if incident["status"] == "closed" {
        return None;
    }
    let id = incident["id"].as_str().unwrap();
    let told = json(&run(stage.stanch(&["incident", "show", id, "--format", "json"])));
    match told["told"]["decided"].is_null() {
        true => Some(respond(stage, strategy)),
        false => Some(stage.stanch(&["incident", "resume", id])),
    }
}

/// Goes on until the incident is closed, and checks what became of it.
fn finish(stage: &Stage, strategy: &str) {
    let mut ended = Vec::new();
    while let Some(command) = resumption(stage, strategy) {
        assert!(ended.len() < 4, "it does not end:\n{}", ended.join("\n"));
        ended.push(said(&run(command)));
    }
    check(stage, strategy);
}

fn check(stage: &Stage, strategy: &str) {
    // The service may be about to take up what it was told.
    stage.until_rotated();
    if strategy == "overlap" {
        assert_eq!(stage.app()["failed"], 0, "{:#}", stage.stats());
    }
    let verified = run(stage.stanch(&["incident", "verify"]));
    assert!(verified.status.success(), "{}", said(&verified));
    let told = &stage.postmortems()[0];
    assert_eq!(told["decided"]["strategy"], strategy);
    let mode = std::os::unix::fs::PermissionsExt::mode(&stage.path("ledger.db").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!stage.path("ledger.db").with_extension("db-wal").metadata().is_ok_and(|wal| wal.len() > 16 << 20));
}

/// In overlap: looks all the time whether a store names a key that the provider refuses.
struct Watch {
    wanted: bool,
    over: AtomicBool,
}

impl Watch {
    fn new(strategy: &str) -> Watch {
        Watch { wanted: strategy == "overlap", over: AtomicBool::new(false) }
    }

    fn during(&self, stage: &Stage, act: impl FnOnce()) {
        std::thread::scope(|scope| {
            let watch = scope.spawn(|| self.watch(stage));
            let acted = catch_unwind(AssertUnwindSafe(act));
            self.over.store(true, Ordering::SeqCst);
            let looks = watch.join().unwrap();
            acted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            assert!(looks > 0 || !self.wanted);
        });
    }

    fn watch(&self, stage: &Stage) -> u32 {
        let mut looks = 0;
        while self.wanted && !self.over.load(Ordering::SeqCst) {
            for (at, named) in stage.stores().into_iter().enumerate() {
                if stage.key_of(&named).is_none() {
                    assert_ne!(stage.stores()[at], named, "a store names a dead key");
                }
            }
            looks += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        looks
    }
}

/// Runs every case, some side by side, and names those that failed.
fn each<C: Sync + std::fmt::Debug>(cases: &[C], act: impl Fn(&C) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| act(case))).is_err() {
                        failed.lock().unwrap().push(format!("{case:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} cases failed: {}", failed.len(), cases.len(), failed.join(", "));
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}
