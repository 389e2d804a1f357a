//! What stands around escapes that are worth decoding.
//!
//! Marks of one kind that lie near one another, with [`BEFORE`] bytes before them and [`AFTER`] behind, are a *region*. It
//! goes on at both ends while a name or a token does, for at most [`MORE`] bytes and not into another region. All escapes of
//! the kind in it are decoded, the others left as they are: a region is a view of its own, as long as the escapes go on.
//!
//! An escape is decoded alike wherever one begins to read, as a region begins where no escape is cut. So what stands at a
//! place of a view depends on a few bytes around, and where the region ends depends on [`MARGIN`] bytes beyond.

use super::base64::printable;
use super::escape::{self, Kind};
use super::marks::{self, Mark, is_flow};
use super::{Chunk, Rate, Run, Sink};
use std::borrow::Cow;
use std::ops::Range;

/// Bytes before an escape that are decoded with it: a name.
const BEFORE: usize = 64;
/// Bytes behind an escape that are decoded with it: a value, and what stands beside it.
const AFTER: usize = 96;
/// Bytes that a name or a token may go on beyond these.
const MORE: usize = 8192;
/// Bytes on each side of a region that have a say in where it ends: another mark may be so far.
pub(super) const MARGIN: usize = BEFORE + AFTER + marks::MARGIN + escape::LONGEST;

/// Hands a view of each region around `marks`, which are all of `bytes`, to `sink`, when its block is wanted.
pub fn views(bytes: &[u8], marks: &[Mark], wanted: &mut dyn FnMut(&Range<usize>) -> bool, sink: &mut Sink<'_>) {
    if marks.is_empty() {
        return;
    }
    for kind in Kind::ALL {
        let mut past = 0;
        let mut cores = Cores { marks: marks.iter().filter(|mark| mark.kind == kind).peekable(), length: bytes.len() };
        let mut next = cores.next();
        while let Some(core) = next {
            next = cores.next();
            let limit = next.as_ref().map_or(bytes.len(), |next| next.start);
            let region = before(bytes, kind, core.start, past)..after(bytes, kind, core.end, limit);
            past = core.end;
            let block = region.start.saturating_sub(MARGIN)..bytes.len().min(region.end + MARGIN);
            if wanted(&block) {
                sink(view(bytes, kind, region, block));
            }
        }
    }
}

/// Marks of one kind with what is always around them, those together that touch.
struct Cores<'m, M: Iterator<Item = &'m Mark>> {
    marks: std::iter::Peekable<M>,
    length: usize,
}

impl<'m, M: Iterator<Item = &'m Mark>> Cores<'m, M> {
    fn next(&mut self) -> Option<Range<usize>> {
        let around = |mark: &Mark| {
            let at = mark.at as usize;
            at.saturating_sub(BEFORE)..self.length.min(at + AFTER)
        };
        let mut core = around(self.marks.next()?);
        while let Some(mark) = self.marks.next_if(|mark| around(mark).start <= core.end) {
            core.end = around(mark).end;
        }
        Some(core)
    }
}

/// Where the name or token before `at` begins, but not before `past`.
fn before(bytes: &[u8], kind: Kind, at: usize, past: usize) -> usize {
    let from = at.saturating_sub(MORE).max(past);
    (from..at).rev().find(|&place| ends(bytes, kind, place)).map_or(from, |last| last + 1)
}

/// Where the name or token from `at` on ends, but not beyond `limit`.
fn after(bytes: &[u8], kind: Kind, at: usize, limit: usize) -> usize {
    let to = (at + MORE).min(limit);
    (at..to).find(|&place| ends(bytes, kind, place)).unwrap_or(to)
}

/// Whether no name or token goes on at `at`: something else stands there, or an escape that is no text, as in binary data.
fn ends(bytes: &[u8], kind: Kind, at: usize) -> bool {
    let Some(byte) = bytes.get(at) else { return true };
    let binary = || {
        let escape = escape::first(bytes.get(at..).unwrap_or_default());
        escape.is_some_and(|escape| escape.text().iter().any(|byte| !printable(*byte)))
    };
    !is_flow(*byte) || (*byte == kind.byte() && binary())
}

fn view(bytes: &[u8], kind: Kind, region: Range<usize>, block: Range<usize>) -> Chunk<'static> {
    let mut text = Vec::with_capacity(region.len());
    let mut runs: Vec<Run> = Vec::new();
    let within = bytes.get(..region.end).unwrap_or(bytes);
    // Bytes up to here are in the text.
    let mut done = region.start;
    let mut at = region.start;
    while let Some(found) = within.get(at..).and_then(|rest| memchr::memchr(kind.byte(), rest)) {
        let rest = within.get(at + found..).unwrap_or_default();
        at += found;
        let Some(escape) = escape::first(rest) else {
            at += 1;
            continue;
        };
        plain(within, done..at, &mut text, &mut runs);
        let rate = Rate::Character { view: escape.text().len(), blob: escape.length };
        if !escape.text().is_empty() && runs.last().is_none_or(|run| run.rate != rate || run.past(text.len() - 1) != at)
        {
            runs.push(Run { view: text.len(), blob: at, rate });
        }
        text.extend(escape.text());
        at += escape.length;
        done = at;
    }
    plain(within, done..region.end, &mut text, &mut runs);
    Chunk { bytes: Cow::Owned(text), layer: kind.layer(), block, runs }
}

/// Takes bytes as they are.
fn plain(bytes: &[u8], span: Range<usize>, text: &mut Vec<u8>, runs: &mut Vec<Run>) {
    if !span.is_empty() {
        runs.push(Run { view: text.len(), blob: span.start, rate: Rate::SAME });
        text.extend_from_slice(bytes.get(span).unwrap_or_default());
    }
}
