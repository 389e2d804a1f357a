//! The blocks of one part of a table, and the records in them.
//!
//! `kind length records restarts count`: the length counts from the start of the block, which for the first block of a file
//! is that of the file. Records share the beginning of their keys with the one before; `restarts` say where one does not.

use super::cursor::Cursor;
use super::{Broken, LONGEST};
use crate::source::git::pack::inflate;
use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

/// A block of refs.
pub(super) const REFS: u8 = b'r';
/// A block of entries of logs, deflated behind its first four bytes.
pub(super) const LOGS: u8 = b'g';

/// Bytes of a block's kind and length.
const LEAD: usize = 4;
/// Bytes that the key of a log's entry has beside the ref's name.
const NUMBERED: usize = 9;

/// The blocks of a part of a table, all of one kind.
pub(super) struct Blocks<'t> {
    pub bytes: &'t [u8],
    /// Bytes of the file's header, which the first block begins with.
    pub header: usize,
    pub align: usize,
    pub part: Range<usize>,
    pub kind: u8,
}

/// What reads a record: its key, its type, and the bytes behind; `None` when they are broken.
type Read<'r> = &'r mut dyn FnMut(&[u8], u8, &mut Cursor<'_>) -> Option<ControlFlow<()>>;

/// One block.
struct Block<'t> {
    records: Cow<'t, [u8]>,
    /// Where the next one may start.
    next: usize,
}

impl<'t> Blocks<'t> {
    /// Gives every record to `read`, until it breaks.
    pub fn each(self, read: Read<'_>) -> Result<(), Broken> {
        let (mut at, mut key) = (self.part.start, Vec::new());
        while self.begin(at) < self.part.end {
            let block = self.block(at)?;
            if records(&block.records, at, &mut key, read)?.is_break() {
                break;
            }
            at = block.next;
        }
        Ok(())
    }

    /// The block that holds this name, if any does: the last one whose first name is not behind it.
    pub fn before(self, name: &[u8]) -> Result<Option<Range<usize>>, Broken> {
        let (mut at, mut found) = (self.part.start, None);
        while self.begin(at) < self.part.end {
            let block = self.block(at)?;
            let mut is_behind = true;
            let read: Read<'_> = &mut |key, _, _| {
                is_behind = key > name;
                Some(ControlFlow::Break(()))
            };
            let _ = records(&block.records, at, &mut Vec::new(), read)?;
            if is_behind {
                break;
            }
            found = Some(at..block.next.min(self.part.end));
            at = block.next;
        }
        Ok(found)
    }

    /// Where the block's own bytes start.
    fn begin(&self, at: usize) -> usize {
        if at == 0 { self.header } else { at }
    }

    fn block(&self, at: usize) -> Result<Block<'t>, Broken> {
        let block = match self.kind {
            LOGS => self.deflated(at),
            _ => self.plain(at),
        };
        block.filter(|block| block.next > at).ok_or(Broken::At(at))
    }

    /// The length that the block says and the bytes behind it; `None` when it is of another kind.
    fn lead(&self, at: usize) -> Option<(usize, &'t [u8])> {
        let rest = self.bytes.get(self.begin(at)..self.part.end)?;
        let ([kind, length @ ..], rest) = rest.split_first_chunk::<LEAD>()?;
        (*kind == self.kind).then(|| (number(*length), rest))
    }

    fn plain(&self, at: usize) -> Option<Block<'t>> {
        let (length, rest) = self.lead(at)?;
        let inner = length.checked_sub(self.begin(at) - at + LEAD)?;
        let records = without_restarts(rest.get(..inner)?)?;
        // Zeros up to where the next one is aligned; without them it follows at once.
        let padded = length < self.align && rest.get(inner) == Some(&0);
        let next = at.checked_add(if padded { self.align } else { length })?;
        Some(Block { records: Cow::Borrowed(records), next })
    }

    fn deflated(&self, at: usize) -> Option<Block<'t>> {
        let (length, rest) = self.lead(at)?;
        let inner = length.checked_sub(self.begin(at) - at + LEAD)?;
        let (mut bytes, packed) = inflate::first(rest, inner)?;
        let records = without_restarts(&bytes)?.len();
        bytes.truncate(records);
        Some(Block { records: Cow::Owned(bytes), next: self.begin(at) + LEAD + packed })
    }
}

/// The records of a block, which its list of restarts follows.
fn without_restarts(block: &[u8]) -> Option<&[u8]> {
    let (rest, count) = block.split_last_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    rest.get(..rest.len().checked_sub(3 * count)?).filter(|_| count > 0)
}

/// Gives the records of one block, which starts at byte `at`; `last` is the key of the one before.
fn records(block: &[u8], at: usize, last: &mut Vec<u8>, read: Read<'_>) -> Result<ControlFlow<()>, Broken> {
    let (mut cursor, mut key, mut first) = (Cursor { rest: block }, Vec::new(), true);
    while !cursor.rest.is_empty() {
        let kind = next_key(&mut cursor, &mut key).ok_or(Broken::At(at))?;
        if !last.is_empty() && *last >= key {
            return Err(Broken::Order(at));
        }
        last.clone_from(&key);
        first = false;
        if read(&key, kind, &mut cursor).ok_or(Broken::At(at))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    if first { Err(Broken::At(at)) } else { Ok(ControlFlow::Continue(())) }
}

/// Makes the key of the one before the next one's, and gives the record's type.
fn next_key(cursor: &mut Cursor<'_>, key: &mut Vec<u8>) -> Option<u8> {
    let shared = usize::try_from(cursor.varint()?).ok()?;
    let own = cursor.varint()?;
    let suffix = cursor.take(usize::try_from(own >> 3).ok()?)?;
    let whole = shared.checked_add(suffix.len())?;
    if shared > key.len() || whole == 0 || whole > LONGEST + NUMBERED {
        return None;
    }
    key.truncate(shared);
    key.extend_from_slice(suffix);
    u8::try_from(own & 7).ok()
}

/// A number of three bytes.
pub(super) fn number([high, middle, low]: [u8; 3]) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}
