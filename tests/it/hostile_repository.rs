//! A repository that somebody else has made to harm who scans it: its config runs nothing, its files are no trap, its names
//! move no cursor, and its links lead no report elsewhere.

use crate::world::{Ended, World, token};
use serde_json::Value;
use stanch::report::FORMATS;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that a scan of these small repositories may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A line that leaks the token of this seed.
fn leak(seed: u64) -> String {
    format!("SANDBOX_KEY={}\n", token(seed))
}

/// Runs stanch, which must come to an end by itself.
fn ends(world: &World, args: &[&str]) -> Ended {
    let mut command = world.command(env!("CARGO_BIN_EXE_stanch"));
    let mut child =
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let streams = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut stream: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (stdout, stderr) = (read(Box::new(streams.0)), read(Box::new(streams.1)));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("stanch {args:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    Ended { code: status.code().unwrap_or(-1), stdout, stderr }
}

fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A repository with two secrets, one of them staged.
fn leaking() -> World {
    let world = World::repository();
    world.stage("a.env", leak(1));
    world.commit("one");
    world.stage("b.env", leak(2));
    world
}

#[test]
fn nothing_that_a_config_names_is_run() {
    let world = leaking();
    let trap = world.path("trap");
    let script = world.path("run.sh");
    fs::write(&script, format!("#!/bin/sh\ntouch '{}'\ncat\n", trap.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let run = script.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.smudge",
        "filter.x.clean",
        "filter.x.process",
        "merge.x.driver",
        "credential.helper",
        "gpg.program",
        "pager.log",
        "uploadpack.packObjectsHook",
        "sequence.editor",
        "interactive.diffFilter",
        "remote.origin.uploadpack",
    ] {
        world.git(&["config", key, run]);
    }
    world.git(&["config", "filter.x.required", "true"]);
    world.git(&["config", "core.hooksPath", world.root().to_str().unwrap()]);
    world.git(&["config", "extensions.partialClone", "origin"]);
    world.git(&["config", "remote.origin.url", &format!("ext::{run}")]);
    world.git(&["config", "remote.origin.promisor", "true"]);
    world.git(&["config", "protocol.ext.allow", "always"]);
    for hook in ["pre-commit", "post-index-change", "reference-transaction", "pre-auto-gc"] {
        fs::create_dir_all(world.path(".git/hooks")).unwrap();
        fs::copy(&script, world.path(".git/hooks").join(hook)).unwrap();
    }
    world.write(".gitattributes", "* diff=x filter=x merge=x -text\n*.env -diff export-ignore\n");
    // An object that is not here, which git would fetch.
    let gone = world.path(".git/objects").join(blob(&world, "b.env"));
    let kept = fs::read(&gone).unwrap();
    fs::remove_file(&gone).unwrap();
    let _ = fs::remove_file(&trap);
    for engine in ["delta", "full"] {
        assert_eq!(ends(&world, &["history", "--engine", engine]).code, 1);
    }
    assert_eq!(ends(&world, &["history", "--range", "HEAD"]).code, 1);
    assert_eq!(ends(&world, &["staged"]).code, 3, "what is staged is not here");
    fs::write(&gone, kept).unwrap();
    for args in [&["staged"][..], &["hook", "pre-commit"], &["scan"]] {
        assert_eq!(ends(&world, args).code, 1, "{args:?}");
    }
    assert!(!trap.exists(), "something that the config names was run");
}

/// Where the blob of a staged file lies, below `objects`.
fn blob(world: &World, name: &str) -> String {
    let staged = world.git(&["ls-files", "-s", "--", name]);
    let id = staged.split_whitespace().nth(1).unwrap();
    format!("{}/{}", &id[..2], &id[2..])
}

#[test]
fn a_config_leads_nowhere() {
    let world = leaking();
    fs::create_dir(world.path("elsewhere")).unwrap();
    fs::write(world.path("elsewhere/c.env"), leak(3)).unwrap();
    pipe(&world.path("never-ends"));
    let config = fs::read_to_string(world.path(".git/config")).unwrap();
    let more = "[include]\n\tpath = ../never-ends\n[includeIf \"gitdir:**\"]\n\tpath = ../never-ends\n\
                [core]\n\tworktree = ../elsewhere\n\tattributesFile = ../never-ends\n\texcludesFile = ../never-ends\n\
                \tbare = true\n[index]\n\tversion = 77\n";
    fs::write(world.path(".git/config"), config + more).unwrap();
    assert_eq!(ends(&world, &["staged"]).code, 1);
    let ended = ends(&world, &["history", "--format", "json"]);
    assert_eq!((ended.code, ended.json()["findings"].as_array().unwrap().len()), (1, 2), "{}", ended.stderr);
    assert_eq!(ends(&world, &["hook", "pre-commit"]).code, 1);
}

#[test]
fn files_of_git_that_never_end() {
    let names = [
        "HEAD",
        "packed-refs",
        "shallow",
        "index",
        "config",
        "commondir",
        "MERGE_HEAD",
        "refs/heads/x",
        "logs/HEAD",
        "objects/info/alternates",
        "objects/info/commit-graph",
        "objects/pack/multi-pack-index",
        "objects/pack/pack-1.idx",
        "objects/aa/00000000000000000000000000000000000000",
        "info/exclude",
    ];
    for name in names {
        let world = leaking();
        world.stage("c", "to pack\n");
        world.commit("two");
        world.git(&["repack", "-q"]);
        let path = world.path(".git").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for endless in [false, true] {
            match endless {
                false => pipe(&path),
                true => {
                    fs::remove_file(&path).unwrap();
                    symlink("/dev/zero", &path).unwrap();
                }
            }
            if name.ends_with("pack-1.idx") {
                fs::copy(path.parent().unwrap().join(pack(&world)), path.with_extension("pack")).unwrap();
            }
            let verbs: &[&[&str]] = match name.contains('/') {
                true => &[&["history"]],
                false => &[&["history"], &["staged"], &["history", "--range", "HEAD~1.."]],
            };
            for args in verbs {
                let ended = ends(&world, args);
                assert!([0, 1, 2, 3].contains(&ended.code), "{name} {args:?}: {}", ended.stderr);
            }
        }
    }
}

fn pack(world: &World) -> String {
    let names = fs::read_dir(world.path(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut packs =
        names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".pack") && name.len() > 20);
    packs.next().unwrap()
}

/// Characters that a terminal obeys, or that reorder what stands beside them.
fn obeyed(text: &str) -> Option<char> {
    text.chars()
        .find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
}

/// Every string in a report.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.push(key.clone());
            strings(value, found);
        }),
        _ => {}
    }
}

#[test]
fn names_and_texts_move_no_cursor() {
    const EVIL: &str = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}\r\x08";
    let world = World::repository();
    let folder = world.root().join(OsStr::from_bytes(b"dir\x1b[31m"));
    fs::create_dir(&folder).unwrap();
    for (name, seed) in [(&b"\nfile\xff\r.env"[..], 1), (b"lost\x1b[2J", 2)] {
        fs::write(folder.join(OsStr::from_bytes(name)), format!("{EVIL} {}", leak(seed))).unwrap();
    }
    world.git(&["add", "."]);
    let mut git = world.command("git");
    git.args(["commit", "-q", "-m", EVIL, "-m", &format!("{EVIL} {}", leak(3))]);
    git.env("GIT_AUTHOR_NAME", format!("A{EVIL}")).env("GIT_AUTHOR_EMAIL", format!("{EVIL}@example.org"));
    assert!(git.status().unwrap().success());
    let head = world.git(&["rev-parse", "HEAD"]);
    world.write(".git/refs/heads/evil\x1b[31m", format!("{head}\n"));
    world.write(".git/refs/heads/broken\x1b[2J", "none\x1b[2J\n");
    let lost = world.git(&["rev-parse", "HEAD:dir\x1b[31m/lost\x1b[2J"]);
    fs::remove_file(world.path(".git/objects").join(&lost[..2]).join(&lost[2..])).unwrap();
    let check = |what: &str, ended: &Ended| {
        for text in [&ended.stdout, &ended.stderr] {
            assert_eq!(obeyed(text), None, "{what}: {text:?}");
        }
    };
    for (format, _) in FORMATS {
        for verb in [&["history"][..], &["history", "--range", "HEAD"], &["scan"], &["staged"]] {
            let ended = ends(&world, &[verb, &["--format", format, "--explain", "-vv"]].concat());
            check(&format!("{verb:?} {format}"), &ended);
            let mut found = Vec::new();
            for line in ended.stdout.lines().filter(|_| *format == "jsonl") {
                strings(&serde_json::from_str(line).unwrap(), &mut found);
            }
            if !["text", "jsonl"].contains(format) {
                strings(&ended.json(), &mut found);
            }
            assert_eq!(found.iter().find_map(|text| obeyed(text)), None, "{verb:?} {format}");
        }
    }
    let zeros = "0".repeat(40);
    let sent = format!("refs/heads/main {head} refs/heads/\x1b[2J {zeros}\n{zeros} {head} refs/heads/\x1b[2J\n");
    check("pre-push", &world.stanch_fed(&["hook", "pre-push", "origin", "x"], sent.lines().next().unwrap().as_bytes()));
    check("pre-receive", &world.stanch_fed(&["hook", "pre-receive"], sent.lines().last().unwrap().as_bytes()));
    world.git(&["rm", "-q", "-r", "--cached", "."]);
    world.git(&["add", "."]);
    check("pre-commit", &world.stanch(&["hook", "pre-commit"]));
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "workflow_dispatch"), ("GITHUB_SHA", &head)];
    check("ci", &world.fed(&["ci"], b"", &env));
}

#[test]
fn a_report_goes_where_it_was_meant_to() {
    let world = leaking();
    let victim = world.path("victim");
    world.write("victim", "kept\n");
    symlink(&victim, world.path("link")).unwrap();
    fs::create_dir_all(world.path("sub/inner")).unwrap();
    let outside = World::new();
    symlink(outside.root(), world.path("sub/out")).unwrap();
    let before = world.snapshot(".git");
    for (path, why) in
        [("link", "a link"), ("sub/out/report", "leads out"), ("no/such", "No such"), ("sub", "a folder")]
    {
        for option in ["--output", "--write-baseline"] {
            let ended = ends(&world, &["scan", "sub/inner", option, path]);
            assert_eq!(ended.code, 2, "{option} {path}: {}", ended.stderr);
            assert!(ended.stderr.contains(why), "{option} {path}: {}", ended.stderr);
        }
        let ended = ends(&world, &["history", "--since-scan", path]);
        assert!(ended.code == 2 && ended.stdout.is_empty(), "told before the scan: {}", ended.stderr);
    }
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "workflow_dispatch")];
    symlink(&victim, world.path("stanch.sarif")).unwrap();
    assert_eq!(world.fed(&["ci"], b"", &env).code, 2);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "kept\n");
    assert_eq!(outside.snapshot("").len(), 0);
    assert_eq!(world.snapshot(".git"), before);
    let ended = ends(&world, &["scan", "a.env", "--output", "/dev/stdout"]);
    assert!(ended.code == 1 && ended.stdout.contains("1 credential"), "{}", ended.stderr);
    // A folder of somebody else's that anybody may write to; only root can make one.
    let shared = world.path("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(ends(&world, &["scan", "a.env", "--output", "shared/report"]).code, 1, "our own");
    if std::os::unix::fs::chown(&shared, Some(12345), None).is_ok() {
        let ended = ends(&world, &["scan", "a.env", "--output", "shared/report"]);
        assert!(ended.code == 2 && ended.stderr.contains("somebody else's"), "{}", ended.stderr);
    }
}
