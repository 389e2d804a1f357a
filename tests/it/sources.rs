//! What the sources hand over, against repositories that real git made.

use crate::world::World;
use stanch::source::git::history::Without;
use stanch::source::git::{History, Staged};
use stanch::source::{Blob, Item, SkipReason, Skipped, Source};
use std::fs;

/// All that a source hands over.
fn walk(mut source: impl Source) -> (Vec<Blob>, Vec<Skipped>) {
    let (mut blobs, mut skipped) = (Vec::new(), Vec::new());
    source
        .walk(&mut |item| {
            match item {
                Item::Blob(blob) => blobs.push(blob),
                Item::Skipped(one) => skipped.push(one),
                Item::Commit | Item::Commits(_) => {}
            }
            true
        })
        .unwrap();
    (blobs, skipped)
}

/// `path=text@summary` of every blob of a history, without messages.
fn brought(source: impl Source) -> Vec<String> {
    let (blobs, skipped) = walk(source);
    assert!(skipped.is_empty(), "{skipped:?}");
    let files = blobs.iter().filter(|blob| blob.provenance.path() != "(message)");
    files.map(|blob| format!("{}={}@{}", blob.provenance.path(), text(blob), summary(blob))).collect()
}

fn text(blob: &Blob) -> String {
    String::from_utf8_lossy(&blob.bytes).into_owned()
}

fn summary(blob: &Blob) -> String {
    blob.provenance.commit().map_or("-".into(), |commit| commit.summary.clone())
}

/// `path=` and what of it is new, of what is staged.
fn added(world: &World) -> Vec<String> {
    let (blobs, _) = walk(Staged::open(Some(world.root())).unwrap());
    let shown = |blob: &Blob| {
        let text = text(blob);
        let parts: Vec<&str> = blob.touched.iter().flatten().map(|range| &text[range.clone()]).collect();
        format!("{}={}", blob.provenance.path(), parts.concat())
    };
    blobs.iter().map(shown).collect()
}

#[test]
fn each_blob_once_with_the_commit_that_brought_it() {
    let world = World::repository();
    world.stage("a", "one");
    world.stage("sub/b", "two");
    world.commit("first");
    world.stage("copy", "one");
    world.stage("sub/b", "three");
    let id = world.commit("second");
    world.git(&["mv", "sub", "moved"]);
    world.commit("third");
    assert_eq!(
        brought(History::open(Some(world.root())).unwrap()),
        ["a=one@first", "sub/b=two@first", "sub/b=three@second"]
    );
    let (blobs, _) = walk(History::open(Some(world.root())).unwrap());
    let commit = blobs.iter().find(|blob| text(blob) == "three").unwrap().provenance.commit().unwrap().clone();
    assert_eq!((commit.id, commit.author.as_str(), commit.email.as_str()), (id, "Ada Lovelace", "ada@example.org"));
    world.git(&["gc", "-q"]);
    assert_eq!(brought(History::open(Some(world.root())).unwrap()).len(), 3, "packed as well");
}

#[test]
fn what_only_a_merge_holds_is_seen() {
    let world = World::repository();
    world.stage("a", "base");
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "side"]);
    world.stage("b", "side");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("c", "main");
    world.commit("main");
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("evil", "in no parent");
    world.git(&["commit", "-q", "-m", "merge"]);
    assert!(brought(History::open(Some(world.root())).unwrap()).contains(&"evil=in no parent@merge".to_owned()));
}

#[test]
fn stashed_amended_tagged_and_detached_content_is_seen() {
    let world = World::repository();
    world.stage("a", "base");
    world.commit("base");
    world.stage("a", "amended away");
    world.commit("leak");
    world.stage("a", "clean");
    world.git(&["commit", "-q", "--amend", "-m", "fixed"]);
    world.write("a", "stashed");
    world.git(&["stash", "-q"]);
    world.git(&["tag", "-a", "v1", "-m", "a tag's message"]);
    world.git(&["checkout", "-q", "--detach"]);
    world.stage("a", "detached");
    world.commit("detached");
    let (blobs, _) = walk(History::open(Some(world.root())).unwrap());
    let texts: Vec<String> = blobs.iter().map(text).collect();
    for wanted in ["amended away", "stashed", "detached", "a tag's message\n", "leak\n"] {
        assert!(texts.iter().any(|text| text.ends_with(wanted)), "{wanted}");
    }
}

#[test]
fn ranges() {
    let world = World::repository();
    world.stage("a", "old\n");
    let first = world.commit("first");
    world.stage("a", "old\nnew\n");
    world.commit("second");
    world.git(&["tag", "v2"]);
    world.stage("b", "last");
    world.commit("third");
    let range = |text: &str| brought(History::open(Some(world.root())).unwrap().range(text).unwrap());
    assert_eq!(range("v2..main"), ["b=last@third"]);
    assert_eq!(range("HEAD~2..HEAD"), ["a=old\nnew\n@second", "b=last@third"]);
    assert_eq!(range(&format!("{}..v2^0", &first[..9])), ["a=old\nnew\n@second"]);
    assert_eq!(range("HEAD..").len(), 0);
    assert_eq!(range("v2").len(), 2);
    let bad = |text: &str| History::open(Some(world.root())).unwrap().range(text).err().unwrap().to_string();
    assert!(bad("nothing..main").contains("no commit `nothing`"));
    assert!(bad("main...v2").contains("three dots"));

    let (blobs, _) = walk(History::open(Some(world.root())).unwrap().range("main~2..main~1").unwrap());
    let touched: Vec<_> = blobs[0].touched.clone().unwrap();
    assert_eq!((touched.len(), touched[0].clone()), (1, 4..8), "only the line that it added");
    let pushed = |without: &[Without]| {
        brought(History::open(Some(world.root())).unwrap().pushed(&["main".into()], without).unwrap())
    };
    assert_eq!(pushed(&[Without::Revisions(vec!["v2".into(), "0".repeat(40)])]), ["b=last@third"]);
    assert_eq!(pushed(&[Without::Refs("refs/tags/".into())]), ["b=last@third"]);
    assert_eq!(pushed(&[Without::Refs("refs/remotes/".into())]).len(), 3);
}

#[test]
fn since_leaves_out_what_was_there_before() {
    let world = World::repository();
    for (text, date) in [("old\n", "2020-01-01T00:00:00Z"), ("old\nnew\n", "2024-01-01T00:00:00Z")] {
        world.stage("a", text);
        let mut git = world.command("git");
        git.args(["commit", "-q", "-m", "x"]).env("GIT_COMMITTER_DATE", date);
        assert!(git.status().unwrap().success());
    }
    let since = |date: &str| brought(History::open(Some(world.root())).unwrap().since(date.parse().unwrap())).len();
    assert_eq!(
        [since("2019-01-01T00:00:00Z"), since("2021-01-01T00:00:00Z"), since("2025-01-01T00:00:00Z")],
        [2, 1, 0]
    );
}

#[test]
fn what_is_absent_is_said_and_the_rest_is_read() {
    let world = World::repository();
    for (name, text) in [("a", "lost"), ("b", "broken"), ("c", "fine")] {
        world.stage(name, text);
        world.commit(text);
    }
    let object = |revision: &str| {
        let id = world.git(&["rev-parse", revision]);
        world.path(".git/objects").join(&id[..2]).join(&id[2..])
    };
    fs::remove_file(object("HEAD:a")).unwrap();
    let broken = object("HEAD:b");
    fs::remove_file(&broken).unwrap();
    fs::write(&broken, "no zlib stream").unwrap();
    let (blobs, skipped) = walk(History::open(Some(world.root())).unwrap());
    assert!(blobs.iter().any(|blob| text(blob) == "fine"));
    let reasons: Vec<SkipReason> = skipped.iter().map(|one| one.why).collect();
    assert_eq!(reasons, [SkipReason::Missing, SkipReason::Corrupt]);
    assert!(skipped.iter().all(|one| one.asked));

    fs::remove_file(object("HEAD~1")).unwrap();
    let (blobs, skipped) = walk(History::open(Some(world.root())).unwrap());
    assert!(blobs.iter().any(|blob| text(blob) == "fine"));
    assert!(skipped.iter().any(|one| one.what.starts_with("commit ")));
}

#[test]
fn the_end_of_a_shallow_clone_is_said() {
    let world = World::repository();
    for text in ["one", "two", "three"] {
        world.stage("a", text);
        world.commit(text);
    }
    world.git(&["clone", "-q", "--depth", "2", "--no-local", &format!("file://{}", world.root().display()), "shallow"]);
    let shallow = world.path("shallow");
    let (blobs, skipped) = walk(History::open(Some(&shallow)).unwrap());
    assert!(blobs.iter().any(|blob| text(blob) == "two"));
    assert_eq!(skipped.iter().map(|one| one.why).collect::<Vec<_>>(), [SkipReason::Shallow]);
    let (_, skipped) = walk(History::open(Some(&shallow)).unwrap().range("HEAD~1..HEAD").unwrap());
    assert!(skipped.is_empty(), "the range ends before");
}

#[test]
fn a_partial_clone_and_a_linked_work_tree_are_read() {
    let world = World::repository();
    world.stage("a", "one");
    world.commit("one");
    world.git(&["config", "core.repositoryformatversion", "1"]);
    world.git(&["config", "extensions.partialClone", "origin"]);
    world.git(&["worktree", "add", "-q", "linked"]);
    assert_eq!(brought(History::open(Some(&world.path("linked"))).unwrap()), ["a=one@one"]);
    fs::write(world.path("linked/b"), "two").unwrap();
    world.git(&["-C", "linked", "add", "b"]);
    let (blobs, _) = walk(Staged::open(Some(&world.path("linked"))).unwrap());
    assert_eq!(blobs.iter().map(text).collect::<Vec<_>>(), ["two"]);
    assert_eq!(added(&world).len(), 0);
}

#[test]
fn what_git_stores_otherwise_is_refused_by_name() {
    let world = World::repository();
    world.git(&["config", "core.repositoryformatversion", "1"]);
    world.git(&["config", "extensions.refStorage", "clay"]);
    let error = History::open(Some(world.root())).err().unwrap().to_string();
    assert!(error.contains("its refs are kept as `clay`"), "{error}");
    assert!(History::open(Some(World::new().root())).is_err(), "no repository at all");
}

#[test]
fn names_of_sha256_are_names() {
    let world = World::new();
    world.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    world.stage("a", "one");
    world.commit("one");
    world.stage("dir/b", "two");
    world.commit("two");
    world.git(&["tag", "-am", "tagged", "v1"]);
    let history = || History::open(Some(world.root())).unwrap();
    assert_eq!(brought(history()), ["a=one@one", "dir/b=two@two"]);
    assert_eq!(brought(history().range("HEAD~1..v1").unwrap()), ["dir/b=two@two"]);
    let short = world.git(&["rev-parse", "--short", "HEAD"]);
    assert!(history().knows(short.trim()) && history().knows("v1"));
    world.git(&["gc", "-q"]);
    assert_eq!(brought(history()), ["a=one@one", "dir/b=two@two"]);
    world.stage("a", "one\nthree");
    let (blobs, _) = walk(Staged::open(Some(world.root())).unwrap());
    assert_eq!(blobs.iter().map(text).collect::<Vec<_>>(), ["one\nthree"]);
}

#[test]
fn staged_is_the_index_not_the_work_tree() {
    let world = World::repository();
    world.stage("a", "one\n");
    assert_eq!(added(&world), ["a=one\n"], "before the first commit");
    world.commit("first");
    assert_eq!(added(&world).len(), 0);
    world.stage("a", "one\ntwo\n");
    world.write("a", "one\n");
    world.write("b", "only in the work tree");
    world.git(&["add", "-N", "b"]);
    assert_eq!(added(&world), ["a=two\n"]);
    let before = world.snapshot(".git");
    let _ = added(&world);
    assert_eq!(world.snapshot(".git"), before, "nothing was written");
}

#[test]
fn a_rename_and_a_merge_bring_nothing_old() {
    let world = World::repository();
    world.stage("a", "one\ntwo\nthree\n");
    world.commit("first");
    world.git(&["mv", "a", "b"]);
    assert_eq!(added(&world), ["b="], "moved as it is");
    world.stage("b", "one\ntwo\nthree\nfour\n");
    assert_eq!(added(&world), ["b=four\n"]);
    world.commit("second");
    world.stage("copy", "one\ntwo\nthree\nfour\n");
    assert_eq!(added(&world), ["copy=one\ntwo\nthree\nfour\n"], "a copy is one more place");
    world.git(&["rm", "-q", "-f", "copy"]);
    world.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    world.stage("c", "side\n");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("d", "main\n");
    world.commit("main");
    world.git(&["merge", "-q", "--no-commit", "side"]);
    world.stage("e", "evil\n");
    assert_eq!(added(&world), ["e=evil\n"], "c is on the other side already");
}

#[test]
fn unmerged_files_and_submodules_are_said() {
    let world = World::repository();
    world.stage("a", "base");
    world.commit("base");
    world.git(&["checkout", "-q", "-b", "side"]);
    world.stage("a", "side");
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    world.stage("a", "main");
    let id = world.commit("main");
    let _ = world.try_git(&["merge", "-q", "side"]);
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]);
    let (_, skipped) = walk(Staged::open(Some(world.root())).unwrap());
    let reasons: Vec<(SkipReason, bool)> = skipped.iter().map(|one| (one.why, one.asked)).collect();
    assert!(reasons.contains(&(SkipReason::Submodule, false)));
    assert!(reasons.contains(&(SkipReason::Unmerged, true)));
}

#[test]
fn borrowed_objects_are_read() {
    let world = World::repository();
    world.stage("a", "one");
    world.commit("one");
    world.git(&["clone", "-q", "--shared", ".", "shared"]);
    world.git(&["-C", "shared", "repack", "-q", "-a", "-d", "-l"]);
    assert_eq!(brought(History::open(Some(&world.path("shared"))).unwrap()), ["a=one@one"]);
}

#[test]
fn a_ref_that_cannot_be_read_is_said() {
    let world = World::repository();
    world.stage("a", "one");
    world.commit("one");
    world.write(".git/refs/heads/broken", "no id");
    let (blobs, skipped) = walk(History::open(Some(world.root())).unwrap());
    assert!(blobs.iter().any(|blob| text(blob) == "one"));
    assert_eq!((skipped[0].what.as_str(), skipped[0].why), ("refs/heads/broken", SkipReason::Corrupt));
}

#[test]
fn a_walk_stops_when_it_is_told_to() {
    let world = World::repository();
    for name in ["a", "b", "c"] {
        world.stage(name, name);
    }
    world.commit("one");
    let mut count = 0;
    let mut sink = |item| {
        count += usize::from(matches!(item, Item::Blob(_)));
        count == 0
    };
    History::open(Some(world.root())).unwrap().walk(&mut sink).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn what_a_partial_clone_lacks_is_counted_and_not_fetched() {
    let world = World::repository();
    for number in 0..30 {
        world.stage(&format!("file{number}"), format!("content {number}"));
    }
    world.commit("one");
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", world.root().display());
    world.git(&["clone", "-q", "--bare", "--filter=blob:none", &from, "partial.git"]);
    let (_, skipped) = walk(History::open(Some(&world.path("partial.git"))).unwrap());
    assert!(skipped.iter().all(|one| one.asked && one.why == SkipReason::Missing));
    assert_eq!((skipped.len(), skipped[20].what.as_str()), (21, "10 more blobs"));
}
