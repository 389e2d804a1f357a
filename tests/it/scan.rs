//! The scanning verbs and the hooks, through the built program and real git.

use crate::world::{Ended, World, alnum, token};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::Write;

/// A line that leaks the token of this seed.
fn leak(seed: u64) -> String {
    format!("SANDBOX_KEY={}\n", token(seed))
}

/// `path:line@summary` of every occurrence, in the report's order.
fn places(ended: &Ended) -> Vec<String> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap();
    let occurrences = findings.iter().flat_map(|finding| finding["occurrences"].as_array().unwrap());
    occurrences.map(place).collect()
}

fn place(occurrence: &Value) -> String {
    let commit = occurrence["commit"]["summary"].as_str().unwrap_or("-");
    format!("{}:{}@{commit}", occurrence["path"].as_str().unwrap(), occurrence["start"]["line"])
}

fn reasons(ended: &Ended) -> Vec<String> {
    let report = ended.json();
    report["skipped"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap().to_owned()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn exit_codes() {
    let world = World::new();
    world.write("clean/a", "nothing here");
    world.write("dirty/a", leak(1));
    assert_eq!(world.stanch(&["scan", "clean"]).code, 0);
    assert_eq!(world.stanch(&["scan", "dirty"]).code, 1);
    assert_eq!(world.stanch(&["scan", "clean", "no/such/path"]).code, 2);
    assert_eq!(world.stanch(&["history", "clean"]).code, 2);
    assert_eq!(world.stanch(&["scan", "--format", "nonsense"]).code, 2);
    world.write("damaged.gz", &gzip(&"fine\n".repeat(1000))[..30]);
    let ended = world.stanch(&["logs", "damaged.gz", "--format", "json"]);
    assert_eq!((ended.code, reasons(&ended)), (3, vec!["damaged".to_owned()]));
    assert_eq!(ended.json()["complete"], false);
    assert_eq!(world.stanch(&["logs", "damaged.gz", "dirty/a"]).code, 1, "findings, though incomplete");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("a", leak(1));
    world.write("sub/b", "fine");
    for name in ["a", "sub"] {
        std::fs::set_permissions(world.path(name), std::fs::Permissions::from_mode(0o0)).unwrap();
    }
    if std::fs::File::open(world.path("a")).is_ok() {
        return; // root reads everything
    }
    let ended = world.stanch(&["scan", ".", "--format", "json"]);
    std::fs::set_permissions(world.path("sub"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!((ended.code, reasons(&ended)), (3, vec!["unreadable".to_owned(); 2]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read_is_said() {
    let world = World::new();
    // Reading address 0 of a process fails for everybody, also for root.
    let ended = world.stanch(&["scan", "/proc/self/mem", "--format", "json"]);
    assert_eq!((ended.code, reasons(&ended)), (3, vec!["unreadable".to_owned()]), "{}", ended.stderr);
}

#[test]
fn files_standard_input_and_ignored_ones() {
    let world = World::repository();
    world.write(".gitignore", "out/\n");
    world.write(".env", leak(1));
    world.write("out/b", leak(2));
    assert_eq!(places(&world.stanch(&["scan", "--format", "json"])), [".env:1@-"]);
    assert_eq!(places(&world.stanch(&["scan", "--format", "json", "--no-ignore"])), [".env:1@-", "out/b:1@-"]);
    let text = format!("\n\n{}", leak(3));
    assert_eq!(places(&world.stanch_fed(&["scan", "-", "--format", "json"], text.as_bytes())), ["-:3@-"]);
    assert_eq!(world.stanch(&["scan", ".env"]).code, 1);
}

#[test]
fn a_secret_is_found_in_utf16_and_base64_at_its_place() {
    let world = World::new();
    let text = format!("first line\n{}", leak(1));
    world.write("le", text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let code = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, leak(2));
    world.write("secret.yaml", format!("data:\n  key: {code}\n"));
    assert_eq!(places(&world.stanch(&["scan", "--format", "json"])), ["le:2@-", "secret.yaml:2@-"]);
}

#[test]
fn a_big_file_is_scanned_whole() {
    let world = World::new();
    let filler = format!("{}\n", "no secret on this line ".repeat(40));
    let mut text = String::new();
    let mut wanted = Vec::new();
    for seed in 0..12 {
        wanted.push(format!("big:{}@-", text.lines().count() + 1));
        text.push_str(&leak(seed));
        text.push_str(&filler.repeat(1100));
    }
    world.write("big", &text);
    assert!(text.len() > 10 << 20);
    let ended = world.stanch(&["scan", "big", "--format", "json"]);
    assert_eq!(places(&ended), wanted);
    assert_eq!(ended.json()["read"]["bytes"], text.len());
}

#[test]
fn logs_plain_packed_and_piped() {
    let world = World::new();
    let text = format!("start\n{}", leak(1));
    world.write("a.log", &text);
    world.write("b.log.gz", gzip(&text));
    let [first, second] = [gzip(&text), gzip(&text)];
    world.write("two-members.gz", [first, second].concat());
    let ended = world.stanch(&["logs", "a.log", "b.log.gz", "two-members.gz", "--format", "json"]);
    assert_eq!(places(&ended), ["a.log:2@-", "b.log.gz:2@-", "two-members.gz:2@-", "two-members.gz:4@-"]);
    assert_eq!(places(&world.stanch_fed(&["logs", "--format", "json"], &gzip(&text))), ["-:2@-"]);
    assert_eq!(places(&world.stanch(&["logs", ".", "--format", "json"])).len(), 4, "a folder is its files");
}

#[test]
fn history_says_who_brought_it_and_when() {
    let world = World::repository();
    world.stage("config/prod.env", "A=1\n");
    world.commit("start");
    world.stage("config/prod.env", format!("A=1\n{}", leak(1)));
    let id = world.commit("leak");
    world.stage("config/prod.env", format!("A=1\n{}B=2\n", leak(1)));
    world.commit("edit");
    world.stage("config/prod.env", "A=1\nB=2\n");
    world.commit("clean");
    let ended = world.stanch(&["history", "--format", "json"]);
    assert_eq!((ended.code, places(&ended)), (1, vec!["config/prod.env:2@leak".to_owned()]), "not the later edit");
    let commit = &ended.json()["findings"][0]["occurrences"][0]["commit"];
    assert_eq!((commit["id"].as_str(), commit["author"].as_str()), (Some(&*id), Some("Ada Lovelace")));
    assert_eq!(ended.json()["read"]["commits"], 4);
    assert_eq!(world.stanch(&["scan"]).code, 0, "the work tree is clean");
    let gitleaks = world.stanch(&["history", "--format", "gitleaks"]).json();
    assert_eq!((gitleaks[0]["Commit"].as_str(), gitleaks[0]["StartLine"].as_u64()), (Some(&*id), Some(2)));
}

#[test]
fn ranges_see_only_what_they_brought() {
    let world = World::repository();
    world.stage("a", leak(1));
    world.commit("old");
    world.stage("a", format!("{}harmless\n", leak(1)));
    world.commit("edit");
    world.stage("b", leak(2));
    world.commit("new");
    assert_eq!(world.stanch(&["history", "--range", "HEAD~2..HEAD~1"]).code, 0, "an old secret in a file that changed");
    assert_eq!(places(&world.stanch(&["history", "--range", "HEAD~2..", "--format", "json"])), ["b:1@new"]);
    assert_eq!(world.stanch(&["history", "--since", "1h"]).code, 1);
    let ended = world.stanch(&["history", "--range", "nowhere..HEAD"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("nowhere"), "{}", ended.stderr);
}

#[test]
fn a_secret_that_only_a_merge_holds() {
    let world = World::repository();
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "side"]);
    world.stage("b", "side");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("c", "main");
    world.commit("main");
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("d", leak(1));
    world.git(&["commit", "-q", "-m", "merge"]);
    assert_eq!(places(&world.stanch(&["history", "--format", "json"])), ["d:1@merge"]);
}

#[test]
fn a_history_with_holes_is_incomplete() {
    let world = World::repository();
    world.stage("a", "lost");
    world.commit("one");
    world.stage("b", leak(1));
    world.commit("two");
    let id = world.git(&["rev-parse", "HEAD:a"]);
    std::fs::remove_file(world.path(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let ended = world.stanch(&["history", "--range", "HEAD~1", "--format", "json"]);
    assert_eq!((ended.code, reasons(&ended)), (3, vec!["missing".to_owned()]));
    let ended = world.stanch(&["history", "--format", "json"]);
    assert_eq!((ended.code, places(&ended)), (1, vec!["b:1@two".to_owned()]));
    assert!(ended.json()["complete"] == false);
}

#[test]
fn any_number_of_threads_says_the_same() {
    let world = World::repository();
    for seed in 0..20 {
        for file in 0..5 {
            let text = format!("{}{}{}\n", alnum(seed * 100 + file, 300), "\n".repeat(file as usize), leak(seed % 7));
            world.stage(&format!("dir{file}/file{seed}"), text);
        }
        world.commit(&format!("commit {seed}"));
    }
    let report = |threads: &str| {
        let mut report = world.stanch(&["history", "--format", "json", "--explain", "--threads", threads]).json();
        report["at"] = Value::Null;
        report["read"]["elapsed_ms"] = Value::Null;
        report
    };
    let one = report("1");
    assert_eq!(one["findings"].as_array().unwrap().len(), 7);
    assert_eq!(one, report("2"));
    assert_eq!(one, report("7"));
}

#[test]
fn staged_writes_nothing_and_reports_what_is_added() {
    let world = World::repository();
    world.stage("a", leak(1));
    assert_eq!(places(&world.stanch(&["staged", "--format", "json"])), ["a:1@-"], "before the first commit");
    world.commit("old");
    world.stage("a", format!("{}{}", leak(1), leak(2)));
    world.write("a", "the work tree is clean");
    let before = world.snapshot(".git");
    let ended = world.stanch(&["staged", "--format", "json"]);
    assert_eq!((ended.code, places(&ended)), (1, vec!["a:2@-".to_owned()]));
    assert_eq!(world.snapshot(".git"), before);
    world.write(".git/index.lock", "");
    assert_eq!(world.stanch(&["staged"]).code, 1, "git's lock is no matter");
    assert_eq!(world.stanch(&["staged", "--quiet", "."]).code, 1);
}

#[test]
fn the_hook_stops_a_commit_with_a_secret() {
    let world = World::repository();
    world.install_hook("pre-commit");
    world.stage("a.txt", "fine");
    let ended = world.try_git(&["commit", "-m", "clean"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "silent when clean");
    world.stage("with space.env", leak(1));
    world.write("with space.env", "clean again, but staged it is not");
    let ended = world.try_git(&["commit", "-m", "leak"]);
    assert_eq!(ended.code, 1);
    for wanted in ["stopped this commit", "with space.env:1", "git reset -q -- 'with space.env'", "stanch respond"] {
        assert!(ended.stderr.contains(wanted), "{wanted}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains(&token(1)));
    assert_eq!(world.git(&["log", "--format=%s"]), "clean");
    assert_eq!(world.try_git(&["commit", "-m", "the clean file", "--", "a.txt"]).code, 1, "nothing to commit there");
    world.git(&["add", "with space.env"]);
    assert_eq!(world.try_git(&["commit", "-m", "clean"]).code, 0);
    world.write("a.txt", leak(2));
    assert_eq!(world.try_git(&["commit", "-a", "-m", "x"]).code, 1, "the index that git names for `commit -a`");
}

#[test]
fn the_hook_knows_which_index_is_meant() {
    let world = World::repository();
    world.install_hook("pre-commit");
    world.stage("a", "fine");
    world.git(&["commit", "-q", "-m", "one"]);
    world.git(&["worktree", "add", "-q", "linked"]);
    world.write("linked/b", leak(1));
    world.git(&["-C", "linked", "add", "b"]);
    assert_eq!(world.try_git(&["-C", "linked", "commit", "-m", "x"]).code, 1, "of a linked work tree");
    assert_eq!(world.stanch(&["staged"]).code, 0, "not of the main one");
    world.write("c", leak(2));
    assert_eq!(world.try_git(&["commit", "-q", "-m", "x", "--", "c"]).code, 1, "not tracked yet: git's own refusal");
    world.git(&["add", "c"]);
    assert_eq!(world.try_git(&["commit", "-q", "-m", "x", "--", "c"]).code, 1, "a commit of some paths only");
    world.write("sub/d", "fine");
    let index = world.path(".git/index");
    let index = index.to_str().unwrap();
    world.git(&["init", "-q", "other"]);
    let other = world.fed(&["staged", "other"], b"", &[("GIT_INDEX_FILE", index)]);
    assert_eq!(other.code, 0, "{}: the index of another repository says nothing of this one", other.stdout);
    assert_eq!(world.fed(&["staged", "."], b"", &[("GIT_INDEX_FILE", index)]).code, 1);
}

#[test]
fn the_hook_allows_what_a_person_allowed() {
    let world = World::repository();
    world.install_hook("pre-commit");
    world.stage("a", leak(1));
    let report = world.stanch(&["staged", "--format", "json"]).json();
    let id = report["findings"][0]["fingerprint"].as_str().unwrap().to_owned();
    let allow = format!("version: 1\nallow:\n  - {{ fingerprint: \"{id}\", reason: \"made for this test\" }}\n");
    world.write("stanch.yaml", allow);
    assert_eq!(world.try_git(&["commit", "-m", "allowed"]).code, 0);
    world.stage("b", leak(2));
    assert_eq!(world.try_git(&["commit", "-m", "another"]).code, 1);
    world.write("stanch.yaml", "version: 1\nallow: [{ nonsense: 1 }]\n");
    assert_eq!(world.try_git(&["commit", "-m", "broken"]).code, 1, "a broken configuration lets nothing through");
}

#[test]
fn pushes_are_stopped_on_both_sides() {
    let world = World::repository();
    world.stage("a", "fine");
    world.commit("one");
    world.git(&["init", "-q", "--bare", "-b", "main", "server.git"]);
    world.git(&["remote", "add", "origin", "server.git"]);
    world.install_hook("pre-push");
    world.git(&["push", "-q", "origin", "main"]);
    world.stage("b", leak(1));
    world.commit("leak");
    let ended = world.try_git(&["push", "-q", "origin", "main"]);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("stopped this push") && ended.stderr.contains("b:1"), "{}", ended.stderr);

    let hook = world.path("server.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::copy(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks/pre-receive"), hook).unwrap();
    let ended = world.try_git(&["push", "-q", "--no-verify", "origin", "main:refs/heads/topic"]);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("stopped this push") && ended.stderr.contains("b:1"), "{}", ended.stderr);

    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.stage("c", "fine too");
    world.commit("two");
    world.git(&["push", "-q", "origin", "main", "main:refs/heads/topic"]);
    world.git(&["push", "-q", "origin", ":topic"]);
}

#[test]
fn a_repository_of_another_user_and_a_hostile_configuration_are_only_read() {
    let world = World::repository();
    world.stage("a.env", leak(1));
    let trap = world.path("trap");
    let command = format!("touch {}", trap.display());
    for key in
        ["core.fsmonitor", "diff.external", "diff.x.textconv", "filter.x.smudge", "core.sshCommand", "core.pager"]
    {
        world.git(&["config", key, &command]);
    }
    world.stage(".gitattributes", "* diff=x filter=x -text\n*.env -diff\n");
    let _ = std::fs::remove_file(&trap);
    assert_eq!(world.stanch(&["staged"]).code, 1);
    assert_eq!(world.stanch(&["scan"]).code, 1);
    assert!(!trap.exists(), "nothing that the configuration names was run");
}

#[test]
fn secrets_are_shown_only_on_purpose() {
    let world = World::new();
    world.write("a", leak(1));
    for format in ["text", "json", "jsonl", "sarif", "gitleaks"] {
        let ended = world.stanch(&["scan", "a", "--format", format, "-vvv"]);
        assert!(!ended.stdout.contains(&token(1)) && !ended.stderr.contains(&token(1)), "{format}");
        assert_eq!(world.stanch(&["scan", "a", "--format", format, "--reveal"]).code, 2, "a pipe is no terminal");
        let ended = world.stanch(&["scan", "a", "--format", format, "--reveal", "--output", "report"]);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert!(std::fs::read_to_string(world.path("report")).unwrap().contains(&token(1)), "{format}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(world.path("report")).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_baseline_holds_what_was_there() {
    let world = World::repository();
    world.write("a", leak(1));
    world.write("stanch.yaml", "version: 1\nbaseline: .stanch-baseline.json\n");
    let missing = world.stanch(&["scan"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("--write-baseline"), "{}", missing.stderr);
    assert_eq!(world.stanch(&["scan", "--write-baseline", ".stanch-baseline.json"]).code, 1);
    assert_eq!(world.stanch(&["scan"]).code, 0);
    world.write("b", leak(2));
    assert_eq!(places(&world.stanch(&["scan", "--format", "json"])), ["b:1@-"]);
    assert_eq!(
        world.stanch(&["scan", "--no-baseline", "--format", "json"]).json()["findings"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        world.stanch(&["scan", "--no-config", "--format", "json"]).json()["findings"].as_array().unwrap().len(),
        2
    );
}
