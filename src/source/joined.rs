//! Text that was put together from several places of a blob, and where each of its bytes lay there.

use crate::text::lines::Position;
use std::ops::Range;

/// Where the bytes of a text lay that was put together from those of a blob.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// In the order of the text.
    runs: Vec<Run>,
    len: usize,
}

/// Bytes of the text that come from one place: as they lay there, or written otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where they start in the text.
    text: usize,
    /// Where they lay.
    raw: usize,
    /// How many bytes they were there. When that is as many as they are here, they lay there as they are.
    raw_len: usize,
    at: Position,
}

impl Joined {
    /// Adds `len` bytes of text that were `raw` in the blob, all on one line, which begin at `at`.
    pub fn push(&mut self, len: usize, raw: &Range<usize>, at: Position) {
        if len > 0 {
            self.runs.push(Run { text: self.len, raw: raw.start, raw_len: raw.len(), at });
            self.len += len;
        }
    }

    /// Where a byte of the text lay.
    pub fn raw(&self, at: usize) -> usize {
        self.run(at).map_or(0, |(run, len)| run.first(at, len))
    }

    /// Where a span of the text lay: its first byte, its last one, and its extent in the blob.
    pub fn lies(&self, span: &Range<usize>) -> (Position, Position, Range<usize>) {
        let last = span.end.saturating_sub(1).max(span.start);
        let Some(((first, first_len), (end, end_len))) = self.run(span.start).zip(self.run(last)) else {
            return (Position::FIRST, Position::FIRST, 0..0);
        };
        let start = first.first(span.start, first_len);
        let past = end.past(last, end_len).max(start);
        (first.position(start), end.position(past.saturating_sub(1).max(end.raw)), start..past)
    }

    /// The run that holds a byte of the text, with its length.
    fn run(&self, at: usize) -> Option<(&Run, usize)> {
        let next = self.runs.partition_point(|run| run.text <= at);
        let run = self.runs.get(next.checked_sub(1)?)?;
        let end = self.runs.get(next).map_or(self.len, |next| next.text);
        Some((run, end - run.text))
    }
}

impl Run {
    /// The first byte of the blob that has a part in the text's byte `at`, of a run of `len`.
    fn first(&self, at: usize, len: usize) -> usize {
        if self.raw_len == len { self.raw + (at - self.text).min(len) } else { self.raw }
    }

    /// Just past the last one.
    fn past(&self, at: usize, len: usize) -> usize {
        if self.raw_len == len { self.first(at, len) + 1 } else { self.raw + self.raw_len }
    }

    fn position(&self, raw: usize) -> Position {
        Position { line: self.at.line, column: self.at.column + raw.saturating_sub(self.raw) as u64 }
    }
}
