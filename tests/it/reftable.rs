//! Repositories whose refs are tables, held against real git: `git for-each-ref` and `git reflog` are the oracles.

use crate::world::{World, token};
use stanch::source::git::History;
use stanch::source::git::id::Hash;
use stanch::source::git::reftable::{Table, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::process::Stdio;

fn repository(format: &str) -> World {
    let world = World::new();
    let kind = format!("--object-format={format}");
    world.git(&["init", "-q", "-b", "main", "--ref-format=reftable", &kind]);
    world
}

/// The tables of the repository, the oldest first.
fn tables(world: &World, hash: Hash) -> Vec<Table> {
    let folder = world.path(".git/reftable");
    let list = std::fs::read_to_string(folder.join("tables.list")).unwrap();
    list.lines().map(|name| Table::parse(std::fs::read(folder.join(name)).unwrap(), hash).unwrap()).collect()
}

/// Every ref as we read it, with its object or the name that it stands for.
fn ours(world: &World, hash: Hash) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    for table in tables(world, hash) {
        let mut give = |name: &[u8], value: Value| {
            assert_eq!(table.find(name), Ok(Some(value.clone())));
            let name = String::from_utf8(name.to_vec()).unwrap();
            match value {
                Value::Gone => drop(known.remove(&name)),
                Value::Object(id) => drop(known.insert(name, id.to_string())),
                Value::Symbolic(other) => drop(known.insert(name, String::from_utf8(other).unwrap())),
            }
            ControlFlow::Continue(())
        };
        table.refs(&mut give).unwrap();
    }
    known
}

fn theirs(world: &World) -> BTreeMap<String, String> {
    let format = "--format=%(refname) %(if)%(symref)%(then)%(symref)%(else)%(objectname)%(end)";
    let text = world.git(&["for-each-ref", "--include-root-refs", format]);
    text.lines().map(|line| line.split_once(' ').unwrap()).map(|(name, what)| (name.into(), what.into())).collect()
}

/// Commits that everything leads to, and that the logs name.
fn named(world: &World) -> BTreeSet<String> {
    let refs = world.git(&["for-each-ref", "--include-root-refs", "--format=%(objectname) %(*objectname)"]);
    let logs = world.git(&["reflog", "--all", "--format=%H"]);
    let ids = refs.split_whitespace().chain(logs.split_whitespace());
    ids.filter(|id| world.git(&["cat-file", "-t", id]) == "commit").map(str::to_owned).collect()
}

fn feed(world: &World, args: &[&str], input: &str) {
    let mut git = world.command("git");
    let mut child = git.args(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "git {args:?}");
}

/// The paths of what a history scan finds, with how each is held.
fn found(world: &World, args: &[&str]) -> Vec<String> {
    let report = world.stanch(&[args, &["--format", "json"]].concat()).json();
    let places = report["findings"].as_array().unwrap().iter().flat_map(|one| one["occurrences"].as_array().unwrap());
    let mut paths: Vec<String> = places.map(|place| place["path"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn refs_of_a_life_are_read_as_git_reads_them() {
    for (format, hash) in [("sha1", Hash::Sha1), ("sha256", Hash::Sha256)] {
        let world = repository(format);
        let same = |when: &str| {
            assert_eq!(ours(&world, hash), theirs(&world), "{format}: {when}");
            let (tips, _) = History::open(Some(world.root())).unwrap().holds();
            let missing: Vec<String> = named(&world).into_iter().filter(|id| !tips.contains(id)).collect();
            assert!(missing.is_empty(), "{format}: {when}: {missing:?} of {tips:?}");
        };
        assert_eq!(world.stanch(&["history"]).code, 0, "before the first commit");
        world.stage("a", "one");
        let first = world.commit("one");
        same("one commit");
        world.git(&["tag", "-am", "tagged", "v1"]);
        world.git(&["checkout", "-q", "-b", "side"]);
        world.stage("b", "two");
        world.commit("two");
        world.git(&["commit", "-q", "--amend", "-m", "amended"]);
        world.write("b", "stashed");
        world.git(&["stash", "-q"]);
        world.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main"]);
        same("branches, a tag, a stash");
        world.git(&["checkout", "-q", "--detach", "main"]);
        world.stage("c", "three");
        world.commit("detached");
        same("a detached HEAD");
        world.git(&["branch", "-q", "-D", "side"]);
        same("a branch that is gone");
        world.git(&["pack-refs", "--all"]);
        assert_eq!(tables(&world, hash).len(), 1);
        same("melted into one");

        // Enough for several blocks and their index.
        let many: String = (0..700).map(|n| format!("create refs/many/{n:04}/name {first}\n")).collect();
        feed(&world, &["update-ref", "--stdin"], &many);
        let gone: String = (0..700).step_by(3).map(|n| format!("delete refs/many/{n:04}/name\n")).collect();
        feed(&world, &["update-ref", "--stdin"], &gone);
        same("hundreds of refs");
        let history = History::open(Some(world.root())).unwrap();
        assert!(history.knows("refs/many/0001/name") && !history.knows("refs/many/0003/name") && history.knows("v1"));
    }
}

#[test]
fn every_verb_that_reads_refs_reads_tables() {
    let world = repository("sha1");
    let leak = |seed: u64| format!("key = {}\n", token(seed));
    world.stage("clean", "fine");
    world.commit("one");
    world.stage("old.env", leak(1));
    world.commit("leak");
    world.git(&["rm", "-q", "old.env"]);
    world.stage("kept.env", leak(2));
    world.git(&["commit", "-q", "--amend", "-m", "another leak"]);
    assert_eq!(found(&world, &["history"]), ["kept.env", "old.env"]);
    let report = world.stanch(&["history", "--format", "json"]).json();
    let text = report.to_string();
    assert!(text.contains("\"reflog\"") && text.contains("refs/heads/main"), "{text}");
    assert_eq!(found(&world, &["history", "--range", "HEAD~1..main"]), ["kept.env"]);

    assert!(found(&world, &["staged"]).is_empty());
    world.stage("staged.env", leak(3));
    assert_eq!(found(&world, &["staged"]), ["staged.env"]);
    world.git(&["reset", "-q", "--hard"]);

    world.git(&["worktree", "add", "-q", "linked", "-b", "linked"]);
    world.write("linked/l.env", leak(4));
    world.git(&["-C", "linked", "add", "l.env"]);
    assert_eq!(found(&world, &["staged", "linked"]), ["l.env"]);
    world.git(&["-C", "linked", "commit", "-q", "-m", "l"]);
    world.git(&["-C", "linked", "checkout", "-q", "--detach"]);
    world.git(&["branch", "-q", "-D", "linked"]);
    assert!(found(&world, &["staged", "linked"]).is_empty());
    assert!(found(&world, &["history"]).contains(&"l.env".to_owned()), "what only the HEAD of a work tree leads to");

    world.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    world.stage("side.env", leak(5));
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.git(&["merge", "-q", "--no-commit", "side"]);
    assert!(found(&world, &["staged"]).is_empty(), "MERGE_HEAD is a file all the same");
}

#[test]
fn tables_that_cannot_be_read_are_told() {
    let world = repository("sha1");
    world.stage("a", "fine");
    world.commit("one");
    let list = std::fs::read_to_string(world.path(".git/reftable/tables.list")).unwrap();
    let name = format!(".git/reftable/{}", list.lines().next().unwrap());
    let good = std::fs::read(world.path(&name)).unwrap();
    let with = |bytes: &[u8], says: &str| {
        std::fs::remove_file(world.path(&name)).unwrap();
        world.write(&name, bytes);
        let ended = world.stanch(&["history"]);
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(says), "{}", ended.stdout);
    };
    with(b"nothing", "it is no reftable");
    let mut damaged = good.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    with(&damaged, "its footer is damaged");
    world.write(&name, &good);
    assert_eq!(world.stanch(&["history"]).code, 0);
    for (list, says) in [("../../a\n".to_owned(), "outside of its folder"), (format!("{list}gone.ref\n"), "gone.ref")] {
        world.write(".git/reftable/tables.list", list);
        let ended = world.stanch(&["history"]);
        assert_eq!(ended.code, 3, "{}", ended.stdout);
        let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(says), "{}", ended.stdout);
    }
    std::fs::remove_file(world.path(".git/reftable/tables.list")).unwrap();
    assert_eq!(world.stanch(&["history"]).code, 3);
    let staged = world.stanch(&["staged"]);
    assert_eq!(staged.code, 3, "what HEAD is nobody knows: {}", staged.stdout);
    assert!(staged.stdout.contains("HEAD is corrupt"), "{}", staged.stdout);
}

#[test]
fn damaged_tables_are_read_or_refused() {
    let world = repository("sha1");
    world.stage("a", "one");
    let id = world.commit("one");
    let many: String = (0..200).map(|n| format!("create refs/many/{n} {id}\n")).collect();
    feed(&world, &["update-ref", "--stdin"], &many);
    world.git(&["pack-refs", "--all"]);
    let list = std::fs::read_to_string(world.path(".git/reftable/tables.list")).unwrap();
    let good = std::fs::read(world.path(".git/reftable").join(list.trim())).unwrap();
    let mut seed = 5u64;
    let mut below = |end: usize| {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (seed >> 33) as usize % end
    };
    let mut whole = 0;
    for _ in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..1 + below(3) {
            let at = below(bytes.len() - 4);
            bytes[at] = [0, 1, 0xff, bytes[at] ^ 1 << below(8)][below(4)];
        }
        // A checksum that holds, so that positions are believed.
        let (foot, end) = (bytes.len() - 68, bytes.len() - 4);
        let head = bytes[..24].to_vec();
        bytes[foot..foot + 24].copy_from_slice(&head);
        let sum = crc32fast::hash(&bytes[foot..end]);
        bytes[end..].copy_from_slice(&sum.to_be_bytes());
        let Ok(table) = Table::parse(bytes, Hash::Sha1) else { continue };
        let mut last = Vec::new();
        let read = table.refs(&mut |name, _| {
            assert!(last.as_slice() < name);
            last = name.to_vec();
            ControlFlow::Continue(())
        });
        let logs = table.logs(&mut |_| ControlFlow::Continue(()));
        whole += usize::from(read.is_ok() && logs.is_ok());
    }
    assert!(whole > 0, "some damage is none");
}
