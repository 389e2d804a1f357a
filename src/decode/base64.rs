//! Text in base64, and in hexadecimal, whose digits are some of the same.
//!
//! A *run* is digits of either alphabet in a row; a *block* is runs one line below the other, each but the last long enough
//! to have been wrapped ([`WRAPPED`]). Nothing outside of a block has a say in what is decoded of it, so a block that was
//! copied as it was, with [`MARGIN`] bytes on each side, need not be decoded again ([`around`] finds the others).
//!
//! Of a run of at most [`LONG`] digits each *line* (the part of one alphabet) is decoded from its first digit and is text or
//! not as a whole; lines of text that go on in one another ([`wraps`]) are one view. Which lines do is told by the two
//! lines alone.
//!
//! A longer run may have been cut where a big file was cut into parts, so nobody can count its digits from the first.
//! There the content says how they belong together: all four ways of grouping digits by four are tried, and whatever
//! stretch decodes to text in one of them is a view ([`Stretches`]). Text grouped in a wrong way is no text, and the four
//! ways are the same four wherever the count starts; so what is found at a place depends on at most [`window`] bytes
//! around it, and a part that has those sees what the whole file would show.
//!
//! Most runs are no base64 at all but words and paths, and nearly all of those are told from text by their first few
//! digits: a byte is read no further than needed.

use super::digits::{FEWEST, Runs, are_in, is_digit, value};
use super::{Chunk, Layer, Rate, Run, Sink, hex};
use std::borrow::Cow;
use std::ops::Range;

/// Fewest digits on a line that may go on in the next (PEM and MIME wrap at 64 and 76).
const WRAPPED: usize = 60;
/// Most digits of a run that is decoded from its first one.
const LONG: usize = 12 << 10;
/// Fewest groups of four digits that are text, in a run of which nobody knows the start.
const STRETCH: usize = 32;
/// Most groups in a row that are no text within a stretch: letters beyond ASCII.
const GAP: usize = 4;
/// Bytes before and after a block that say where it ends.
const MARGIN: usize = WRAPPED + 4;
/// Bytes of a blob, on each side of digits, that have a say in what is decoded of them: a run, the line below and the one
/// above.
pub(super) const FAR: usize = LONG + 4 * WRAPPED;

/// Bytes of a blob, on each side of a place, that have a say in what is decoded within `reach` bytes of a view around it.
pub(super) fn window(reach: usize) -> usize {
    // A line of 60 digits takes 62 bytes and holds 45; the first and the last may be cut.
    (reach.div_ceil(45) + 2) * 62 + FAR
}

/// Hands the views of the blocks of `bytes` that lie in `range` to `sink`. The range must not cut a block.
pub(super) fn views(bytes: &[u8], range: Range<usize>, sink: &mut Sink<'_>) {
    let length = bytes.len();
    let bytes = bytes.get(..range.end).unwrap_or(bytes);
    let mut views = Views { bytes, length, block: 0..0, last: None, text: Vec::new(), sink };
    let mut above = 0..0;
    for run in Runs::new(bytes, range.start) {
        if above.len() < WRAPPED || line_below(bytes, above.end) != Some(run.start) {
            views.flush();
            views.last = None;
            // Where it ends is found out when that is asked for.
            views.block = run.start..run.start;
        }
        above = run.clone();
        views.run(run);
    }
    views.flush();
}

/// The blocks that `bytes` which changed in `range` may have changed: a range that cuts no block, empty when there is none.
pub(super) fn around(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    // A block starts with digits enough, and before a short last line there are more.
    let near = range.start.saturating_sub(MARGIN + 2 * FEWEST + 4)..bytes.len().min(range.end + MARGIN + FEWEST + 1);
    match are_in(bytes, near) {
        true => whole_around(bytes, range),
        false => range.start..range.start,
    }
}

fn whole_around(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let mut from = range.start.saturating_sub(MARGIN);
    if bytes.get(from.saturating_sub(1)..from + 1) == Some(b"\r\n") {
        from -= 1;
    }
    from = first_digit(bytes, from);
    while let Some(end) = line_above(bytes, from) {
        let start = first_digit(bytes, end);
        if end - start < WRAPPED {
            break;
        }
        from = start;
    }
    let mut to = bytes.len().min(range.end + MARGIN);
    if bytes.get(to.saturating_sub(1)..to + 1) == Some(b"\r\n") {
        to += 1;
    }
    from..block_end(bytes, to)
}

/// Where the block ends that holds the byte before `at`, or `at`.
fn block_end(bytes: &[u8], at: usize) -> usize {
    let mut end = past_digits(bytes, at);
    while bytes.get(end.saturating_sub(WRAPPED)..end).is_some_and(wrapped)
        && let Some(next) = line_below(bytes, end)
    {
        end = past_digits(bytes, next);
    }
    end
}

/// Whether the bytes before the end of a run are digits enough to be a line that goes on.
fn wrapped(bytes: &[u8]) -> bool {
    bytes.len() == WRAPPED && bytes.iter().all(|&byte| is_digit(byte))
}

/// Where the digits before `at` start.
fn first_digit(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or(bytes);
    before.iter().rposition(|&byte| !is_digit(byte)).map_or(0, |last| last + 1)
}

/// Just past the digits from `at` on.
fn past_digits(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|&byte| !is_digit(byte)).map_or(bytes.len(), |length| at + length)
}

/// Where the digits of the line above end, when a line starts at `at` and the one above ends with digits.
fn line_above(bytes: &[u8], at: usize) -> Option<usize> {
    let above = bytes.get(..at)?.strip_suffix(b"\n")?;
    let above = above.strip_suffix(b"\r").unwrap_or(above);
    above.last().is_some_and(|&byte| is_digit(byte)).then_some(above.len())
}

/// Where the digits of the line below start, when a line ends at `at` and the one below starts with digits.
fn line_below(bytes: &[u8], at: usize) -> Option<usize> {
    let below = match bytes.get(at..)? {
        [b'\n', ..] => at + 1,
        [b'\r', b'\n', ..] => at + 2,
        _ => return None,
    };
    bytes.get(below).is_some_and(|&byte| is_digit(byte)).then_some(below)
}

/// The blocks of some bytes on their way to views.
struct Views<'b, 's> {
    bytes: &'b [u8],
    /// Bytes of the blob, of which there may be more.
    length: usize,
    /// The block that is being looked at; its end is known when something was found in it.
    block: Range<usize>,
    /// The last line, text or not.
    last: Option<Range<usize>>,
    /// Lines of text that go on in one another.
    text: Vec<Range<usize>>,
    sink: &'s mut Sink<'s>,
}

impl Views<'_, '_> {
    /// Takes the next run of at least [`FEWEST`] digits, and the shorter one below that may be its end.
    fn run(&mut self, run: Range<usize>) {
        hex::runs(self.bytes, run.clone()).for_each(|digits| self.hex(digits));
        if run.len() > LONG {
            self.flush();
            self.last = None;
            (0..4).for_each(|first| self.stretches(&run, first, Layer::Base64));
            return;
        }
        for line in Lines::new(self.bytes, run.clone()) {
            self.line(line);
        }
        let Some(below) = line_below(self.bytes, run.end).filter(|_| run.len() >= WRAPPED) else { return };
        let end = past_digits(self.bytes.get(..below + FEWEST).unwrap_or(self.bytes), below);
        if end - below < FEWEST {
            Lines::new(self.bytes, below..end).take(1).for_each(|line| self.line(line));
        }
    }

    fn line(&mut self, line: Range<usize>) {
        let goes_on = self.last.as_ref().is_some_and(|last| wraps(self.bytes, last, &line));
        if line.len() < FEWEST && !goes_on {
            return;
        }
        if !goes_on || self.text.last() != self.last.as_ref() {
            self.flush();
        }
        if is_text(self.bytes.get(line.clone()).unwrap_or_default()) {
            self.text.push(line.clone());
        }
        self.last = Some(line);
    }

    /// Hands over the lines of text so far as one view.
    fn flush(&mut self) {
        if self.text.iter().map(Range::len).sum::<usize>() >= FEWEST {
            let lines = std::mem::take(&mut self.text);
            self.view(&lines);
        }
        self.text.clear();
    }

    /// Hands over what the digits of `lines` hold.
    fn view(&mut self, lines: &[Range<usize>]) {
        let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() / 4 * 3 + 3).sum());
        let mut runs = Vec::with_capacity(lines.len());
        for line in lines {
            runs.push(Run { view: text.len(), blob: line.start, rate: Rate::Base64 });
            decode(self.bytes.get(line.clone()).unwrap_or_default(), &mut text);
        }
        self.tell(Layer::Base64, text, runs, lines.last().map_or(0, |last| last.end));
    }

    /// Hands over what hexadecimal digits hold, if that is text.
    fn hex(&mut self, digits: Range<usize>) {
        if digits.len() > LONG {
            (0..4).for_each(|first| self.stretches(&digits, first, Layer::Hex));
        } else if let Some(text) = hex::text(self.bytes, &digits) {
            self.hex_view(&text);
        }
    }

    fn hex_view(&mut self, digits: &Range<usize>) {
        let text = hex::decode(self.bytes.get(digits.clone()).unwrap_or_default()).collect();
        let runs = vec![Run { view: 0, blob: digits.start, rate: hex::RATE }];
        self.tell(Layer::Hex, text, runs, digits.end);
    }

    /// Hands over a view of digits up to `end`.
    fn tell(&mut self, layer: Layer, text: Vec<u8>, runs: Vec<Run>, end: usize) {
        if end > self.block.end {
            self.block.end = block_end(self.bytes, end);
        }
        let block = self.block.start.saturating_sub(MARGIN)..self.length.min(self.block.end + MARGIN);
        (self.sink)(Chunk { bytes: Cow::Owned(text), layer, block, runs });
    }

    /// Hands over the stretches of text in a long run whose digits belong together by four from its digit `first` on.
    fn stretches(&mut self, run: &Range<usize>, first: usize, layer: Layer) {
        let start = run.start + first;
        let digits = self.bytes.get(start..run.end).unwrap_or_default();
        for stretch in Stretches::new(digits, layer) {
            let line = start + stretch.start..start + stretch.end;
            match layer {
                Layer::Hex => self.hex_view(&line),
                _ => self.view(std::slice::from_ref(&line)),
            }
        }
    }
}

/// Whether `next` is the line of base64 below `last`.
fn wraps(bytes: &[u8], last: &Range<usize>, next: &Range<usize>) -> bool {
    last.len() >= WRAPPED
        && last.len().is_multiple_of(4)
        && next.len() <= last.len()
        && line_below(bytes, last.end) == Some(next.start)
}

/// The parts of a run that are of one alphabet each.
struct Lines<'b> {
    bytes: &'b [u8],
    rest: Range<usize>,
}

impl<'b> Lines<'b> {
    fn new(bytes: &'b [u8], run: Range<usize>) -> Lines<'b> {
        Lines { bytes, rest: run }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let digits = self.bytes.get(self.rest.clone()).filter(|digits| !digits.is_empty())?;
        let standard = digits.iter().fold(false, |any, byte| any | matches!(byte, b'+' | b'/'));
        let url = digits.iter().fold(false, |any, byte| any | matches!(byte, b'-' | b'_'));
        let mut length = digits.len();
        if standard && url {
            let mut marks = None;
            let other = |byte: &u8| match byte {
                b'+' | b'/' => *marks.get_or_insert(0) != 0,
                b'-' | b'_' => *marks.get_or_insert(1) != 1,
                _ => false,
            };
            length = digits.iter().position(other).unwrap_or(length);
        }
        let line = self.rest.start..self.rest.start + length;
        self.rest.start = line.end;
        Some(line)
    }
}

/// The three bytes that four digits hold.
fn group(digits: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = digits.map(value);
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// The bytes of the digits that are left when all groups are taken: one digit holds none (4n + 1 digits hold 3n bytes).
fn tail(digits: &[u8]) -> ([u8; 3], usize) {
    match *digits {
        [a, b] => (group([a, b, b'A', b'A']), 1),
        [a, b, c] => (group([a, b, c, b'A']), 2),
        _ => ([0; 3], 0),
    }
}

/// Appends what `digits` hold.
fn decode(digits: &[u8], text: &mut Vec<u8>) {
    let (groups, rest) = digits.as_chunks::<4>();
    text.extend(groups.iter().flat_map(|&digits| group(digits)));
    let (bytes, length) = tail(rest);
    text.extend(bytes.iter().take(length));
}

/// Whether nine of ten bytes that `digits` hold are printable ASCII or white space.
fn is_text(digits: &[u8]) -> bool {
    let most = digits.len() * 3 / 4 / 10;
    let (groups, rest) = digits.as_chunks::<4>();
    let mut others = 0;
    for &digits in groups {
        others += group(digits).iter().filter(|&&byte| !printable(byte)).count();
        if others > most {
            return false;
        }
    }
    let (bytes, length) = tail(rest);
    others + bytes.iter().take(length).filter(|&&byte| !printable(byte)).count() <= most
}

pub(super) fn printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// The stretches of digits that hold text, grouped by four from the first one on: at least [`STRETCH`] groups, of which at
/// most [`GAP`] in a row are no text, from the first that is to the last.
struct Stretches<'b> {
    digits: &'b [u8],
    groups: &'b [[u8; 4]],
    at: usize,
    /// Whether four digits hold text.
    clean: fn([u8; 4]) -> bool,
    /// How many of the digits that are left when all groups are taken are text.
    tail: fn(&[u8]) -> usize,
}

impl<'b> Stretches<'b> {
    fn new(digits: &'b [u8], layer: Layer) -> Stretches<'b> {
        let groups = digits.as_chunks::<4>().0;
        match layer {
            // Another way of grouping ends with the digits that are left here.
            Layer::Hex => Stretches { digits, groups, at: 0, clean: hex::is_clean, tail: |_| 0 },
            _ => Stretches { digits, groups, at: 0, clean: is_clean, tail: clean_tail },
        }
    }

    /// All groups of the stretch that holds `seed`.
    fn whole(&self, seed: usize) -> Range<usize> {
        let (before, after) = self.groups.split_at(seed);
        let start = seed - reaches(before.iter().rev(), self.clean);
        start..seed + reaches(after.iter(), self.clean)
    }
}

/// How many groups there are up to the last one that is text, before [`GAP`] are passed that are not.
fn reaches<'g>(groups: impl Iterator<Item = &'g [u8; 4]>, clean: fn([u8; 4]) -> bool) -> usize {
    let mut length = 0;
    for (at, &digits) in groups.enumerate() {
        if clean(digits) {
            length = at + 1;
        } else if at - length >= GAP {
            break;
        }
    }
    length
}

fn is_clean(digits: [u8; 4]) -> bool {
    group(digits).into_iter().all(printable)
}

/// All of these digits, when they hold text and nothing else.
fn clean_tail(digits: &[u8]) -> usize {
    let (bytes, length) = tail(digits);
    let clean = length > 0 && bytes.iter().take(length).all(|&byte| printable(byte));
    if clean { digits.len() } else { 0 }
}

impl Iterator for Stretches<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        // A stretch holds the groups of one of these looks as a whole, and one of those is text.
        while let Some(look) = self.groups.get(self.at..) {
            let seed = look.iter().take(GAP + 1).position(|&digits| (self.clean)(digits)).map(|seed| self.at + seed);
            let found = seed.map(|seed| self.whole(seed));
            self.at += STRETCH - GAP;
            let Some(found) = found else { continue };
            self.at = self.at.max(found.end);
            if found.len() < STRETCH {
                continue;
            }
            let end = found.end * 4;
            let rest = self.digits.get(end..).filter(|rest| rest.len() < 4).unwrap_or_default();
            return Some(found.start * 4..end + (self.tail)(rest));
        }
        None
    }
}

#[cfg(test)]
mod tests;
