//! Which file a log is, whatever its name: the file system's own number of it, and keyed prints of how it starts and of what
//! stands before a place in it.
//!
//! A number is used again when a file is gone, and a file may be emptied and written anew under the same one. Only the bytes
//! say that what follows is what follows: they are kept as keyed prints, never as text, so that what is written down of a
//! log holds nothing of it.

use super::super::ranges::read_at;
use crate::secret::{Fingerprint, FingerprintKey};
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};

/// Bytes at the start of a log that tell it from others: more than a header, and than what two programs both say first.
pub(super) const HEAD: usize = 1024;
/// Bytes before a place that tell whether it still is that place.
pub(super) const TAIL: usize = 256;

/// A file, as the file system numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id {
    device: u64,
    inode: u64,
}

impl Id {
    #[cfg(unix)]
    pub fn of(found: &Metadata) -> Id {
        use std::os::unix::fs::MetadataExt;
        Id { device: found.dev(), inode: found.ino() }
    }

    /// Without numbers a file is known by when it was made.
    #[cfg(not(unix))]
    pub fn of(found: &Metadata) -> Id {
        let made = found.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Id { device: 0, inode: made.map_or(0, |at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)) }
    }
}

/// The keyed print of some bytes of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// How many.
    pub bytes: u64,
    print: Fingerprint,
}

impl Mark {
    pub fn of(bytes: &[u8], key: &FingerprintKey) -> Mark {
        let mut said = b"stanch log mark v1\0".to_vec();
        said.extend_from_slice(bytes);
        Mark { bytes: bytes.len() as u64, print: key.fingerprint_bytes(&said) }
    }

    /// Whether so many bytes of `file` from `start` are these.
    pub fn holds(&self, file: &File, start: u64, key: &FingerprintKey) -> bool {
        let most = usize::try_from(self.bytes).ok().filter(|bytes| *bytes <= HEAD);
        most.is_some_and(|bytes| bytes_at(file, start, bytes).is_ok_and(|found| Mark::of(&found, key) == *self))
    }
}

/// Up to `most` bytes of a file from `start`.
pub(super) fn bytes_at(file: &File, start: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let mut len = 0;
    while let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) {
        match read_at(file, room, start + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Up to [`TAIL`] bytes of a file before `end`.
pub(super) fn tail_at(file: &File, end: u64) -> io::Result<Vec<u8>> {
    let start = end.saturating_sub(TAIL as u64);
    bytes_at(file, start, usize::try_from(end - start).unwrap_or(TAIL))
}
