//! The literals of all rules in one pass, at every second byte.
//!
//! Of each literal the four bytes at one offset and the four at the next are entered in a table, so that one of the two is
//! met at an even place. Three of the four bytes, with the case of letters wiped out, choose a word of the table, and the
//! fourth a bit in it: with 32 KB for some hundreds of literals about one place in a hundred of source text goes further.
//! There the literal is compared, and what must stand around it is asked ([`Lead`]): most of the rest ends here.

use super::Anchor;
use crate::rule::digest::{Class, Lead};
use std::ops::Range;

/// Places that are looked up at once: a block is twice as many bytes.
const LOOKUPS: usize = 8;
/// Bytes of a block with those that its last four reach into.
const BLOCK: usize = 2 * LOOKUPS + 2;
/// Words of the table for so many literals, and for more.
const SMALL: usize = 1 << 13;
const LARGE: usize = 1 << 15;

/// A table of literals.
#[derive(Debug)]
pub struct Literals {
    words: Vec<Literal>,
    /// By hash: the fourth bytes that are met, as bits.
    table: Vec<u32>,
    /// By hash: where its entries begin.
    heads: Vec<u32>,
    /// A literal, and where in it the four bytes stand.
    entries: Vec<(u32, u8)>,
    /// The furthest that four bytes which were entered stand in a literal.
    furthest: usize,
    margin: usize,
}

#[derive(Debug)]
struct Literal {
    bytes: Box<[u8]>,
    masks: Box<[u8]>,
    after: Class,
    count: usize,
    word: bool,
}

impl Literals {
    /// A table of `leads`, which are called by their place in it.
    pub fn new<'l>(leads: impl Iterator<Item = &'l Lead>) -> Literals {
        let words: Vec<Literal> = leads.map(Literal::of).collect();
        let mut grams = Vec::with_capacity(4 * words.len());
        for (at, word) in words.iter().enumerate() {
            word.grams(u32::try_from(at).unwrap_or(u32::MAX), &mut grams);
        }
        let size = if grams.len() < SMALL / 4 { SMALL } else { LARGE };
        let mut table = vec![0; size];
        let mut entries: Vec<(u32, u32, u8)> = Vec::with_capacity(grams.len());
        for gram in &grams {
            let hash = hash(gram.first, size);
            if let Some(bits) = table.get_mut(hash) {
                *bits |= gram.fourths;
            }
            entries.push((u32::try_from(hash).unwrap_or_default(), gram.word, gram.at));
        }
        entries.sort_unstable();
        entries.dedup();
        let mut heads = vec![0; size + 1];
        for (hash, _, _) in &entries {
            if let Some(head) = heads.get_mut(*hash as usize + 1) {
                *head += 1;
            }
        }
        let mut sum = 0;
        for head in &mut heads {
            sum += *head;
            *head = sum;
        }
        let furthest = grams.iter().map(|gram| usize::from(gram.at)).max().unwrap_or_default();
        let margin = words.iter().map(|word| word.bytes.len() + word.count).max().unwrap_or_default().max(1);
        let entries = entries.into_iter().map(|(_, word, at)| (word, at)).collect();
        Literals { words, table, heads, entries, furthest, margin }
    }

    /// How many bytes before an anchor's start, and after it, say whether it is one.
    pub fn margin(&self) -> usize {
        self.margin
    }

    /// Adds every literal that starts in `starts`, in order.
    pub fn anchors(&self, view: &[u8], starts: Range<usize>, anchors: &mut Vec<Anchor>) {
        let first = anchors.len();
        let past = view.len().min(starts.end.saturating_add(self.furthest));
        let mut places = Vec::new();
        if let Ok(table) = <&[u32; SMALL]>::try_from(self.table.as_slice()) {
            places_in(table, view, starts.start, past, &mut places);
        } else if let Ok(table) = <&[u32; LARGE]>::try_from(self.table.as_slice()) {
            places_in(table, view, starts.start, past, &mut places);
        }
        for (place, hash) in places {
            let range = (self.heads.get(hash as usize), self.heads.get(hash as usize + 1));
            let (Some(from), Some(to)) = range else { continue };
            for (word, at) in self.entries.get(*from as usize..*to as usize).unwrap_or_default() {
                let Some(start) = (place as usize).checked_sub(usize::from(*at)) else { continue };
                let Some(literal) = self.words.get(*word as usize) else { continue };
                if starts.contains(&start) && literal.stands(view, start) {
                    let end = narrow(start + literal.bytes.len());
                    anchors.push(Anchor { start: narrow(start), end, word: *word });
                }
            }
        }
        anchors.get_mut(first..).unwrap_or_default().sort_unstable();
    }
}

/// Adds every second place from `from` to `past` where four bytes are met, with their hash.
fn places_in<const SIZE: usize>(
    table: &[u32; SIZE],
    view: &[u8],
    from: usize,
    past: usize,
    places: &mut Vec<(u32, u32)>,
) {
    let mut at = from;
    while at < past {
        let Some(block) = view.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) else { break };
        block_in(table, block, at, places);
        at += 2 * LOOKUPS;
    }
    // The last bytes, with nothing behind them.
    while at < past {
        let mut block = [0; BLOCK];
        let rest = view.get(at..).unwrap_or_default();
        for (to, byte) in block.iter_mut().zip(rest) {
            *to = *byte;
        }
        block_in(table, &block, at, places);
        at += 2 * LOOKUPS;
    }
    // What of the last block lies past the end is dropped.
    while places.pop_if(|(place, _)| *place as usize >= past).is_some() {}
}

#[expect(clippy::indexing_slicing, reason = "a block is two bytes longer than its places, and a hash is below SIZE")]
#[inline(always)]
fn block_in<const SIZE: usize>(table: &[u32; SIZE], block: &[u8; BLOCK], at: usize, places: &mut Vec<(u32, u32)>) {
    for lookup in 0..LOOKUPS {
        let here = 2 * lookup;
        let four = u32::from_le_bytes([block[here], block[here + 1], block[here + 2], block[here + 3]]);
        let hash = hash(four, SIZE);
        if table[hash & (SIZE - 1)] >> (four >> 24 & 31) & 1 != 0 {
            places.push((narrow(at + here), narrow(hash)));
        }
    }
}

/// The hash of the first three of four bytes, any case of a letter alike.
#[inline(always)]
fn hash(four: u32, size: usize) -> usize {
    let folded = (four | 0x0020_2020) << 8;
    (folded.wrapping_mul(0x9e37_79b1) >> (32 - size.trailing_zeros())) as usize
}

/// Four bytes of a literal.
struct Gram {
    /// The first three, the lowest first.
    first: u32,
    /// The lowest five bits of the fourth, as a set.
    fourths: u32,
    word: u32,
    at: u8,
}

impl Literal {
    fn of(lead: &Lead) -> Literal {
        let (bytes, masks) = (lead.bytes.as_ref().into(), lead.masks.as_ref().into());
        Literal { bytes, masks, after: lead.after, count: usize::from(lead.count), word: lead.word }
    }

    /// The bytes that can stand at `at`, which may lie past the literal.
    fn bytes_at(&self, at: usize) -> Class {
        match (self.bytes.get(at), self.masks.get(at)) {
            (Some(byte), Some(mask)) => Class::of(*byte).or(&Class::of(*byte & !mask)),
            _ if at < self.bytes.len() + self.count => self.after,
            _ => Class::ALL,
        }
    }

    /// Enters the rarest five bytes: four at their offset, four at the next.
    fn grams(&self, word: u32, grams: &mut Vec<Gram>) {
        let rarity = |at: usize| match self.bytes.get(at) {
            Some(byte) => super::rarity(*byte),
            None => 0.5,
        };
        let four = |at: usize| (at..at + 4).map(rarity).product::<f64>();
        let last = self.bytes.len().saturating_sub(5);
        let best = (0..=last).min_by(|a, b| (four(*a) + four(a + 1)).total_cmp(&(four(*b) + four(b + 1))));
        let best = best.unwrap_or_default();
        for at in [best, best + 1] {
            let fourths = folded(&self.bytes_at(at + 3), 0x1f).into_iter().fold(0, |bits, byte| bits | 1 << byte);
            let [one, two, three] = [0, 1, 2].map(|offset| folded(&self.bytes_at(at + offset), 0xff));
            for first in &one {
                for second in &two {
                    for third in &three {
                        let first = u32::from_le_bytes([*first, *second, *third, 0]);
                        let at = u8::try_from(at).unwrap_or(u8::MAX);
                        grams.push(Gram { first, fourths, word, at });
                    }
                }
            }
        }
    }

    /// Whether it stands at `start`, with what must stand around it.
    fn stands(&self, view: &[u8], start: usize) -> bool {
        let past = start + self.bytes.len();
        let Some(here) = view.get(start..past) else { return false };
        let same = here.iter().zip(&self.bytes).zip(&self.masks).all(|((here, byte), mask)| here | mask == *byte);
        if !same {
            return false;
        }
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if self.word && start.checked_sub(1).and_then(|before| view.get(before)).is_some_and(word) {
            return false;
        }
        let after = view.get(past..past + self.count);
        after.is_some_and(|after| after.iter().all(|byte| self.after.has(*byte)))
    }
}

/// The bytes of a class, folded as the table does (`mask` 0xff) or cut to so many bits; each once.
fn folded(class: &Class, mask: u8) -> Vec<u8> {
    let fold = |byte: u8| if mask == 0xff { byte | 0x20 } else { byte & mask };
    let mut bytes: Vec<u8> = class.bytes().map(fold).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// A place of a view, which fits 32 bits.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
