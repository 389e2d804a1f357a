//! One file on its way from the disk to whoever looks: whole when it is small, noted down to be read in parts when it is
//! big, as a stream when nobody knows how long it is; opened when others lie in it, at once or, when it is not small, later.

use super::archive::{self, Archives, Sink};
use super::parts::{self, CONTEXT, PART};
use super::ranges::{Big, Part};
use super::{Blob, Bytes, Crew, Provenance, SkipReason, Skipped};
use crate::text::terminal::printable;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// Bytes of the biggest file that comes whole.
const WHOLE: usize = PART + CONTEXT;
/// Bytes of the biggest archive that is opened by the thread that comes to it.
const SMALL: usize = 256 << 10;

/// What is noted down to be read at the end, by all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    /// In parts.
    Big,
    /// As what lies in it.
    Archive,
}

/// A thread that reads files.
pub(super) trait Reader {
    /// Who looks.
    fn crew(&self) -> &dyn Crew;
    /// The order in which is told what cannot be read.
    fn order(&self) -> u64;
    /// A buffer to read into.
    fn spare(&self) -> Bytes;
    /// Looks at a blob, or has it looked at, and sees to its buffer.
    fn look(&self, blob: Blob);
    /// Notes down a file to be read later; false when too many are noted down.
    fn note(&self, path: &Path, later: Later) -> bool;
    /// How archives are opened, when they are.
    fn archives(&self) -> Option<&Archives>;

    /// Reads one file.
    fn file(&self, path: &Path) {
        let result = File::open(path).and_then(|mut file| {
            let mut bytes = self.spare();
            let whole = start(&mut file, &mut bytes);
            let opens = archive::kind_of(bytes.get(..archive::HEAD).unwrap_or(&bytes)).and(self.archives());
            match (whole, opens) {
                (Ok(whole), Some(archives)) => self.archive(path, (&bytes, whole), &file, archives),
                (Ok(false), None) => return self.rest(path, bytes, file),
                (whole, _) => {
                    self.look(Blob::whole(bytes, Arc::new(provenance(path))));
                    whole?;
                }
            }
            Ok(())
        });
        if let Err(error) = result {
            unreadable(self.crew(), self.order(), path, &error);
        }
    }

    /// A file that others lie in: its first bytes, and whether they are all.
    fn archive(&self, path: &Path, (bytes, whole): (&[u8], bool), file: &File, archives: &Archives) {
        let sought = Some(file).filter(|file| file.metadata().is_ok_and(|found| found.is_file()));
        let small = whole && bytes.len() <= SMALL;
        if small || sought.is_none() || !self.note(path, Later::Archive) {
            let through = Through(self);
            archives.read(archives.provenance(path, &through), &mut bytes.chain(file), sought, &through);
        }
    }

    /// Opens a file that was noted down because others lie in it.
    fn opened(&self, path: &Path) {
        let Some(archives) = self.archives() else { return };
        let through = Through(self);
        match File::open(path) {
            Ok(file) => archives.read(archives.provenance(path, &through), &mut &file, Some(&file), &through),
            Err(error) => unreadable(self.crew(), self.order(), path, &error),
        }
    }

    /// A file that is more than these bytes, which are its first.
    fn rest(&self, path: &Path, bytes: Bytes, file: File) -> io::Result<()> {
        // What has no length, or says that it has none (`/proc`), is read to its end.
        let long = file.metadata().is_ok_and(|found| found.is_file() && found.len() >= bytes.len() as u64);
        if long && self.note(path, Later::Big) {
            return Ok(());
        }
        let (mut reader, provenance) = ((&*bytes).chain(file), Arc::new(provenance(path)));
        let mut sink = |blob| {
            self.look(blob);
            !self.crew().stopped()
        };
        parts::cut(&mut reader, &provenance, &|| self.spare(), &mut sink).map(|_| ())
    }
}

/// What comes out of an archive goes the way of files.
pub(super) struct Through<'r, R: ?Sized>(pub &'r R);

impl<R: Reader + ?Sized> Sink for Through<'_, R> {
    fn spare(&self) -> Bytes {
        self.0.spare()
    }

    fn look(&self, blob: Blob) -> bool {
        self.0.look(blob);
        !self.0.crew().stopped()
    }

    fn skip(&self, skipped: Skipped) {
        self.0.crew().skip(self.0.order(), skipped);
    }
}

/// Where a file lies.
pub(super) fn provenance(path: &Path) -> Provenance {
    Provenance::File { path: bytes_of(path).to_vec() }
}

/// Reads a file until its end (true), or until it is too big to come whole. What came before an error is there.
fn start(file: &mut File, bytes: &mut Bytes) -> io::Result<bool> {
    bytes.set_len(0);
    loop {
        let len = bytes.len();
        let room = bytes.room(len + 1);
        let end = room.len().min(WHOLE);
        match file.read(room.get_mut(len..end).unwrap_or_default()) {
            Ok(0) => return Ok(len < WHOLE),
            Ok(read) => bytes.set_len(len + read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The parts of a big file that was noted down; none when it is gone.
pub(super) fn parts(crew: &dyn Crew, order: u64, path: &Path) -> Option<impl Iterator<Item = Part> + Send + use<>> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((len, file)) => Some(Big::parts(file, len, provenance(path), (shown(path), order))),
        Err(error) => {
            unreadable(crew, order, path, &error);
            None
        }
    }
}

fn unreadable(crew: &dyn Crew, order: u64, path: &Path, error: &io::Error) {
    crew.skip(order, Skipped::asked(shown(path), SkipReason::Unreadable, error));
}

/// The path as it is shown and reported: `./` before what lies in the current folder is left out.
pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.strip_prefix(".")
        .ok()
        .filter(|rest| !rest.as_os_str().is_empty())
        .unwrap_or(path)
        .as_os_str()
        .as_encoded_bytes()
}

/// The path, printable.
pub(super) fn shown(path: &Path) -> String {
    printable(bytes_of(path))
}
