//! zlib streams whose inflated size is known before.
//!
//! A whole stream goes through libdeflate, which inflates in one call into a buffer of just the right size and checks the
//! stream's Adler-32. It stops where the stream ends: bytes behind it are not looked at. A stream's begin, which libdeflate
//! cannot give, goes through flate2.

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{DecompressionError, Decompressor};

/// One byte of deflate stands for at most so many (zlib's own limit is 1032).
const BEST_RATIO: u64 = 1040;

/// Inflates, again and again.
pub(super) struct Inflater(Decompressor);

impl Inflater {
    pub fn new() -> Inflater {
        Inflater(Decompressor::new())
    }

    /// Inflates a stream of just `size` bytes into `out`, whatever that held.
    pub fn whole(&mut self, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
        if size as u64 > (packed.len() as u64).saturating_mul(BEST_RATIO) {
            return Err("its packed bytes are too few for its size");
        }
        out.resize(size, 0);
        match self.0.zlib_decompress(packed, out) {
            Ok(made) if made == size => Ok(()),
            Ok(_) | Err(DecompressionError::InsufficientSpace) => Err("its size is not the one it says"),
            Err(DecompressionError::BadData) => Err("its packed bytes are damaged"),
        }
    }
}

/// The first bytes of a stream, at most `most`, as far as `packed` has them.
pub(super) fn begin(packed: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most);
    // Damage shows when the whole is read.
    let _ = Decompress::new(true).decompress_vec(packed, &mut out, FlushDecompress::Sync);
    out.truncate(most);
    out
}

/// Inflates a stream of just `size` bytes, and says how many bytes it took.
pub(in super::super) fn first(packed: &[u8], size: usize) -> Option<(Vec<u8>, usize)> {
    if size as u64 > (packed.len() as u64).saturating_mul(BEST_RATIO) {
        return None;
    }
    // One byte more, so that a stream which goes on is seen to.
    let (mut stream, mut out) = (Decompress::new(true), Vec::with_capacity(size + 1));
    let end = stream.decompress_vec(packed, &mut out, FlushDecompress::Finish).ok()?;
    (end == Status::StreamEnd && out.len() == size).then_some(())?;
    Some((out, usize::try_from(stream.total_in()).ok()?))
}
