//! All candidates of a blob, before anything judges them, and what is needed to know those of a blob derived from it.
//!
//! A [`Sweep`] holds where the rules match in every view of a blob's bytes, with the keyed name of each secret, the anchors
//! of the plain view, and the escapes that are worth decoding. It knows no path, no filter, no comment: what is dropped later is in it too, because a blob
//! may lie at many paths and be the base of many others. [`Detector::scan`] looks through the same views and judges.
//!
//! [`Detector::sweep_delta`] makes the sweep of a blob from that of its base and the runs that were copied from there
//! ([`delta`]). It is equal to what [`Detector::sweep`] makes of the whole blob, always; it only reads less.
//!
//! A sweep of a blob in which nothing was found and no keyword stands takes no memory beyond itself.

mod delta;
mod inner;

use super::Detector;
use super::matcher::{Anchor, Found, MOST_MATCHES};
use crate::decode::{self, Layer, Layers, Mark, View};
use crate::secret::Fingerprint;
use crate::text::wide::{Wide, of as wide_text};
use inner::{DECODING, Inner};
use std::ops::Range;

/// Bytes of a blob at most whose sweep can be inherited: of a bigger one the anchors would take too much memory.
const LARGEST: usize = 32 << 20;
/// Bytes of a blob for each anchor, at least, and anchors that any blob may have: with more the sweep cannot be inherited.
const SPARSE: usize = 8;
const FEW: usize = 1024;

/// All candidates of a blob.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Anchors of the plain view, in the order of starts; none when the sweep cannot be inherited.
    anchors: Vec<Anchor>,
    /// Escapes that are worth decoding, in order; none when the sweep cannot be inherited.
    marks: Vec<Mark>,
    /// What was found in the plain view, in order.
    plain: Vec<Candidate>,
    /// What was found in the others, in order.
    decoded: Vec<Decoded>,
    /// Rules of which there are more matches than are looked at, in order.
    floods: Vec<u16>,
    /// At least as many matches as any one rule has in the plain view.
    most: u32,
    /// Whether there may be codes of colour.
    escapes: bool,
    /// Whether the next one must be swept as a whole.
    whole: bool,
}

/// A match in a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// All that matched, in the bytes of the blob.
    pub whole: Range<u32>,
    /// The secret in it.
    pub secret: Range<u32>,
    /// The place of its rule among the rules in force.
    pub rule: u16,
    /// How the view came to be that it was found in.
    pub layers: Layers,
    /// The keyed name of the secret.
    pub fingerprint: Fingerprint,
}

/// A match in what was decoded from a part of the blob.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decoded {
    /// The bytes of the blob that have a say in it.
    block: Range<u32>,
    candidate: Candidate,
}

impl Sweep {
    /// Every candidate, those of the plain view first, each kind in the order of places.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.plain.iter().chain(self.decoded.iter().map(|one| &one.candidate))
    }

    /// The names of all secrets, one for each candidate.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.candidates().map(|one| one.fingerprint)
    }

    /// Whether there is no candidate.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.decoded.is_empty()
    }

    /// Of what there is more than is looked at: see [`Detector::flooded`].
    pub fn floods(&self) -> &[u16] {
        &self.floods
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        size_of::<Sweep>()
            + size_of_val(self.anchors.as_slice())
            + size_of_val(self.marks.as_slice())
            + size_of_val(self.plain.as_slice())
            + size_of_val(self.decoded.as_slice())
    }

    /// Puts everything in its order, and decides whether another sweep can inherit from this one of `length` bytes.
    fn settle(mut self, length: usize) -> Sweep {
        let order = |one: &Candidate| (one.whole.start, one.whole.end, one.secret.start, one.rule);
        self.plain.sort_unstable_by_key(order);
        let more = |one: &Candidate| (one.secret.end, one.layers, one.fingerprint);
        let place = |one: &Decoded| (one.block.start, one.block.end, order(&one.candidate), more(&one.candidate));
        self.decoded.sort_unstable_by_key(place);
        self.floods.sort_unstable();
        self.floods.dedup();
        let most = FEW + length / SPARSE;
        self.whole |= length > LARGEST || !self.floods.is_empty();
        self.whole |= self.anchors.len() > most || self.marks.len() > most;
        if self.whole {
            (self.anchors, self.marks) = (Vec::new(), Vec::new());
        }
        self.anchors.shrink_to_fit();
        self.marks.shrink_to_fit();
        self.plain.shrink_to_fit();
        self.decoded.shrink_to_fit();
        self
    }
}

/// What they say of the blob; not what they remember of how they were made.
impl PartialEq for Sweep {
    fn eq(&self, other: &Sweep) -> bool {
        let all = |sweep: &Sweep| (sweep.escapes, sweep.whole);
        let found =
            |sweep: &Sweep| (&sweep.plain, &sweep.decoded, &sweep.floods) == (&self.plain, &self.decoded, &self.floods);
        all(self) == all(other) && self.anchors == other.anchors && self.marks == other.marks && found(other)
    }
}

/// Who is shown each view in which something matches, with what does and the part of the blob that has a say in it.
type See<'s> = dyn FnMut(&View<'_>, &[Found], &Range<usize>) + 's;

impl Detector {
    /// All candidates of `bytes`, of which there are less than 4 GiB.
    pub fn sweep(&self, bytes: &[u8]) -> Sweep {
        let (mut plain, mut decoded) = (Vec::new(), Vec::new());
        let text = wide_text(bytes);
        let looked = self.look((bytes, text), Anchors::All, &mut |view, found, block| match view.layer() {
            Layer::Plain => plain.extend(found.iter().map(|one| self.candidate(view, one))),
            _ => decoded.extend(self.decoded(view, found, block)),
        });
        let Looked { anchors, marks, floods, most } = looked;
        let escapes = memchr::memchr(decode::ESCAPE, bytes).is_some();
        let sweep = Sweep { anchors, marks, plain, decoded, floods, most, escapes, whole: text.is_some() };
        sweep.settle(bytes.len())
    }

    /// Looks at every view of `bytes`, given how the text in them is written, when that is wide, and where it starts.
    pub(super) fn look(
        &self,
        (bytes, text): (&[u8], Option<(Wide, usize)>),
        wanted: Anchors,
        see: &mut See<'_>,
    ) -> Looked {
        let mut looked = Looked::default();
        let mut found = Vec::new();
        let plain = decode::plain(bytes);
        match wanted {
            Anchors::All => self.matcher.anchors(&plain.bytes, 0..bytes.len(), &mut looked.anchors),
            Anchors::Promising => self.matcher.promising(&plain.bytes, &mut looked.anchors),
        }
        let tally = self.matcher.candidates(&plain.bytes, &looked.anchors, None, &mut found);
        looked.most = tally.most;
        looked.floods.extend(tally.floods);
        if !found.is_empty() {
            see(&View::of(&plain, bytes.len()), &found, &plain.block);
        }
        let mut inner = Inner::new(self, bytes.len(), see);
        match text {
            Some((wide, start)) => inner.look(&decode::wide(bytes, wide, start)),
            None => {
                decode::marks(bytes, 0..bytes.len(), &mut looked.marks);
                decode::base64(bytes, 0..bytes.len(), &mut |view| inner.look(&view));
                decode::escapes(bytes, &looked.marks, &mut |_| true, &mut |view| inner.look(&view));
            }
        }
        looked.floods.append(&mut inner.floods);
        looked
    }

    /// What is told of floods: the rules of which there are more matches than are looked at, and that there is more decoded
    /// in what was decoded.
    pub fn flooded(&self, floods: &[u16]) -> Vec<String> {
        let name = |flood: &u16| match self.rules.rules().get(usize::from(*flood)) {
            Some(rule) => Some(rule.id.clone()),
            None => (*flood == DECODING).then(|| "decoding".to_owned()),
        };
        floods.iter().filter_map(name).collect()
    }

    fn decoded(&self, view: &View<'_>, found: &[Found], block: &Range<usize>) -> impl Iterator<Item = Decoded> {
        let block = narrow(block);
        found.iter().map(move |one| Decoded { block: block.clone(), candidate: self.candidate(view, one) })
    }

    fn candidate(&self, view: &View<'_>, found: &Found) -> Candidate {
        let (whole, secret) = (wide(&found.whole), wide(&found.secret));
        Candidate {
            whole: narrow(&view.span(&whole)),
            secret: narrow(&view.span(&secret)),
            rule: found.rule,
            layers: view.layers(&whole),
            fingerprint: self.key.fingerprint_bytes(view.bytes().get(secret).unwrap_or_default()),
        }
    }
}

/// Which anchors of the plain view a look is to find.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchors {
    /// Those that a sweep keeps.
    All,
    /// Those that may lead to a match.
    Promising,
}

/// What a look came to, beside what was seen.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The anchors of the plain view.
    anchors: Vec<Anchor>,
    /// Escapes that are worth decoding.
    marks: Vec<Mark>,
    /// Of what there is more than is looked at: see [`Detector::flooded`].
    pub floods: Vec<u16>,
    /// The most matches of any one rule in the plain view.
    most: u32,
}

fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// A range of a blob of less than 4 GiB.
fn narrow(range: &Range<usize>) -> Range<u32> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    place(range.start)..place(range.end)
}

/// Whether a view may hold a flood in which rules have so many matches.
fn may_flood(most: u32) -> bool {
    most >= MOST_MATCHES
}

#[cfg(test)]
mod tests;
