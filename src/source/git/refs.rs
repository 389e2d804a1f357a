//! Names that lead to objects: refs, HEAD of every work tree, and the logs of what refs were.

use super::id::Id;
use super::place::Place;
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How many names may lead to a name before it is taken for a loop (git: `SYMREF_MAXDEPTH`).
const DEEPEST: usize = 5;

/// The file that names what is checked out.
const HEAD: &str = "HEAD";
/// The files beside it that hold ids of their own.
const PSEUDO: [&str; 5] = [HEAD, "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

/// Every ref by its full name, and those that are there and could not be read.
pub(super) fn all(place: &Place) -> (BTreeMap<String, Id>, Vec<Skipped>) {
    let mut broken = Vec::new();
    let packed_refs = place.common.join("packed-refs");
    if let Err(error) = fs::File::open(&packed_refs)
        && error.kind() != ErrorKind::NotFound
    {
        broken.push(Skipped::asked("packed-refs", SkipReason::Unreadable, error));
    }
    let mut refs = packed(&place.common);
    for dir in dirs(place) {
        // `HEAD` is read with the refs: what only a detached one leads to would be missed in silence.
        let head = (HEAD.to_owned(), dir.join(HEAD));
        for (name, path) in files_below(&dir, "refs").into_iter().chain([head]) {
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if name == HEAD && error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    broken.push(Skipped::asked(printable(name.as_bytes()), SkipReason::Unreadable, error));
                    continue;
                }
            };
            match follow(place, &dir, &text, 0) {
                Some(id) if name != HEAD => drop(refs.insert(name, id)),
                Some(_) => {}
                // A name for a branch that is not born yet leads nowhere, and rightly.
                None if text.starts_with("ref:") => {}
                None => broken.push(Skipped::asked(printable(name.as_bytes()), SkipReason::Corrupt, "no object id")),
            }
        }
    }
    (refs, broken)
}

/// What one name stands for: a full ref, or a file such as HEAD.
pub(super) fn one(place: &Place, name: &str) -> Option<Id> {
    lookup(place, &place.dir, name, 0)
}

/// The branch that is checked out in the place itself, by its full name; `None` when none is.
pub(super) fn branch(place: &Place) -> Option<String> {
    let text = read_file(&place.dir.join(HEAD))?;
    Some(printable(text.strip_prefix("ref:")?.trim().as_bytes()))
}

/// The ids that MERGE_HEAD holds during a merge.
pub(super) fn merging(place: &Place) -> Vec<Id> {
    let text = read_file(&place.dir.join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// HEAD and its like of every work tree, by their paths.
pub(super) fn heads(place: &Place) -> Vec<(String, Id)> {
    let mut heads = Vec::new();
    for dir in dirs(place) {
        heads.extend(PSEUDO.iter().filter_map(|name| Some(((*name).to_owned(), lookup(place, &dir, name, 0)?))));
    }
    heads
}

/// What refs once were, by their logs: amended, reset and stashed commits. They may be gone since.
pub(super) fn logged(place: &Place) -> Vec<(String, Id)> {
    let mut logged = Vec::new();
    for dir in dirs(place) {
        for (name, path) in files_below(&dir, "logs") {
            let text = fs::read(path).unwrap_or_default();
            for line in text.split(|&b| b == b'\n') {
                let ids = line.split(|&b| b == b' ').take(2);
                logged.extend(ids.filter_map(|id| Some((name.clone(), std::str::from_utf8(id).ok()?.parse().ok()?))));
            }
        }
    }
    logged
}

/// Commits whose parents were not fetched.
pub(super) fn shallow(place: &Place) -> Vec<Id> {
    let text = read_file(&place.common.join("shallow")).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// The common folder, and those of linked work trees.
fn dirs(place: &Place) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = entries(&place.common.join("worktrees"));
    dirs.insert(0, place.common.clone());
    if !dirs.contains(&place.dir) {
        dirs.push(place.dir.clone());
    }
    dirs
}

fn packed(common: &Path) -> BTreeMap<String, Id> {
    let text = fs::read(common.join("packed-refs")).unwrap_or_default();
    // A name need not be UTF-8; it is told as it can be shown, and what it leads to is read.
    lines(&text).filter_map(|(id, name)| Some((printable(name), parsed(id)?))).collect()
}

/// Just one of them; the last one counts.
fn packed_one(common: &Path, name: &str) -> Option<Id> {
    let text = fs::read(common.join("packed-refs")).unwrap_or_default();
    let found = lines(&text).filter(|(_, other)| *other == name.as_bytes()).last();
    found.and_then(|(id, _)| parsed(id))
}

/// Id and name of each line of packed-refs.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let space = line.iter().position(|&b| b == b' ')?;
        Some((line.get(..space)?, line.get(space + 1..)?))
    })
}

fn parsed(id: &[u8]) -> Option<Id> {
    std::str::from_utf8(id).ok()?.parse().ok()
}

fn lookup(place: &Place, dir: &Path, name: &str, depth: usize) -> Option<Id> {
    let climbs = name.split('/').any(|part| part == "..") || name.starts_with('/');
    if depth > DEEPEST || climbs {
        return None;
    }
    let text = read_file(&dir.join(name)).or_else(|| read_file(&place.common.join(name)));
    match text {
        Some(text) => follow(place, dir, &text, depth),
        None => packed_one(&place.common, name),
    }
}

/// What the text of a ref's file stands for.
fn follow(place: &Place, dir: &Path, text: &str, depth: usize) -> Option<Id> {
    match text.strip_prefix("ref:") {
        Some(name) => lookup(place, dir, name.trim(), depth + 1),
        None => text.split_whitespace().next()?.parse().ok(),
    }
}

fn read_file(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The files below `dir/top`, by their names relative to `dir` (below `logs`: to it), sorted.
fn files_below(dir: &Path, top: &str) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.join(top)];
    let base = if top == "logs" { dir.join(top) } else { dir.to_owned() };
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(&base) {
                files.push((printable(name.as_os_str().as_encoded_bytes()), path.clone()));
            }
        }
    }
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
