//! Looks through decoded views, and through what is decoded of those in turn.

use super::{Anchor, Detector, Found, See, wide};
use crate::decode::{self, Chunk, View};
use crate::detect::candidate::CONTEXT;
use std::ops::Range;

/// What is told as a flood, in the place of a rule, when there is more to decode than [`decode::most`].
pub(super) const DECODING: u16 = u16::MAX;

/// Looks through views, one after the other.
pub(super) struct Inner<'i> {
    detector: &'i Detector,
    /// Bytes of the blob.
    length: usize,
    see: &'i mut See<'i>,
    anchors: Vec<Anchor>,
    found: Vec<Found>,
    /// Bytes that may still be decoded within the view at hand.
    left: usize,
    /// See [`Detector::flooded`].
    pub floods: Vec<u16>,
}

impl<'i> Inner<'i> {
    /// For views of a blob of `length` bytes.
    pub fn new(detector: &'i Detector, length: usize, see: &'i mut See<'i>) -> Inner<'i> {
        Inner { detector, length, see, anchors: Vec::new(), found: Vec::new(), left: 0, floods: Vec::new() }
    }

    /// Looks through what was decoded of the blob.
    pub fn look(&mut self, chunk: &Chunk<'_>) {
        self.left = decode::most(chunk.bytes.len());
        self.view(&View::of(chunk, self.length), &chunk.block);
    }

    fn view(&mut self, view: &View<'_>, block: &Range<usize>) {
        self.search(view, block);
        if view.is_deepest() {
            return;
        }
        decode::within(view.bytes(), &mut |chunk| match self.left.checked_sub(chunk.bytes.len()) {
            Some(left) => {
                self.left = left;
                if let Some(inner) = view.within(&chunk) {
                    self.view(&inner, block);
                }
            }
            None => self.floods.push(DECODING),
        });
    }

    fn search(&mut self, view: &View<'_>, block: &Range<usize>) {
        let matcher = &self.detector.matcher;
        self.anchors.clear();
        matcher.promising(view.bytes(), &mut self.anchors);
        if self.anchors.is_empty() {
            return;
        }
        self.found.clear();
        let tally = matcher.candidates(view.bytes(), &self.anchors, None, &mut self.found);
        self.floods.extend(tally.floods);
        self.found.retain(|one| {
            let (whole, reach) = (wide(&one.whole), matcher.reach(usize::from(one.rule)) + CONTEXT);
            view.tells(&whole) && view.is_near(&whole, reach, self.detector.window)
        });
        if !self.found.is_empty() {
            (self.see)(view, &self.found, block);
        }
    }
}
