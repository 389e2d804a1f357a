//! zlib streams whose inflated size is known before.

use flate2::{Decompress, FlushDecompress, Status};

/// One byte of deflate stands for at most so many (zlib's own limit is 1032).
const BEST_RATIO: u64 = 1040;

/// Inflates, again and again.
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub fn new() -> Inflater {
        Inflater(Decompress::new(true))
    }

    /// Inflates a stream of just `size` bytes into `out` (emptied first). Bytes behind the stream are not looked at.
    pub fn whole(&mut self, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
        out.clear();
        if size as u64 > (packed.len() as u64).saturating_mul(BEST_RATIO) {
            return Err("its packed bytes are too few for its size");
        }
        self.0.reset(true);
        // A byte more, so that a stream of too many bytes shows.
        out.reserve_exact(size + 1);
        match self.0.decompress_vec(packed, out, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) if out.len() == size => Ok(()),
            Ok(Status::StreamEnd) => Err("its size is not the one it says"),
            Ok(_) if out.len() > size => Err("its size is not the one it says"),
            Ok(_) => Err("its packed bytes end too soon"),
            Err(_) => Err("its packed bytes are damaged"),
        }
    }

    /// The first bytes of a stream, at most `most`, as far as `packed` has them.
    pub fn begin(&mut self, packed: &[u8], most: usize) -> Vec<u8> {
        self.0.reset(true);
        let mut out = Vec::with_capacity(most);
        // Damage shows when the whole is read.
        let _ = self.0.decompress_vec(packed, &mut out, FlushDecompress::Sync);
        out
    }
}
