//! What a member unpacks to, held against the check sum that its archive has of it.

use std::io::{self, ErrorKind, Read};

/// Bytes whose CRC-32 is known beforehand; at their end it is compared.
pub(super) struct Checked<'r> {
    inner: &'r mut dyn Read,
    sum: crc32fast::Hasher,
    wanted: Option<u32>,
}

impl<'r> Checked<'r> {
    pub fn new(inner: &'r mut dyn Read, wanted: Option<u32>) -> Checked<'r> {
        Checked { inner, sum: crc32fast::Hasher::new(), wanted }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        if self.wanted.is_some() {
            self.sum.update(room.get(..read).unwrap_or_default());
        }
        if read == 0 && !room.is_empty() && self.wanted.take_if(|sum| *sum != self.sum.clone().finalize()).is_some() {
            return Err(io::Error::new(ErrorKind::InvalidData, "its check sum does not hold"));
        }
        Ok(read)
    }
}

/// A reader that could not be made: it says so to who reads it.
pub(super) struct Broken(pub Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| ErrorKind::InvalidData.into()))
    }
}
