//! zlib streams whose inflated size is known before.
//!
//! A whole stream goes through libdeflate, which inflates in one call into a buffer of just the right size and checks the
//! stream's Adler-32. It stops where the stream ends: bytes behind it are not looked at. A stream's begin, which libdeflate
//! cannot give, goes through flate2.

use flate2::bufread::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{DecompressionError, Decompressor};
use std::io::{BufReader, Read};

/// One byte of deflate stands for at most so many (zlib's own limit is 1032).
const BEST_RATIO: u64 = 1040;

/// Inflates, again and again. libdeflate keeps the tables of the fixed Huffman codes until it meets others: most deltas
/// are so short that they are packed with the fixed ones, so these have a decompressor of their own.
pub(super) struct Inflater {
    fixed: Decompressor,
    others: Decompressor,
}

impl Inflater {
    pub fn new() -> Inflater {
        Inflater { fixed: Decompressor::new(), others: Decompressor::new() }
    }

    /// Inflates a stream of just `size` bytes into `out`, whatever that held.
    pub fn whole(&mut self, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
        if size as u64 > (packed.len() as u64).saturating_mul(BEST_RATIO) {
            return Err("its packed bytes are too few for its size");
        }
        out.resize(size, 0);
        // The kind of the first block: two bits behind one, behind the stream's head (RFC 1950, RFC 1951).
        let is_fixed = packed.get(2).is_some_and(|byte| byte >> 1 & 3 == 1);
        let decompressor = if is_fixed { &mut self.fixed } else { &mut self.others };
        match decompressor.zlib_decompress(packed, out) {
            Ok(made) if made == size => Ok(()),
            Ok(_) | Err(DecompressionError::InsufficientSpace) => Err("its size is not the one it says"),
            Err(DecompressionError::BadData) => Err("its packed bytes are damaged"),
        }
    }
}

/// What a stream holds, read as it is asked for: for objects that are too big to be held.
pub(super) fn stream<R: Read>(packed: R) -> ZlibDecoder<BufReader<R>> {
    ZlibDecoder::new(BufReader::with_capacity(1 << 16, packed))
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
