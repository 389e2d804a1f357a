//! Refs that are kept as files: one for each, and `packed-refs` for those that did not change lately (gitrepository-layout(5)).

use super::{HEAD, Logged, Refs, Target};
use crate::source::git::id::Id;
use crate::source::git::regular;
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Largest file of one ref that is read, in bytes: a name or an id, and what somebody wrote behind it.
const LONGEST: u64 = 1 << 20;
/// Largest `packed-refs` or log that is read, in bytes: ten million lines.
const LARGEST: u64 = 1 << 30;

/// The refs of one folder, and HEAD.
pub(super) fn loose(dir: &Path) -> (Refs, Vec<Skipped>) {
    let (mut refs, mut broken) = (Refs::new(), Vec::new());
    // `HEAD` is read with the refs: what only a detached one leads to would be missed in silence.
    let head = (HEAD.as_bytes().to_vec(), dir.join(HEAD));
    for (name, path) in files_below(dir, "refs").into_iter().chain([head]) {
        match regular::read(&path, LONGEST).map(|text| target(&text)) {
            // A name for a branch that is not born yet leads nowhere, and rightly.
            Ok(Some(target)) => drop(refs.insert(name, target)),
            Ok(None) => broken.push(Skipped::asked(printable(&name), SkipReason::Corrupt, "no object id")),
            Err(error) if name == HEAD.as_bytes() && error.kind() == ErrorKind::NotFound => {}
            Err(error) => broken.push(Skipped::asked(printable(&name), SkipReason::Unreadable, error)),
        }
    }
    (refs, broken)
}

/// The refs of `packed-refs`.
pub(super) fn packed(common: &Path) -> (BTreeMap<String, Id>, Vec<Skipped>) {
    match read_packed(common) {
        // A name need not be UTF-8; it is told as it can be shown, and what it leads to is read.
        Ok(text) => (lines(&text).filter_map(|(id, name)| Some((printable(name), parsed(id)?))).collect(), Vec::new()),
        Err(error) => (BTreeMap::new(), vec![Skipped::asked(PACKED, SkipReason::Unreadable, error)]),
    }
}

/// What is written in the file of a ref.
pub(super) fn at(dir: &Path, name: &[u8]) -> Option<Target> {
    let climbs = name.starts_with(b"/") || name.split(|&b| b == b'/').any(|part| part == b"..");
    let path = dir.join(OsStr::from_bytes(name));
    if climbs { None } else { target(&regular::read(&path, LONGEST).ok()?) }
}

/// What all work trees share under a name; of several lines of `packed-refs` the last one counts.
pub(super) fn at_common(common: &Path, name: &[u8]) -> Option<Target> {
    at(common, name).or_else(|| {
        let text = read_packed(common).ok()?;
        let found = lines(&text).filter(|(_, other)| *other == name).last();
        found.and_then(|(id, _)| parsed(id)).map(Target::Object)
    })
}

/// The entries of all logs, and the logs that could not be read.
pub(super) fn logs(dir: &Path) -> (Vec<Logged>, Vec<Skipped>) {
    let (mut logged, mut broken) = (Vec::new(), Vec::new());
    for (name, path) in files_below(&dir.join("logs"), "") {
        let name = printable(&name);
        let text = match regular::read(&path, LARGEST) {
            Ok(text) => text,
            Err(error) => {
                broken.push(Skipped::asked(format!("logs/{name}"), SkipReason::Unreadable, error));
                continue;
            }
        };
        for line in text.split(|&b| b == b'\n') {
            let mut ids = line.split(|&b| b == b' ').map(parsed);
            if let (Some(Some(old)), Some(Some(new))) = (ids.next(), ids.next()) {
                logged.push((name.clone(), [old, new]));
            }
        }
    }
    (logged, broken)
}

/// A file with an id on each line.
pub(super) fn ids(path: &Path) -> Vec<Id> {
    let text = regular::read(path, LARGEST).unwrap_or_default();
    text.split(|&b| b == b'\n').filter_map(|line| parsed(line.trim_ascii())).collect()
}

/// What lies in a folder, sorted.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The file of the refs that did not change lately.
const PACKED: &str = "packed-refs";

fn read_packed(common: &Path) -> io::Result<Vec<u8>> {
    match regular::read(&common.join(PACKED), LARGEST) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// Id and name of each line of packed-refs.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let space = line.iter().position(|&b| b == b' ')?;
        Some((line.get(..space)?, line.get(space + 1..)?))
    })
}

/// Reads what is written in the file of a ref.
fn target(text: &[u8]) -> Option<Target> {
    match text.strip_prefix(b"ref:") {
        Some(name) => Some(Target::Name(name.trim_ascii().to_vec())),
        None => parsed(text.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?).map(Target::Object),
    }
}

fn parsed(id: &[u8]) -> Option<Id> {
    std::str::from_utf8(id).ok()?.parse().ok()
}

/// The files below `base/top`, by their names relative to `base`, sorted.
fn files_below(base: &Path, top: &str) -> Vec<(Vec<u8>, PathBuf)> {
    let mut files = Vec::new();
    let mut folders = vec![base.join(top)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(base) {
                files.push((name.as_os_str().as_bytes().to_vec(), path.clone()));
            }
        }
    }
    files.sort();
    files
}
