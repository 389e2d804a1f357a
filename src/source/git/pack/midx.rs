//! The multi-pack-index: one sorted table of the names in many packs (gitformat-pack(5), "multi-pack-index (MIDX) files").
//!
//! It is asked which pack to look into first, and no more: that pack's own index says where the object lies. So one that is
//! old or lies costs a second look and nothing else.

use super::bytes::{Bytes, exactly, u32_at, u64_at};
use super::names::{FAN, Names};
use crate::source::git::id::Hash;
use crate::source::git::id::Id;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Bytes before the table of chunks, and of a row of that.
const HEAD: usize = 12;
const ROW: usize = 12;
/// Bytes of all names of packs that are read.
const MOST_NAMES: u64 = 64 << 20;

/// An open multi-pack-index.
pub(super) struct Midx {
    names: Names,
    /// Where the rows of pack and offset begin: eight bytes each.
    places: u64,
    /// Paths of packs without their end, in its order.
    packs: Vec<PathBuf>,
}

impl Midx {
    /// Reads the begin of the one in `folder`, an `objects/pack`.
    pub fn open(bytes: Box<dyn Bytes>, folder: &Path, hash: Hash) -> Result<Midx, &'static str> {
        let head = exactly(&*bytes, 0, HEAD).ok_or("shorter than its head")?;
        let version = if hash == Hash::Sha1 { 1 } else { 2 };
        let chunks = match head.as_slice() {
            [b'M', b'I', b'D', b'X', 1 | 2, named, chunks, _, ..] if *named == version => usize::from(*chunks),
            _ => return Err("of a version that is not known"),
        };
        let count = usize::try_from(u32_at(&head, 8).unwrap_or(0)).unwrap_or(0);
        let table = exactly(&*bytes, HEAD as u64, (chunks + 1) * ROW).ok_or("shorter than its table of chunks")?;
        let chunk = |name: &[u8]| {
            let row = table.chunks_exact(ROW).position(|row| row.starts_with(name)).filter(|row| *row < chunks)?;
            let (at, end) = (u64_at(&table, row * ROW + 4)?, u64_at(&table, (row + 1) * ROW + 4)?);
            (at <= end && end <= bytes.size()).then_some((at, end - at))
        };
        let wanted = (chunk(b"PNAM"), chunk(b"OIDF"), chunk(b"OIDL"), chunk(b"OOFF"));
        let (Some((paths, len)), Some((fan, _)), Some((ids, _)), Some((places, _))) = wanted else {
            return Err("without one of its chunks");
        };
        let paths = exactly(&*bytes, paths, usize::try_from(len.min(MOST_NAMES)).unwrap_or(0)).unwrap_or_default();
        let stem = |path: &[u8]| folder.join(OsStr::from_bytes(path)).with_extension("");
        let packs: Vec<PathBuf> = paths.split(|&byte| byte == 0).take(count).map(stem).collect();
        let fan = exactly(&*bytes, fan, FAN).ok_or("shorter than its fan-out table")?;
        let names = Names::new(bytes, hash, &fan, (ids, hash.width(), 0))?;
        let fits = |at: u64, row: u64| at + u64::from(names.count()) * row <= names.bytes.size();
        if !fits(ids, hash.width() as u64) || !fits(places, 8) {
            return Err("shorter than its names");
        }
        Ok(Midx { names, places, packs })
    }

    /// The pack that it says has the object.
    pub fn pack(&self, id: &Id) -> Option<&Path> {
        let row = self.places + 8 * u64::from(self.names.position(id)?);
        let number = u32_at(&exactly(&*self.names.bytes, row, 4)?, 0)?;
        self.packs.get(usize::try_from(number).ok()?).map(PathBuf::as_path)
    }
}
