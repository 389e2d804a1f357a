//! A chunk with the chunks that it was decoded from.

use super::base64;
use super::{Chunk, DEPTH, Layer, Layers, region};
use std::ops::Range;

/// Decoded bytes, and how one comes back from them to the blob.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    chunk: &'v Chunk<'v>,
    /// What it was decoded from, when that is not the blob.
    outer: Option<&'v View<'v>>,
    /// Bytes of what it was decoded from.
    length: usize,
    /// How many were decoded, with this one.
    depth: usize,
}

impl<'v> View<'v> {
    /// What was decoded from a blob of `length` bytes.
    pub fn of(chunk: &'v Chunk<'v>, length: usize) -> View<'v> {
        View { chunk, outer: None, length, depth: usize::from(!chunk.layer.is_text()) }
    }

    /// What was decoded from this view; `None` when that reads the same in what this view was decoded from, and so is seen
    /// there.
    pub fn within<'w>(&'w self, chunk: &'w Chunk<'w>) -> Option<View<'w>>
    where
        'v: 'w,
    {
        let new = self.chunk.differs(&chunk.span(&(0..chunk.bytes.len())));
        new.then_some(View { chunk, outer: Some(self), length: self.bytes().len(), depth: self.depth + 1 })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &'v [u8] {
        &self.chunk.bytes
    }

    /// How it came to be.
    pub fn layer(&self) -> Layer {
        self.chunk.layer
    }

    /// How what stands in `span` came to be, with all that it was decoded from.
    pub fn layers(&self, span: &Range<usize>) -> Layers {
        let outer = self.outer.map(|outer| outer.layers(&self.chunk.span(span)));
        outer.unwrap_or_default().with(self.chunk.layer_at(span))
    }

    /// Whether it is not to be decoded further.
    pub fn is_deepest(&self) -> bool {
        self.depth >= DEPTH
    }

    /// The bytes of the blob that `span` of this view was decoded from.
    pub fn span(&self, span: &Range<usize>) -> Range<usize> {
        let span = self.chunk.span(span);
        self.outer.map_or(span.clone(), |outer| outer.span(&span))
    }

    /// The text that a person reads instead of the blob, when this is it or was decoded from it.
    pub fn text(&self) -> Option<&'v [u8]> {
        match self.outer {
            Some(outer) => outer.text(),
            None => matches!(self.chunk.layer, Layer::Utf16 | Layer::Utf32).then(|| self.bytes()),
        }
    }

    /// Where `span` of this view stands in [`View::text`].
    pub fn read(&self, span: &Range<usize>) -> Range<usize> {
        self.outer.map_or(span.clone(), |outer| outer.read(&self.chunk.span(span)))
    }

    /// Whether a match at `whole` is this view's to tell: it touches something that was decoded, in each of two layers of
    /// escapes, and does not end where the view was cut.
    pub fn tells(&self, whole: &Range<usize>) -> bool {
        if !self.chunk.layer.is_escape() {
            return true;
        }
        let length = self.bytes().len();
        let all = self.chunk.span(&(0..length));
        let cut = (whole.start == 0 && all.start > 0) || (whole.end == length && all.end < self.length);
        let wide = whole.start.saturating_sub(1)..length.min(whole.end + 1);
        let differs = |outer: &View<'_>| outer.chunk.differs(&self.chunk.span(&wide));
        !cut && self.chunk.differs(whole) && self.outer.is_none_or(differs)
    }

    /// Whether at most `window` bytes of the blob, on each side of what `whole` was decoded from, have a say in what stands
    /// within `reach` bytes around it. Of UTF-16 nobody asks: such a blob is never seen in parts.
    pub fn is_near(&self, whole: &Range<usize>, reach: usize, window: usize) -> bool {
        if self.text().is_some() {
            return true;
        }
        let around = self.around(&(whole.start.saturating_sub(reach)..whole.end + reach));
        let here = self.span(whole);
        here.start - around.start.min(here.start) < window && around.end.max(here.end) - here.end < window
    }

    /// The bytes of the blob that have a say in what stands in `span` of this view.
    fn around(&self, span: &Range<usize>) -> Range<usize> {
        let length = self.bytes().len();
        let near = self.chunk.span(&(span.start.min(length)..span.end.min(length)));
        let margin = match self.chunk.layer {
            Layer::Base64 | Layer::Hex => base64::FAR,
            _ => region::MARGIN,
        };
        let block = &self.chunk.block;
        // What lies where the view ends depends on where it does.
        let start = if span.start == 0 { block.start } else { near.start.saturating_sub(margin).max(block.start) };
        let end = if span.end >= length { block.end } else { (near.end + margin).min(block.end) };
        self.outer.map_or(start..end, |outer| outer.around(&(start..end)))
    }
}
