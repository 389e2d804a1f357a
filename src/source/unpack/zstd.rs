//! zstd (RFC 8878, read 2026-11-20): frames one after another, those between them that are to be skipped skipped, each
//! frame's check sum checked.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, ErrorKind, Read};

/// All frames of a stream.
pub(super) struct Frames<R> {
    packed: R,
    decoder: FrameDecoder,
    /// Within a frame.
    within: bool,
}

impl<R: BufRead> Frames<R> {
    /// Refuses frames that refer to more than `window` bytes of the past.
    pub fn new(packed: R, window: u64) -> Frames<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Frames { packed, decoder, within: false }
    }

    /// Goes to the next frame; `false` when there is none.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            if self.packed.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.packed).take(length), &mut io::sink())? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(told(error)),
            }
        }
    }

    /// The frame is at its end: what came out is what went in.
    fn check(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(wanted), found) if found != Some(wanted) => {
                Err(io::Error::new(ErrorKind::InvalidData, "a zstd frame's check sum does not hold"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within {
                if !self.next()? {
                    return Ok(0);
                }
                self.within = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder.decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1)).map_err(told)?;
            }
            match self.decoder.read(room)? {
                0 => {
                    self.check()?;
                    self.within = false;
                }
                read => return Ok(read),
            }
        }
    }
}

fn told(error: FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => {
            io::Error::new(ErrorKind::OutOfMemory, "its zstd window is too large")
        }
        error => io::Error::new(ErrorKind::InvalidData, error.to_string()),
    }
}

/// How many bytes of the past the first frame refers to, by its header (section 3.1.1.1).
pub(super) fn window(first: &[u8]) -> Option<u64> {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = first else { return None };
    if descriptor & 0x20 == 0 {
        let window = *rest.first()?;
        let base = 1u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // One segment: the content is the window.
    let rest = rest.get([0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?..)?;
    match (descriptor >> 6, rest) {
        (0, [a, ..]) => Some(u64::from(*a)),
        (1, [a, b, ..]) => Some(u64::from(u16::from_le_bytes([*a, *b])) + 256),
        (2, [a, b, c, d, ..]) => Some(u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
        (3, [a, b, c, d, e, f, g, h, ..]) => Some(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        _ => None,
    }
}
