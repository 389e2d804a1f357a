//! What is in hand of a log that is followed: its last bytes, and what was told of them.
//!
//! All of the window is looked at each time something was added, and what is found there and was not told before is new: so
//! what spans two reads, or several lines that came one after another, is found as if it had lain there whole. A line that
//! is not ended is not looked at, unless nothing more comes or it is very long. What lies near the window's start was seen
//! with more before it, and is settled.

use crate::detect::{Detector, Hit};
use crate::secret::Fingerprint;
use crate::source::logs::records;
use crate::source::{Blob, CONTEXT, Provenance};
use crate::text::lines::Position;
use memchr::{memchr, memrchr};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are kept of what was looked at: as much as a match may have before it, and as much as it may be long.
const KEPT: usize = 2 * CONTEXT;
/// Bytes of a line that is looked at though it is not ended.
const LONGEST: usize = 2 << 20;

/// What was told: where, and what.
pub(super) type Told = BTreeMap<u64, BTreeSet<Fingerprint>>;

/// The last bytes of a log.
pub(super) struct Window {
    provenance: Arc<Provenance>,
    bytes: Vec<u8>,
    /// Where the first of them lies.
    pub offset: u64,
    pub first: Position,
    /// How many of them were looked at.
    looked: usize,
    pub told: Told,
}

/// What a look found.
pub(super) struct Look {
    /// What was looked at: all of the window but a line that is not ended.
    pub blob: Blob,
    /// Every hit in it that is not settled, told before or not.
    pub hits: Vec<Hit>,
    /// Of what there is more than is looked at.
    pub floods: Vec<String>,
    /// The bytes of the line that is not ended.
    rest: Vec<u8>,
}

impl Window {
    pub fn new(path: Vec<u8>, offset: u64, first: Position, told: Told) -> Window {
        let provenance = Arc::new(Provenance::Log { path });
        Window { provenance, bytes: Vec::new(), offset, first, looked: 0, told }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Looks at what was added; `None` when no line was ended. With `all` at what is not ended, too.
    pub fn look(&mut self, detector: &Detector, all: bool) -> Option<Look> {
        let added = self.bytes.get(self.looked..).unwrap_or_default();
        let ended = memrchr(b'\n', added).map_or(self.looked, |newline| self.looked + newline + 1);
        let end = if all || self.bytes.len() - ended > LONGEST { self.bytes.len() } else { ended };
        if end <= self.looked {
            return None;
        }
        let rest = self.bytes.split_off(end);
        let whole = Blob::whole(std::mem::take(&mut self.bytes), self.provenance.clone());
        let own = margin(self.offset)..end;
        let blob = Blob { offset: self.offset, first: self.first, own, ..whole };
        let (mut hits, mut floods) = detector.scan_telling(&blob);
        if let Some(joined) = records::joined(&blob) {
            let (more, flooding) = detector.scan_telling(&joined);
            hits.extend(more);
            floods.extend(flooding);
            hits.sort_by_key(|hit| (hit.occurrence.offset, hit.past));
        }
        Some(Look { blob, hits, floods, rest })
    }

    /// Goes on after a look.
    pub fn slide(&mut self, look: Look) {
        let mut bytes = Vec::from(look.blob.bytes);
        let cut = cut(&bytes);
        self.first = self.first.past(bytes.get(..cut).unwrap_or_default());
        self.offset += cut as u64;
        bytes.drain(..cut);
        self.looked = bytes.len();
        bytes.extend_from_slice(&look.rest);
        self.bytes = bytes;
        self.told = self.told.split_off(&self.settled());
    }

    /// What begins before this place is settled.
    pub fn settled(&self) -> u64 {
        self.offset + margin(self.offset) as u64
    }

    /// Whether everything in it was looked at.
    pub fn is_looked_at(&self) -> bool {
        self.looked == self.bytes.len()
    }

    /// Forgets the bytes: they will come again, from [`Window::offset`] on.
    pub fn rest(&mut self) {
        (self.bytes, self.looked) = (Vec::new(), 0);
    }

    /// Remembers that this was told; whether it was not yet.
    pub fn tell(&mut self, offset: u64, what: Fingerprint) -> bool {
        self.told.entry(offset).or_default().insert(what)
    }
}

/// Bytes at the start of a window that are only there for what follows; none at the start of a log.
fn margin(offset: u64) -> usize {
    if offset == 0 { 0 } else { CONTEXT }
}

/// Where the window begins the next time: so that enough is kept, with a line if one begins not far behind.
fn cut(bytes: &[u8]) -> usize {
    let least = bytes.len().saturating_sub(KEPT);
    if least == 0 {
        return 0;
    }
    let near: Range<usize> = least..least + CONTEXT / 2;
    bytes.get(near).and_then(|near| memchr(b'\n', near)).map_or(least, |newline| least + newline + 1)
}
