//! `stanch drill` as a person types it: every strategy, with and without a crash.

use crate::stage::{said, stanch, until};
use serde_json::Value;
use std::path::Path;
use std::process::{Output, Stdio};

fn drill(args: &[&str]) -> (tempfile::TempDir, Output) {
    let here = tempfile::tempdir().unwrap();
    let output = stanch().arg("drill").args(args).current_dir(here.path()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    (here, output)
}

/// Runs a drill and checks all that must be so after any.
fn measured(args: &[&str]) -> Value {
    let (here, output) = drill(&[args, &["--format", "json"]].concat());
    let drill: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(drill["outcome"], "rotated", "{drill:#}");
    assert_eq!((&drill["live_keys"], &drill["old_key_refused"]), (&Value::from(1), &Value::from(true)), "{drill:#}");
    for time in ["found_ms", "contained_ms", "revoked_proven_ms"] {
        assert!(drill[time].as_u64().is_some_and(|ms| ms < 30_000), "{time}: {drill:#}");
    }
    assert!(drill["contained_ms"].as_u64() <= drill["revoked_proven_ms"].as_u64());
    assert!(drill["requests"].as_u64().unwrap() > 20, "{drill:#}");
    let postmortem = Path::new(drill["postmortem"].as_str().unwrap());
    assert!(std::fs::read_to_string(postmortem).unwrap().contains("payments-sandbox"), "it outlives the stage");
    assert!(postmortem.starts_with(here.path().canonicalize().unwrap()));
    drill
}

#[test]
fn overlap_fails_no_request() {
    for args in [&[][..], &["--strategy", "overlap"]] {
        let drill = measured(args);
        assert_eq!((&drill["strategy"], &drill["failed_requests"]), (&"overlap".into(), &0.into()), "{drill:#}");
        assert_eq!(drill["crashed_at"], Value::Null);
    }
}

#[test]
fn contain_ends_the_leak_first() {
    let drill = measured(&["--strategy", "contain"]);
    assert_eq!(drill["strategy"], "contain");
}

#[test]
fn a_crash_ends_in_the_same_state() {
    for (strategy, more) in
        [("overlap", &["--crash"][..]), ("overlap", &["--crash-at", "29"]), ("contain", &["--crash"])]
    {
        let drill = measured(&[&["--strategy", strategy], more].concat());
        assert!(drill["crashed_at"].is_string(), "{drill:#}");
        assert_eq!(drill["strategy"], strategy, "{drill:#}");
        if strategy == "overlap" {
            assert_eq!(drill["failed_requests"], 0, "{drill:#}");
        }
    }
}

#[test]
fn a_kept_stage_can_be_looked_at_and_no_part_outlives_the_drill() {
    let (_here, output) = drill(&["--keep"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let kept = text.lines().find_map(|line| line.trim().strip_prefix("the stage")).unwrap().trim().to_owned();
    let list = stanch().args(["incident", "list", "--all"]).current_dir(&kept).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("payments-sandbox"), "{}", said(&list));
    let pid = std::fs::read_to_string(Path::new(&kept).join("app/app.pid")).unwrap();
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the service still runs");
    std::fs::remove_dir_all(&kept).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "too wide: {line}");
    }
}

#[test]
fn a_killed_drill_takes_its_parts_and_verbs_along() {
    let here = tempfile::tempdir().unwrap();
    let place = here.path().to_str().unwrap().to_owned();
    let mut command = stanch();
    command.arg("drill").current_dir(here.path()).env("TMPDIR", here.path());
    let mut drill = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a verb responds", || processes(&place).iter().any(|line| line.contains("respond")));
    drill.kill().unwrap();
    drill.wait().unwrap();
    until("all of them are gone", || processes(&place).is_empty());
}

/// The command lines that name this folder.
fn processes(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok());
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(folder)).collect()
}
