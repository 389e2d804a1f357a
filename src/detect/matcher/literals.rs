//! The literals of all rules in one pass, at every second byte.
//!
//! Of each literal the four bytes at one offset and the four at the next are entered in a table, so that one of the two is
//! met at an even place. Three of the four bytes, with the case of letters wiped out, choose a word of the table, and the
//! fourth a bit in it: with 32 KB for some hundreds of literals about one place in a hundred of source text goes further.
//! There the literal is compared, and what must stand around it is asked ([`Lead`]): most of the rest ends here.

use super::Anchor;
use crate::rule::digest::Lead;
use std::ops::Range;

/// Words of eight bytes in a block; each has three places in it, every second byte.
const EIGHTS: usize = 3;
/// Bytes whose places are looked up at once.
const STEP: usize = 6 * EIGHTS;
/// Bytes of a block: those that its last four reach into, too.
const BLOCK: usize = STEP + 2;
/// Words of the table: the first size of which not more than one bit in [`SPARSE`] is taken, or else the last.
const SMALL: usize = 1 << 13;
const MIDDLE: usize = 1 << 15;
const LARGE: usize = 1 << 17;
const SPARSE: usize = 32;

/// A table of literals.
#[derive(Debug)]
pub struct Literals {
    words: Vec<Lead>,
    /// By hash: the fourth bytes that are met, as bits.
    table: Vec<u32>,
    /// By hash: where its entries begin.
    heads: Vec<u32>,
    entries: Vec<Entry>,
    /// Literals that are entered with the byte before them, and may stand at the start of a text, where there is none.
    edges: Vec<u32>,
    /// The furthest that four bytes which were entered stand in a literal.
    furthest: usize,
    margin: usize,
}

/// Four bytes that are met.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Where they stand in the literal, counted from the byte before it.
    at: u8,
    word: u32,
    /// The first eight bytes of the literal, the lowest first, those of any case in lower case; zeros past its end.
    bytes: u64,
    /// What to add to eight bytes before they are compared, and which bits to compare.
    fold: u64,
    keep: u64,
}

impl Literals {
    /// A table of `leads`, which are called by their place in it.
    pub fn new<'l>(leads: impl Iterator<Item = &'l Lead>) -> Literals {
        let words: Vec<Lead> = leads.cloned().collect();
        let grams = || (0..).zip(&words).flat_map(|(at, word)| word.grams.iter().map(move |gram| (at, word, gram)));
        let before = |(_, lead): &(u32, &Lead)| lead.place == 0 && lead.edge;
        let edges = (0..).zip(&words).filter(before).map(|(at, _)| at).collect();
        let bits: usize = grams().map(|(_, _, gram)| gram.fourths.count_ones() as usize).sum();
        let size = [SMALL, MIDDLE].into_iter().find(|size| bits * SPARSE <= size * 32).unwrap_or(LARGE);
        let (mut table, mut heads) = (vec![0; size], vec![0_u32; size + 1]);
        for (_, _, gram) in grams() {
            let hash = hash(gram.first, size);
            if let (Some(bits), Some(head)) = (table.get_mut(hash), heads.get_mut(hash)) {
                *bits |= gram.fourths;
                *head += 1;
            }
        }
        // Each head becomes where its entries end; as they are put there, from the last on, where they begin.
        let mut sum = 0;
        for head in &mut heads {
            sum += *head;
            *head = sum;
        }
        let mut entries = vec![Entry::default(); sum as usize];
        for (at, word, gram) in grams() {
            let Some(head) = heads.get_mut(hash(gram.first, size)) else { continue };
            *head -= 1;
            if let Some(entry) = entries.get_mut(*head as usize) {
                *entry = Entry::of(word, at, gram.at);
            }
        }
        let furthest = grams().map(|(_, _, gram)| usize::from(gram.at)).max().unwrap_or_default();
        let margin =
            words.iter().map(|word| word.bytes.len() + usize::from(word.count)).max().unwrap_or_default().max(1);
        Literals { words, table, heads, entries, edges, furthest, margin }
    }

    /// How many bytes before an anchor's start, and after it, say whether it is one.
    pub fn margin(&self) -> usize {
        self.margin
    }

    /// Adds every literal that starts in `starts`, in order.
    pub fn anchors(&self, view: &[u8], starts: Range<usize>, anchors: &mut Vec<Anchor>) {
        let first = anchors.len();
        if starts.start == 0 {
            self.edges.iter().for_each(|word| self.add(view, *word, Some(0), &starts, anchors));
        }
        let past = view.len().min(starts.end.saturating_add(self.furthest));
        let from = starts.start.saturating_sub(1);
        if let Ok(table) = <&[u32; SMALL]>::try_from(self.table.as_slice()) {
            places_in(table, view, from, past, &mut |place| self.met(view, place, &starts, anchors));
        } else if let Ok(table) = <&[u32; MIDDLE]>::try_from(self.table.as_slice()) {
            places_in(table, view, from, past, &mut |place| self.met(view, place, &starts, anchors));
        } else if let Ok(table) = <&[u32; LARGE]>::try_from(self.table.as_slice()) {
            places_in(table, view, from, past, &mut |place| self.met(view, place, &starts, anchors));
        }
        anchors.get_mut(first..).unwrap_or_default().sort_unstable();
    }

    /// Adds the literals whose four bytes stand at `place`.
    fn met(&self, view: &[u8], place: usize, starts: &Range<usize>, anchors: &mut Vec<Anchor>) {
        let hash = hash(low(eight_at(view, place) | FOLD), self.table.len());
        let (Some(from), Some(to)) = (self.heads.get(hash), self.heads.get(hash + 1)) else { return };
        for entry in self.entries.get(*from as usize..*to as usize).unwrap_or_default() {
            let start = (place + 1).checked_sub(usize::from(entry.at));
            if start.is_some_and(|start| (eight_at(view, start) | entry.fold) & entry.keep == entry.bytes) {
                self.add(view, entry.word, start, starts, anchors);
            }
        }
    }

    /// Adds the literal `word` if it stands at `start`, with what must stand around it.
    pub fn add(&self, view: &[u8], word: u32, start: Option<usize>, starts: &Range<usize>, anchors: &mut Vec<Anchor>) {
        let (Some(lead), Some(start)) = (self.words.get(word as usize), start) else { return };
        if starts.contains(&start) && stands(lead, view, start) {
            anchors.push(Anchor { start: narrow(start), end: narrow(start + lead.bytes.len()), word });
        }
    }
}

/// Whether `lead` stands at `start`, with what must stand around it.
fn stands(lead: &Lead, view: &[u8], start: usize) -> bool {
    let past = start + lead.bytes.len();
    let Some(here) = view.get(start..past) else { return false };
    let same = here.iter().zip(&*lead.bytes).zip(&*lead.masks).all(|((here, byte), mask)| here | mask == *byte);
    let before = || match start.checked_sub(1).and_then(|before| view.get(before)) {
        Some(byte) => lead.before.has(*byte),
        None => lead.edge,
    };
    let after = || view.get(past..past + usize::from(lead.count));
    same && before() && after().is_some_and(|after| after.iter().all(|byte| lead.after.has(*byte)))
}

/// Hands every second place from `from` to `past` where four bytes are met to `met`, some at once: looking up and
/// comparing stay apart, and what is compared is still near the processor.
fn places_in<const SIZE: usize>(
    table: &[u32; SIZE],
    view: &[u8],
    from: usize,
    past: usize,
    met: &mut dyn FnMut(usize),
) {
    let mut places = Places { at: [0; KEPT], count: 0 };
    let mut at = from;
    while at < past {
        match view.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            Some(block) => block_in(table, block, at, &mut places),
            None => {
                // The last bytes, with nothing behind them.
                let mut block = [0; BLOCK];
                let rest = view.get(at..).unwrap_or_default();
                block.get_mut(..rest.len()).unwrap_or_default().copy_from_slice(rest);
                block_in(table, &block, at, &mut places);
            }
        }
        at += STEP;
        if places.count > KEPT - PLACES || at >= past {
            // What of the last block lies past the end is dropped.
            let here = places.at.iter().take(places.count).map(|place| *place as usize);
            here.take_while(|place| *place < past).for_each(&mut *met);
            places.count = 0;
        }
    }
}

/// Places in a block.
const PLACES: usize = 3 * EIGHTS;
/// Places that are kept before they are compared.
const KEPT: usize = 64;

/// Places that were met.
struct Places {
    at: [u32; KEPT],
    count: usize,
}

#[expect(
    clippy::indexing_slicing,
    reason = "a hash is below SIZE; there is room for the places of a block, and the rest would be wrapped"
)]
#[inline(always)]
fn block_in<const SIZE: usize>(table: &[u32; SIZE], block: &[u8; BLOCK], at: usize, places: &mut Places) {
    let mut here = narrow(at);
    for eight in 0..EIGHTS {
        let Some(bytes) = block.get(6 * eight..).and_then(|rest| rest.first_chunk::<8>()) else { return };
        let bytes = u64::from_le_bytes(*bytes) | FOLD;
        for place in 0..3 {
            let four = low(bytes >> (16 * place));
            // Written always and counted when met: most are not, and no branch has to be guessed.
            places.at[places.count % KEPT] = here;
            here = here.wrapping_add(2);
            places.count += (table[hash(four, SIZE) & (SIZE - 1)] >> (four >> 24 & 31) & 1) as usize;
        }
    }
}

/// Wipes out the case of letters, in eight bytes.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The eight bytes at `at`, the lowest first; zeros where the view ends.
fn eight_at(view: &[u8], at: usize) -> u64 {
    let rest = view.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte)),
    }
}

/// The first four of eight bytes.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "that is what is meant")]
fn low(eight: u64) -> u32 {
    eight as u32
}

/// The hash of the first three of four folded bytes.
#[inline(always)]
fn hash(four: u32, size: usize) -> usize {
    (four.wrapping_mul(0x9e37_79b1 << 8) >> (32 - size.trailing_zeros())) as usize
}

impl Entry {
    fn of(lead: &Lead, word: u32, at: u8) -> Entry {
        let keep = match lead.bytes.len() {
            8.. => u64::MAX,
            few => (1 << (8 * few)) - 1,
        };
        Entry { at, word, bytes: eight_at(&lead.bytes, 0), fold: eight_at(&lead.masks, 0), keep }
    }
}

/// A place of a view, which fits 32 bits.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
