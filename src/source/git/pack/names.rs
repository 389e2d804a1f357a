//! A sorted table of names in a file, with a fan-out table by their first byte: what an index and a multi-pack-index share.
//!
//! Names are read bucket by bucket when one is first asked for, so that one object of a big repository costs a few
//! kilobytes.

use super::bytes::{Bytes, exactly};
use crate::source::git::id::{Hash, Id};
use std::sync::OnceLock;

/// Bytes of the fan-out table: for every first byte of a name, how many names begin with it or one below it.
pub(super) const FAN: usize = 4 * 256;

/// The table.
pub(super) struct Names {
    /// The file that it is in.
    pub bytes: Box<dyn Bytes>,
    pub hash: Hash,
    /// Where the names of each first byte end.
    fan: Vec<u32>,
    /// Where the rows begin in the file, how long one is, and where the name begins in it.
    rows: (u64, usize, usize),
    /// Rows by the first byte of their names.
    buckets: Vec<OnceLock<Vec<u8>>>,
}

impl Names {
    /// A table whose fan-out table has these bytes; `rows` are where they begin, how long one is and where the name begins
    /// in it.
    pub fn new(
        bytes: Box<dyn Bytes>,
        hash: Hash,
        fan: &[u8],
        rows: (u64, usize, usize),
    ) -> Result<Names, &'static str> {
        let fan: Vec<u32> = fan.as_chunks::<4>().0.iter().take(256).map(|four| u32::from_be_bytes(*four)).collect();
        if fan.len() < 256 || !fan.is_sorted() {
            return Err("its fan-out table does not rise");
        }
        Ok(Names { bytes, hash, fan, rows, buckets: (0..256).map(|_| OnceLock::new()).collect() })
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.fan.last().copied().unwrap_or(0)
    }

    /// Where a name is.
    pub fn position(&self, id: &Id) -> Option<u32> {
        let at = self.below(id.as_bytes())?;
        (self.id(at)? == *id).then_some(at)
    }

    /// The first position whose name is not below these bytes.
    pub fn below(&self, name: &[u8]) -> Option<u32> {
        let first = *name.first()?;
        let (bucket, (_, stride, skip)) = (self.bucket(first), self.rows);
        let (mut low, mut high) = (0, bucket.len() / stride);
        while low < high {
            let middle = low.midpoint(high);
            let row = bucket.get(middle * stride + skip..(middle + 1) * stride)?;
            if row < name { low = middle + 1 } else { high = middle }
        }
        u32::try_from(low).ok()?.checked_add(self.start(first))
    }

    /// The name at a position.
    pub fn id(&self, position: u32) -> Option<Id> {
        let first = u8::try_from(self.fan.partition_point(|end| *end <= position)).ok()?;
        let (_, stride, skip) = self.rows;
        let row = usize::try_from(position.checked_sub(self.start(first))?).ok()?;
        Id::new(self.bucket(first).get(row * stride + skip..(row + 1) * stride)?)
    }

    /// Position of the first name that begins with this byte.
    fn start(&self, first: u8) -> u32 {
        usize::from(first).checked_sub(1).and_then(|before| self.fan.get(before).copied()).unwrap_or(0)
    }

    /// Rows of the names that begin with this byte; none when they cannot be read.
    fn bucket(&self, first: u8) -> &[u8] {
        let read = || {
            let (start, end) = (self.start(first), self.fan.get(usize::from(first)).copied()?);
            let (begin, stride, _) = self.rows;
            let at = begin + u64::from(start) * stride as u64;
            exactly(&*self.bytes, at, usize::try_from(end - start).ok()?.checked_mul(stride)?)
        };
        self.buckets.get(usize::from(first)).map_or(&[], |rows| rows.get_or_init(|| read().unwrap_or_default()))
    }
}
