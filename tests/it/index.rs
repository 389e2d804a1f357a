//! The index and what is staged in it, held against real git: `git ls-files` and `git diff --cached` are the oracles.

use crate::world::World;
use stanch::source::git::Staged;
use stanch::source::git::id::Hash;
use stanch::source::git::index::Index;
use stanch::source::{Item, Provenance, SkipReason, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Stdio;

/// Numbers without rhyme, the same at every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }
}

/// `mode id stage TAB path` of every entry, as `git ls-files --stage` has it.
fn ours(world: &World, hash: Hash) -> Vec<String> {
    let folder = world.path(".git");
    let index = Index::open(&folder.join("index"), &folder, hash).unwrap().unwrap();
    let (mut entries, mut lines) = (index.entries(), Vec::new());
    while let Some(entry) = entries.current() {
        let path = String::from_utf8(entry.path.to_vec()).unwrap();
        lines.push(format!("{:06o} {} {}\t{path}", entry.mode, entry.id, entry.stage));
        entries.advance();
    }
    lines
}

fn theirs(world: &World) -> Vec<String> {
    let text = world.git(&["ls-files", "--stage", "-z", "--sparse"]);
    text.split('\0').filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Runs git with something on standard input.
fn feed(world: &World, args: &[&str], input: &str) -> String {
    let mut git = world.command("git");
    let mut child = git.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Writes blobs with these texts and gives their ids.
fn blobs(world: &World, texts: &[String]) -> Vec<String> {
    for (number, text) in texts.iter().enumerate() {
        world.write(&format!(".blobs/{number}"), text);
    }
    let paths: Vec<String> = (0..texts.len()).map(|number| format!(".blobs/{number}\n")).collect();
    feed(world, &["hash-object", "-w", "--stdin-paths"], &paths.concat()).lines().map(str::to_owned).collect()
}

/// A path out of few, so that files and folders come to lie in each other's way.
fn path(chance: &mut Chance) -> String {
    let names = ["a", "a.b", "a0", "b", "deep", "z"];
    let depth = 1 + chance.below(4);
    let parts: Vec<&str> = (0..depth).map(|_| names[chance.below(6) as usize]).collect();
    parts.join("/")
}

/// Changes the index a little: adds, changes, deletes, other types.
fn stir(world: &World, ids: &[String], chance: &mut Chance, steps: u64) {
    for _ in 0..steps {
        let (path, id) = (path(chance), &ids[chance.below(ids.len() as u64) as usize]);
        let cacheinfo = |mode: &str| format!("{mode},{id},{path}");
        match chance.below(9) {
            0 | 1 => drop(world.try_git(&["rm", "-q", "-r", "-f", "--cached", "--ignore-unmatch", "--", &path])),
            2 => drop(world.git(&["update-index", "--add", "--replace", "--cacheinfo", &cacheinfo("120000")])),
            3 => drop(world.git(&["update-index", "--add", "--replace", "--cacheinfo", &cacheinfo("160000")])),
            4 => drop(world.git(&["update-index", "--add", "--replace", "--cacheinfo", &cacheinfo("100755")])),
            _ => drop(world.git(&["update-index", "--add", "--replace", "--cacheinfo", &cacheinfo("100644")])),
        }
    }
}

/// Path and id of what is staged by our reading; submodules among it.
fn staged(world: &World) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut sink = |item| {
        match item {
            Item::Blob(blob) => {
                let Provenance::Staged { path, blob } = &*blob.provenance else { panic!("{:?}", blob.provenance) };
                found.insert(String::from_utf8(path.clone()).unwrap(), blob.clone());
            }
            Item::Skipped(one) if one.why == SkipReason::Submodule => {
                found.insert(one.what, one.detail.trim_start_matches("at commit ").to_owned());
            }
            other => panic!("{other:?}"),
        }
        true
    };
    Staged::open(Some(world.root())).unwrap().walk(&mut sink).unwrap();
    found
}

/// The same by git's. A change of the mode alone brings nothing new.
fn diffed(world: &World) -> BTreeMap<String, String> {
    let text = match world.try_git(&["rev-parse", "-q", "--verify", "HEAD"]).code {
        0 => world.git(&["diff", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", "--ignore-submodules=none"]),
        _ => world.git(&["diff", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", EMPTY]),
    };
    let fields: Vec<&str> = text.split('\0').collect();
    let pairs = fields.as_chunks::<2>().0;
    let mut found = BTreeMap::new();
    for [about, path] in pairs {
        let about: Vec<&str> = about.split(' ').collect();
        if about[4] != "D" && about[2] != about[3] {
            found.insert((*path).to_owned(), about[3].to_owned());
        }
    }
    found
}

const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

#[test]
fn random_indexes_of_every_kind_are_read_as_git_reads_them() {
    for seed in 0..24 {
        let chance = &mut Chance(seed);
        let world = World::repository();
        let kind = seed % 6;
        if kind == 1 || kind == 4 {
            world.git(&["config", "index.version", "4"]);
        }
        if kind == 2 {
            world.git(&["config", "index.skipHash", "true"]);
        }
        let texts: Vec<String> = (0..8).map(|number| format!("text {number}\nsecond line\n")).collect();
        let ids = blobs(&world, &texts);
        stir(&world, &ids, chance, 12);
        assert_eq!(staged(&world), diffed(&world), "seed {seed}, before the first commit");
        world.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
        if kind == 3 || kind == 4 {
            world.git(&["update-index", "--split-index"]);
            assert!(!world.git(&["rev-parse", "--shared-index-path"]).is_empty(), "the index is split");
        }
        if kind == 5 {
            // Without its cache-tree.
            let lines = world.git(&["ls-files", "--stage"]);
            world.git(&["read-tree", "--empty"]);
            feed(&world, &["update-index", "--index-info"], &format!("{lines}\n"));
        }
        assert_eq!(staged(&world), BTreeMap::new(), "seed {seed}");
        for round in 0..3 {
            stir(&world, &ids, chance, 3);
            let before = std::fs::read(world.path(".git/index")).unwrap();
            assert_eq!(ours(&world, Hash::Sha1), theirs(&world), "seed {seed}, round {round}");
            assert_eq!(staged(&world), diffed(&world), "seed {seed}, round {round}");
            assert!(std::fs::read(world.path(".git/index")).unwrap() == before, "the index is as it was");
        }
    }
}

#[test]
fn flags_and_the_sides_of_a_conflict() {
    let world = World::repository();
    let ids = blobs(&world, &["one".into(), "two".into(), "three".into()]);
    let sides: Vec<String> = (0..3).map(|n| format!("100644 {} {}\tclash\n", ids[n], n + 1)).collect();
    feed(&world, &["update-index", "--index-info"], &sides.concat());
    for name in ["announced", "skipped", "plain"] {
        world.write(name, name);
    }
    world.git(&["add", "plain", "skipped"]);
    world.git(&["add", "-N", "announced"]);
    world.git(&["update-index", "--skip-worktree", "skipped"]);
    assert_eq!(ours(&world, Hash::Sha1), theirs(&world));
    let index = Index::open(&world.path(".git/index"), &world.path(".git"), Hash::Sha1).unwrap().unwrap();
    let (mut entries, mut flagged) = (index.entries(), BTreeSet::new());
    while let Some(entry) = entries.current() {
        if entry.announced || entry.absent {
            flagged.insert((String::from_utf8_lossy(entry.path).into_owned(), entry.announced, entry.absent));
        }
        entries.advance();
    }
    assert_eq!(flagged, BTreeSet::from([("announced".into(), true, false), ("skipped".into(), false, true)]));
}

#[test]
fn passing_many_is_advancing_as_often() {
    let world = World::repository();
    let id = &blobs(&world, &["text".into()])[0];
    let lines: Vec<String> = (0..320).map(|n| format!("100644 {id} 0\tfolder{}/file{n}\n", n / 90)).collect();
    feed(&world, &["update-index", "--index-info"], &lines.concat());
    for version in ["2", "4"] {
        world.git(&["update-index", "--index-version", version]);
        let index = Index::open(&world.path(".git/index"), &world.path(".git"), Hash::Sha1).unwrap().unwrap();
        for start in [0, 1, 63, 64, 200, 319, 320] {
            for count in [0, 1, 62, 63, 64, 65, 128, 256, 319, 320, 1000] {
                let mut slow = index.entries();
                (0..start).for_each(|_| slow.advance());
                let mut fast = slow.clone();
                (0..count).for_each(|_| slow.advance());
                fast.pass(count);
                assert_eq!(fast.current(), slow.current(), "version {version}: {count} from {start}");
                fast.advance();
                slow.advance();
                assert_eq!(fast.path(), slow.path(), "version {version}: one more");
            }
        }
    }
    world.git(&["commit", "-q", "-m", "first"]);
    world.git(&["rm", "-q", "--cached", "folder1/file100"]);
    world.git(&["update-index", "--add", "--cacheinfo", &format!("100755,{id},folder2/new")]);
    assert_eq!(staged(&world), diffed(&world));
}

#[test]
fn damaged_bytes_are_read_or_refused() {
    let world = World::repository();
    let id = &blobs(&world, &["text".into()])[0];
    let lines: Vec<String> = (0..80).map(|n| format!("100644 {id} 0\tfolder{}/file{n}\n", n / 9)).collect();
    feed(&world, &["update-index", "--index-info"], &lines.concat());
    world.git(&["commit", "-q", "-m", "first"]);
    let chance = &mut Chance(3);
    for kind in [&["--index-version", "2"][..], &["--index-version", "4"], &["--split-index"]] {
        world.git(&[&["update-index"], kind].concat());
        world.git(&["update-index", "--add", "--cacheinfo", &format!("100755,{id},new")]);
        let good = std::fs::read(world.path(".git/index")).unwrap();
        let shared = world.git(&["rev-parse", "--shared-index-path"]);
        let below = if shared.is_empty() { Vec::new() } else { std::fs::read(world.path(&shared)).unwrap() };
        for _ in 0..4000 {
            let (mut upper, mut lower) = (good.clone(), below.clone());
            for _ in 0..1 + chance.below(3) {
                let bytes = if lower.is_empty() || chance.below(2) == 0 { &mut upper } else { &mut lower };
                let at = chance.below(bytes.len() as u64) as usize;
                bytes[at] = [0, 1, 0xff, bytes[at] ^ 1 << chance.below(8)][chance.below(4) as usize];
            }
            let Ok(index) = Index::parse(upper, Hash::Sha1, &mut |_| Ok(lower.clone())) else { continue };
            let (mut entries, mut count) = (index.entries(), 0);
            let mut last: Option<(Vec<u8>, u8)> = None;
            while let Some(entry) = entries.current() {
                assert!(
                    last.as_ref().is_none_or(|(path, stage)| (path.as_slice(), *stage) < (entry.path, entry.stage))
                );
                last = Some((entry.path.to_vec(), entry.stage));
                entries.advance();
                count += 1;
            }
            let mut passing = index.entries();
            passing.pass(count - 1);
            assert_eq!(passing.path(), last.as_ref().map(|(path, _)| path.as_slice()));
        }
    }
}

#[test]
fn names_of_sha256() {
    let world = World::new();
    world.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    for name in ["a", "b/c", "b/d"] {
        world.stage(name, name);
    }
    world.commit("first");
    for version in ["2", "4"] {
        world.git(&["update-index", "--index-version", version]);
        assert_eq!(ours(&world, Hash::Sha256), theirs(&world), "version {version}");
    }
    let index = Index::open(&world.path(".git/index"), &world.path(".git"), Hash::Sha256).unwrap().unwrap();
    let inner = index.tree().unwrap().top().unwrap().inner(b"b").unwrap();
    assert_eq!(inner.id().unwrap().to_string(), world.git(&["rev-parse", "HEAD:b"]));
    assert_eq!(inner.entries(), Some(2));
}

#[test]
fn a_sparse_index_is_compared_folder_by_folder() {
    let world = World::repository();
    for name in ["in/a", "out/b", "out/deep/c", "out/deep/d", "top"] {
        world.stage(name, format!("{name}\n"));
    }
    world.commit("first");
    world.stage("out/deep/c", "changed\n");
    world.stage("out/new", "new\n");
    world.commit("second");
    world.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    world.git(&["sparse-checkout", "set", "in"]);
    assert_eq!(ours(&world, Hash::Sha1), theirs(&world));
    assert!(theirs(&world).iter().any(|line| line.ends_with("\tout/")), "the index is sparse");
    assert!(staged(&world).is_empty());
    world.write("in/a", "staged\n");
    world.git(&["add", "in/a"]);
    world.git(&["reset", "-q", "--soft", "HEAD~1"]);
    let found = staged(&world);
    assert!(theirs(&world).iter().any(|line| line.ends_with("\tout/")), "and still is");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["in/a", "out/deep/c", "out/new"]);
    assert_eq!(found, diffed(&world));
}

#[test]
fn an_index_that_git_would_not_read_is_refused_with_the_reason() {
    let world = World::repository();
    world.stage("a", "a");
    world.stage("b", "b");
    let index = std::fs::read(world.path(".git/index")).unwrap();
    let read = |bytes: Vec<u8>| {
        let mut none = |_: &_| Err(std::io::Error::other("not here"));
        Index::parse(bytes, Hash::Sha1, &mut none).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(read(index.clone()), "");
    assert_eq!(read(Vec::new()), "it is no index");
    let with = |at: usize, byte: u8| {
        let mut bytes = index.clone();
        bytes[at] = byte;
        read(bytes)
    };
    assert!(with(7, 5).contains("version 5"));
    assert!(with(11, 3).contains("entry 2 is broken"));
    assert!(with(12 + 62, b'c').contains("entry 1 is out of order"));
    let mut extended = index[..index.len() - 20].to_vec();
    extended.extend(b"want\0\0\0\0");
    extended.extend([0; 20]);
    assert!(read(extended.clone()).contains("the extension `want`"));
    let name = extended.len() - 28;
    extended[name] = b'W';
    assert_eq!(read(extended), "", "one that only helps is passed over");
    let entries = 12 + 2 * 72;
    for end in (0..index.len()).filter(|end| *end != entries + 20) {
        assert!(!read(index[..end].to_vec()).is_empty(), "cut at {end}");
    }
    world.write(".git/index", "no index");
    let ended = world.stanch(&["staged"]);
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("it is no index"), "{}", ended.stderr);
}
