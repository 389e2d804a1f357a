//! Digits of base64: which bytes are some, what they are worth, and where many stand in a row.
//!
//! The window on `wide`: 64 bytes at a time become a word with a bit for each digit, and runs that are too short for
//! anybody are passed without a look at their bytes.

use std::ops::Range;
use wide::u8x16;

/// Fewest digits looked at: 15 bytes, shorter than any token a rule knows.
pub(super) const FEWEST: usize = 20;

/// Bytes of which one word tells.
const BLOCK: usize = 64;

/// What [`WORTH`] says of a byte that is no digit.
const NONE: u8 = 0xff;

/// What a digit of either alphabet is worth (RFC 4648, tables 1 and 2), by its byte.
static WORTH: [u8; 256] = worth();

#[expect(clippy::indexing_slicing, reason = "made by the compiler, which would refuse")]
const fn worth() -> [u8; 256] {
    let digits = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut worth = [NONE; 256];
    let mut value = 0;
    while value < digits.len() {
        worth[digits[value] as usize] = value as u8;
        value += 1;
    }
    worth[b'-' as usize] = worth[b'+' as usize];
    worth[b'_' as usize] = worth[b'/' as usize];
    worth
}

/// What the digit is worth: below 64.
#[expect(clippy::indexing_slicing, reason = "256 entries, one for each byte")]
pub(super) fn value(digit: u8) -> u8 {
    WORTH[usize::from(digit)]
}

/// Whether `byte` is a digit of one of the two alphabets.
pub(super) fn is_digit(byte: u8) -> bool {
    value(byte) != NONE
}

/// Maximal runs of at least [`FEWEST`] digits, in order. The first byte looked at must not lie within a run.
pub(super) struct Runs<'b> {
    bytes: &'b [u8],
    /// Where the block of `digits` starts.
    block: usize,
    /// The digits of the block that were not looked at, lowest first.
    digits: u64,
    /// Where the run that reaches into this block starts.
    open: Option<usize>,
}

impl<'b> Runs<'b> {
    /// The runs of `bytes` from `at` on.
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Runs<'b> {
        Runs { bytes, block: at, digits: mask(bytes, at), open: None }
    }

    /// Goes on to the first block in which a run reaches far enough, or is open from the block before.
    fn pass(&mut self) {
        let rest = self.bytes.get(self.block + BLOCK..).unwrap_or_default();
        let mut last = self.digits.leading_ones() as usize;
        for block in rest.as_chunks::<BLOCK>().0 {
            self.block += BLOCK;
            self.digits = mask_of(block);
            let first = self.digits.trailing_ones() as usize;
            if last + first >= FEWEST || twenty(self.digits) != 0 {
                self.open = (last > 0).then_some(self.block - last);
                return;
            }
            last = self.digits.leading_ones() as usize;
        }
        self.open = (last > 0).then_some(self.block + BLOCK - last);
        self.advance();
    }

    /// Goes on to the next block; past the last one there are no digits.
    fn advance(&mut self) {
        self.block += BLOCK;
        self.digits = mask(self.bytes, self.block);
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            if let Some(start) = self.open {
                let length = self.digits.trailing_ones();
                if length == u64::BITS {
                    self.advance();
                    continue;
                }
                let end = self.block + length as usize;
                self.digits &= u64::MAX << length;
                self.open = None;
                if end - start >= FEWEST {
                    return Some(start..end);
                }
            }
            if self.block >= self.bytes.len() {
                return None;
            }
            let starts = twenty(self.digits);
            if starts == 0 {
                self.pass();
                continue;
            }
            let first = starts.trailing_zeros();
            let length = (self.digits >> first).trailing_ones();
            if first + length == u64::BITS {
                self.open = Some(self.block + first as usize);
                self.advance();
                continue;
            }
            let start = self.block + first as usize;
            self.digits &= u64::MAX << (first + length);
            return Some(start..start + length as usize);
        }
    }
}

/// Whether [`FEWEST`] digits stand in a row within `range`.
pub(super) fn are_in(bytes: &[u8], range: std::ops::Range<usize>) -> bool {
    let bytes = bytes.get(..range.end).unwrap_or(bytes);
    let mut last = 0;
    let mut at = range.start;
    while at < bytes.len() {
        let digits = mask(bytes, at);
        if last + digits.trailing_ones() as usize >= FEWEST || twenty(digits) != 0 {
            return true;
        }
        last = digits.leading_ones() as usize;
        at += BLOCK;
    }
    false
}

/// The bits at which [`FEWEST`] ones or more start.
fn twenty(ones: u64) -> u64 {
    let two = ones & (ones >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let sixteen = eight & (eight >> 8);
    sixteen & (four >> 16)
}

/// A bit for each of the 64 bytes from `at` on that is a digit.
#[inline(always)]
fn mask(bytes: &[u8], at: usize) -> u64 {
    let Some(rest) = bytes.get(at..) else { return 0 };
    match rest.first_chunk::<BLOCK>() {
        Some(block) => mask_of(block),
        None => {
            let mut block = [0; BLOCK];
            block.get_mut(..rest.len()).unwrap_or_default().copy_from_slice(rest);
            mask_of(&block)
        }
    }
}

#[inline(always)]
fn mask_of(block: &[u8; BLOCK]) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    let bits = |lane: &[u8; 16]| u64::from(digits(u8x16::new(*lane)).to_bitmask());
    lanes.iter().rev().fold(0, |mask, lane| mask << 16 | bits(lane))
}

/// All ones where a digit stands: a comparison of `min(x - first, last - first)` with `x - first` is a range.
fn digits(bytes: u8x16) -> u8x16 {
    let within = |bytes: u8x16, first: u8, last: u8| {
        let above = bytes - u8x16::splat(first);
        above.min(u8x16::splat(last - first)).simd_eq(above)
    };
    let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
    let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
    // `/` stands just before `0`.
    letters | within(bytes, b'/', b'9') | is(b'+') | is(b'-') | is(b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plainly(bytes: &[u8]) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        for at in 0..=bytes.len() {
            if bytes.get(at).is_none_or(|&byte| !is_digit(byte)) {
                if at - start >= FEWEST {
                    runs.push(start..at);
                }
                start = at + 1;
            }
        }
        runs
    }

    #[test]
    fn every_byte_is_told_apart() {
        for byte in 0..=255u8 {
            let digit = byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
            assert_eq!(is_digit(byte), digit, "{byte:#x}");
            assert_eq!(mask(&[byte; BLOCK], 0), if digit { u64::MAX } else { 0 }, "{byte:#x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn runs_are_those_that_a_look_at_each_byte_finds(
            lengths in prop::collection::vec((0..200usize, 1..3usize), 0..12),
            at in 0..80usize,
        ) {
            let text: String =
                lengths.iter().map(|(digits, others)| "a".repeat(*digits) + &" ".repeat(*others)).collect();
            let text = format!("{}{}", " ".repeat(at), text.trim_end());
            let runs: Vec<_> = Runs::new(text.as_bytes(), at).collect();
            prop_assert_eq!(are_in(text.as_bytes(), at..text.len()), !runs.is_empty());
            prop_assert_eq!(runs, plainly(text.as_bytes()));
        }
    }
}
