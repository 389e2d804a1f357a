//! Where objects of a history come from, told in one pass, is what the walk of the history finds: for every object of
//! repositories that real git made, and for what is missing in them.

use crate::world::World;
use stanch::source::git::History;
use stanch::source::git::attribute::{Attributed, Commits, Hits, Origin};
use stanch::source::git::pack::{Kind, Run, Seen, Visitor};
use stanch::source::{Held, Item, Provenance, Source};
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Instant;

/// Bytes of bases held.
const MEMORY: usize = 64 << 20;

/// Notes the number of every object.
#[derive(Default)]
struct Numbers(Mutex<Vec<u32>>);

impl Visitor for Numbers {
    type State = ();

    fn whole(&self, object: &Seen<'_>) {
        if object.first {
            self.0.lock().unwrap().push(object.number);
        }
    }

    fn delta(&self, object: &Seen<'_>, (): &(), _: usize, _: &[Run]) {
        self.whole(object);
    }
}

/// What every `nth` object comes from.
fn attributed(path: &Path, nth: usize) -> Attributed {
    let history = History::open(Some(path)).unwrap();
    let numbers = Numbers::default();
    let walked = history.store().walk(&[Kind::Blob], MEMORY, &numbers);
    let times = std::env::var_os("STANCH_TIMES").is_some();
    let start = Instant::now();
    let (mut commits, _) = Commits::collect(history.store(), MEMORY, |seen| numbers.whole(seen));
    if times {
        println!("{}: commits {:?}", path.display(), start.elapsed());
    }
    let mut objects = numbers.0.into_inner().unwrap();
    objects.sort_unstable();
    let objects = objects.into_iter().step_by(nth).collect();
    let unread = walked.problems.into_iter().map(|(number, _)| number).collect();
    let start = Instant::now();
    let told = history.attribute(&mut commits, &Hits { objects, unread }, MEMORY);
    if times {
        println!("{}: trees and the rest {:?}", path.display(), start.elapsed());
    }
    told
}

/// Both must be the same.
fn compare(path: &Path) -> Attributed {
    compare_nth(path, 1)
}

fn compare_nth(path: &Path, nth: usize) -> Attributed {
    let told = attributed(path, nth);
    let asked: HashSet<String> = told.origins.iter().map(|origin| origin.id.to_string()).collect();
    let line = |id: &str, path: &[u8], commit: Option<String>, before: Vec<String>| {
        let before: Vec<String> = before.into_iter().filter(|id| nth == 1 || asked.contains(id)).collect();
        format!("{id} {} {} {before:?}", String::from_utf8_lossy(path), commit.unwrap_or("-".into()))
    };
    let (mut old, mut old_skipped) = (Vec::new(), Vec::new());
    let mut sink = |item| {
        match item {
            Item::Blob(blob) => {
                let Provenance::History { path, blob: id, commit, .. } = &*blob.provenance else { panic!() };
                if nth == 1 || asked.contains(id) {
                    old.push(line(id, path, commit.as_ref().map(|commit| commit.id.clone()), blob.before));
                }
            }
            Item::Skipped(one) => old_skipped.push(one),
            Item::Commit | Item::Commits(_) => {}
        }
        true
    };
    History::open(Some(path)).unwrap().walk(&mut sink).unwrap();
    let mut new = Vec::new();
    for origin in &told.origins {
        let before = origin.before.iter().map(ToString::to_string).collect();
        new.push(line(&origin.id.to_string(), &origin.path, origin.commit.map(|id| id.to_string()), before));
    }
    for (at, (old, new)) in old.iter().zip(&new).enumerate() {
        assert_eq!(old, new, "origin {at} of {}", path.display());
    }
    assert_eq!(old.len(), new.len());
    assert_eq!(old_skipped, told.skipped);
    for origin in told.origins.iter().filter(|origin| !origin.message && !origin.path.is_empty()) {
        assert_eq!(origin.whereabouts.paths.first(), Some(&origin.path));
    }
    told
}

/// A repository as it is, and packed.
fn compare_packed(world: &World) -> Attributed {
    let loose = compare(world.root());
    world.git(&["repack", "-q", "-a", "-d", "-f", "--keep-unreachable"]);
    let packed = compare(world.root());
    let told = |attributed: &Attributed| {
        let whole = |origin: &Origin| (origin.id, origin.path.clone(), origin.whereabouts.clone());
        attributed.origins.iter().map(whole).collect::<Vec<_>>()
    };
    assert_eq!(told(&loose), told(&packed));
    packed
}

/// What is said of the file that has this content at first.
fn of<'a>(attributed: &'a Attributed, world: &World, text: &str) -> &'a Origin {
    world.write("hashed", text);
    let id = world.git(&["hash-object", "hashed"]);
    attributed.origins.iter().find(|origin| origin.id.to_string() == id).unwrap()
}

fn paths(origin: &Origin) -> Vec<String> {
    origin.whereabouts.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

#[test]
fn merges_renames_and_copies() {
    let world = World::repository();
    for at in 0..40 {
        world.stage(&format!("sub/deep/file {at}"), format!("text {at}"));
        world.stage(&format!("sub.d/{at}"), format!("text {}", at % 7));
    }
    world.commit("first");
    world.git(&["mv", "sub/deep", "moved"]);
    world.commit("moved");
    world.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    world.stage("sub/deep/file 3", "side");
    world.stage("only here", "side too");
    world.commit("on the side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("moved/file 4", "main");
    world.git(&["update-index", "--chmod=+x", "moved/file 5"]);
    world.commit("on main");
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("moved/evil", "in no parent");
    world.stage("moved/file 4", "main again");
    world.commit("merge");
    let one = world.git(&["rev-parse", "HEAD^{tree}:moved"]);
    world.git(&["read-tree", "--prefix=again/and/again", &one]);
    world.commit("the same tree again");
    for branch in ["a", "b", "c"] {
        world.git(&["checkout", "-q", "-b", branch, "HEAD"]);
        world.stage(branch, branch);
        world.commit(branch);
        world.git(&["checkout", "-q", "main"]);
    }
    world.git(&["merge", "-q", "-m", "octopus", "a", "b", "c"]);
    let told = compare_packed(&world);
    let file = of(&told, &world, "text 5");
    assert_eq!(
        paths(file),
        [
            "sub.d/12",
            "sub.d/19",
            "sub.d/26",
            "sub.d/33",
            "sub.d/5",
            "sub/deep/file 5",
            "moved/file 5",
            "again/and/again/file 5"
        ]
    );
    assert_eq!(
        file.whereabouts.refs,
        ["refs/heads/main", "refs/heads/a", "refs/heads/b", "refs/heads/c", "refs/heads/side"]
    );
    assert_eq!(of(&told, &world, "in no parent").whereabouts.refs.len(), 4);
    assert_eq!(of(&told, &world, "a").whereabouts.refs, ["refs/heads/main", "refs/heads/a"]);
    assert_eq!((file.whereabouts.held, file.whereabouts.more_refs), (Held::Reachable, false));
}

#[test]
fn tags_and_refs_that_lead_to_other_things() {
    let world = World::repository();
    world.stage("dir/file", "one");
    world.commit("one");
    world.git(&["tag", "-a", "-m", "a tag", "v1"]);
    world.git(&["tag", "-a", "-m", "a tag of a tag", "v2", "v1"]);
    world.stage("dir/file", "two");
    world.stage("dir/sub/other", "three");
    world.write("loose", "a blob of its own");
    let blob = world.git(&["hash-object", "-w", "loose"]);
    let tree = world.git(&["write-tree"]);
    world.git(&["update-ref", "refs/strange/tree", &tree]);
    world.git(&["tag", "-a", "-m", "of a blob", "blob", &blob]);
    world.git(&["update-ref", "refs/strange/blob", &blob]);
    let told = compare_packed(&world);
    let file = of(&told, &world, "three");
    assert_eq!(
        (paths(file), &file.whereabouts.refs[..]),
        (vec!["refs/strange/tree/dir/sub/other".into()], &["refs/strange/tree".to_owned()][..])
    );
    assert_eq!(of(&told, &world, "a blob of its own").whereabouts.refs, ["refs/tags/blob", "refs/strange/blob"]);
    assert_eq!(of(&told, &world, "one").whereabouts.refs, ["refs/heads/main", "refs/tags/v1", "refs/tags/v2"]);
}

#[test]
fn how_it_is_held() {
    let world = World::repository();
    world.stage("a", "one");
    world.commit("one");
    world.stage("a", "amended away");
    world.commit("two");
    world.stage("a", "two");
    world.git(&["commit", "-q", "--amend", "-m", "two, better"]);
    for stash in ["first stash", "second stash"] {
        world.write("a", stash);
        world.git(&["stash", "-q"]);
    }
    world.write("never", "never committed");
    world.git(&["hash-object", "-w", "never"]);
    world.git(&["checkout", "-q", "--detach"]);
    world.stage("b", "on a detached head");
    world.commit("detached");
    let told = compare_packed(&world);
    let held = |text: &str| {
        let whereabouts = &of(&told, &world, text).whereabouts;
        (whereabouts.held, whereabouts.refs.join(" "))
    };
    assert_eq!(held("two"), (Held::Reachable, "refs/heads/main HEAD".into()));
    assert_eq!(held("on a detached head"), (Held::Reachable, "HEAD".into()));
    assert_eq!(held("first stash"), (Held::Stash, "refs/stash".into()));
    assert_eq!(held("second stash"), (Held::Stash, "refs/stash".into()));
    assert_eq!(held("amended away"), (Held::Reflog, "HEAD refs/heads/main".into()));
    assert_eq!(held("never committed"), (Held::Unreachable, String::new()));

    // When it is also in a commit that has a name, it is reachable, wherever it was first.
    world.stage("c", "amended away");
    world.commit("again");
    assert_eq!(of(&compare(world.root()), &world, "amended away").whereabouts.refs, ["HEAD"]);
}

#[test]
fn what_no_name_leads_to() {
    let world = World::repository();
    world.stage("a", "one");
    world.commit("one");
    world.git(&["checkout", "-q", "-b", "gone"]);
    world.stage("dir/b", "deleted");
    world.commit("deleted");
    world.git(&["tag", "-a", "-m", "a tag that goes", "going"]);
    world.git(&["tag", "-d", "going"]);
    world.git(&["checkout", "-q", "main"]);
    world.git(&["branch", "-q", "-D", "gone"]);
    fs::remove_dir_all(world.path(".git/logs")).unwrap();
    let told = compare_packed(&world);
    let file = of(&told, &world, "deleted");
    assert_eq!((&file.path[..], file.commit, file.whereabouts.held), (&b""[..], None, Held::Unreachable));
    assert_eq!(told.origins.iter().filter(|origin| origin.whereabouts.held == Held::Unreachable).count(), 3);
}

#[test]
fn clocks_that_lie() {
    let world = World::repository();
    let dated = |name: &str, seconds: u32| {
        world.stage(name, name);
        let date = format!("@{seconds} +0000");
        let mut git = world.command("git");
        git.args(["commit", "-q", "-m", name]).env("GIT_COMMITTER_DATE", &date).env("GIT_AUTHOR_DATE", &date);
        assert!(git.status().unwrap().success());
    };
    dated("root", 5000);
    for (branch, dates) in [("x", [9000, 100, 7000]), ("y", [100, 100, 100]), ("z", [6000, 50, 8000])] {
        world.git(&["checkout", "-q", "-b", branch, "main"]);
        for (at, date) in dates.into_iter().enumerate() {
            world.stage("same", format!("{at}"));
            dated(&format!("{branch}{at}"), date);
        }
    }
    // Criss-cross.
    world.git(&["checkout", "-q", "x"]);
    world.git(&["merge", "-q", "-s", "ours", "-m", "x and y", "y"]);
    world.git(&["checkout", "-q", "y"]);
    world.git(&["merge", "-q", "-s", "ours", "-m", "y and x", "x~1"]);
    compare_packed(&world);
}

#[test]
fn shallow_and_partial_clones() {
    let world = World::repository();
    for round in 0..30 {
        world.stage("dir/a", format!("a {round}"));
        world.stage(&format!("dir/{round}"), format!("b {round}"));
        world.commit(&format!("commit {round}"));
    }
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    let origin = format!("file://{}", world.root().display());
    let there = |name: &str| world.path(name).to_str().unwrap().to_owned();
    world.git(&["clone", "-q", "--depth=3", &origin, &there("shallow")]);
    let told = compare(&world.path("shallow"));
    assert_eq!(told.commits, 3);
    world.git(&["clone", "-q", "--bare", "--filter=blob:none", &origin, &there("blobless")]);
    let told = compare(&world.path("blobless"));
    assert_eq!(told.skipped.len(), 21, "{:?}", told.skipped);
    world.git(&["clone", "-q", "--bare", "--filter=tree:0", &origin, &there("treeless")]);
    assert_eq!(compare(&world.path("treeless")).skipped.len(), 30);
}

#[test]
fn submodules_and_entries_that_lie() {
    let world = World::repository();
    world.stage("a", "one");
    let blob = world.git(&["rev-parse", ":a"]);
    let commit = world.commit("one");
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},module")]);
    // A submodule, a folder and a file that are none.
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{blob},blob as module")]);
    world.commit("two");
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    let lies = format!("40000 tree {blob}\tz\n100644 blob {tree}\ty\n");
    let entries: Vec<u8> = lies
        .lines()
        .flat_map(|line| {
            let (head, name) = line.split_once('\t').unwrap();
            let words: Vec<&str> = head.split(' ').collect();
            let id: Vec<u8> =
                (0..20).map(|at| u8::from_str_radix(&words[2][2 * at..2 * at + 2], 16).unwrap()).collect();
            [format!("{} {name}\0", words[0]).into_bytes(), id].concat()
        })
        .collect();
    world.write("lies", entries);
    let tree = world.git(&["hash-object", "-t", "tree", "--literally", "-w", "lies"]);
    let commit = world.git(&["commit-tree", "-p", "HEAD", "-m", "lies", &tree]);
    world.git(&["update-ref", "refs/heads/lies", &commit]);
    let told = compare(world.root());
    assert_eq!(told.skipped.len(), 4, "{:?}", told.skipped);
}

#[test]
fn what_is_missing_or_broken() {
    let world = World::repository();
    for round in 0..8 {
        world.stage("dir/sub/a", format!("a {round}"));
        world.stage(&format!("dir/{round}"), format!("b {round}"));
        world.commit(&format!("commit {round}"));
    }
    let object = |name: &str| {
        let id = world.git(&["rev-parse", name]);
        world.path(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    };
    let broken = [object("HEAD~1:dir/sub/a"), object("HEAD~2:dir"), object("HEAD~4:dir/sub")];
    let gone = [object("HEAD~3:dir/sub/a"), object("HEAD~5:dir"), object("HEAD~6^{tree}"), object("HEAD~7")];
    for path in broken {
        fs::remove_file(&path).unwrap();
        fs::write(path, "broken").unwrap();
    }
    gone.iter().for_each(|path| fs::remove_file(path).unwrap());
    let told = compare(world.root());
    assert_eq!(told.skipped.len(), 7, "{:?}", told.skipped);
}

/// Ten folders in each other, each of which has the next one ten times.
#[test]
fn a_bomb_of_trees_is_counted_to_an_end() {
    let world = World::repository();
    world.stage("f", "bomb");
    let mut tree = world.git(&["write-tree"]);
    for _ in 0..10 {
        let lines: String = (0..10).map(|at| format!("040000 tree {tree}\t{at}\n")).collect();
        let mut git = world.command("git").arg("mktree").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        tree = String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap().trim_end().to_owned();
    }
    let commit = world.git(&["commit-tree", "-m", "bomb", &tree]);
    world.git(&["update-ref", "refs/heads/main", &commit]);
    let told = compare(world.root());
    let file = of(&told, &world, "bomb");
    assert_eq!((file.whereabouts.paths.len(), file.whereabouts.more_paths), (16, true));
}

/// Real repositories, when variables name them, with every nth object asked about:
/// `STANCH_REPOSITORIES=a:b STANCH_NTH=7 cargo test --release --test it real_repositories -- --ignored --nocapture`.
/// With `STANCH_TIMES` they are only read, and the seconds are shown.
#[test]
#[ignore = "needs real repositories"]
fn real_repositories() {
    let nth = std::env::var("STANCH_NTH").ok().and_then(|nth| nth.parse().ok()).unwrap_or(1);
    for path in std::env::var("STANCH_REPOSITORIES").unwrap_or_default().split(':').filter(|path| !path.is_empty()) {
        let path = Path::new(path);
        let told = match std::env::var_os("STANCH_TIMES") {
            Some(_) => attributed(path, nth),
            None => compare_nth(path, nth),
        };
        println!(
            "{}: {} commits, {} origins, {} skipped",
            path.display(),
            told.commits,
            told.origins.len(),
            told.skipped.len()
        );
    }
}
