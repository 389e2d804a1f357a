//! The index beside a pack: the names in it, sorted, and where each entry begins (gitformat-pack(5), "pack-*.idx files").
//!
//! Versions 1 and 2. The fan-out table is read when the index is opened, everything else when it is asked for.

use super::bytes::{Bytes, exactly, u32_at, u64_at};
use super::names::{FAN, Names};
use crate::source::git::id::{Hash, Id};

/// How a file of version 2 begins; version 1 begins with its fan-out table, whose first number is never so big.
const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";

/// An open index.
pub struct Idx {
    names: Names,
    version: u8,
    /// Offsets that need 64 bits.
    wide: u32,
}

/// Where an entry begins in its pack, and the CRC-32 of its packed bytes (version 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Bytes from the pack's begin.
    pub offset: u64,
    /// Of header and packed bytes.
    pub crc: Option<u32>,
}

impl Idx {
    /// Reads the begin of an index and checks that its size fits.
    pub fn open(bytes: Box<dyn Bytes>, hash: Hash) -> Result<Idx, &'static str> {
        let width = hash.width();
        let head = exactly(&*bytes, 0, MAGIC.len() + FAN).ok_or("shorter than its head")?;
        let version = match head.strip_prefix(MAGIC) {
            Some(_) => 2,
            None if head.starts_with(b"\xfftOc") => return Err("of a version that is not known"),
            None => 1,
        };
        let fan = head.get(if version == 2 { MAGIC.len() } else { 0 }..).unwrap_or_default();
        let rows = if version == 2 { ((MAGIC.len() + FAN) as u64, width, 0) } else { (FAN as u64, 4 + width, 4) };
        let names = Names::new(bytes, hash, fan, rows)?;
        let count = u64::from(names.count());
        let least = match version {
            2 => (MAGIC.len() + FAN) as u64 + count * (width as u64 + 8) + 2 * width as u64,
            _ => FAN as u64 + count * (width as u64 + 4) + 2 * width as u64,
        };
        let more = names.bytes.size().checked_sub(least).ok_or("shorter than its names")?;
        let fits = more.is_multiple_of(8) && more / 8 <= count && (version == 2 || more == 0);
        let wide = u32::try_from(more / 8).ok().filter(|_| fits).ok_or("not as long as its names need")?;
        Ok(Idx { names, version, wide })
    }

    /// How names are made.
    pub fn hash(&self) -> Hash {
        self.names.hash
    }

    /// Whether it has the CRC-32 of every entry.
    pub fn has_crcs(&self) -> bool {
        self.version == 2
    }

    /// How many entries there are.
    pub fn count(&self) -> u32 {
        self.names.count()
    }

    /// The checksum of the pack that this is the index of.
    pub fn pack_checksum(&self) -> Option<Vec<u8>> {
        let width = self.names.hash.width();
        exactly(&*self.names.bytes, self.names.bytes.size().checked_sub(2 * width as u64)?, width)
    }

    /// Which entry has this name. Positions are in the order of names.
    pub fn position(&self, id: &Id) -> Option<u32> {
        self.names.position(id)
    }

    /// Makes ready for looking up very many names.
    pub fn refine(&self) {
        self.names.refine();
    }

    /// The first position whose name is not below these bytes.
    pub fn below(&self, name: &[u8]) -> Option<u32> {
        self.names.below(name)
    }

    /// The name of the entry at `position`.
    pub fn id(&self, position: u32) -> Option<Id> {
        self.names.id(position)
    }

    /// Where the entry at `position` lies.
    pub fn spot(&self, position: u32) -> Option<Spot> {
        let (position, count, width) = (u64::from(position), u64::from(self.count()), self.names.hash.width() as u64);
        if position >= count {
            return None;
        }
        let four = |at: u64| u32_at(&exactly(&*self.names.bytes, at, 4)?, 0);
        if self.version == 1 {
            return Some(Spot { offset: four(FAN as u64 + position * (4 + width))?.into(), crc: None });
        }
        let crcs = (MAGIC.len() + FAN) as u64 + count * width;
        let offsets = crcs + 4 * count;
        let offset = match four(offsets + 4 * position)? {
            short if short >> 31 == 0 => u64::from(short),
            long => {
                let row = u64::from(long & 0x7fff_ffff);
                let at = (row < u64::from(self.wide)).then_some(offsets + 4 * count + 8 * row)?;
                u64_at(&exactly(&*self.names.bytes, at, 8)?, 0)?
            }
        };
        Some(Spot { offset, crc: Some(four(crcs + 4 * position)?) })
    }

    /// All of them, by position.
    pub fn spots(&self) -> Option<Vec<Spot>> {
        let (count, width) = (usize::try_from(self.count()).ok()?, self.names.hash.width());
        if self.version == 1 {
            let rows = exactly(&*self.names.bytes, FAN as u64, count * (4 + width))?;
            let row = |row: &[u8]| Some(Spot { offset: u32_at(row, 0)?.into(), crc: None });
            return rows.chunks_exact(4 + width).map(row).collect();
        }
        let crcs = (MAGIC.len() + FAN + count * width) as u64;
        let table = exactly(&*self.names.bytes, crcs, 8 * count + 8 * usize::try_from(self.wide).ok()?)?;
        let (crcs, rest) = table.split_at_checked(4 * count)?;
        let (offsets, wide) = rest.split_at_checked(4 * count)?;
        let one = |(crc, offset): (&[u8; 4], &[u8; 4])| {
            let offset = match u32::from_be_bytes(*offset) {
                short if short >> 31 == 0 => u64::from(short),
                // One that points nowhere spoils itself only: no entry begins there.
                long => u64_at(wide, 8 * usize::try_from(long & 0x7fff_ffff).ok()?).unwrap_or(u64::MAX),
            };
            Some(Spot { offset, crc: Some(u32::from_be_bytes(*crc)) })
        };
        crcs.as_chunks::<4>().0.iter().zip(offsets.as_chunks::<4>().0).map(one).collect()
    }
}
