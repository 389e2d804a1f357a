//! A big file, read in parts by many threads at once.
//!
//! Each part is read where it lies (a positioned read: no thread moves another's place, and nothing is mapped, so that a
//! file which becomes shorter is an error and not a signal), with up to [`CONTEXT`] bytes of its neighbours on either side.
//! On which line a part starts is known only when the lines of all parts before it are counted: each is looked at as if it
//! were the first, and [`Crew::placed`] says afterwards where it lies.
//!
//! A file is as long as it was when it was opened: what is written behind that meanwhile was not asked for.

use super::crew::Hand;
use super::parts::{CONTEXT, PART};
use super::{Blob, Bytes, Crew, Provenance, SkipReason, Skipped};
use crate::text::lines::{Lines, Position};
use crate::text::wide::{self, Wide};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that is read in parts.
pub(super) struct Big {
    file: File,
    /// Bytes of it.
    len: u64,
    /// How its characters are written, when they take more than a byte.
    wide: Option<Wide>,
    provenance: Arc<Provenance>,
    /// What a person calls it, and the order in which it is told when it cannot be read.
    name: (String, u64),
    sizes: Sizes,
    places: Mutex<Places>,
    told: AtomicBool,
}

/// How a file is cut, in bytes.
#[derive(Clone, Copy)]
struct Sizes {
    part: u64,
    context: u64,
}

/// One part of a file.
pub(super) struct Part {
    of: Arc<Big>,
    number: u64,
}

impl Big {
    /// The parts of a file of `len` bytes, in order.
    pub fn parts(
        file: File,
        len: u64,
        provenance: Provenance,
        name: (String, u64),
    ) -> impl Iterator<Item = Part> + Send {
        Big::cut(file, len, provenance, name, Sizes { part: PART as u64, context: CONTEXT as u64 })
    }

    fn cut(
        file: File,
        len: u64,
        provenance: Provenance,
        name: (String, u64),
        sizes: Sizes,
    ) -> impl Iterator<Item = Part> + Send {
        let (provenance, places) = (Arc::new(provenance), Mutex::new(Places::new()));
        let mut first = [0; wide::SAMPLE];
        // What cannot be read is told by who reads the first part.
        let read = read_at(&file, &mut first, 0).unwrap_or_default();
        let wide = wide::of(first.get(..read).unwrap_or_default()).map(|(wide, _)| wide);
        let big = Arc::new(Big { file, len, wide, provenance, name, sizes, places, told: AtomicBool::new(false) });
        (0..len.div_ceil(sizes.part).max(1)).map(move |number| Part { of: Arc::clone(&big), number })
    }

    /// Says once that the file could not be read whole.
    fn tell(&self, crew: &dyn Crew, why: &dyn std::fmt::Display) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let (what, order) = &self.name;
            crew.skip(*order, Skipped::asked(what.clone(), SkipReason::Unreadable, why));
        }
    }

    /// Where the bytes of a part start: before its own, by the context.
    fn start(&self, part: u64) -> u64 {
        (part * self.sizes.part).saturating_sub(self.sizes.context).min(self.len)
    }
}

impl Part {
    /// Reads the part and looks at it.
    pub fn read(&self, hand: &Hand<'_>) {
        let mut bytes = hand.buffer();
        let (big, sizes) = (&*self.of, self.of.sizes);
        let start = big.start(self.number);
        let past = ((self.number + 1) * sizes.part).min(big.len);
        let end = (past + sizes.context).min(big.len);
        let within = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        let result = fill(&big.file, &mut bytes, start, within(end));
        let read = bytes.len();
        if let Err(error) = &result {
            big.tell(hand.crew(), error);
        } else if read < within(past) {
            big.tell(hand.crew(), &"it became shorter while it was read");
        }
        let own = within(self.number * sizes.part).min(read)..within(past).min(read);
        // The next part's bytes start within this one's.
        let lines = Lines::of(bytes.get(..within(big.start(self.number + 1)).min(read)).unwrap_or_default());
        // Of a part that is gone there is nothing to look at; of an empty file there is that it was read.
        let gone = own.is_empty() && self.number > 0;
        let wide = big.wide.filter(|_| self.number > 0);
        let blob = Blob { offset: start, own, wide, ..Blob::whole(bytes, Arc::clone(&big.provenance)) };
        let found = match gone {
            true => {
                hand.back(blob.bytes);
                None
            }
            false => hand.look(blob),
        };
        let mut places = big.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.add(self.number, lines, found, hand.crew());
    }
}

/// Which part starts where. Parts are counted in any order, nearly their own; only those ahead of the first that is not
/// counted yet are kept.
struct Places {
    next: u64,
    /// Where the bytes of part `next` start.
    first: Position,
    ahead: BTreeMap<u64, (Lines, Option<u64>)>,
}

impl Places {
    fn new() -> Places {
        Places { next: 0, first: Position::FIRST, ahead: BTreeMap::new() }
    }

    /// `found` is the number of the blob, when something was found in it.
    fn add(&mut self, part: u64, lines: Lines, found: Option<u64>, crew: &dyn Crew) {
        self.ahead.insert(part, (lines, found));
        while let Some((lines, found)) = self.ahead.remove(&self.next) {
            if let Some(number) = found {
                crew.placed(number, self.first);
            }
            self.first = self.first.after(lines);
            self.next += 1;
        }
    }
}

/// Reads `wanted` bytes that start at `start`, fewer when the file has no more.
fn fill(file: &File, bytes: &mut Bytes, start: u64, wanted: usize) -> io::Result<()> {
    bytes.set_len(0);
    let mut len = 0;
    while len < wanted {
        let room = bytes.room(wanted).get_mut(len..wanted).unwrap_or_default();
        let read = read_at(file, room, start + len as u64);
        match read {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                bytes.set_len(len);
                return Err(error);
            }
        }
    }
    bytes.set_len(len);
    Ok(())
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, at)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, at)
}
