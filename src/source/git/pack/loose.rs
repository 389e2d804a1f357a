//! Loose objects: each in a file of its own, `objects/ab/cdef...`, as one zlib stream of `type size NUL bytes`
//! (gitformat-loose(5)).

use super::inflate::{self, Inflater, begin};
use super::{Absent, Kind, LARGEST, Object};
use crate::source::git::id::{Hash, Id};
use crate::source::git::regular;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No `type size NUL` is longer.
const HEAD: usize = 32;

/// Where the object lies when it is loose in this `objects` folder.
pub(super) fn path(objects: &Path, id: &Id) -> PathBuf {
    let name = id.to_string();
    let (folder, file) = name.split_at_checked(2).unwrap_or((&name, ""));
    objects.join(folder).join(file)
}

/// Names of all that are loose in this `objects` folder.
pub(super) fn list(objects: &Path, hash: Hash) -> Vec<Id> {
    let mut found = Vec::new();
    for first in 0..=255u8 {
        found.extend(list_below(objects, hash, first));
    }
    found
}

/// Names of those whose first byte is `first`.
pub(super) fn list_below(objects: &Path, hash: Hash, first: u8) -> impl Iterator<Item = Id> {
    let folder = format!("{first:02x}");
    let entries = fs::read_dir(objects.join(&folder)).into_iter().flatten().flatten();
    let id = move |file: &str| format!("{folder}{file}").parse::<Id>().ok();
    entries.filter_map(move |entry| id(entry.file_name().to_str()?)).filter(move |id| id.hash() == hash)
}

/// Kind and size, from the first bytes; `None` when there is no such file.
pub(super) fn header(path: &Path) -> Result<Option<(Kind, u64)>, Absent> {
    let Some((packed, _)) = read(path, 4096)? else { return Ok(None) };
    let begin = begin(&packed, HEAD);
    let (kind, size, _) = head(&begin)?;
    Ok(Some((kind, size)))
}

/// The object; `None` when there is no such file.
pub(super) fn object(path: &Path, inflater: &mut Inflater) -> Result<Option<Object>, Absent> {
    let Some((packed, all)) = read(path, u64::MAX)? else { return Ok(None) };
    if !all {
        return Err(Absent::too_large(packed.len() as u64));
    }
    let begin = begin(&packed, HEAD);
    let (kind, size, len) = head(&begin)?;
    let size = usize::try_from(size).ok().filter(|size| *size <= LARGEST).ok_or_else(|| Absent::too_large(size))?;
    let mut bytes = Vec::new();
    inflater.whole(&packed, len + size, &mut bytes).map_err(Absent::corrupt)?;
    bytes.drain(..len);
    Ok(Some(Object { kind, bytes }))
}

/// The object's bytes behind its head, read as they are asked for.
pub(super) fn stream(path: &Path) -> Result<impl Read + Send + use<>, Absent> {
    let file = regular::open(path).map_err(|error| Absent::unreadable(&error))?;
    let mut bytes = inflate::stream(file);
    let mut byte = [1];
    for _ in 0..HEAD {
        bytes.read_exact(&mut byte).map_err(|error| Absent::unreadable(&error))?;
        if byte == [0] {
            return Ok(bytes);
        }
    }
    Err(Absent::corrupt("its file has no head"))
}

/// At most `most` bytes of a file (and never more than an object may have), and whether that is all of it.
fn read(path: &Path, most: u64) -> Result<Option<(Vec<u8>, bool)>, Absent> {
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(Absent::unreadable(&error)),
    };
    let most = most.min(LARGEST as u64 + LARGEST as u64 / 16);
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| Absent::unreadable(&error))?;
    let all = bytes.len() as u64 <= most;
    Ok(Some((bytes, all)))
}

/// `type size NUL`, and how many bytes it takes.
fn head(begin: &[u8]) -> Result<(Kind, u64, usize), Absent> {
    let (kind, size, len) = words(begin).ok_or_else(|| Absent::corrupt("its file has no head"))?;
    let kind = match kind {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "blob" => Kind::Blob,
        "tag" => Kind::Tag,
        _ => return Err(Absent::corrupt("of a kind that git does not know")),
    };
    Ok((kind, size, len))
}

/// The two words of a head, and its length.
fn words(begin: &[u8]) -> Option<(&str, u64, usize)> {
    let end = begin.iter().position(|&byte| byte == 0)?;
    let (kind, size) = std::str::from_utf8(begin.get(..end)?).ok()?.split_once(' ')?;
    let digits = size.bytes().all(|byte| byte.is_ascii_digit());
    Some((kind, size.parse().ok().filter(|_| digits)?, end + 1))
}
