//! Packed bytes of entries, read block by block: git writes an object's deltas behind it, so what a walk asks for next lies
//! most often in a block that was read already, and costs no call of the system.

use super::forest::Packed;
use super::{Absent, LARGEST, Pack};
use std::sync::Arc;

/// Bytes of a block, and how many of them one reader holds.
const BLOCK: u64 = 1 << 12;
const BLOCKS: u64 = 1 << 10;
/// Bytes of the biggest buffer for a single entry that is used again.
const SPARE: usize = 1 << 20;

/// A reader of entries.
pub(super) struct Ahead {
    /// A block lies at its number modulo [`BLOCKS`].
    blocks: Vec<Block>,
    /// What does not lie in one block.
    single: Vec<u8>,
}

#[derive(Default)]
struct Block {
    /// Where the pack is in memory, and the number of the block in it, from 1 on; 0: nothing was read.
    of: (usize, u64),
    bytes: Vec<u8>,
}

impl Ahead {
    pub fn new() -> Ahead {
        Ahead { blocks: (0..BLOCKS).map(|_| Block::default()).collect(), single: Vec::new() }
    }

    /// The bytes of an entry, its head first; fewer when the pack was cut short.
    pub fn read(&mut self, entry: &Packed<'_>) -> Result<&[u8], Absent> {
        let len = usize::try_from(entry.end - entry.offset).unwrap_or(usize::MAX);
        if len > LARGEST + LARGEST / 8 {
            return Err(Absent::too_large(len as u64));
        }
        let number = entry.offset / BLOCK;
        if number != entry.end.saturating_sub(1) / BLOCK {
            return self.single(entry, len);
        }
        // The remainder is always that of a block.
        let block = self.blocks.get_mut((number % BLOCKS) as usize).ok_or_else(Absent::missing)?;
        block.hold(entry.pack, number)?;
        let begin = (entry.offset % BLOCK) as usize;
        let end = block.bytes.len().min(begin + len);
        Ok(block.bytes.get(begin..end).unwrap_or_default())
    }

    fn single(&mut self, entry: &Packed<'_>, len: usize) -> Result<&[u8], Absent> {
        if self.single.capacity() > SPARE {
            self.single = Vec::new();
        }
        self.single.resize(len, 0);
        let read = entry.pack.bytes.fill(entry.offset, &mut self.single);
        let read = read.map_err(|error| Absent::unreadable(&error))?;
        Ok(self.single.get(..read).unwrap_or_default())
    }
}

impl Block {
    fn hold(&mut self, pack: &Arc<Pack>, number: u64) -> Result<(), Absent> {
        let of = (Arc::as_ptr(pack).addr(), number + 1);
        if self.of != of {
            self.of = (0, 0);
            self.bytes.resize(BLOCK as usize, 0);
            let read = pack.bytes.fill(number * BLOCK, &mut self.bytes).map_err(|error| Absent::unreadable(&error))?;
            self.bytes.truncate(read);
            self.of = of;
        }
        Ok(())
    }
}
