//! A sorted table of names in a file, with a fan-out table by their first byte: what an index and a multi-pack-index share.
//!
//! Names are read bucket by bucket when one is first asked for, so that one object of a big repository costs a few
//! kilobytes. Who looks up very many refines the table first.

use super::bytes::{Bytes, exactly, u32_at};
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
    fine: OnceLock<Fine>,
}

/// A finer fan-out table, by the first `bits` bits: for every value of these, how many names are below it.
struct Fine {
    bits: u32,
    ends: Vec<u32>,
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
        Ok(Names {
            bytes,
            hash,
            fan,
            rows,
            buckets: (0..256).map(|_| OnceLock::new()).collect(),
            fine: OnceLock::new(),
        })
    }

    /// Makes ready for many look-ups: a name is then found at once, where its first bits say. Reads the whole table.
    pub fn refine(&self) {
        self.fine.get_or_init(|| {
            let bits = self.count().max(1).ilog2().clamp(10, 24) - 2;
            let mut ends = vec![0u32; (1 << bits) + 1];
            for first in 0..=u8::MAX {
                let (_, stride, skip) = self.rows;
                for row in self.bucket(first).chunks_exact(stride) {
                    let lead = row.get(skip..).and_then(|name| u32_at(name, 0)).unwrap_or(0);
                    if let Some(end) = ends.get_mut((lead >> (32 - bits)) as usize + 1) {
                        *end += 1;
                    }
                }
            }
            let mut sum = 0;
            for end in &mut ends {
                sum += *end;
                *end = sum;
            }
            Fine { bits, ends }
        });
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.fan.last().copied().unwrap_or(0)
    }

    /// Where a name is.
    pub fn position(&self, id: &Id) -> Option<u32> {
        let name = id.as_bytes();
        let at = self.below(name)?;
        let first = *name.first()?;
        (self.row(first, at - self.start(first))? == name).then_some(at)
    }

    /// The first position whose name is not below these bytes.
    pub fn below(&self, name: &[u8]) -> Option<u32> {
        let first = *name.first()?;
        let start = self.start(first);
        let fine = self.fine.get().zip(u32_at(name, 0)).and_then(|(fine, lead)| {
            let [low, high] = *fine.ends.get((lead >> (32 - fine.bits)) as usize..)?.first_chunk()?;
            Some((low.checked_sub(start)?, high.checked_sub(start)?))
        });
        let (mut low, mut high) = match fine {
            Some(range) => range,
            None => (0, self.fan.get(usize::from(first))? - start),
        };
        while low < high {
            let middle = low.midpoint(high);
            if self.row(first, middle)? < name { low = middle + 1 } else { high = middle }
        }
        low.checked_add(start)
    }

    /// The name at a position.
    pub fn id(&self, position: u32) -> Option<Id> {
        let first = u8::try_from(self.fan.partition_point(|end| *end <= position)).ok()?;
        Id::new(self.row(first, position.checked_sub(self.start(first))?)?)
    }

    /// The name in a row of those that begin with this byte.
    fn row(&self, first: u8, row: u32) -> Option<&[u8]> {
        let (_, stride, skip) = self.rows;
        let begin = usize::try_from(row).ok()?.checked_mul(stride)?;
        self.bucket(first).get(begin + skip..begin + stride)
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
