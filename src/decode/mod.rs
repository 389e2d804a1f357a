//! A blob as the views in which a secret may stand: as it is (but for the colours of a terminal), from UTF-16, from base64.
//!
//! A [`Chunk`] is bytes with a map back: [`Chunk::span`] turns a span of a view into the span of the blob that it was
//! decoded from, so that what is reported is always the file's own bytes. Views are one level deep (no base64 in base64),
//! and none is bigger than its blob, or 1.5 times for UTF-16, so decoding cannot be made to swell: a long run of base64 is
//! looked at in four ways, of which hardly ever more than one is text.
//!
//! Knows nothing of rules, files or git. Invariant (tested): `span` of the whole view lies in the blob, is monotonic, and
//! the bytes there decode to the view's.

mod base64;
mod color;
mod digits;
mod utf16;

pub use base64::MARGIN as BASE64_MARGIN;
pub use color::{ESCAPE, MARGIN as COLOR_MARGIN};

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

/// The blob as it is, with spaces where codes of colour stood: they take no memory when there are none.
pub fn plain(bytes: &[u8]) -> Chunk<'_> {
    Chunk { bytes: color::blank(bytes), layer: Layer::Plain, runs: Vec::new() }
}

/// The text of a blob that is UTF-16: by its mark, or by how its first few KB lie.
pub fn utf16(bytes: &[u8]) -> Option<Chunk<'static>> {
    utf16::decode(bytes)
}

/// Whether a blob is taken for UTF-16. Such a blob holds no base64.
pub fn is_utf16(bytes: &[u8]) -> bool {
    utf16::order(bytes).is_some()
}

/// Hands each view of what is base64 in `range` to `sink`, with the bytes of the blob that alone have a say in it (its
/// block). The range must not cut a block: it is the whole blob, or what [`base64_around`] gives.
pub fn base64(bytes: &[u8], range: Range<usize>, sink: &mut dyn FnMut(Chunk<'static>, Range<usize>)) {
    base64::views(bytes, range, sink);
}

/// The range whose blocks of base64 may be others when the bytes of `range` are. The blocks outside of it, and
/// [`BASE64_MARGIN`] bytes on each side of them, hold none of these bytes.
pub fn base64_around(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    base64::around(bytes, range)
}

/// How many bytes of a blob, on each side of a place, have a say in what stands within `reach` bytes around it in a view
/// (but for UTF-16).
pub fn window(reach: usize) -> usize {
    base64::window(reach)
}

impl<'b> Chunk<'b> {
    /// A plain view, of which somebody else has taken care of the codes of colour.
    pub fn seen(bytes: &'b [u8]) -> Chunk<'b> {
        Chunk { bytes: Cow::Borrowed(bytes), layer: Layer::Plain, runs: Vec::new() }
    }

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
