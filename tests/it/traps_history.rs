//! Where other scanners of a history go wrong, a test for each trap: merges, stashes, what was amended away, what only an
//! index holds, what nothing leads to, replaced commits, holes. Real git makes the repositories; both engines must say the
//! same, and nothing in a repository may have changed when they are done.

use crate::world::{World, token};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A line that leaks the token of this seed.
fn leak(seed: u64) -> String {
    format!("SANDBOX_KEY={}\n", token(seed))
}

/// What a history comes to, told by both engines alike, and the exit code.
pub fn history(world: &World, repository: &str, more: &[&str]) -> (Value, i32) {
    let before = still(&world.path(repository));
    let told = ["delta", "full"].map(|engine| {
        let args = [&["history", repository, "--format", "json", "--engine", engine], more].concat();
        let ended = world.stanch(&args);
        assert_eq!(ended.stderr.lines().count(), 1, "one line for a person: {}", ended.stderr);
        let mut report = ended.json();
        report["at"] = Value::Null;
        report["read"]["elapsed_ms"] = Value::Null;
        if more.contains(&"--reachable") {
            // The one reads packs as they lie, the other only what it is led to.
            report["read"]["blobs"] = Value::Null;
            report["read"]["bytes"] = Value::Null;
        }
        (report, ended.code)
    });
    assert_eq!(still(&world.path(repository)), before, "something in the repository has changed");
    let [delta, full] = told;
    assert_eq!(delta, full);
    delta
}

/// Every file of a repository with its bytes and when it was changed.
fn still(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            match about.is_dir() {
                true => folders.push(path),
                false => {
                    drop(files.insert(path.clone(), (fs::read(&path).unwrap_or_default(), about.modified().unwrap())))
                }
            }
        }
    }
    files
}

/// `path:line@summary held by names` of every place.
pub fn held(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let places = findings.flat_map(|finding| finding["occurrences"].as_array().unwrap());
    let mut told: Vec<String> = places
        .map(|place| {
            let summary = place["commit"]["summary"].as_str().unwrap_or("-");
            let known = &place["whereabouts"];
            let names: Vec<&str> =
                known["refs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let (path, line, held) =
                (place["path"].as_str().unwrap(), &place["start"]["line"], known["held"].as_str().unwrap());
            format!("{path}:{line}@{summary} {held} {}", names.join(" ")).trim_end().to_owned()
        })
        .collect();
    told.sort();
    told
}

fn reasons(report: &Value) -> Vec<&str> {
    report["skipped"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect()
}

/// Two branches, `side` and `main`, that have parted.
fn parted() -> World {
    let world = World::repository();
    world.stage("base", "base\n");
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "side"]);
    world.stage("on-side", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("on-main", "main\n");
    world.commit("main");
    world
}

#[test]
fn trap_6a_an_evil_merge() {
    let world = parted();
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("evil", leak(1));
    world.stage("on-main", format!("main\n{}", leak(2)));
    world.commit("merge");
    let (report, code) = history(&world, ".", &[]);
    let both = ["evil:1@merge reachable refs/heads/main", "on-main:2@merge reachable refs/heads/main"];
    assert_eq!((code, held(&report)), (1, both.map(str::to_owned).to_vec()));
}

#[test]
fn trap_6a_an_octopus_merge() {
    let world = parted();
    for branch in ["a", "b"] {
        world.git(&["checkout", "-q", "-b", branch, "main~1"]);
        world.stage(branch, branch);
        world.commit(branch);
    }
    world.git(&["checkout", "-q", "main"]);
    world.stage("arm", leak(1));
    let tree = world.git(&["write-tree"]);
    let octopus = world.git(&["commit-tree", "-p", "main", "-p", "side", "-p", "a", "-p", "b", "-m", "octopus", &tree]);
    world.git(&["reset", "-q", "--hard", &octopus]);
    assert_eq!(held(&history(&world, ".", &[]).0), ["arm:1@octopus reachable refs/heads/main"]);
}

#[test]
fn trap_6b_stashes() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.write("a", leak(1));
    world.git(&["stash", "-q"]);
    world.write("untracked.env", leak(2));
    world.git(&["stash", "-q", "-u"]);
    world.stage("a", leak(3));
    world.write("a", "clean again\n");
    world.git(&["stash", "-q"]);
    let (report, code) = history(&world, ".", &[]);
    let told = held(&report);
    assert_eq!((code, told.len()), (1, 3), "{told:?}");
    assert!(told.iter().all(|one| one.ends_with(" stash refs/stash")), "{told:?}");
    assert!(told.iter().any(|one| one.starts_with("untracked.env:1@untracked files on main")), "{told:?}");
    let page = world.stanch(&["history"]).stdout;
    assert_eq!(page.matches("held      only by the stash: refs/stash").count(), 3, "{page}");
}

#[test]
fn trap_6c_a_link_that_becomes_a_file() {
    let world = World::repository();
    std::os::unix::fs::symlink("elsewhere", world.path("config")).unwrap();
    world.git(&["add", "config"]);
    world.commit("link");
    fs::remove_file(world.path("config")).unwrap();
    world.stage("config", leak(1));
    world.commit("file");
    // And one whose target is the secret.
    fs::remove_file(world.path("config")).unwrap();
    std::os::unix::fs::symlink(format!("https://x/?SANDBOX_KEY={}", token(2)), world.path("config")).unwrap();
    world.git(&["add", "config"]);
    world.commit("link again");
    let both = ["config:1@file reachable refs/heads/main", "config:1@link again reachable refs/heads/main"];
    assert_eq!(held(&history(&world, ".", &[]).0), both);
}

#[test]
fn trap_7a_amended_reset_and_unreachable() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.stage("a", leak(1));
    world.commit("leak");
    world.stage("a", "clean\n");
    world.git(&["commit", "-q", "--amend", "-m", "clean"]);
    world.stage("b", leak(2));
    world.commit("another leak");
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let told = held(&history(&world, ".", &[]).0);
    let names = "reflog HEAD refs/heads/main";
    assert_eq!(told, [format!("a:1@leak {names}"), format!("b:1@another leak {names} ORIG_HEAD")]);
    assert!(world.stanch(&["history"]).stdout.contains("held      only by the log of HEAD, refs/heads/main"));

    world.git(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"]);
    fs::remove_file(world.path(".git/ORIG_HEAD")).unwrap();
    for way in ["loose", "packed"] {
        let (report, code) = history(&world, ".", &[]);
        assert_eq!((code, held(&report)), (1, vec!["(no path):1@- unreachable".to_owned(); 2]), "{way}");
        assert!(world.stanch(&["history"]).stdout.contains("held      by nothing: it stays"), "{way}");
        assert_eq!(history(&world, ".", &["--reachable"]).1, 0, "{way}");
        world.git(&["repack", "-q", "-a", "-d", "--keep-unreachable"]);
    }
    world.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(history(&world, ".", &[]).1, 0, "git removed it");
}

#[test]
fn trap_7b_staged_and_then_not() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.stage("taken back.env", leak(1));
    world.git(&["reset", "-q"]);
    fs::remove_file(world.path("taken back.env")).unwrap();
    assert_eq!(held(&history(&world, ".", &[]).0), ["(no path):1@- unreachable"]);

    world.stage("still.env", leak(2));
    world.git(&["worktree", "add", "-q", "--detach", "linked"]);
    world.write("linked/there.env", leak(3));
    world.git(&["-C", "linked", "add", "there.env"]);
    let wanted =
        ["(no path):1@- unreachable", "still.env:1@- index index", "there.env:1@- index worktrees/linked/index"];
    for repository in [".", "linked"] {
        assert_eq!(held(&history(&world, repository, &[]).0), wanted, "{repository}");
    }
    let page = world.stanch(&["history"]).stdout;
    assert!(page.contains("held      only by what is staged: worktrees/linked/index"), "{page}");
}

#[test]
fn trap_7c_messages_headers_and_notes() {
    let world = World::repository();
    world.stage("a", "one\n");
    let first = world.commit(&format!("one\n\nThe key is {}", token(1)));
    world.git(&["notes", "add", "-m", &leak(2), &first]);
    world.git(&["tag", "-a", "-m", &leak(3), "v1"]);
    // An address, and a header that nobody knows.
    let mut git = world.command("git");
    let email = format!("{}@example.org", token(4));
    git.args(["commit", "-q", "--allow-empty", "-m", "two"]).env("GIT_AUTHOR_EMAIL", &email);
    assert!(git.status().unwrap().success());
    let text = world.git(&["cat-file", "commit", "HEAD"]);
    let (head, message) = text.split_once("\n\n").unwrap();
    world.write("object", format!("{head}\nx-deploy-key {}\n\n{message}\n", token(5)));
    let odd = world.git(&["hash-object", "-t", "commit", "-w", "object"]);
    world.git(&["update-ref", "refs/heads/odd", &odd]);
    fs::remove_file(world.path("object")).unwrap();
    let mut git = world.command("git");
    git.args(["tag", "-a", "-m", "tagged", "v2"]).env("GIT_COMMITTER_NAME", format!("key {}", token(6)));
    assert!(git.status().unwrap().success());
    let (report, code) = history(&world, ".", &[]);
    let told = held(&report);
    assert_eq!((code, report["findings"].as_array().unwrap().len()), (1, 6), "{told:#?}");
    assert!(told.iter().any(|one| one.ends_with(" notes refs/notes/commits")), "{told:#?}");
    for name in ["refs/tags/v1", "refs/tags/v2", "refs/heads/odd"] {
        assert!(told.iter().any(|one| one.starts_with("(message):") && one.contains(name)), "{name}: {told:#?}");
    }
    for (format, seed) in ["text", "json", "jsonl", "sarif", "gitleaks"].into_iter().zip([4; 5]) {
        let shown = world.stanch(&["history", "--format", format]).stdout;
        assert!((1..=6).chain([seed]).all(|seed| !shown.contains(&token(seed))), "{format} shows a secret: {shown}");
    }
    assert_eq!(history(&world, ".", &["--reachable"]).0["findings"].as_array().unwrap().len(), 6);
}

#[test]
fn trap_8a_a_replaced_commit_and_a_graft() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.stage("a", leak(1));
    let hidden = world.commit("hidden");
    world.stage("a", "three\n");
    let last = world.commit("three");
    let clean = world.git(&["commit-tree", "-p", "HEAD~2", "-m", "clean", "HEAD~2^{tree}"]);
    world.git(&["replace", &hidden, &clean]);
    assert!(!world.git(&["log", "-p"]).contains(&token(1)), "git shows the other commit");
    let told = held(&history(&world, ".", &["--reachable"]).0);
    assert_eq!(told, ["a:1@hidden reachable refs/heads/main"]);
    world.git(&["replace", "-d", &hidden]);
    world.write(".git/info/grafts", format!("{last}\n"));
    assert!(!world.git(&["log", "-p"]).contains(&token(1)), "git ends at the graft");
    assert_eq!(held(&history(&world, ".", &["--reachable"]).0), told);
    world.git(&["pack-refs", "--all"]);
    let _ = world.try_git(&["commit-graph", "write", "--reachable"]);
    assert_eq!(held(&history(&world, ".", &[]).0), told);
}

#[test]
fn trap_8b_holes_in_the_middle() {
    let world = World::repository();
    for seed in 1..=4 {
        world.stage("a", leak(seed));
        world.commit(&format!("commit {seed}"));
    }
    let object = |name: &str| {
        let id = world.git(&["rev-parse", name]);
        world.path(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    };
    let (gone, broken) = (object("HEAD~1^{tree}"), object("HEAD~2:a"));
    fs::remove_file(gone).unwrap();
    fs::remove_file(&broken).unwrap();
    fs::write(&broken, "no stream of zlib").unwrap();
    let (report, code) = history(&world, ".", &[]);
    assert_eq!((code, &report["complete"]), (1, &Value::Bool(false)));
    let told = held(&report);
    assert_eq!(told.len(), 3, "all but the broken one: {told:?}");
    assert_eq!(reasons(&report), ["corrupt", "missing"]);

    // The commit itself: git's own log dies there.
    let commit = object("HEAD~1");
    fs::remove_file(commit).unwrap();
    assert_ne!(world.try_git(&["log"]).code, 0);
    let (report, code) = history(&world, ".", &[]);
    assert_eq!((code, held(&report).len(), &report["complete"]), (1, 3, &Value::Bool(false)));
    let nothing = world.stanch(&["history", "--range", "HEAD~1..HEAD"]);
    assert!(nothing.code == 1 || nothing.code == 2, "{}: {}", nothing.code, nothing.stderr);
}

#[test]
fn an_object_of_no_kind_that_git_knows() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.write("odd", leak(1));
    world.git(&["hash-object", "-t", "secret", "--literally", "-w", "odd"]);
    fs::remove_file(world.path("odd")).unwrap();
    let (report, code) = history(&world, ".", &[]);
    assert_eq!((code, reasons(&report)), (3, vec!["corrupt"]));
    assert!(report["skipped"][0]["detail"].as_str().unwrap().contains("kind"), "{report:#}");
}

/// A server that gives part of a history, and what a clone of it must never call again.
fn served() -> World {
    let world = World::new();
    world.git(&["init", "-q", "-b", "main", "server"]);
    for round in 0..30 {
        world.write(&format!("server/{round}"), if round == 3 { leak(1) } else { format!("text {round}\n") });
        world.git(&["-C", "server", "add", "."]);
        world.git(&["-C", "server", "commit", "-q", "-m", &format!("commit {round}")]);
    }
    world.git(&["-C", "server", "config", "uploadpack.allowFilter", "true"]);
    world
}

/// From now on, calling the server leaves a trace.
fn trap(world: &World, clone: &str) -> PathBuf {
    let trap = world.path("trap");
    world.git(&["-C", clone, "config", "protocol.ext.allow", "always"]);
    world.git(&["-C", clone, "remote", "set-url", "origin", &format!("ext::sh -c touch% {}", trap.display())]);
    trap
}

#[test]
fn trap_8c_a_partial_clone_is_never_filled() {
    let world = served();
    let from = format!("file://{}", world.path("server").display());
    world.git(&["clone", "-q", "--bare", "--filter=blob:none", &from, "partial"]);
    let trap = trap(&world, "partial");
    let (report, code) = history(&world, "partial", &[]);
    assert_eq!((code, reasons(&report).len()), (3, 21), "20 by name, the others counted");
    assert!(reasons(&report).iter().all(|why| *why == "missing"));
    assert_eq!(report["skipped"][20]["what"], "10 more blobs");
    let (report, code) = history(&world, "partial", &["--range", "main~2..main"]);
    assert_eq!((code, reasons(&report).len()), (3, 2));
    world.git(&["clone", "-q", "--no-checkout", "--filter=tree:0", &from, "treeless"]);
    let (report, code) = history(&world, "treeless", &[]);
    assert_eq!((code, reasons(&report).len()), (3, 30));
    assert!(!trap.exists(), "nobody called the server");
}

#[test]
fn trap_8d_the_end_of_a_shallow_clone() {
    let world = served();
    let from = format!("file://{}", world.path("server").display());
    world.git(&["clone", "-q", "--depth=3", &from, "shallow"]);
    let (report, code) = history(&world, "shallow", &[]);
    assert_eq!((code, reasons(&report), report["read"]["commits"].as_u64()), (1, vec!["shallow"], Some(3)));
    assert_eq!(held(&report).len(), 1, "what lies at the end is there");
}

#[test]
fn trap_8d_alternates_and_what_only_they_hold() {
    let world = World::repository();
    world.stage("a", leak(1));
    world.commit("one");
    world.git(&["clone", "-q", "--shared", ".", "borrower"]);
    // The pool goes on; the borrower does not know of it.
    world.stage("b", leak(2));
    world.commit("two");
    let names = "refs/heads/main refs/remotes/origin/HEAD refs/remotes/origin/main";
    let wanted = ["(no path):1@- shared".to_owned(), format!("a:1@one reachable {names}")];
    assert_eq!(held(&history(&world, "borrower", &[]).0), wanted);
    assert_eq!(held(&history(&world, "borrower", &["--reachable"]).0), wanted[1..]);
    let page = world.stanch(&["history", "borrower"]).stdout;
    assert!(page.contains("in a shared object store"), "{page}");
    world.git(&["gc", "-q"]);
    assert_eq!(held(&history(&world, "borrower", &[]).0), wanted, "packed");

    // An alternate that is gone is told; a circle of them ends.
    let list = world.path("borrower/.git/objects/info/alternates");
    let pool = fs::read_to_string(&list).unwrap();
    world.write(".git/objects/info/alternates", world.path("borrower/.git/objects").to_str().unwrap());
    assert_eq!(held(&history(&world, "borrower", &[]).0), wanted, "a circle");
    fs::write(&list, format!("{pool}/no/such/folder\n")).unwrap();
    let (report, code) = history(&world, "borrower", &[]);
    assert_eq!((code, &report["complete"]), (1, &Value::Bool(false)));
    assert_eq!(reasons(&report)[0], "missing");
}

#[test]
fn trap_8d_a_linked_work_tree() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.git(&["worktree", "add", "-q", "--detach", "linked"]);
    world.write("linked/b", leak(1));
    world.git(&["-C", "linked", "add", "b"]);
    world.git(&["-C", "linked", "commit", "-q", "-m", "on its head alone"]);
    world.git(&["config", "extensions.worktreeConfig", "true"]);
    for repository in [".", "linked"] {
        let told = held(&history(&world, repository, &[]).0);
        assert_eq!(told, ["b:1@on its head alone reachable HEAD"], "{repository}");
        assert_eq!(held(&history(&world, repository, &["--reachable"]).0), told);
    }
}

#[test]
fn trap_10_names_of_sha256() {
    let world = World::new();
    world.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    world.stage("a", leak(1));
    world.commit("one");
    world.stage("b.env", leak(2));
    for way in ["loose", "packed"] {
        let (report, code) = history(&world, ".", &[]);
        let wanted = ["a:1@one reachable refs/heads/main", "b.env:1@- index index"];
        assert_eq!((code, held(&report)), (1, wanted.map(str::to_owned).to_vec()), "{way}");
        assert_eq!(report["findings"][0]["occurrences"][0]["commit"]["id"].as_str().unwrap().len(), 64);
        world.git(&["repack", "-q", "-a", "-d"]);
    }
    world.git(&["clone", "-q", "--bare", ".", "bare"]);
    assert_eq!(history(&world, "bare", &[]).1, 1);
}

#[test]
fn a_secret_is_held_as_firmly_as_the_firmest_place_holds_it() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    world.stage("a", leak(1));
    world.commit("leak");
    world.stage("a", format!("{}more\n", leak(1)));
    world.commit("more of it");
    world.git(&["reset", "-q", "--soft", "HEAD~2"]);
    world.commit("squashed");
    // The first version is in the log alone, and the one that the branch holds was made from it.
    let told = held(&history(&world, ".", &[]).0);
    assert!(told.iter().any(|one| one.contains(" reachable refs/heads/main")), "{told:?}");
    let told = held(&history(&world, ".", &["--reachable"]).0);
    assert_eq!(told, ["a:1@squashed reachable refs/heads/main"]);
}
