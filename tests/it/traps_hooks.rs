//! The traps of a push, on both sides of it, through real `git push` (`../shared/design/scanner-facts.md`, section 5, rows 9 and
//! 10; section 4, ask 22). A refused push leaves the server as it was, and no hook changes anything.

use crate::gate::{Gate, leak, passed, stopped};
use crate::world::{Ended, World, token};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A repository, and a bare one that it pushes to.
struct Pair {
    world: World,
    server: World,
}

impl Pair {
    fn new(init: &[&str]) -> Pair {
        Pair::at("server.git", init)
    }

    /// The server's folder is called `name`.
    fn at(name: &str, init: &[&str]) -> Pair {
        let pair = Pair { world: World::new(), server: World::new() };
        pair.world.git(&[&["init", "-q", "-b", "main"], init].concat());
        pair.server.git(&[&["init", "-q", "--bare", "-b", "main"], init, &[name]].concat());
        pair.server.git(&["-C", name, "config", "receive.denyDeletes", "false"]);
        let place = pair.server.path(name);
        pair.world.git(&["remote", "add", "origin", place.to_str().unwrap()]);
        pair.world.stage("README", "one\n");
        pair.world.commit("first");
        pair.world.git(&["push", "-q", "origin", "main"]);
        pair
    }

    /// Refuses on the server.
    fn guard(&self, more: &str) -> Gate {
        Gate::install(&self.server.path("server.git"), "pre-receive", more)
    }

    /// A commit with this file.
    fn commit(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        self.world.stage(name, text);
        self.world.commit(name)
    }

    fn push(&self, refs: &[&str]) -> Ended {
        self.world.try_git(&[&["push", "-q", "origin"], refs].concat())
    }

    /// Names and ids of the server's refs, and all of its objects.
    fn held(&self) -> (String, String) {
        let server = |args: &[&str]| self.server.git(&[&["-C", "server.git"], args].concat());
        (server(&["for-each-ref"]), server(&["cat-file", "--batch-all-objects", "--batch-check"]))
    }

    /// A push that the server refuses, and that leaves nothing there.
    #[track_caller]
    fn refused(&self, gate: &Gate, refs: &[&str], says: &[&str]) -> Ended {
        let before = self.held();
        let ended = self.push(refs);
        stopped(gate, &ended, 1, says);
        assert_eq!(self.held(), before, "the server is as it was");
        ended
    }
}

#[test]
fn trap_9_what_is_received_lies_in_quarantine() {
    // Loose objects, and a pack.
    for limit in ["1000", "1"] {
        let pair = Pair::new(&[]);
        pair.server.git(&["-C", "server.git", "config", "receive.unpackLimit", limit]);
        let gate = pair.guard("");
        for number in 0..5 {
            pair.commit(&format!("file{number}"), format!("content {number}\n"));
        }
        passed(&gate, &pair.push(&["main"]));
        let id = pair.commit("a.env", leak(1));
        let says = ["stopped this push", "a.env:1", &id[..9], "Ada Lovelace"];
        let ended = pair.refused(&gate, &["main"], &says);
        assert!(ended.stderr.contains("pre-receive hook declined"), "{}", ended.stderr);
        pair.commit("a.env", "taken out, and still in the history\n");
        pair.refused(&gate, &["main"], &["a.env:1"]);
        pair.world.git(&["reset", "-q", "--hard", "HEAD~2"]);
        pair.commit("a.env", "never there\n");
        passed(&gate, &pair.push(&["main"]));
    }
}

#[test]
fn trap_9_the_quarantine_of_a_server_with_an_odd_name_and_borrowed_objects() {
    // Git writes such a path in quotes into GIT_ALTERNATE_OBJECT_DIRECTORIES.
    let odd = "se:r\"v er.git";
    let pair = Pair::at(odd, &[]);
    let gate = Gate::install(&pair.server.path(odd), "pre-receive", "");
    pair.commit("old.env", leak(1));
    stopped(&gate, &pair.push(&["main"]), 1, &["old.env:1"]);
    std::fs::remove_file(pair.server.path(odd).join("hooks/pre-receive")).unwrap();
    pair.world.git(&["push", "-q", "origin", "main"]);

    pair.server.git(&["clone", "-q", "--bare", "--shared", odd, "fork.git"]);
    let gate = Gate::install(&pair.server.path("fork.git"), "pre-receive", "");
    pair.world.git(&["remote", "set-url", "origin", pair.server.path("fork.git").to_str().unwrap()]);
    pair.commit("b", "fine\n");
    passed(&gate, &pair.push(&["main"]));
    pair.commit("new.env", leak(2));
    let ended = pair.push(&["main"]);
    stopped(&gate, &ended, 1, &["new.env:1"]);
    assert!(!ended.stderr.contains("old.env"), "it is borrowed, and was there");
}

#[test]
fn trap_10_names_of_sha256_and_refs_in_tables() {
    for init in [
        &["--object-format=sha256"][..],
        &["--ref-format=reftable"],
        &["--object-format=sha256", "--ref-format=reftable"],
    ] {
        let pair = Pair::new(init);
        let gate = pair.guard("");
        pair.commit("b", "fine\n");
        passed(&gate, &pair.push(&["main", "main:refs/heads/topic"]));
        pair.commit("a.env", leak(1));
        pair.refused(&gate, &["main"], &["a.env:1"]);
        let sender = Gate::install(&pair.world.path(".git"), "pre-push", "");
        stopped(&sender, &pair.push(&["main"]), 1, &["a.env:1"]);
        pair.world.git(&["reset", "-q", "--hard", "HEAD~1"]);
        passed(&sender, &pair.push(&["main", "main:refs/heads/again"]));
        assert_eq!(gate.code(), Some(0));
    }
}

#[test]
fn ask_22_all_lines_new_refs_and_deletes() {
    let pair = Pair::new(&[]);
    let gate = pair.guard("");
    for name in ["one", "two", "three"] {
        pair.world.git(&["checkout", "-q", "-b", name, "main"]);
        pair.commit(name, format!("{name}\n"));
    }
    pair.commit("leak.env", leak(1));
    pair.refused(&gate, &["one", "two", "three"], &["leak.env:1"]);
    passed(&gate, &pair.push(&["one", "two"]));
    passed(&gate, &pair.push(&[":two"]));
    passed(&gate, &pair.push(&["one:refs/heads/same", "one:refs/tags/same"]));

    // What is there already is not told again, whatever new name it gets.
    std::fs::remove_file(pair.server.path("server.git/hooks/pre-receive")).unwrap();
    pair.world.git(&["push", "-q", "origin", "three"]);
    let gate = pair.guard("");
    passed(&gate, &pair.push(&["three:refs/heads/again"]));
    pair.commit("more", "fine\n");
    passed(&gate, &pair.push(&["three:refs/heads/four"]));
    // A branch that was rewritten brings what its new commits bring.
    pair.world.git(&["reset", "-q", "--hard", "main"]);
    pair.commit("other.env", leak(2));
    let ended = pair.refused(&gate, &["+three"], &["other.env:1"]);
    assert!(!ended.stderr.contains("leak.env"), "{}", ended.stderr);
    // A deletion beside it changes nothing about that.
    pair.refused(&gate, &[":four", "+three"], &["other.env:1"]);
}

#[test]
fn ask_22_merges_tags_trees_and_messages() {
    let pair = Pair::new(&[]);
    let gate = pair.guard("");
    let world = &pair.world;
    world.git(&["checkout", "-q", "-b", "side"]);
    pair.commit("side", "fine\n");
    world.git(&["checkout", "-q", "main"]);
    pair.commit("main", "fine\n");
    passed(&gate, &pair.push(&["main", "side"]));
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("evil.env", leak(1));
    world.commit("merge");
    pair.refused(&gate, &["main"], &["evil.env:1"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);

    world.git(&["commit", "-q", "--allow-empty", "-m", &format!("Use {}", leak(2))]);
    pair.refused(&gate, &["main"], &["(message):"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);

    world.git(&["tag", "-a", "-m", &format!("Released with {}", leak(3)), "v1"]);
    pair.refused(&gate, &["v1"], &["(message):"]);
    world.git(&["tag", "-f", "-a", "-m", "Released", "v1"]);
    passed(&gate, &pair.push(&["v1"]));

    world.write("secret", leak(4));
    let blob = world.git(&["hash-object", "-w", "secret"]);
    pair.refused(&gate, &[&format!("{blob}:refs/blobs/x")], &[":1"]);
    world.stage("folder/secret.env", leak(5));
    let tree = world.git(&["write-tree"]);
    pair.refused(&gate, &[&format!("{tree}:refs/trees/x")], &["folder/secret.env:1"]);
    world.git(&["tag", "-a", "-m", "of a tree", "tree", &tree]);
    pair.refused(&gate, &["tree"], &["folder/secret.env:1"]);
}

#[test]
fn before_a_push_only_what_the_remote_has_not_is_looked_at() {
    let pair = Pair::new(&[]);
    let world = &pair.world;
    pair.commit("old.env", leak(1));
    world.git(&["push", "-q", "origin", "main"]);
    let gate = Gate::install(&world.path(".git"), "pre-push", "");
    pair.commit("new", "fine\n");
    passed(&gate, &pair.push(&["main", "main:refs/heads/other"]));
    pair.commit("new.env", leak(2));
    let ended = pair.push(&["main"]);
    stopped(&gate, &ended, 1, &["stopped this push", "new.env:1"]);
    assert!(!ended.stderr.contains("old.env"), "{}", ended.stderr);
    // What a person writes has spaces and steps in it.
    let ended = pair.push(&["HEAD@{5 minutes ago}:refs/heads/spaces"]);
    assert!(!ended.stderr.contains("none of this hook's"), "{}", ended.stderr);
    assert!(gate.code().is_some(), "{}", ended.stderr);
    stopped(&gate, &pair.push(&["HEAD~0:refs/heads/steps"]), 1, &["new.env:1"]);
    passed(&gate, &pair.push(&["HEAD~1:refs/heads/steps"]));
    passed(&gate, &pair.push(&[":other"]));

    // Another remote has none of it.
    pair.server.git(&["init", "-q", "--bare", "-b", "main", "second.git"]);
    let second = pair.server.path("second.git");
    world.git(&["remote", "add", "second", second.to_str().unwrap()]);
    let ended = world.try_git(&["push", "-q", "second", "main~1:refs/heads/main"]);
    stopped(&gate, &ended, 1, &["old.env:1"]);
    let ended = world.try_git(&["push", "-q", second.to_str().unwrap(), "main~1:refs/heads/main"]);
    stopped(&gate, &ended, 1, &["old.env:1"]);
    // By its address a known remote tells what it has itself.
    let ended = world.try_git(&["push", "-q", pair.server.path("server.git").to_str().unwrap(), "main~1:main"]);
    passed(&gate, &ended);
}

#[test]
fn refs_of_any_bytes_are_pushed() {
    let pair = Pair::new(&[]);
    let gate = pair.guard("");
    pair.commit("a", "fine\n");
    let odd = std::ffi::OsString::from(String::from("main:refs/heads/"));
    let odd = [odd.as_encoded_bytes(), b"od\xffd\"'$x"].concat();
    let push = || {
        let mut git = pair.world.command("git");
        git.args(["push", "-q", "origin"])
            .arg(std::os::unix::ffi::OsStrExt::from_bytes(odd.as_slice()) as &std::ffi::OsStr);
        git.output().unwrap()
    };
    let output = push();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(gate.code(), Some(0));
    pair.commit("a.env", leak(1));
    let output = push();
    assert!(!output.status.success());
    assert_eq!(gate.code(), Some(1));
}

#[test]
fn shallow_and_partial_clones_push_what_is_new() {
    let pair = Pair::new(&[]);
    pair.commit("old.env", format!("old\n{}", leak(1)));
    pair.commit("more", "fine\n");
    pair.world.git(&["push", "-q", "origin", "main"]);
    pair.server.git(&["-C", "server.git", "config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", pair.server.path("server.git").display());
    for how in ["--depth=1", "--filter=blob:none"] {
        let clone = World::new();
        clone.git(&["clone", "-q", "--no-checkout", how, &from, "clone"]);
        let git = |args: &[&str]| clone.git(&[&["-C", "clone"], args].concat());
        git(&["read-tree", "HEAD"]);
        let gate = Gate::install(&clone.path("clone/.git"), "pre-push", "");
        let push = || clone.try_git(&["-C", "clone", "push", "-q", "origin", "main:refs/heads/topic", "-f"]);
        let add = |name: &str, text: String| {
            clone.write(&format!("clone/{name}"), text);
            git(&["add", name]);
            git(&["commit", "-q", "-m", name]);
        };
        add("new", "fine\n".to_owned());
        passed(&gate, &push());
        add("new.env", leak(2));
        let ended = push();
        stopped(&gate, &ended, 1, &["new.env:1"]);
        assert!(!ended.stderr.contains("old.env"), "{how}: {}", ended.stderr);
    }
}

#[test]
fn a_push_that_cannot_be_read_is_refused_with_the_reason() {
    let pair = Pair::new(&[]);
    pair.commit("a", "fine\n");
    let ended = pair.world.stanch_fed(&["hook", "pre-push", "origin"], b"nonsense\n");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("a line that is none of this hook's"), "{}", ended.stderr);
    let line = format!("refs/heads/main {} refs/heads/main {}\n", "1".repeat(40), "0".repeat(40));
    assert_eq!(pair.world.stanch_fed(&["hook", "pre-push", "origin"], line.as_bytes()).code, 2, "no such object");

    // A blob that git holds and cannot read any more.
    let gate = Gate::install(&pair.world.path(".git"), "pre-push", "");
    let id = pair.commit("b", "soon gone\n");
    let blob = pair.world.git(&["rev-parse", "HEAD:b"]);
    let file = pair.world.path(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..]));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "nothing").unwrap();
    stopped(&gate, &pair.push(&["main"]), 3, &["could not be read, so nobody knows", "b (blob"]);
    assert!(!pair.world.git(&["ls-remote", "origin"]).contains(&id));
}

#[test]
fn ask_22_a_time_budget_and_what_is_done_when_it_is_over() {
    let pair = Pair::new(&[]);
    for number in 0..20 {
        pair.commit(&format!("file{number}"), format!("content {number}\n"));
    }
    // The rules alone take longer to load.
    let gate = pair.guard("--time-budget 1ms");
    let before = pair.held();
    let says = [
        "its time (1 ms) was over before all of it was read",
        "all or a part of what was pushed of . could not be read in time",
    ];
    stopped(&gate, &pair.push(&["main"]), 3, &says);
    assert_eq!(pair.held(), before);

    let gate = pair.guard("--time-budget 1ms --on-timeout allow");
    let ended = pair.push(&["main"]);
    assert_eq!((ended.code, gate.code()), (0, Some(0)), "{}", ended.stderr);
    let says =
        ["let this push through without having read all of it: its time (1 ms) was over", "could not be read in time"];
    assert!(says.iter().all(|word| ended.stderr.contains(word)), "{}", ended.stderr);

    pair.commit("a.env", leak(1));
    let gate = pair.guard("--time-budget 10m --on-timeout allow");
    pair.refused(&gate, &["main"], &["a.env:1"]);
    pair.world.stage("b.env", leak(2));
    let staged = pair.world.stanch(&["hook", "pre-commit", "--time-budget", "1ms"]);
    assert_eq!(staged.code, 3, "{}", staged.stderr);
    assert!(staged.stderr.contains("stopped this commit: its time (1 ms) was over"), "{}", staged.stderr);
    for wrong in ["0", "fast", "-1s"] {
        assert_eq!(pair.world.stanch(&["hook", "pre-receive", "--time-budget", wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn a_hook_that_cannot_be_stopped_between_two_files_ends_in_time_all_the_same() {
    let world = World::repository();
    world.stage("a.env", leak(1));
    for (policy, code, says) in
        [("refuse", 3, "stanch stopped this push"), ("allow", 0, "stanch let this push through")]
    {
        let mut hook = world.command(env!("CARGO_BIN_EXE_stanch"));
        hook.args(["hook", "pre-push", "origin", "--time-budget", "100ms", "--on-timeout", policy]);
        let started = Instant::now();
        let mut child = hook.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who calls it says half of a line, and then nothing.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"refs/heads/main ").unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says) && said.contains("could not be ended in time"), "{said}");
        assert!(started.elapsed() < Duration::from_secs(10));
        assert!(!said.contains(&token(1)));
        drop(stdin);
    }
}
