//! Parts of random histories, held against the plain definition: what the commits asked for hold and what lay before them
//! does not. And with git's commit-graph the same as without.

use crate::world::World;
use stanch::source::git::History;
use stanch::source::git::commit_graph::CommitGraph;
use stanch::source::git::history::Without;
use stanch::source::git::id::{Hash, Id};
use stanch::source::{Blob, Item, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

/// Numbers without rhyme, the same at every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }
}

/// A commit as it was made: its parents, and the text at each path.
struct Made {
    parents: Vec<usize>,
    files: BTreeMap<String, String>,
}

/// Commits with files that come, change, move, are copied and come back. With `lies` clocks do not run forward.
fn make(world: &World, commits: usize, lies: bool, chance: &mut Chance) -> Vec<Made> {
    let (mut all, mut stream): (Vec<Made>, String) = (Vec::new(), String::new());
    for number in 0..commits {
        let recent = |chance: &mut Chance| number - 1 - chance.below(number.min(6));
        let mut parents: Vec<usize> = Vec::new();
        for _ in 0..if number == 0 || chance.below(40) == 0 { 0 } else { [1, 1, 1, 2, 3][chance.below(5)] } {
            parents.push(recent(chance));
        }
        let mut seen = BTreeSet::new();
        parents.retain(|parent| seen.insert(*parent));
        let mut files = parents.first().map(|parent| all[*parent].files.clone()).unwrap_or_default();
        for other in parents.iter().skip(1) {
            let others = all[*other].files.iter().filter(|_| chance.below(2) == 0);
            files.extend(others.map(|(path, text)| (path.clone(), text.clone())).collect::<Vec<_>>());
        }
        for _ in 0..chance.below(4) {
            let path = |chance: &mut Chance| {
                let folders = ["", "a/", "b/", "a/deep/", "b/deep/er/"];
                format!("{}file{}", folders[chance.below(5)], chance.below(4))
            };
            let (from, to) = (path(chance), path(chance));
            match chance.below(5) {
                0 => drop(files.remove(&from)),
                1 => drop(files.remove(&from).map(|text| files.insert(to, text))),
                2 => drop(files.get(&from).cloned().map(|text| files.insert(to, text))),
                _ => drop(files.insert(to, format!("text {}\n", chance.below(3 * commits)))),
            }
        }
        let back = if lies && chance.below(4) == 0 { chance.below(40) } else { 0 };
        let time = 1_700_000_000 + (number / 2).saturating_sub(back);
        let _ = writeln!(
            stream,
            "commit refs/heads/c{number}\nmark :{}\ncommitter A <a@example.org> {time} +0000",
            number + 1
        );
        let message = format!("c{number}");
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        for (at, parent) in parents.iter().enumerate() {
            let _ = writeln!(stream, "{} :{}", ["from", "merge"][at.min(1)], parent + 1);
        }
        stream.push_str("deleteall\n");
        for (path, text) in &files {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
        all.push(Made { parents, files });
    }
    let mut git = world.command("git");
    let mut child = git.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    all
}

/// These commits and all before them.
fn reach(all: &[Made], from: &[usize]) -> BTreeSet<usize> {
    let (mut reached, mut stack) = (BTreeSet::new(), from.to_vec());
    while let Some(one) = stack.pop() {
        if reached.insert(one) {
            stack.extend(&all[one].parents);
        }
    }
    reached
}

fn part(world: &World, tips: &[usize], without: &[usize]) -> History {
    let names = |numbers: &[usize]| numbers.iter().map(|n| format!("c{n}")).collect::<Vec<_>>();
    let history = History::open(Some(world.root())).unwrap();
    history.pushed(&names(tips), &[Without::Revisions(names(without))]).unwrap()
}

/// What is handed over, but messages.
fn blobs(history: &mut History) -> Vec<Blob> {
    let mut blobs = Vec::new();
    let mut sink = |item| {
        match item {
            Item::Blob(blob) if blob.provenance.path() != "(message)" => blobs.push(blob),
            Item::Skipped(one) => panic!("{one:?}"),
            _ => {}
        }
        true
    };
    history.walk(&mut sink).unwrap();
    blobs
}

fn id(blob: &Blob) -> String {
    match &*blob.provenance {
        stanch::source::Provenance::History { blob, .. } => blob.clone(),
        other => panic!("{other:?}"),
    }
}

/// `path=text@commit` of every blob that is new.
fn brought(history: &mut History) -> Vec<(String, String, usize)> {
    let mut all = blobs(history);
    all.retain(|blob| !history.was_there(&id(blob)));
    let told = |blob: &Blob| {
        let commit = blob.provenance.commit().unwrap().summary[1..].parse().unwrap();
        (blob.provenance.path(), String::from_utf8(blob.bytes.to_vec()).unwrap(), commit)
    };
    all.iter().map(told).collect()
}

#[test]
fn a_part_is_what_its_commits_hold_and_those_before_them_do_not() {
    for seed in 0..12 {
        let chance = &mut Chance(seed);
        let world = World::repository();
        let all = make(&world, 40, false, chance);
        for _ in 0..12 {
            let tips: Vec<usize> = (0..1 + chance.below(2)).map(|_| chance.below(all.len())).collect();
            let without: Vec<usize> = (0..chance.below(3)).map(|_| chance.below(all.len())).collect();
            let hidden = reach(&all, &without);
            let asked: BTreeSet<usize> = reach(&all, &tips).difference(&hidden).copied().collect();
            let parents = asked.iter().flat_map(|one| &all[*one].parents);
            let boundary: BTreeSet<usize> = parents.filter(|parent| !asked.contains(parent)).copied().collect();
            let texts = |commits: &BTreeSet<usize>| -> BTreeSet<String> {
                commits.iter().flat_map(|one| all[*one].files.values().cloned()).collect()
            };
            let expected: BTreeSet<String> = texts(&asked).difference(&texts(&boundary)).cloned().collect();

            let found = brought(&mut part(&world, &tips, &without));
            let what = format!("seed {seed}: {tips:?} without {without:?}");
            assert_eq!(found.iter().map(|(_, text, _)| text.clone()).collect::<BTreeSet<_>>(), expected, "{what}");
            assert_eq!(found.len(), expected.len(), "{what}: each once");
            for (path, text, commit) in found {
                assert_eq!(all[commit].files.get(&path), Some(&text), "{what}");
                let before = reach(&all, &all[commit].parents);
                assert!(!before.iter().any(|one| asked.contains(one) && all[*one].files.values().any(|t| *t == text)));
            }
        }
    }
}

#[test]
fn a_commit_graph_changes_nothing_but_the_cost() {
    for seed in 0..4 {
        let chance = &mut Chance(seed);
        let world = World::repository();
        let all = make(&world, 300, true, chance);
        let parts: Vec<(Vec<usize>, Vec<usize>)> = (0..10)
            .map(|_| {
                let tips = (0..1 + chance.below(2)).map(|_| 299 - chance.below(120)).collect();
                let without = (0..chance.below(5)).map(|_| chance.below(all.len())).collect();
                (tips, without)
            })
            .collect();
        let told = || {
            let of_part = |(tips, without): &(Vec<usize>, Vec<usize>)| {
                let mut history = part(&world, tips, without);
                let blobs = blobs(&mut history);
                blobs.iter().map(|blob| format!("{:?}", (&blob.provenance, &blob.touched))).collect::<Vec<_>>()
            };
            let since = |seconds: i64| {
                let time = jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap();
                let blobs = blobs(&mut History::open(Some(world.root())).unwrap().since(time));
                blobs.iter().map(|blob| format!("{:?}", (&blob.provenance, &blob.touched))).collect::<Vec<_>>()
            };
            parts.iter().map(of_part).chain([since(100), since(140)]).collect::<Vec<_>>()
        };
        let plain = told();
        world.git(&["commit-graph", "write", "--reachable"]);
        assert!(told() == plain, "seed {seed}: one file");
        let file = world.path(".git/objects/info/commit-graph");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        world.git(&["repack", "-a", "-d", "-q"]);
        for tip in ["c80", "c150", "c299"] {
            let id = format!("{}\n", world.git(&["rev-parse", tip]));
            let mut git = world.command("git");
            git.args(["commit-graph", "write", "--stdin-commits", "--split=no-merge"]).stdin(Stdio::piped());
            let mut child = git.spawn().unwrap();
            child.stdin.take().unwrap().write_all(id.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
        }
        let chain = world.path(".git/objects/info/commit-graphs/commit-graph-chain");
        assert_eq!(std::fs::read_to_string(&chain).unwrap().lines().count(), 3);
        assert!(told() == plain, "seed {seed}: a chain");
        std::fs::remove_dir_all(world.path(".git/objects/info/commit-graphs")).unwrap();

        for end in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            std::fs::remove_file(&file).ok();
            std::fs::write(&file, &bytes[..end]).unwrap();
            assert!(told() == plain, "seed {seed}: cut at {end}");
        }
    }
}

#[test]
fn a_commit_graph_that_is_wrong_about_what_was_asked_for_is_not_believed() {
    let world = World::repository();
    let all = make(&world, 200, false, &mut Chance(1));
    let told = || brought(&mut part(&world, &[all.len() - 1], &[]));
    let plain = told();
    world.git(&["commit-graph", "write", "--reachable"]);
    let file = world.path(".git/objects/info/commit-graph");
    let mut bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let ids: Vec<Id> = (0..all.len()).map(|n| world.git(&["rev-parse", &format!("c{n}")]).parse().unwrap()).collect();
    let graph = CommitGraph::parse(vec![bytes.clone()], Hash::Sha1).unwrap();
    for (made, id) in all.iter().zip(&ids) {
        let parents: Vec<Id> = made.parents.iter().map(|parent| ids[*parent]).collect();
        assert_eq!(graph.find(id).unwrap().parents, parents);
    }
    let chance = &mut Chance(5);
    for _ in 0..3000 {
        let mut damaged = bytes.clone();
        let at = if chance.below(2) == 0 { chance.below(200) } else { chance.below(bytes.len()) };
        damaged[at] = [0, 1, 0xff, damaged[at] ^ 1 << chance.below(8)][chance.below(4)];
        if let Some(graph) = CommitGraph::parse(vec![damaged], Hash::Sha1) {
            let _ = ids.iter().filter_map(|id| graph.find(id)).count();
        }
    }
    // The records stand where the chunk table says; each parent becomes "none".
    let table = &bytes[8..];
    let entry = (0..bytes[6] as usize).map(|n| &table[n * 12..]).find(|entry| &entry[..4] == b"CDAT").unwrap();
    let start = u64::from_be_bytes(entry[4..12].try_into().unwrap()) as usize;
    for record in 0..all.len() {
        let parents = start + record * 36 + 20;
        bytes[parents..parents + 8].copy_from_slice(&[0x70, 0, 0, 0, 0x70, 0, 0, 0]);
    }
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(told(), plain);
}
