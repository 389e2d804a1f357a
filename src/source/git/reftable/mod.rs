//! One table of a reftable: refs and their logs in one file, sorted and compressed (git's
//! Documentation/technical/reftable, git 2.47, read 2026-11-20).
//!
//! A repository made with `--ref-format=reftable` keeps its refs in a stack of such tables ([`super::refs`] reads the stack).
//! Versions 1 and 2 (names of 20 and 32 bytes), aligned and unaligned ones. The index blocks are not needed: to find one
//! name the blocks are hopped over by their first names, and the blocks that lead from objects to refs are passed over.
//!
//! Whatever the bytes are, reading ends: each number in them is checked against the bytes that are there, names stand in
//! order and are no longer than [`LONGEST`], and a block of logs is inflated alone, to the 16 MB that its length can say.

mod block;
mod cursor;

use super::id::{Hash, Id};
use block::{Blocks, LOGS, REFS};
use std::ops::{ControlFlow, Range};

/// Longest name of a ref, in bytes: where refs are files, the longest path (`PATH_MAX` of Linux).
const LONGEST: usize = 4096;

/// Bytes of the header of version 1; version 2 also names the hash.
const HEADER: usize = 24;
/// Bytes of the footer behind its copy of the header: five positions and a checksum.
const FOOTER: usize = 44;

/// A table's bytes, and where its parts lie.
#[derive(Debug)]
pub struct Table {
    bytes: Vec<u8>,
    hash: Hash,
    /// Bytes of the header.
    header: usize,
    /// What blocks are aligned to; 0 when they are not.
    align: usize,
    /// Blocks of refs.
    refs: Range<usize>,
    /// Blocks of logs.
    logs: Range<usize>,
}

/// What a table says of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// It is no more, whatever older tables say.
    Gone,
    /// It names an object.
    Object(Id),
    /// It names another ref.
    Symbolic(Vec<u8>),
}

/// An entry of a ref's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'n> {
    /// The ref's name.
    pub name: &'n [u8],
    /// Orders the entries of one ref: the newest has the lowest.
    pub number: u64,
    /// What the ref was before and after; nothing when the entry was taken out.
    pub change: Option<(Id, Id)>,
}

/// Why a table is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not begin or end as one.
    #[error("it is no reftable")]
    NoTable,
    /// Its version is not known here.
    #[error("it is a reftable of version {0}")]
    Version(u8),
    /// It names objects otherwise than the repository does.
    #[error("its objects are named otherwise than the repository's")]
    OtherHash,
    /// Its footer is not what was written.
    #[error("its footer is damaged")]
    Footer,
    /// Something in it is not as it should be.
    #[error("it is broken at byte {0}")]
    At(usize),
    /// Its names are not in order.
    #[error("its names are out of order at byte {0}")]
    Order(usize),
}

impl Table {
    /// Reads the frame of a table whose objects have names of this kind.
    ///
    /// # Errors
    /// When it is no table that can be read here. What lies in it is checked when it is asked for.
    pub fn parse(bytes: Vec<u8>, hash: Hash) -> Result<Table, Broken> {
        let (header, align) = head(&bytes, hash)?;
        let footer = bytes.len().checked_sub(header + FOOTER).filter(|at| *at >= header).ok_or(Broken::NoTable)?;
        let foot = bytes.get(footer..).ok_or(Broken::NoTable)?;
        let (summed, sum) = foot.split_last_chunk::<4>().ok_or(Broken::NoTable)?;
        if bytes.get(..header) != foot.get(..header) || crc32fast::hash(summed) != u32::from_be_bytes(*sum) {
            return Err(Broken::Footer);
        }
        let position = |number: usize| {
            let at = foot.get(header + 8 * number..).and_then(|rest| rest.first_chunk::<8>());
            at.and_then(|bytes| usize::try_from(u64::from_be_bytes(*bytes)).ok()).ok_or(Broken::Footer)
        };
        // The low bits of the second position are the length of abbreviated names.
        let (ref_index, objects, log_blocks, log_index) = (position(0)?, position(1)? >> 5, position(3)?, position(4)?);
        let end_of = |parts: &[usize]| parts.iter().copied().filter(|at| *at > 0).chain([footer]).min();
        let first = bytes.get(header).copied().filter(|_| footer > header);
        let refs = match first == Some(REFS) {
            true => 0..end_of(&[ref_index, objects, log_blocks]).unwrap_or(footer),
            false => 0..0,
        };
        let logs = match first == Some(LOGS) || log_blocks > 0 {
            true => log_blocks..end_of(&[log_index]).unwrap_or(footer),
            false => 0..0,
        };
        if [&refs, &logs].iter().any(|part| part.start > part.end || part.end > footer) {
            return Err(Broken::Footer);
        }
        Ok(Table { bytes, hash, header, align, refs, logs })
    }

    /// Gives every ref with what the table says of it, in the order of their names, until `give` breaks.
    ///
    /// # Errors
    /// At the first place that is broken; what lies before it was given.
    pub fn refs(&self, give: &mut dyn FnMut(&[u8], Value) -> ControlFlow<()>) -> Result<(), Broken> {
        self.blocks(self.refs.clone(), REFS).each(&mut |key, kind, cursor| Some(give(key, self.value(kind, cursor)?)))
    }

    /// What the table says of one ref; `None` when it does not know it.
    ///
    /// # Errors
    /// When what lies on the way to it is broken.
    pub fn find(&self, name: &[u8]) -> Result<Option<Value>, Broken> {
        let Some(block) = self.blocks(self.refs.clone(), REFS).before(name)? else { return Ok(None) };
        let mut found = None;
        self.blocks(block, REFS).each(&mut |key, kind, cursor| {
            let value = self.value(kind, cursor)?;
            Some(match key.cmp(name) {
                std::cmp::Ordering::Less => ControlFlow::Continue(()),
                std::cmp::Ordering::Equal => {
                    found = Some(value);
                    ControlFlow::Break(())
                }
                std::cmp::Ordering::Greater => ControlFlow::Break(()),
            })
        })?;
        Ok(found)
    }

    /// Gives every entry of every log, by name, the newest first, until `give` breaks.
    ///
    /// # Errors
    /// At the first place that is broken; what lies before it was given.
    pub fn logs(&self, give: &mut dyn FnMut(Entry<'_>) -> ControlFlow<()>) -> Result<(), Broken> {
        self.blocks(self.logs.clone(), LOGS).each(&mut |key, kind, cursor| {
            let (name, number) = key.split_last_chunk::<8>()?;
            let name = name.strip_suffix(b"\0")?;
            let change = match kind {
                0 => None,
                1 => Some(cursor.change(self.hash)?),
                _ => return None,
            };
            Some(give(Entry { name, number: u64::from_be_bytes(*number), change }))
        })
    }

    fn blocks(&self, part: Range<usize>, kind: u8) -> Blocks<'_> {
        Blocks { bytes: &self.bytes, header: self.header, align: self.align, part, kind }
    }

    /// Reads what follows a ref's name.
    fn value(&self, kind: u8, cursor: &mut cursor::Cursor<'_>) -> Option<Value> {
        // When it was changed, counted from the table's first change.
        cursor.varint()?;
        Some(match kind {
            0 => Value::Gone,
            1 => Value::Object(cursor.id(self.hash)?),
            2 => {
                let value = cursor.id(self.hash)?;
                // What the tag that it names leads to.
                cursor.id(self.hash)?;
                Value::Object(value)
            }
            3 => Value::Symbolic(cursor.text()?.to_vec()),
            _ => return None,
        })
    }
}

/// The length of the header, and what blocks are aligned to.
fn head(bytes: &[u8], hash: Hash) -> Result<(usize, usize), Broken> {
    let rest = bytes.strip_prefix(b"REFT").ok_or(Broken::NoTable)?;
    let ([version, align @ ..], _) = rest.split_first_chunk::<4>().ok_or(Broken::NoTable)?;
    let length = match version {
        1 => HEADER,
        2 => HEADER + 4,
        version => return Err(Broken::Version(*version)),
    };
    let named = match bytes.get(HEADER..length).ok_or(Broken::NoTable)? {
        b"" | b"sha1" => Hash::Sha1,
        b"s256" => Hash::Sha256,
        _ => return Err(Broken::NoTable),
    };
    if named != hash {
        return Err(Broken::OtherHash);
    }
    Ok((length, block::number(*align)))
}

#[cfg(test)]
mod tests;
