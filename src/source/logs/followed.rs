//! One log that is followed: how far it is read, and whether what is there now still follows what was read.

use super::identity::{HEAD, Id, Mark, TAIL, bytes_at, tail_at};
use crate::secret::FingerprintKey;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// Bytes that are read at once.
pub(super) const CHUNK: usize = 1 << 20;
/// Bytes that are read of one log before the others have their turn.
const TURN: u64 = 32 << 20;

/// A log that is followed.
#[derive(Debug)]
pub(super) struct Followed {
    /// What those who look call it.
    pub number: u64,
    pub path: PathBuf,
    pub id: Id,
    /// Open as long as it grows, so that it can be read to its end when it was renamed or removed.
    pub file: Option<File>,
    /// Bytes that were read, and how they begin and end.
    pub read: u64,
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
    /// Its length and time when it was last looked at.
    pub seen: Option<(u64, SystemTime)>,
    /// When it last grew.
    pub grown: Instant,
    /// A name that was asked for leads to it.
    pub named: bool,
    /// It was read as a whole: it is packed, or a copy of a log that was followed.
    pub done: bool,
    /// It rests, and what is looked at when it grows begins here.
    pub parked: Option<u64>,
}

/// What became of a log since it was last looked at.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing more.
    Same,
    /// It grew, and was read; there may be more.
    Grown,
    /// What is there now does not follow what was read. The bytes were read last, and may be of either.
    Other(Vec<u8>),
}

impl Followed {
    /// A log that is followed from its first byte.
    pub fn new(number: u64, path: PathBuf, id: Id, file: Option<File>, now: Instant) -> Followed {
        let (head, tail) = (Vec::new(), Vec::new());
        let (read, seen, parked) = (0, None, None);
        Followed { number, path, id, file, read, head, tail, seen, grown: now, named: true, done: false, parked }
    }

    /// What stands in its place while it is worked with.
    pub fn stand_in(&self) -> Followed {
        Followed::new(self.number, PathBuf::new(), self.id, None, self.grown)
    }

    /// The same file, emptied and written anew.
    pub fn anew(&mut self, number: u64, now: Instant) -> Followed {
        let fresh = Followed::new(number, self.path.clone(), self.id, self.file.take(), now);
        Followed { named: self.named, ..fresh }
    }

    /// Says that a file is this one, read up to `read`.
    pub fn stand(&mut self, file: &File, read: u64) -> io::Result<()> {
        let head = bytes_at(file, 0, HEAD.min(usize::try_from(read).unwrap_or(HEAD)))?;
        if head.len() > self.head.len() {
            self.head = head;
        }
        self.tail = tail_at(file, read)?;
        self.read = read;
        Ok(())
    }

    /// Bytes that were read.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.read == self.head.len() as u64 {
            let room = HEAD - self.head.len().min(HEAD);
            self.head.extend(bytes.iter().take(room));
        }
        self.read += bytes.len() as u64;
        let last = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
        let over = (self.tail.len() + last.len()).saturating_sub(TAIL);
        self.tail.drain(..over.min(self.tail.len()));
        self.tail.extend_from_slice(last);
    }

    /// The keyed prints of how it begins and ends.
    pub fn marks(&self, key: &FingerprintKey) -> [Mark; 2] {
        [Mark::of(&self.head, key), Mark::of(&self.tail, key)]
    }

    /// Whether the bytes before the place that was read to are still those.
    fn holds(&self, file: &File) -> bool {
        let start = self.read - (self.tail.len() as u64).min(self.read);
        bytes_at(file, start, self.tail.len()).is_ok_and(|tail| tail == self.tail)
    }

    /// Whether `file`, of `len` bytes, begins as this log does, as far as both go: then it is a copy of it.
    pub fn is_begun_by(&self, file: &File, len: u64, head: &[u8]) -> bool {
        let both = head.len().min(self.head.len());
        if both == 0 || head.get(..both) != self.head.get(..both) {
            return false;
        }
        let end = len.min(self.read);
        let theirs = tail_at(file, end).unwrap_or_default();
        match (end == self.read, &self.file) {
            (true, _) => theirs.ends_with(&self.tail),
            // The log itself may be another by now: then the heads must do.
            (false, Some(own)) if self.holds(own) => tail_at(own, end).is_ok_and(|own| own == theirs),
            (false, _) => true,
        }
    }

    /// Whether `file` holds all that was read of this log, and so what follows there follows here.
    pub fn goes_on_in(&self, file: &File, len: u64) -> bool {
        len >= self.read
            && self.read > 0
            && bytes_at(file, 0, self.head.len()).is_ok_and(|head| head == self.head)
            && self.holds(file)
    }

    /// Opens it when it is not open; `None` when its name leads elsewhere by now.
    fn open(&mut self) -> io::Result<Option<&File>> {
        if self.file.is_none() {
            let file = match File::open(&self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if Id::of(&file.metadata()?) != self.id {
                return Ok(None);
            }
            self.file = Some(file);
        }
        Ok(self.file.as_ref())
    }

    /// Reads what is new.
    pub fn advance(&mut self, now: Instant, give: &mut dyn FnMut(&[u8])) -> io::Result<Step> {
        let Some(_) = self.open()? else { return Ok(Step::Same) };
        // Taken out for as long as it is read.
        let Some(file) = self.file.take() else { return Ok(Step::Same) };
        let step = self.advance_in(&file, now, give);
        self.file = Some(file);
        step
    }

    fn advance_in(&mut self, file: &File, now: Instant, give: &mut dyn FnMut(&[u8])) -> io::Result<Step> {
        let mut turn = 0;
        while turn < TURN {
            let found = file.metadata()?;
            let seen = shape(&found);
            if seen == self.seen && found.len() == self.read {
                return Ok(if turn > 0 { Step::Grown } else { Step::Same });
            }
            if found.len() < self.read || !self.holds(file) {
                return Ok(Step::Other(Vec::new()));
            }
            if found.len() == self.read {
                self.seen = seen;
                return Ok(if turn > 0 { Step::Grown } else { Step::Same });
            }
            if let Some(from) = self.parked.take() {
                self.stand(file, from)?;
            }
            let bytes = bytes_at(file, self.read, CHUNK)?;
            // These follow only if those before them still stand.
            if !self.holds(file) {
                return Ok(Step::Other(bytes));
            }
            if bytes.is_empty() {
                return Ok(if turn > 0 { Step::Grown } else { Step::Same });
            }
            self.take(&bytes);
            self.grown = now;
            turn += bytes.len() as u64;
            give(&bytes);
        }
        Ok(Step::Grown)
    }
}

/// What a file looks like from outside.
pub(super) fn shape(found: &Metadata) -> Option<(u64, SystemTime)> {
    Some((found.len(), found.modified().ok()?))
}

/// Opens a regular file, with its number and length.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    Ok((file, found))
}
