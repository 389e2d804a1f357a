//! Where the leads of a view can lead to a match at all: near what their gates ([`Gate`]) ask for.
//!
//! 64 bytes at a time become words with a bit for each byte of a class; a few shifts tell where enough of them stand in a
//! row. A bit for each block of 64 bytes says that a lead may start in it. Whole blocks are let through, so more than what
//! the gates ask for is, but never less: no match is lost.

use crate::rule::digest::Gate;
use crate::rule::digest::gate::{LOGIN, SCHEME};
use memchr::memmem::Finder;
use std::ops::Range;
use wide::u8x16;

/// Bytes of a block.
const BLOCK: usize = 64;
/// Bytes of a page, whose blocks are the bits of one word.
const PAGE: usize = 64 * BLOCK;

/// The blocks of a page that hold the last of a run, by gate, or an `@`.
#[derive(Debug, Clone, Copy, Default)]
struct Page {
    token: u64,
    digits: u64,
    text: u64,
    tilde: u64,
    at: u64,
}

/// The parts of `view` in which a lead behind a gate may start, in order.
pub fn open(view: &[u8]) -> Vec<Range<usize>> {
    let pages = pages(view);
    let mut blocks = vec![0; pages.len()];
    let mut near = |gate: Gate, of: &dyn Fn(&Page) -> u64| {
        if let Some(run) = gate.run() {
            widen(&pages, of, run.after.div_ceil(BLOCK), run.before.div_ceil(BLOCK), &mut blocks);
        }
    };
    near(Gate::Token, &|page| page.token);
    near(Gate::Digits, &|page| page.digits);
    near(Gate::Text, &|page| page.text);
    near(Gate::Tilde, &|page| page.tilde);
    if pages.iter().any(|page| page.at != 0) {
        logins(view, &pages, &mut blocks);
    }
    ranges(&blocks, view.len())
}

/// Adds the blocks in which a lead of [`Gate::Login`] may start.
fn logins(view: &[u8], pages: &[Page], blocks: &mut [u64]) {
    let mut before = vec![0; pages.len()];
    widen(pages, &|page| page.at, LOGIN.div_ceil(BLOCK), 0, &mut before);
    let finder = Finder::new("://");
    for range in ranges(&before, view.len()) {
        // The second slash may stand in the next block.
        let within = view.get(range.start..view.len().min(range.end + 2)).unwrap_or_default();
        for found in finder.find_iter(within) {
            let slash = range.start + found + 2;
            for block in slash.saturating_sub(SCHEME) / BLOCK..=slash / BLOCK {
                if let Some(word) = blocks.get_mut(block / 64) {
                    *word |= 1 << (block % 64);
                }
            }
        }
    }
}

/// Adds the blocks that lie at most so many `before` or `after` one of the pages'.
fn widen(pages: &[Page], of: &dyn Fn(&Page) -> u64, before: usize, after: usize, blocks: &mut [u64]) {
    let word = |at: Option<usize>| at.and_then(|at| pages.get(at)).map_or(0, of);
    for (at, out) in blocks.iter_mut().enumerate() {
        let (last, this, next) = (word(at.checked_sub(1)), word(Some(at)), word(Some(at + 1)));
        if last | this | next == 0 {
            continue;
        }
        *out |= this;
        for far in 1..=before {
            *out |= this >> far | next << (64 - far);
        }
        for far in 1..=after {
            *out |= this << far | last >> (64 - far);
        }
    }
}

/// The bytes of blocks, neighbours in one range.
fn ranges(blocks: &[u64], len: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (page, word) in blocks.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            let first = rest.trailing_zeros() as usize;
            let count = (rest >> first).trailing_ones() as usize;
            let start = page * PAGE + first * BLOCK;
            let end = len.min(start + count * BLOCK);
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
            rest = match first + count {
                64 => 0,
                past => rest >> past << past,
            };
        }
    }
    ranges
}

fn pages(view: &[u8]) -> Vec<Page> {
    let (mut token, mut digits, mut text) = (Row::<20>::default(), Row::<31>::default(), Row::<40>::default());
    let mut mark = |block: &[u8; BLOCK], at: usize, page: &mut Page| {
        let words = Words::of(block);
        let bit = |word: u64| u64::from(word != 0) << at;
        page.token |= bit(token.next(words.token));
        page.digits |= bit(digits.next(words.digits));
        page.text |= bit(text.next(words.text));
        page.tilde |= u64::from(words.tilde) << at;
        page.at |= u64::from(words.at) << at;
    };
    let mut pages = Vec::with_capacity(view.len().div_ceil(PAGE));
    for page in view.chunks(PAGE) {
        let mut marked = Page::default();
        let (blocks, rest) = page.as_chunks::<BLOCK>();
        for (at, block) in blocks.iter().enumerate() {
            mark(block, at, &mut marked);
        }
        if !rest.is_empty() {
            let mut block = [0; BLOCK];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            mark(&block, blocks.len(), &mut marked);
        }
        pages.push(marked);
    }
    pages
}

/// Which bytes of a block are of the classes of the gates.
struct Words {
    token: u64,
    digits: u64,
    text: u64,
    tilde: bool,
    at: bool,
}

impl Words {
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Words {
        let (mut token, mut digits, mut text) = (0, 0, 0);
        let (mut tilde, mut at) = (u8x16::ZERO, u8x16::ZERO);
        for lane in block.as_chunks::<16>().0.iter().rev() {
            let bytes = u8x16::new(*lane);
            // A comparison of `min(x - first, last - first)` with `x - first` is a range.
            let within = |bytes: u8x16, first: u8, last: u8| {
                let above = bytes - u8x16::splat(first);
                above.min(u8x16::splat(last - first)).simd_eq(above)
            };
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let word = within(bytes | u8x16::splat(0x20), b'a', b'z') | within(bytes, b'0', b'9');
            let one = word | is(b'_') | is(b'-');
            let two = one | is(b'+') | is(b'/');
            let three = two | is(b'=') | is(b'.');
            token = token << 16 | u64::from(one.to_bitmask());
            digits = digits << 16 | u64::from(two.to_bitmask());
            text = text << 16 | u64::from(three.to_bitmask());
            tilde |= is(b'~');
            at |= is(b'@');
        }
        Words { token, digits, text, tilde: tilde.any(), at: at.any() }
    }
}

/// Tells where `LEAST` bytes, from 17 to 64, stand in a row, block by block.
#[derive(Default)]
struct Row<const LEAST: u32> {
    /// What the last block had at each step.
    last: [u64; 6],
}

impl<const LEAST: u32> Row<LEAST> {
    /// Of a block's bytes: those that are the last of so many in a row.
    #[inline(always)]
    fn next(&mut self, ones: u64) -> u64 {
        let [a, b, c, d, e, f] = &mut self.last;
        let two = both(ones, a, 1);
        let four = both(two, b, 2);
        let eight = both(four, c, 4);
        let sixteen = both(eight, d, 8);
        match LEAST {
            ..=32 => both(sixteen, e, LEAST - 16),
            _ => both(both(sixteen, e, 16), f, LEAST - 32),
        }
    }
}

/// The bits that are set, and were `by` bits before; `last` is the word before, and becomes this one.
#[inline(always)]
fn both(word: u64, last: &mut u64, by: u32) -> u64 {
    let before = word << by | *last >> (64 - by);
    *last = word;
    word & before
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the gates let through, byte by byte: the places at which a lead of each may start.
    fn plainly(view: &[u8]) -> Vec<bool> {
        let mut places = vec![false; view.len()];
        for gate in [Gate::Token, Gate::Digits, Gate::Text, Gate::Tilde] {
            let run = gate.run().unwrap();
            for (at, row) in view.windows(run.least).enumerate() {
                if row.iter().all(|byte| run.class.has(*byte)) {
                    let last = at + run.least - 1;
                    let near = last.saturating_sub(run.after)..view.len().min(last + run.before + 1);
                    places[near].fill(true);
                }
            }
        }
        for (at, _) in view.windows(3).enumerate().filter(|(_, three)| *three == b"://") {
            for start in (at + 2).saturating_sub(SCHEME)..at + 1 {
                places[start] |= view[at + 3..view.len().min(start + LOGIN + 1)].contains(&b'@');
            }
        }
        places
    }

    fn check(view: &[u8]) {
        let ranges = open(view);
        assert!(ranges.iter().zip(ranges.iter().skip(1)).all(|(a, b)| a.end < b.start), "{ranges:?}");
        for (at, open) in plainly(view).into_iter().enumerate() {
            assert!(!open || ranges.iter().any(|range| range.contains(&at)), "{at} of {view:?}");
        }
    }

    #[test]
    fn text_of_words_is_closed() {
        let text = "GET /product/5908/grinder-running.html HTTP/1.1 200 4305 \"https://shop.example.net/search\"\n"
            .repeat(400);
        assert!(open(text.as_bytes()).is_empty());
    }

    #[test]
    fn a_run_opens_what_is_near() {
        for at in [0, 1, 63, 64, 4000, 4090, 4096, 9000] {
            let mut text = " ".repeat(at) + &"a".repeat(20);
            check(text.as_bytes());
            text += &" ".repeat(9000);
            check(text.as_bytes());
            let ranges = open(text.as_bytes());
            assert!(ranges.iter().map(Range::len).sum::<usize>() <= 512 + 3 * BLOCK, "{at}: {ranges:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn nothing_is_lost(
            pieces in prop::collection::vec((prop::sample::select(vec![" ", "a", "-", "=", "/", "~", "@", "://"]), 1..70_usize), 0..120),
        ) {
            let text: String = pieces.iter().map(|(piece, count)| piece.repeat(*count)).collect();
            check(text.as_bytes());
        }
    }
}
