//! Reading the numbers and names of a table one after another.

use crate::source::git::id::{Hash, Id};

/// Bytes that are still to be read.
pub(super) struct Cursor<'b> {
    pub rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A number as packs write the distance to a delta's base: seven bits a byte, each further byte adds one.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for count in 0.. {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value += u64::from(count > 0);
            value = value.checked_mul(128)? | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(value)
    }

    /// The name of an object.
    pub fn id(&mut self, hash: Hash) -> Option<Id> {
        Id::new(self.take(hash.width())?)
    }

    /// Bytes behind their length.
    pub fn text(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }

    /// What a log's entry says: what the ref was before and after; who, when and why are passed over.
    pub fn change(&mut self, hash: Hash) -> Option<(Id, Id)> {
        let ids = (self.id(hash)?, self.id(hash)?);
        let (_name, _address, _seconds) = (self.text()?, self.text()?, self.varint()?);
        let _zone = self.take(2)?;
        let _message = self.text()?;
        Some(ids)
    }
}
