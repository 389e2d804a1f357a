//! The head of a pack's entry: its type, its size and where its base is (gitformat-pack(5), "Pack file entry").

use super::Kind;
use crate::source::git::id::{Hash, Id};

/// No head is longer: ten bytes of size, then at most a name of 32 bytes or ten of distance.
pub const LONGEST: usize = 48;

/// What an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The object itself.
    Whole(Kind),
    /// A delta to the entry that begins so many bytes before this one.
    Back(u64),
    /// A delta to the object of this name.
    Named(Id),
}

/// An entry's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What is packed.
    pub base: Base,
    /// Inflated bytes of what is packed: the object's, or the delta's.
    pub size: u64,
    /// Bytes of the head; packed bytes follow.
    pub head: usize,
}

impl Entry {
    /// Reads the head at the begin of `bytes`.
    pub fn parse(bytes: &[u8], hash: Hash) -> Option<Entry> {
        let mut rest = bytes.iter().copied();
        let first = rest.next()?;
        let mut size = u64::from(first & 15);
        let (mut shift, mut byte) = (4, first);
        while byte & 0x80 != 0 {
            byte = rest.next()?;
            let bits = u64::from(byte & 0x7f);
            size |= bits.checked_shl(shift).filter(|more| more >> shift == bits)?;
            shift += 7;
        }
        let base = match first >> 4 & 7 {
            1 => Base::Whole(Kind::Commit),
            2 => Base::Whole(Kind::Tree),
            3 => Base::Whole(Kind::Blob),
            4 => Base::Whole(Kind::Tag),
            6 => {
                // Seven bits a byte, the highest first; each byte that another follows stands for one more.
                let mut byte = rest.next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = rest.next()?;
                    back = back.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
                }
                Base::Back(back)
            }
            7 => {
                let at = bytes.len() - rest.len();
                let id = Id::new(bytes.get(at..at + hash.width())?)?;
                return Some(Entry { base: Base::Named(id), size, head: at + hash.width() });
            }
            _ => return None,
        };
        Some(Entry { base, size, head: bytes.len() - rest.len() })
    }
}
