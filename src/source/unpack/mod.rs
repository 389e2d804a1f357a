//! Streams that are packed as one: gzip, zstd, bzip2, xz. Known by how they start, whatever their name says.
//!
//! [`reader`] unpacks in bounded memory: the bytes of the past that a stream may refer to (its window, or dictionary) are at
//! most [`WINDOW`], and a stream that asks for more is refused with [`ErrorKind::OutOfMemory`]. Several streams one after
//! another in one file are one stream, as their tools have it. Check sums are checked. Whatever a decoder does with hostile
//! bytes, also panic, comes out as an error; the bytes that came before it are good.

mod zstd;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaReader, XzReader};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::panic::{self, AssertUnwindSafe};

/// Bytes of the past that a stream may refer to: what `zstd` itself takes unless told otherwise, twice that of `xz -9`.
pub const WINDOW: u64 = 128 << 20;
/// Bytes that [`kind_of`] and [`window`] look at.
pub const HEAD: usize = 64;

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Kind {
    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Gzip => "gzip",
            Kind::Zstd => "zstd",
            Kind::Bzip2 => "bzip2",
            Kind::Xz => "xz",
        }
    }
}

/// How a stream is packed that starts like this; `first` are its first [`HEAD`] bytes, or all.
///
/// gzip: RFC 1952, section 2.3.1 (deflate is the only method). zstd: RFC 8878, sections 3.1.1 and 3.1.2. xz: "The .xz File
/// Format" 1.2.1, section 2.1.1.1. bzip2 has no specification: `BZh`, the size of a block, and the first block's mark, or
/// the end's when there is none (`bzip2` 1.0.8, compress.c). All read 2026-11-20.
pub fn kind_of(first: &[u8]) -> Option<Kind> {
    match first {
        [0x1f, 0x8b, 8, ..] => Some(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Kind::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Kind::Xz),
        [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..] => {
            let known = mark.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                || mark.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]);
            known.then_some(Kind::Bzip2)
        }
        _ => None,
    }
}

/// What `packed` unpacks to.
pub fn reader<'r>(kind: Kind, packed: impl BufRead + 'r) -> Box<dyn Read + 'r> {
    reader_within(kind, packed, WINDOW)
}

/// The same for a stream that may ask for `window` bytes of the past, as [`window`] gives them.
pub fn reader_within<'r>(kind: Kind, packed: impl BufRead + 'r, window: u64) -> Box<dyn Read + 'r> {
    let window = window.min(WINDOW);
    match kind {
        Kind::Gzip => Guard::new(MultiGzDecoder::new(packed)),
        Kind::Bzip2 => Guard::new(MultiBzDecoder::new(packed)),
        // The decoder counts what it needs beside the dictionary, too: less than a MiB.
        Kind::Xz => Guard::new(XzReader::new_mem_limit(packed, true, u32::try_from(window >> 10).unwrap_or(0) + 1024)),
        Kind::Zstd => Guard::new(zstd::Frames::new(packed, window)),
    }
}

/// How many bytes of the past a stream may refer to that starts with `first`: an upper bound, [`WINDOW`] when it does not
/// say. What follows in the same file and asks for more than that is refused when [`reader_within`] was told so.
pub fn window(kind: Kind, first: &[u8]) -> u64 {
    match kind {
        Kind::Gzip => 32 << 10,
        Kind::Bzip2 => 8 << 20,
        Kind::Zstd => zstd::window(first).unwrap_or(WINDOW).clamp(SMALL, WINDOW),
        Kind::Xz => xz_dictionary(first).unwrap_or(WINDOW).clamp(SMALL, WINDOW),
    }
}

/// What deflate without a header unpacks to (RFC 1951). Of `packed` no more is read than that.
pub(super) fn deflate<'r>(packed: impl BufRead + 'r) -> Box<dyn Read + 'r> {
    Guard::new(DeflateDecoder::new(packed))
}

/// What bzip2 within an archive unpacks to.
pub(super) fn bzip2<'r>(packed: impl Read + 'r) -> Box<dyn Read + 'r> {
    reader(Kind::Bzip2, BufReader::new(packed))
}

/// The dictionary that LZMA's properties ask for ("LZMA specification" of the LZMA SDK 24.09, "Header").
pub(super) fn lzma_window(properties: [u8; 5]) -> u64 {
    let [_, dictionary @ ..] = properties;
    u64::from(u32::from_le_bytes(dictionary))
}

/// What LZMA without a header unpacks to: `size` bytes, or up to its own mark of the end.
pub(super) fn lzma<'r>(
    packed: impl Read + 'r,
    size: Option<u64>,
    properties: [u8; 5],
) -> io::Result<Box<dyn Read + 'r>> {
    let window = within(lzma_window(properties))?;
    let [first, ..] = properties;
    Ok(Guard::new(LzmaReader::new_with_props(packed, size.unwrap_or(u64::MAX), first, window, None)?))
}

/// The dictionary that LZMA2's one property asks for ("The .xz File Format" 1.2.1, section 5.3.1).
pub(super) fn lzma2_window(property: u8) -> u64 {
    match property {
        0..40 => (2 | u64::from(property & 1)) << (property / 2 + 11),
        _ => u64::from(u32::MAX),
    }
}

/// What LZMA2 without a header unpacks to.
pub(super) fn lzma2<'r>(packed: impl Read + 'r, property: u8) -> io::Result<Box<dyn Read + 'r>> {
    Ok(Guard::new(Lzma2Reader::new(packed, within(lzma2_window(property))?, None)))
}

/// Undoes what makes code of x86 pack better.
pub(super) fn x86<'r>(packed: impl Read + 'r) -> Box<dyn Read + 'r> {
    Guard::new(BcjReader::new_x86(packed, 0))
}

/// The same for code of ARM of 64 bits.
pub(super) fn arm64<'r>(packed: impl Read + 'r) -> Box<dyn Read + 'r> {
    Guard::new(BcjReader::new_arm64(packed, 0))
}

/// Adds up what was written as differences of bytes `distance` apart.
pub(super) fn delta<'r>(packed: impl Read + 'r, distance: usize) -> Box<dyn Read + 'r> {
    Guard::new(DeltaReader::new(packed, distance))
}

fn within(window: u64) -> io::Result<u32> {
    let fits = u32::try_from(window).ok().filter(|_| window <= WINDOW);
    fits.ok_or_else(|| io::Error::new(ErrorKind::OutOfMemory, "its LZMA dictionary is too large"))
}

/// Windows up to this are had by every thread: what `xz -6` and `zstd -19` use.
pub const SMALL: u64 = 8 << 20;

/// The dictionary of the first block, when its only filter is LZMA2 ("The .xz File Format" 1.2.1, sections 3.1 and 5.3.1).
fn xz_dictionary(first: &[u8]) -> Option<u64> {
    let (size, rest) = first.get(12..)?.split_first()?;
    if *size == 0 {
        return Some(0); // the index: there is no block
    }
    let (flags, mut rest) = rest.split_first()?;
    if flags & 0b11 != 0 {
        return None;
    }
    // The sizes of the block, where they are given: numbers of 7 bits a byte.
    for _ in 0..(flags >> 6).count_ones() {
        let long = rest.iter().position(|byte| byte & 0x80 == 0)?;
        rest = rest.get(long + 1..)?;
    }
    match rest {
        [0x21, 1, bits, ..] => Some(lzma2_window(*bits)),
        _ => None,
    }
}

/// A decoder of somebody else's: a panic in it is an error, and after an error it is not asked again.
struct Guard<R> {
    decoder: R,
    ended: bool,
}

impl<'r, R: Read + 'r> Guard<R> {
    #[expect(clippy::new_ret_no_self, reason = "what it guards is nobody's business")]
    fn new(decoder: R) -> Box<dyn Read + 'r> {
        Box::new(Guard { decoder, ended: false })
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Err(io::Error::new(ErrorKind::InvalidData, "read after an error"));
        }
        let read = panic::catch_unwind(AssertUnwindSafe(|| self.decoder.read(room)))
            .unwrap_or_else(|_| Err(io::Error::new(ErrorKind::InvalidData, "the decoder gave up")));
        self.ended = read.as_ref().is_err_and(|error| error.kind() != ErrorKind::Interrupted);
        read
    }
}

#[cfg(test)]
mod tests;
