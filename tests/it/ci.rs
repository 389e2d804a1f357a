//! `stanch ci` on clones made by real git, with the environment and the events of GitHub Actions and GitLab CI.

use crate::world::{Ended, World, token};
use serde_json::{Value, json};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// A repository that pushes, and what a CI sees of it: a clone, an environment, an event.
struct Ci {
    world: World,
    env: Vec<(String, String)>,
}

impl Ci {
    /// An origin whose first commit on main holds a key that is long known.
    fn new() -> Ci {
        let world = World::repository();
        world.stage("old.env", format!("KEY={}\n", token(1)));
        world.commit("Old");
        Ci { world, env: Vec::new() }
    }

    /// A commit that adds a file with a key of its own.
    fn leak(&self, name: &str, seed: u64) -> String {
        self.world.stage(name, format!("KEY={}\n", token(seed)));
        self.world.commit(&format!("Add {name}"))
    }

    fn head(&self) -> String {
        self.world.git(&["rev-parse", "HEAD"])
    }

    /// Clones as a CI does, at one commit.
    fn clone_at(&self, commit: &str, how: &[&str]) {
        let origin = format!("file://{}", self.world.root().display());
        let mut args = vec!["clone", "-q", "--no-checkout"];
        args.extend_from_slice(how);
        args.extend_from_slice(&[&origin, "clone"]);
        self.world.git(&args);
        self.world.git(&["-C", "clone", "checkout", "-q", "--detach", commit]);
    }

    fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    fn github(&mut self, event: &str, payload: Value) -> Ended {
        self.world.write("event.json", payload.to_string());
        self.set("GITHUB_ACTIONS", "true");
        self.set("GITHUB_EVENT_NAME", event);
        self.set("GITHUB_EVENT_PATH", &self.world.path("event.json").display().to_string());
        self.set("GITHUB_STEP_SUMMARY", &self.world.path("summary.md").display().to_string());
        self.set("GITHUB_SERVER_URL", "https://github.example");
        self.set("GITHUB_REPOSITORY", "octo/app");
        self.run(&[])
    }

    fn github_push(&mut self, before: &str, after: &str, to: &str) -> Ended {
        let repository = json!({ "default_branch": "main" });
        self.github("push", json!({ "before": before, "after": after, "ref": to, "repository": repository }))
    }

    fn gitlab(&mut self, variables: &[(&str, &str)]) -> Ended {
        self.set("GITLAB_CI", "true");
        for (name, value) in variables {
            self.set(name, value);
        }
        self.run(&[])
    }

    fn run(&self, more: &[&str]) -> Ended {
        let sarif = self.world.path("out.sarif").display().to_string();
        let mut args = vec!["ci", "clone", "--sarif", &sarif];
        args.extend_from_slice(more);
        let env: Vec<(&str, &str)> = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let off = ["GITHUB_ACTIONS", "GITLAB_CI"].into_iter().filter(|name| !env.iter().any(|(set, _)| set == name));
        let env: Vec<_> = off.map(|name| (name, "")).chain(env.iter().copied()).collect();
        self.world.fed(&args, b"", &env)
    }

    /// The files of the results in the SARIF file, sorted.
    fn found(&self) -> Vec<String> {
        let place = "/locations/0/physicalLocation/artifactLocation/uri";
        let results = self.sarif()["runs"][0]["results"].as_array().unwrap().clone();
        let mut files: Vec<String> =
            results.iter().map(|result| result.pointer(place).unwrap().as_str().unwrap().to_owned()).collect();
        files.sort();
        files
    }

    fn sarif(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.world.path("out.sarif")).unwrap()).unwrap()
    }

    fn summary(&self) -> String {
        std::fs::read_to_string(self.world.path("summary.md")).unwrap()
    }
}

#[test]
fn a_push_to_github_is_scanned_and_nothing_else() {
    let mut ci = Ci::new();
    let before = ci.head();
    let after = ci.leak("new.env", 2);
    ci.clone_at(&after, &[]);
    let ended = ci.github_push(&before, &after, "refs/heads/main");
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ci.found(), ["new.env"]);
    let line = ended.stdout.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(line.starts_with("::error file=new.env,line=1,endLine=1,col=5,endColumn="), "{line}");
    assert!(line.contains("Rotate it: stanch respond "), "{line}");
    let summary = ci.summary();
    assert!(summary.contains("**1 credential found**"), "{summary}");
    assert!(summary.contains(&format!("(https://github.example/octo/app/blob/{after}/new.env#L1)")), "{summary}");
    for text in [&ended.stdout, &ended.stderr, &summary, &ci.sarif().to_string()] {
        assert!(!text.contains(&token(2)), "{text}");
    }
}

#[test]
fn what_a_repository_says_is_no_command_to_the_runner() {
    let mut ci = Ci::new();
    let before = ci.head();
    let line = format!("::add-mask::x KEY={}\n", token(2));
    ci.world.stage("a::error::,x", line);
    let after = ci.world.commit("::warning::obey me");
    ci.clone_at(&after, &[]);
    let ended = ci.github_push(&before, &after, "refs/heads/main");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let mut lines = ended.stdout.lines();
    let stop = lines.next().unwrap().strip_prefix("::stop-commands::").unwrap();
    assert_eq!(stop.len(), 32);
    let resume = format!("::{stop}::");
    assert!(lines.any(|line| line == resume), "the report ends with the token");
    let commands: Vec<&str> = lines.filter(|line| line.trim_start().starts_with("::")).collect();
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert!(commands[0].starts_with("::error file=a%3A%3Aerror%3A%3A%2Cx,line=1,"), "{commands:?}");
}

#[test]
fn a_new_branch_is_what_main_does_not_have() {
    let mut ci = Ci::new();
    ci.world.git(&["switch", "-q", "-c", "topic"]);
    ci.leak("one.env", 2);
    let after = ci.leak("two.env", 3);
    ci.clone_at(&after, &[]);
    let ended = ci.github_push(ZERO, &after, "refs/heads/topic");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ci.found(), ["one.env", "two.env"]);
    assert!(ended.stdout.contains("the branch is new: everything that main does not have was scanned"));
}

#[test]
fn a_new_repository_is_scanned_whole() {
    let mut ci = Ci::new();
    let after = ci.leak("two.env", 3);
    ci.clone_at(&after, &[]);
    assert_eq!(ci.github_push(ZERO, &after, "refs/heads/main").code, 1);
    assert_eq!(ci.found(), ["old.env", "two.env"]);
}

#[test]
fn a_force_push_is_what_main_does_not_have() {
    let mut ci = Ci::new();
    ci.world.git(&["switch", "-q", "-c", "topic"]);
    let before = ci.leak("gone.env", 2);
    ci.world.git(&["reset", "-q", "--hard", "main"]);
    let after = ci.leak("kept.env", 3);
    ci.world.git(&["reflog", "expire", "--expire=now", "--all"]);
    ci.clone_at(&after, &["--branch", "topic"]);
    let ended = ci.github_push(&before, &after, "refs/heads/topic");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ci.found(), ["kept.env"]);
    let note = format!("the commit before the push, {}, is not in this clone", &before[..7]);
    assert!(ended.stdout.contains(&note), "{}", ended.stdout);
}

#[test]
fn a_shallow_clone_is_incomplete_and_says_what_to_do() {
    let mut ci = Ci::new();
    ci.world.git(&["rm", "-q", "old.env"]);
    ci.world.commit("Take it out");
    let before = ci.head();
    ci.world.stage("a", "1");
    ci.world.commit("One");
    ci.world.stage("a", "2");
    let after = ci.world.commit("Two");
    ci.clone_at(&after, &["--depth", "1"]);
    let ended = ci.github_push(&before, &after, "refs/heads/main");
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("fetch-depth: 0"), "{}", ended.stdout);
    assert!(ended.stdout.contains("::warning title=The scan is incomplete::"), "{}", ended.stdout);
    assert!(ci.summary().contains("> [!WARNING]"), "{}", ci.summary());
    assert_eq!(ci.sarif()["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn a_shallow_clone_that_holds_all_that_was_pushed_is_complete() {
    let mut ci = Ci::new();
    let before = ci.head();
    ci.world.stage("a", "1");
    let after = ci.world.commit("One");
    ci.clone_at(&after, &["--depth", "2"]);
    let ended = ci.github_push(&before, &after, "refs/heads/main");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ci.found().is_empty());
    assert!(ci.summary().contains("No credential found"));
}

#[test]
fn a_pull_request_is_what_its_base_does_not_have() {
    let mut ci = Ci::new();
    ci.world.git(&["switch", "-q", "-c", "topic"]);
    let head = ci.leak("topic.env", 2);
    ci.world.git(&["switch", "-q", "main"]);
    let base = ci.leak("main.env", 3);
    ci.world.git(&["switch", "-q", "--detach", "main"]);
    ci.world.git(&["merge", "-q", "--no-ff", "-m", "Merge", "topic"]);
    let merge = ci.head();
    ci.world.git(&["update-ref", "refs/heads/merge", &merge]);
    ci.clone_at(&merge, &[]);
    ci.set("GITHUB_SHA", &merge);
    let payload = json!({ "pull_request": { "head": { "sha": head }, "base": { "sha": base, "ref": "main" } } });
    assert_eq!(ci.github("pull_request", payload).code, 1);
    assert_eq!(ci.found(), ["topic.env"]);
}

#[test]
fn a_pull_request_whose_head_is_not_there_is_scanned_by_its_merge() {
    let mut ci = Ci::new();
    ci.world.git(&["switch", "-q", "-c", "topic"]);
    let head = ci.leak("topic.env", 2);
    ci.world.git(&["switch", "-q", "--detach", "main"]);
    let base = ci.head();
    ci.world.git(&["merge", "-q", "--no-ff", "-m", "Merge", "topic"]);
    let merge = ci.head();
    ci.world.git(&["branch", "merge", &merge]);
    ci.clone_at(&merge, &["--depth", "1", "--branch", "merge"]);
    ci.set("GITHUB_SHA", &merge);
    let payload = json!({ "pull_request": { "head": { "sha": head }, "base": { "sha": base, "ref": "main" } } });
    let ended = ci.github("pull_request", payload.clone());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ci.found().contains(&"topic.env".to_owned()));
    assert!(ended.stdout.contains("fetch-depth: 0"), "and it says that it is not all: {}", ended.stdout);
    // The commit that pull_request_target checks out holds nothing of the pull request: that is no clean scan.
    let ended = ci.github("pull_request_target", payload);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stderr.contains(&format!("this clone has no commit {head}")), "{}", ended.stderr);
}

#[test]
fn a_deleted_branch_is_nothing_and_a_schedule_is_everything() {
    let mut ci = Ci::new();
    let head = ci.leak("two.env", 2);
    ci.clone_at(&head, &[]);
    assert_eq!(ci.github_push(&head, ZERO, "refs/heads/topic").code, 0);
    assert_eq!(ci.github("schedule", json!({})).code, 1);
    assert_eq!(ci.found(), ["old.env", "two.env"]);
}

#[test]
fn a_push_to_gitlab() {
    let mut ci = Ci::new();
    let before = ci.head();
    let after = ci.leak("new.env", 2);
    ci.clone_at(&after, &[]);
    let ended = ci.gitlab(&[
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_SHA", &after),
        ("CI_COMMIT_BEFORE_SHA", &before),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ci.found(), ["new.env"]);
    assert!(ended.stdout.contains("new.env:1:5") && !ended.stdout.contains("::error"), "{}", ended.stdout);
}

#[test]
fn a_merge_request_of_gitlab() {
    let mut ci = Ci::new();
    let base = ci.head();
    ci.world.git(&["switch", "-q", "-c", "topic"]);
    ci.leak("one.env", 2);
    let after = ci.leak("two.env", 3);
    ci.clone_at(&after, &["--branch", "topic"]);
    let ended = ci.gitlab(&[
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_COMMIT_SHA", &after),
        ("CI_COMMIT_BEFORE_SHA", ZERO),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(ci.found(), ["one.env", "two.env"]);
}

#[test]
fn outside_of_a_ci_it_says_so() {
    let ci = Ci::new();
    let head = ci.head();
    ci.clone_at(&head, &[]);
    let ended = ci.run(&[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let want = "stanch: failed to tell what was pushed: this is neither GitHub Actions (GITHUB_ACTIONS) nor GitLab CI \
                (GITLAB_CI)\n  outside of a CI name the commits: stanch history --range A..B\n";
    assert_eq!(ended.stderr, want);
}

#[test]
fn json_stays_json_and_the_annotations_go_beside_it() {
    let mut ci = Ci::new();
    let before = ci.head();
    let after = ci.leak("new.env", 2);
    ci.clone_at(&after, &[]);
    ci.github_push(&before, &after, "refs/heads/main");
    let ended = ci.run(&["--format", "json"]);
    assert_eq!(ended.json()["findings"][0]["rule"], "sandbox-api-key");
    assert!(ended.stderr.contains("::error file=new.env"), "{}", ended.stderr);
    let ended = ci.run(&["--reveal"]);
    assert_eq!(ended.code, 2, "no secret goes into a log");
}
