//! Names that lead to objects: refs, HEAD of every work tree, and the logs of what refs were.
//!
//! A repository keeps them as files (one for each ref, and `packed-refs` for those that did not change lately), or as a
//! stack of tables ([`tables`]); what git writes only for the time of a merge is always a file.

mod files;
pub(super) mod tables;

use super::id::Id;
use super::place::{self, Place};
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many names may lead to a name before it is taken for a loop (git: `SYMREF_MAXDEPTH`).
const DEEPEST: usize = 5;

/// The file that names what is checked out.
pub(super) const HEAD: &str = "HEAD";
/// The files beside it that hold ids of their own.
const PSEUDO: [&str; 5] = [HEAD, "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// An object.
    Object(Id),
    /// Another name.
    Name(Vec<u8>),
}

/// Every ref of a folder by its name, and HEAD.
type Refs = BTreeMap<Vec<u8>, Target>;

/// An entry of a ref's log: the ref's name, and what it was before and after.
type Logged = (String, [Id; 2]);

/// Every ref by its full name, and those that are there and could not be read.
pub(super) fn all(place: &Place) -> (BTreeMap<String, Id>, Vec<Skipped>) {
    let (mut refs, mut broken) = match place.tables {
        Some(_) => (BTreeMap::new(), Vec::new()),
        None => files::packed(&place.common),
    };
    for dir in dirs(place) {
        let (named, mut unread) = match &place.tables {
            Some(tables) => tables.of(&dir).refs(),
            None => files::loose(&dir),
        };
        broken.append(&mut unread);
        for (name, target) in named {
            let is_ref = name.starts_with(b"refs/");
            if let Some(id) = follow(place, &dir, target, 0).filter(|_| is_ref) {
                refs.insert(printable(&name), id);
            }
        }
    }
    (refs, broken)
}

/// What one name stands for: a full ref, or a file such as HEAD.
pub(super) fn one(place: &Place, name: &str) -> Option<Id> {
    lookup(place, &place.dir, name.as_bytes(), 0)
}

/// What is checked out: no commit before the first one. A HEAD that cannot be read is told.
pub(super) fn head(place: &Place) -> Result<Option<Id>, Skipped> {
    let broken = |why| Skipped::asked(HEAD, SkipReason::Corrupt, why);
    let target = at(place, &place.dir, HEAD.as_bytes()).ok_or_else(|| broken("no object id and no branch"))?;
    let unborn = matches!(target, Target::Name(_));
    match follow(place, &place.dir, target, 0) {
        None if !unborn => Err(broken("no object id")),
        found => Ok(found),
    }
}

/// The branch that is checked out in the place itself, by its full name; `None` when none is.
pub(super) fn branch(place: &Place) -> Option<String> {
    match at(place, &place.dir, HEAD.as_bytes())? {
        Target::Name(name) => Some(printable(&name)),
        Target::Object(_) => None,
    }
}

/// The ids that MERGE_HEAD holds during a merge.
pub(super) fn merging(place: &Place) -> Vec<Id> {
    files::ids(&place.dir.join("MERGE_HEAD"))
}

/// HEAD and its like of every work tree, by their paths.
pub(super) fn heads(place: &Place) -> Vec<(String, Id)> {
    let mut heads = Vec::new();
    for dir in dirs(place) {
        let known = |name: &&str| Some(((*name).to_owned(), lookup(place, &dir, name.as_bytes(), 0)?));
        heads.extend(PSEUDO.iter().filter_map(known));
    }
    heads
}

/// What refs once were, by their logs: amended, reset and stashed commits, which may be gone since; and the logs that could
/// not be read.
pub(super) fn logged(place: &Place) -> (Vec<(String, Id)>, Vec<Skipped>) {
    let (mut logged, mut broken) = (Vec::new(), Vec::new());
    for dir in dirs(place) {
        let (entries, mut unread) = match &place.tables {
            Some(tables) => tables.of(&dir).logs(),
            None => files::logs(&dir),
        };
        logged.extend(entries.into_iter().flat_map(|(name, ids)| ids.map(|id| (name.clone(), id))));
        broken.append(&mut unread);
    }
    (logged, broken)
}

/// Commits whose parents were not fetched.
pub(super) fn shallow(place: &Place) -> Vec<Id> {
    files::ids(&place.common.join("shallow"))
}

/// The common folder, and those of linked work trees.
pub(super) fn dirs(place: &Place) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = files::entries(&place.common.join("worktrees"));
    dirs.insert(0, place.common.clone());
    if !dirs.iter().any(|dir| place::same(dir, &place.dir)) {
        dirs.push(place.dir.clone());
    }
    dirs
}

fn lookup(place: &Place, dir: &Path, name: &[u8], depth: usize) -> Option<Id> {
    at(place, dir, name).and_then(|target| follow(place, dir, target, depth))
}

/// Goes on to an object.
fn follow(place: &Place, dir: &Path, target: Target, depth: usize) -> Option<Id> {
    match target {
        Target::Object(id) => Some(id),
        Target::Name(name) if depth < DEEPEST => lookup(place, dir, &name, depth + 1),
        Target::Name(_) => None,
    }
}

/// What is written under a name. HEAD and its like are a work tree's own.
fn at(place: &Place, dir: &Path, name: &[u8]) -> Option<Target> {
    let own = !name.contains(&b'/');
    let Some(tables) = &place.tables else {
        return files::at(dir, name).or_else(|| if own { None } else { files::at_common(&place.common, name) });
    };
    let common = || if own { None } else { tables.of(&place.common).find(name) };
    // There is a file called HEAD, for old versions of git that look for one: it says nothing.
    let file = || if own && name != HEAD.as_bytes() { files::at(dir, name) } else { None };
    tables.of(dir).find(name).or_else(common).or_else(file)
}
