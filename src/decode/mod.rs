//! A blob as the views in which a secret may stand: as it is (but for the colours of a terminal), from UTF-16, from base64.
//!
//! A [`Chunk`] is bytes with a map back: [`Chunk::span`] turns a span of a view into the span of the blob that it was
//! decoded from, so that what is reported is always the file's own bytes. Views are one level deep (no base64 in base64),
//! and none is bigger than its blob, or 1.5 times for UTF-16, so decoding cannot be made to swell.
//!
//! Knows nothing of rules, files or git. Invariant (tested): `span` of the whole view lies in the blob, is monotonic, and
//! the bytes there decode to the view's.

mod base64;
mod color;
mod utf16;

use std::borrow::Cow;
use std::ops::Range;

/// A view of a blob.
#[derive(Debug)]
pub struct Chunk<'b> {
    /// The view's bytes.
    pub bytes: Cow<'b, [u8]>,
    /// How it came to be.
    pub layer: Layer,
    /// Runs of the view, in its order; empty for [`Layer::Plain`].
    runs: Vec<Run>,
}

/// How a view came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Layer {
    Plain,
    Utf16,
    Base64,
}

impl Layer {
    /// What a person is told: `None` for bytes as they are.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Layer::Plain => None,
            Layer::Utf16 => Some("in UTF-16"),
            Layer::Base64 => Some("in base64"),
        }
    }
}

/// Every view of `bytes`, the plain one first, then in the order of the blob.
pub fn chunks(bytes: &[u8]) -> Vec<Chunk<'_>> {
    let mut chunks = vec![Chunk { bytes: color::blank(bytes), layer: Layer::Plain, runs: Vec::new() }];
    match utf16::decode(bytes) {
        Some(view) => chunks.push(view),
        None => chunks.extend(base64::decode(bytes)),
    }
    chunks
}

impl Chunk<'_> {
    /// The bytes of the blob that `span` of this view was decoded from.
    pub fn span(&self, span: &Range<usize>) -> Range<usize> {
        if self.runs.is_empty() {
            return span.clone();
        }
        let start = self.run_at(span.start).map_or(0, |run| run.first(span.start));
        let end = match span.end.checked_sub(1) {
            Some(last) if span.end > span.start => self.run_at(last).map_or(start, |run| run.past(last)),
            _ => start,
        };
        start..end
    }

    /// The run that holds the view's byte `at`, or the last one.
    fn run_at(&self, at: usize) -> Option<&Run> {
        let next = self.runs.partition_point(|run| run.view <= at);
        self.runs.get(next.saturating_sub(1))
    }
}

/// Bytes of a view that were decoded from bytes of the blob at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where it starts in the view.
    view: usize,
    /// Where it starts in the blob.
    blob: usize,
    rate: Rate,
}

/// How bytes of a view lie in a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rate {
    /// Characters of `view` bytes from `blob` bytes each.
    Character { view: usize, blob: usize },
    /// Three bytes from four digits of base64.
    Base64,
}

impl Run {
    /// The first byte of the blob that has a part in the view's byte `at`.
    fn first(&self, at: usize) -> usize {
        let at = at - self.view.min(at);
        self.blob
            + match self.rate {
                Rate::Character { view, blob } => at / view * blob,
                Rate::Base64 => at / 3 * 4 + at % 3,
            }
    }

    /// Just past the last byte of the blob that has a part in the view's byte `at`.
    fn past(&self, at: usize) -> usize {
        let into = at - self.view.min(at);
        match self.rate {
            Rate::Character { view, blob } => self.blob + (into / view + 1) * blob,
            Rate::Base64 => self.first(at) + 2,
        }
    }
}
