//! Where the bytes of a pack or an index come from: an open file, or memory (a fuzzer's, a test's).
//!
//! Files are read at positions and never mapped: an open descriptor outlives `git repack`'s unlink, and a file that was cut
//! short under us is an error and not a SIGBUS.

use crate::source::git::regular;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes that are read at positions.
pub trait Bytes: Send + Sync {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills `into` from the byte at `at` on as far as there is something; the number of bytes that it got.
    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

/// A file and how long it was when it was opened.
struct Opened {
    file: File,
    size: u64,
}

/// Opens a regular file.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Bytes>> {
    let file = regular::open(path)?;
    let size = file.metadata()?.len();
    Ok(Box::new(Opened { file, size }))
}

impl Bytes for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl Bytes for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(rest);
        }
        Ok(count)
    }
}

/// Exactly `len` bytes from `at` on; none when there are fewer.
pub(super) fn exactly(bytes: &dyn Bytes, at: u64, len: usize) -> Option<Vec<u8>> {
    let end = at.checked_add(len as u64)?;
    if end > bytes.size() {
        return None;
    }
    let mut read = vec![0; len];
    (bytes.fill(at, &mut read).ok()? == len).then_some(read)
}

/// The big-endian number of four bytes at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian number of eight bytes at `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
