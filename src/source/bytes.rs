//! The bytes of a blob, in a buffer that is used again and again.
//!
//! A buffer that was filled once stays initialised: reading the next file into it costs no zeroing and no allocation. Only
//! the first [`len`](Bytes::len) bytes of it are the blob's.

use std::ops::Deref;

/// Bytes that were read. From a vector, or from a buffer of a thread.
#[derive(Default)]
pub struct Bytes {
    buffer: Vec<u8>,
    len: usize,
}

impl Bytes {
    /// The whole buffer, at least `least` bytes of it; what it holds past the blob's own bytes is of no meaning.
    pub(super) fn room(&mut self, least: usize) -> &mut [u8] {
        if self.buffer.len() < least {
            // Grown by doubling, so that a file of any size is read in few steps and pages never touched cost nothing.
            let grown = least.max(self.buffer.len().saturating_mul(2)).max(SMALLEST);
            self.buffer.reserve_exact(grown - self.buffer.len());
            self.buffer.resize(grown, 0);
        }
        &mut self.buffer
    }

    /// Says how many bytes of the buffer, from its first, are the blob's.
    pub(super) fn set_len(&mut self, len: usize) {
        self.len = len.min(self.buffer.len());
    }
}

/// The smallest buffer, in bytes: most source files are smaller.
const SMALLEST: usize = 64 << 10;

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(buffer: Vec<u8>) -> Bytes {
        let len = buffer.len();
        Bytes { buffer, len }
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(mut bytes: Bytes) -> Vec<u8> {
        bytes.buffer.truncate(bytes.len);
        bytes.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let mut bytes = Bytes::from(b"abc".to_vec());
        assert_eq!(&*bytes, b"abc");
        assert!(bytes.room(10).len() >= 10);
        assert_eq!(&*bytes, b"abc", "growing keeps them");
        bytes.set_len(2);
        assert_eq!(Vec::from(bytes), b"ab");
    }
}
