//! A blob as the views in which a secret may stand: as it is (but for the colours of a terminal), from UTF-16, and decoded:
//! base64, hexadecimal, percent-encoding, the escapes of JSON and of program text, HTML entities, quoted-printable.
//!
//! A [`Chunk`] is bytes with a map back: [`Chunk::span`] turns a span of a view into the span of the bytes that it was
//! decoded from; a [`View`] is a chunk with the chunks that it was decoded from in turn, at most [`DEPTH`] decoded ones, so
//! that what is reported is always the file's own bytes.
//!
//! Decoders are *local*: whether something is decoded at a place, and to what, is a pure function of a few bytes around it
//! (its [`Chunk::block`]). So a blob that was derived from another is decoded only near what is new, and a part of a file
//! shows what the whole file shows. Two kinds of them:
//!
//! - Codes ([`base64`]: base64 and hexadecimal) write all bytes in an alphabet: long runs of digits are decoded, and are a
//!   view when text comes out.
//! - Escapes ([`marks`], [`escapes`]) write some bytes otherwise and leave the others. Only a few of the bytes around one that
//!   stands beside something long enough for a name or a token are decoded, and what does not touch an escape there is left
//!   to the view as it is.
//!
//! None of them makes bytes more, but a place may be decoded in several ways; what one run or region is decoded to, in all
//! its layers, is bounded by [`most`].
//!
//! Knows nothing of rules, files or git. Invariant (tested): `span` of the whole view lies in the blob, is monotonic, and
//! the bytes there decode to the view's.

mod base64;
mod color;
mod digits;
mod escape;
mod hex;
mod layer;
mod marks;
mod region;
mod view;
mod wide;

pub use color::{ESCAPE, MARGIN as COLOR_MARGIN};
pub use layer::{DEPTH, Layer, Layers};
pub use marks::{MARGIN as MARK_MARGIN, Mark, marks};
pub use region::views as escapes;
pub use view::View;

use crate::text::wide::Wide;
use std::borrow::Cow;
use std::ops::Range;

/// Bytes that were decoded from others.
#[derive(Debug)]
pub struct Chunk<'b> {
    /// The view's bytes.
    pub bytes: Cow<'b, [u8]>,
    /// How it came to be.
    pub layer: Layer,
    /// The bytes that alone have a say in it.
    pub block: Range<usize>,
    /// Runs of the view, in its order; empty for [`Layer::Plain`].
    runs: Vec<Run>,
}

/// Who is handed decoded bytes.
pub type Sink<'s> = dyn FnMut(Chunk<'static>) + 's;

/// The blob as it is, with spaces where codes of colour stood: they take no memory when there are none.
pub fn plain(bytes: &[u8]) -> Chunk<'_> {
    Chunk { bytes: color::blank(bytes), layer: Layer::Plain, block: 0..bytes.len(), runs: Vec::new() }
}

/// The text of a blob that is written in UTF-16 or UTF-32 from `start` on ([`crate::text::wide::of`]). Nothing else is decoded
/// of such bytes, but of their text.
pub fn wide(bytes: &[u8], wide: Wide, start: usize) -> Chunk<'static> {
    wide::decode(bytes, wide, start)
}

/// Hands each view of what is base64 or hexadecimal in `range` to `sink`. The range must not cut a block: it is the whole
/// blob, or what [`base64_around`] gives.
pub fn base64(bytes: &[u8], range: Range<usize>, sink: &mut Sink<'_>) {
    base64::views(bytes, range, sink);
}

/// The range whose blocks of base64 may be others when the bytes of `range` are: no other block holds, or has beside it,
/// any of these.
pub fn base64_around(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    base64::around(bytes, range)
}

/// Hands every view of bytes that were decoded already to `sink`.
pub fn within(bytes: &[u8], sink: &mut Sink<'_>) {
    base64::views(bytes, 0..bytes.len(), sink);
    let mut found = Vec::new();
    marks(bytes, 0..bytes.len(), &mut found);
    escapes(bytes, &found, &mut |_| true, sink);
}

/// How many bytes may be decoded within a view of so many bytes, in all its layers.
pub fn most(length: usize) -> usize {
    4 * length + 4096
}

/// How many bytes of a blob, on each side of a place, have a say in what stands within `reach` bytes around it in a view of
/// base64. Of other views, and of views in views, only what has no more to it counts ([`View::is_near`]).
pub fn window(reach: usize) -> usize {
    base64::window(reach)
}

impl<'b> Chunk<'b> {
    /// A plain view, of which somebody else has taken care of the codes of colour.
    pub fn seen(bytes: &'b [u8]) -> Chunk<'b> {
        Chunk { bytes: Cow::Borrowed(bytes), layer: Layer::Plain, block: 0..bytes.len(), runs: Vec::new() }
    }

    /// The bytes that `span` of this view was decoded from.
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

    /// How what stands in `span`, or next to it, was decoded.
    fn layer_at(&self, span: &Range<usize>) -> Layer {
        let from = self.runs.partition_point(|run| run.view < span.start).saturating_sub(1);
        let mut runs = self.runs.iter().skip(from).take_while(|run| run.view <= span.end);
        let json = |run: &Run| matches!(run.rate, Rate::Character { blob, .. } if escape::is_json(blob));
        if self.layer == Layer::Json && !runs.all(json) { Layer::Escapes } else { self.layer }
    }

    /// Whether something in `span` of this view, or next to it, reads otherwise than the bytes it was decoded from.
    pub fn differs(&self, span: &Range<usize>) -> bool {
        let before = self.run_at(span.start.saturating_sub(1));
        let after = self.run_at(span.end.min(self.bytes.len().saturating_sub(1)));
        before != after || before.is_some_and(|run| run.rate != Rate::SAME)
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

impl Rate {
    /// Bytes as they are.
    const SAME: Rate = Rate::Character { view: 1, blob: 1 };
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

#[cfg(test)]
pub(crate) mod encode;
