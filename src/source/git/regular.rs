//! A regular file of bounded size, read as a whole. Who wrote it may not be trusted: what would never end is no file.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens it: a pipe would be waited for, a device might never end.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is no file")),
    }
}

/// Reads it.
///
/// # Errors
/// When it is no regular file, larger than `most` bytes, or cannot be read.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let len = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(len.min(most)).unwrap_or(0).saturating_add(1));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it is larger than {} MB", most >> 20))),
        false => Ok(bytes),
    }
}
