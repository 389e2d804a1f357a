//! Bad days of the responder, through the built program against a sandbox: what is missing, wrong or in the way is told
//! with the right exit code, and nothing is lost, overwritten or left behind.

use crate::stage::{Stage, call, run, said, until};
use crate::world::World;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Changes the stage's configuration.
fn edit(stage: &Stage, from: &str, to: &str) {
    let text = std::fs::read_to_string(stage.path("stanch.yaml")).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(stage.path("stanch.yaml"), text.replace(from, to)).unwrap();
}

/// Ends a verb and checks how it ended and what it said.
#[track_caller]
fn ends(command: Command, code: i32, says: &[&str]) -> Output {
    let output = run(command);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    // Wrapped lines are one sentence.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in says {
        assert!(flat.contains(said), "{said:?} is not in:\n{text}");
    }
    output
}

fn respond(stage: &Stage, more: &[&str]) -> Command {
    stage.stanch(&[&["respond", "sandbox-prod"], more].concat())
}

fn incident(stage: &Stage, verb: &str, more: &[&str]) -> Command {
    let list = run(stage.stanch(&["incident", "list", "--all", "--format", "json"]));
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let incidents = list["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "one leak is one incident: {list:#}");
    stage.stanch(&[&["incident", verb, incidents[0]["id"].as_str().unwrap()], more].concat())
}

/// A verb with something on standard input.
fn fed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_consumer_whose_program_is_not_there_is_told_before_anything_is_done() {
    let stage = Stage::new(20, "");
    let consumers = "[{ signal: { pid-file: ./app.pid, signal: HUP } }]";
    edit(&stage, consumers, "[{ command: { run: [no-such-program, restart] } }]");
    let says = ["the command `no-such-program restart`: there is no such program", "--strategy contain"];
    ends(respond(&stage, &["--yes"]), 2, &says);
    stage.assert_untouched();
    edit(&stage, "[{ command: { run: [no-such-program, restart] } }]", consumers);
    ends(respond(&stage, &["--yes"]), 0, &[]);
    stage.until_rotated();
}

#[test]
fn a_provider_that_cannot_be_asked_is_told_before_anything_is_done() {
    let stage = Stage::new(200, "");
    let token = "{ file: ./admin.token }";
    std::fs::write(stage.path("wrong.token"), "wrong").unwrap();
    std::fs::write(stage.path("empty.token"), "\n").unwrap();
    for (place, says) in [
        ("{ env: STANCH_NEVER_SET }", "from the variable STANCH_NEVER_SET: it is not set"),
        ("{ file: ./gone.token }", "gone.token: No such file"),
        ("{ file: ./empty.token }", "empty.token: it is empty"),
        ("{ file: ./wrong.token }", "refused with 401: not the administrator"),
    ] {
        edit(&stage, token, place);
        ends(respond(&stage, &["--yes"]), 2, &[says, "nothing was changed"]);
        let plan = ["have the leaked key revoked by hand", "since its id is not known: identify at sandbox: ", says];
        ends(respond(&stage, &["--plan", "--strategy", "contain"]), 0, &plan);
        edit(&stage, place, token);
    }
    let text = std::fs::read_to_string(stage.path("stanch.yaml")).unwrap();
    let base = text.split('"').find(|word| word.starts_with("http://")).unwrap().to_owned();
    edit(&stage, &base, "http://127.0.0.1:1");
    ends(respond(&stage, &["--yes"]), 2, &["Connection refused", "when the provider answers"]);
    edit(&stage, "http://127.0.0.1:1", &base);
    stage.assert_untouched();
    ends(respond(&stage, &["--yes"]), 0, &["Rotated"]);
    stage.until_rotated();
}

#[test]
fn a_probe_that_is_never_good_takes_everything_back() {
    let stage = Stage::new(200, "");
    edit(&stage, "{{ new_key }}", "never");
    edit(&stage, "within: 10s", "within: 100ms");
    ends(
        respond(&stage, &["--yes"]),
        4,
        &["Everything was taken back", "not \"never\"", "STILL WORKS", "incident resume"],
    );
    assert_eq!(stage.stored(), stage.leaked.1, "the old value is back");
    assert_eq!(stage.stats()["live_keys"], 1, "no orphan");
    until("the service works with the old key again", || stage.app()["key"] == stage.leaked.0.as_str());
    edit(&stage, "\"never\"", "\"{{ new_key }}\"");
    ends(incident(&stage, "resume", &[]), 0, &["Rotated"]);
    stage.until_rotated();
}

#[test]
fn a_store_that_somebody_changed_is_not_overwritten() {
    let stage = Stage::new(200, "");
    let env = stage.path(".env");
    let before = std::fs::read_to_string(&env).unwrap();
    ends(respond(&stage, &["--plan"]), 0, &["Plan: overlap"]);
    let changed = before.replace(&stage.leaked.1, "somebody-elses");
    std::fs::write(&env, &changed).unwrap();
    ends(incident(&stage, "resume", &[]), 4, &["somebody changed it", "Everything was taken back"]);
    assert_eq!(std::fs::read_to_string(&env).unwrap(), changed);
    for (text, says) in [
        (None, ".env, SANDBOX_KEY: No such file"),
        (Some("OTHER=kept\n"), ".env, SANDBOX_KEY: it has no such entry"),
        (Some("SANDBOX_KEY=\n"), ".env, SANDBOX_KEY: its value there is empty"),
    ] {
        match text {
            None => std::fs::remove_file(&env).unwrap(),
            Some(text) => std::fs::write(&env, text).unwrap(),
        }
        ends(respond(&stage, &["--yes"]), 2, &[says, "stanch respond -"]);
        assert_eq!(std::fs::read_to_string(&env).ok().as_deref(), text, "it is left alone");
    }
    std::fs::write(&env, before).unwrap();
    assert_eq!(stage.key_of(&stage.stored()), Some(stage.leaked.0.clone()));
    assert_eq!(stage.stats()["live_keys"], 1, "no orphan");
}

#[test]
fn without_issue_by_api_a_person_brings_the_key() {
    let stage = Stage::new(200, "");
    let rules = std::fs::read_to_string(stage.path("rules/sandbox.yaml")).unwrap();
    let (head, tail) = rules.split_once("\n  issue:\n").unwrap();
    let rest: Vec<&str> = tail.lines().skip_while(|line| line.starts_with("    ")).collect();
    std::fs::write(stage.path("rules/sandbox.yaml"), format!("{head}\n{}\n", rest.join("\n"))).unwrap();
    ends(respond(&stage, &["--yes"]), 4, &["A person is needed", "made by hand", "--new-secret -"]);
    stage.assert_untouched();
    let bring = |secret: &str| fed(incident(&stage, "resume", &["--new-secret", "-"]), secret);
    for (secret, says) in [("", "there is nothing"), (stage.leaked.1.as_str(), "it is the leaked one")] {
        let output = bring(secret);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
    let text = std::fs::read_to_string(stage.path("stanch.yaml")).unwrap();
    let base = text.split('"').find(|word| word.starts_with("http://")).unwrap();
    let admin = std::fs::read_to_string(stage.path("admin.token")).unwrap();
    let (_, key) = call("POST", &format!("{base}/v1/keys"), &admin, &json!({ "label": "by hand" }));
    let output = bring(&format!("{}\n", key["secret"].as_str().unwrap()));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    stage.until_rotated();
    let output = bring("another");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn an_abort_before_the_first_kill_and_one_after_it() {
    let stage = Stage::new(200, "");
    ends(respond(&stage, &[]), 2, &["nobody is at a terminal", "--yes"]);
    ends(respond(&stage, &["--plan"]), 0, &["Plan: overlap"]);
    ends(incident(&stage, "abort", &["--reason", "a false alarm"]), 0, &[]);
    stage.assert_untouched();
    ends(incident(&stage, "abort", &[]), 2, &["it is closed", "incident postmortem"]);
    ends(incident(&stage, "approve", &[]), 2, &["it does not wait for an approval"]);

    let stage = Stage::new(200, "");
    edit(&stage, "grace: 0s", "grace: 24h");
    ends(respond(&stage, &["--yes"]), 0, &["revoke"]);
    assert_eq!(stage.key_of(&stage.leaked.1), None, "disabled");
    ends(incident(&stage, "abort", &[]), 2, &["there is only the way forward"]);
    assert_eq!(stage.key_of(&stage.leaked.1), None, "still disabled");
    assert_eq!(stage.stats()["live_keys"], 1);
}

#[test]
fn a_post_mortem_that_cannot_be_written_is_written_later() {
    let stage = Stage::new(200, "");
    edit(&stage, "postmortems: postmortems", "postmortems: admin.token/below");
    ends(respond(&stage, &["--yes"]), 2, &["write the post-mortem", "admin.token/below", "incident resume"]);
    assert_eq!(stage.key_of(&stage.leaked.1), None, "the leak is ended all the same");
    edit(&stage, "postmortems: admin.token/below", "postmortems: postmortems");
    ends(incident(&stage, "resume", &[]), 0, &["Rotated"]);
    stage.until_rotated();
}

#[test]
fn two_at_once_do_it_once() {
    let stage = Stage::new(200, "");
    let start = || {
        let mut command = respond(&stage, &["--yes"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let outputs = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let mut codes = outputs.each_ref().map(|output| output.status.code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(2)], "{}\n{}", said(&outputs[0]), said(&outputs[1]));
    assert!(outputs.iter().any(|output| said(output).contains("is acting on it")));
    stage.until_rotated();
}

#[test]
fn an_interrupt_is_a_crash_and_is_resumed() {
    let stage = Stage::new(200, "");
    edit(&stage, "quiet: 100ms", "quiet: 6s");
    let mut child = respond(&stage, &["--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the new key is deployed", || stage.stored() != stage.leaked.1);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    assert!(stage.key_of(&stage.stored()).is_some(), "the store never names a dead key");
    ends(incident(&stage, "show", &[]), 0, &["the old value may still work"]);
    ends(incident(&stage, "resume", &[]), 0, &["Rotated"]);
    stage.until_rotated();
}

#[test]
fn an_incident_that_is_not_named_well() {
    let world = World::new();
    world.write("stanch.yaml", "version: 1\nledger: ledger.db\n");
    for secret in ["first-made-up-secret", "second-made-up-secret"] {
        assert_eq!(world.stanch_fed(&["respond", "-", "--plan"], secret.as_bytes()).code, 0);
    }
    for verb in ["show", "resume", "abort", "approve", "postmortem", "verify"] {
        for (id, says) in [("", "there is none"), ("nobody", "there is none"), ("inc-", "give more of the id")] {
            let ended = world.stanch(&["incident", verb, id]);
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{verb} {id}");
            assert!(ended.stderr.contains(says), "{verb} {id}: {}", ended.stderr);
        }
    }
    assert_eq!(world.stanch(&["incident", "list"]).stdout.lines().count(), 3, "both are as they were");
}
