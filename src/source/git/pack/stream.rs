//! Blobs that are too big to be held, as streams. Git keeps such blobs whole: what is above its `core.bigFileThreshold`
//! (512 MB unless it is set; git-config(1)) is never made a delta.

use super::entry::{self, Base, Entry};
use super::{Absent, Kind, Pack, Store, inflate, loose};
use crate::source::git::id::Id;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// A byte of packed bytes stands for so many at most; what is packed in less than this share of a size is smaller.
const BEST_RATIO: u64 = 1040;

/// The bytes of a blob. It ends with an error when they are damaged, or fewer than there should be.
pub struct Stream {
    bytes: Box<dyn Read + Send>,
    left: u64,
}

impl Stream {
    fn new(size: u64, bytes: Box<dyn Read + Send>) -> Stream {
        Stream { bytes, left: size }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(into) = into.get_mut(..most).filter(|into| !into.is_empty()) else { return Ok(0) };
        match self.bytes.read(into)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its size is not the one it says")),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}

impl Store {
    /// A blob that is stored whole; `None` when its first good copy is none.
    pub fn stream(&self, id: &Id) -> Result<Option<Stream>, Absent> {
        let packed = |pack: &Arc<Pack>, offset: u64| match pack.head(offset) {
            Some(Entry { base: Base::Whole(Kind::Blob), size, head }) => {
                let packed = Packed { pack: Arc::clone(pack), at: offset + head as u64 };
                Ok(Some(Stream::new(size, Box::new(inflate::stream(packed)))))
            }
            Some(_) => Ok(None),
            None => Err(Absent::corrupt("no entry begins there")),
        };
        let loose = |path: &Path| match loose::header(path)? {
            Some((Kind::Blob, size)) => Ok(Some(Some(Stream::new(size, Box::new(loose::stream(path)?))))),
            Some(_) => Ok(Some(None)),
            None => Ok(None),
        };
        self.first_good(id, packed, loose)
    }

    /// Whether a loose object is a blob of more than `most` bytes.
    pub(super) fn loose_is_big(&self, number: u32, most: u64) -> bool {
        let is_big = || {
            let (id, folder) = self.loose_at(number)?;
            let path = loose::path(self.folders.get(usize::from(folder))?, &id);
            let packed = path.metadata().ok()?.len();
            let header = (packed.saturating_mul(BEST_RATIO) > most).then(|| loose::header(&path).ok().flatten());
            header?.map(|(kind, size)| kind == Kind::Blob && size > most)
        };
        is_big().unwrap_or(false)
    }
}

impl Pack {
    /// The head of the entry at `offset`, of whatever size.
    fn head(&self, offset: u64) -> Option<Entry> {
        let mut head = [0; entry::LONGEST];
        let read = self.bytes.fill(offset, &mut head).ok()?;
        Entry::parse(head.get(..read)?, self.idx.hash()).filter(|_| offset >= 12)
    }

    /// Whether the entry between these offsets is a blob of more than `most` bytes that is stored whole.
    pub(super) fn has_big(&self, offset: u64, end: u64, most: u64) -> bool {
        (end - offset).saturating_mul(BEST_RATIO) > most
            && self.head(offset).is_some_and(|entry| entry.base == Base::Whole(Kind::Blob) && entry.size > most)
    }
}

/// Packed bytes from somewhere in a pack on.
struct Packed {
    pack: Arc<Pack>,
    at: u64,
}

impl Read for Packed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.pack.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let read = self.pack.bytes.fill(self.at, into.get_mut(..room).unwrap_or_default())?;
        self.at += read as u64;
        Ok(read)
    }
}
