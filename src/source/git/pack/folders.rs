//! Which `objects` folders there are, and which packs lie in one.

use super::Pack;
use super::bytes::open;
use super::midx::Midx;
use crate::source::git::id::Hash;
use crate::source::git::regular;
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Alternates of alternates are followed so far; git itself stops at five (its "alternate object stores nested too deep").
const DEEPEST: usize = 5;
/// Bytes of a list of alternates.
const LONGEST_LIST: u64 = 1 << 20;
/// So many folders in all.
const MOST: usize = 1000;

/// These `objects` folders and their alternates (`info/alternates`, gitrepository-layout(5)), each once.
pub(super) fn with_alternates(folders: &[PathBuf], problems: &mut Vec<Skipped>) -> Vec<PathBuf> {
    let (mut found, mut seen) = (Vec::new(), Vec::new());
    let mut next: Vec<(PathBuf, usize)> = folders.iter().rev().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, depth)) = next.pop() {
        let Ok(real) = fs::canonicalize(&folder) else {
            if depth > 0 {
                problems.push(skipped(&folder, SkipReason::Missing, "it is named as an alternate"));
            }
            continue;
        };
        if seen.contains(&real) {
            continue;
        }
        if depth > DEEPEST || found.len() >= MOST {
            problems.push(skipped(&folder, SkipReason::Unreadable, "alternates of alternates are nested too deep"));
            continue;
        }
        seen.push(real);
        let path = folder.join("info/alternates");
        let list = regular::read(&path, LONGEST_LIST).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                problems.push(skipped(&path, SkipReason::Unreadable, &error.to_string()));
            }
            Vec::new()
        });
        let others = list.split(|&byte| byte == b'\n').filter_map(path_of_line);
        let others: Vec<_> = others.map(|other| (folder.join(other), depth + 1)).collect();
        next.extend(others.into_iter().rev());
        found.push(folder);
    }
    found
}

/// A line is a path, relative to the folder; `#` begins a comment, quotes are as in C.
fn path_of_line(line: &[u8]) -> Option<PathBuf> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    let Some(quoted) = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")) else {
        return Some(PathBuf::from(OsStr::from_bytes(line)));
    };
    let (mut path, mut rest) = (Vec::new(), quoted.iter().copied());
    while let Some(byte) = rest.next() {
        path.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                high @ b'0'..=b'3' => {
                    let digit = |byte: u8| byte.checked_sub(b'0').filter(|digit| *digit < 8);
                    (high - b'0') << 6 | digit(rest.next()?)? << 3 | digit(rest.next()?)?
                }
                other => other,
            },
            byte => byte,
        });
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

/// Names of the packs in an `objects` folder (`pack-1234`), sorted.
pub(super) fn packs(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder.join("pack")).into_iter().flatten().flatten();
    let is_idx = |path: &Path| path.extension() == Some(OsStr::new("idx"));
    let stem = |path: PathBuf| is_idx(&path).then(|| path.file_stem().map(OsStr::to_owned)).flatten();
    let mut names: Vec<OsString> = entries.filter_map(|entry| stem(entry.path())).collect();
    names.sort_unstable();
    names
}

/// Opens all packs of an `objects` folder. When one is gone that was listed, there is another that has what it had: the
/// list is made anew.
pub(super) fn open_all(folder: &Path, hash: Hash) -> (Vec<Pack>, Vec<Skipped>) {
    for last in [false, false, false, true] {
        let (mut opened, mut problems, mut gone) = (Vec::new(), Vec::new(), false);
        for name in packs(folder) {
            match pack(folder, &name, hash) {
                Ok(Some(pack)) => opened.push(pack),
                Ok(None) => {
                    gone = true;
                    let path = folder.join("pack").join(name);
                    problems.push(skipped(&path, SkipReason::Missing, "of its .idx and .pack one is not there"));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if last || !gone {
            return (opened, problems);
        }
    }
    (Vec::new(), Vec::new())
}

/// The multi-pack-indexes there are. One that is broken is only told: every pack has an index of its own.
pub(super) fn midxs(folders: &[PathBuf], hash: Hash, problems: &mut Vec<Skipped>) -> Vec<Midx> {
    let mut found = Vec::new();
    for folder in folders.iter().map(|folder| folder.join("pack")) {
        let path = folder.join("multi-pack-index");
        match open(&path).map(|bytes| Midx::open(bytes, &folder, hash)) {
            Ok(Ok(midx)) => found.push(midx),
            Ok(Err(why)) => problems.push(Skipped { asked: false, ..skipped(&path, SkipReason::Corrupt, why) }),
            Err(_) => {}
        }
    }
    found
}

/// Opens one pack of an `objects` folder. `None`: it is gone again, as after `git repack`.
pub(super) fn pack(folder: &Path, name: &OsStr, hash: Hash) -> Result<Option<Pack>, Skipped> {
    let path = |end: &str| {
        let mut file = name.to_owned();
        file.push(end);
        folder.join("pack").join(file)
    };
    let opened = |end: &str| match open(&path(end)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(skipped(&path(end), SkipReason::Unreadable, &error.to_string())),
    };
    let (Some(idx), Some(pack)) = (opened(".idx")?, opened(".pack")?) else { return Ok(None) };
    let stem = folder.join("pack").join(name);
    Pack::open(stem, pack, idx, hash).map(Some).map_err(|why| skipped(&path(".pack"), SkipReason::Corrupt, why))
}

fn skipped(path: &Path, why: SkipReason, detail: &str) -> Skipped {
    Skipped::asked(printable(path.as_os_str().as_encoded_bytes()), why, detail)
}
