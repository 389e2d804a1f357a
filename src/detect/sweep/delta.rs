//! The sweep of a blob that was derived from another.
//!
//! What lies in a copied run is *clean*; everything else, and every place where two runs meet, is *near* something new.
//! What is found at a place is decided by a bounded piece of the blob around it, so it is the same as in the base when that
//! piece lies in one run, and is looked for again when it touches what is new:
//!
//! - **Anchors** ([`Matcher::margin`](super::super::matcher::Matcher::margin)) of clean bytes are moved; the others are
//!   searched, from the last that was moved to the next.
//! - **Candidates** of the plain view keep their names when all within their rule's reach is clean; near what is new the
//!   rules are tried again, at anchors that are already known.
//! - **Marks** of escapes are moved and searched as anchors are.
//! - **What is found in decoded bytes** is inherited when its block holds nothing new; the other blocks are decoded again
//!   ([`decode::base64_around`], [`decode::escapes`]).
//! - **Codes of colour** change bytes of the view near them: where there may be some, runs are shortened by the longest.
//! - That a blob begins or ends is clean when both do so at the run's end, and new otherwise.
//!
//! State of a whole blob cannot be inherited: UTF-16, floods, blobs that are too big or too dense are swept as a whole, and
//! so is what is derived from them. So is whatever comes with runs that do not fit.

use super::{Anchor, Candidate, Decoded, Inner, LARGEST, Sweep, may_flood, narrow};
use crate::decode::{self, Mark, View};
use crate::detect::Detector;
use crate::source::git::pack::Run;
use crate::text::wide;
use std::ops::Range;

/// Fewest bytes of a run of which anchors and marks are moved: to search so few is as quick.
const FEWEST: usize = 32;

impl Detector {
    /// The sweep of `bytes`, equal to [`Detector::sweep`] of them, when that of their base of `base_len` bytes and the runs
    /// copied from there (in order of `at`) are known.
    pub fn sweep_delta(&self, base: &Sweep, base_len: usize, bytes: &[u8], runs: &[Run]) -> Sweep {
        let derived = match base.whole || bytes.len() > LARGEST || wide::of(bytes).is_some() {
            true => None,
            false => Delta::new(base_len, bytes, runs).and_then(|delta| delta.sweep(self, base)),
        };
        derived.unwrap_or_else(|| self.sweep(bytes))
    }
}

/// A blob as copied runs and what is new.
struct Delta<'d> {
    bytes: &'d [u8],
    runs: &'d [Run],
    base_len: usize,
    /// What is new, in order: ranges, empty ones where runs meet.
    new: Vec<Range<usize>>,
}

impl<'d> Delta<'d> {
    /// `None` when the runs do not fit the blobs.
    fn new(base_len: usize, bytes: &'d [u8], runs: &'d [Run]) -> Option<Delta<'d>> {
        let mut at = 0;
        for run in runs {
            let fits = run.len > 0 && run.at >= at && run.base.checked_add(run.len)? <= base_len;
            at = run.at.checked_add(run.len).filter(|_| fits)?;
        }
        (at <= bytes.len()).then(|| Delta { bytes, runs, base_len, new: gaps(runs, base_len, bytes.len()) })
    }

    /// `None` when it must be swept as a whole.
    fn sweep(&self, detector: &Detector, base: &Sweep) -> Option<Sweep> {
        if self.new.is_empty() {
            return Some(base.clone());
        }
        let mut sweep = Sweep { escapes: self.has_escapes(base), ..Sweep::default() };
        match base.escapes || sweep.escapes {
            false => self.plain(detector, base, self.bytes, &mut sweep)?,
            true => {
                let runs = self.without_colors();
                let new = gaps(&runs, self.base_len, self.bytes.len());
                let view = decode::plain(self.bytes);
                Delta { runs: &runs, new, ..*self }.plain(detector, base, &view.bytes, &mut sweep)?;
            }
        }
        self.marks(base, &mut sweep);
        self.decoded(detector, base, &mut sweep)?;
        Some(sweep.settle(self.bytes.len()))
    }

    /// Whether there are codes of colour, or may be.
    fn has_escapes(&self, base: &Sweep) -> bool {
        let holds = |range: &Range<usize>| {
            let bytes = self.bytes.get(range.clone()).unwrap_or_default();
            memchr::memchr(decode::ESCAPE, bytes).is_some()
        };
        if base.escapes { holds(&(0..self.bytes.len())) } else { self.new.iter().any(holds) }
    }

    /// The runs without the bytes that a code which does not lie in them as a whole may reach.
    fn without_colors(&self) -> Vec<Run> {
        let margin = decode::COLOR_MARGIN;
        let inner = self.runs.iter().filter_map(|run| {
            let start = if begins(run) { 0 } else { margin };
            let end = if ends(run, self.base_len, self.bytes.len()) { run.len } else { run.len.saturating_sub(margin) };
            (start < end).then(|| Run { base: run.base + start, at: run.at + start, len: end - start })
        });
        inner.collect()
    }

    /// Anchors and candidates of the plain view.
    fn plain(&self, detector: &Detector, base: &Sweep, view: &[u8], sweep: &mut Sweep) -> Option<()> {
        self.anchors(detector, base, view, sweep);
        for run in self.runs.iter().filter(|_| !base.plain.is_empty()) {
            let first = base.plain.partition_point(|one| (one.whole.start as usize) < run.base);
            let there = base.plain.iter().skip(first);
            for one in there.take_while(|one| (one.whole.start as usize) < run.base + run.len) {
                let moved = moved(one, run);
                let reach = detector.matcher.reach(usize::from(one.rule));
                if !self.touches_new(&moved.whole, reach) {
                    sweep.plain.push(moved);
                }
            }
        }
        let mut found = Vec::new();
        let tally = detector.matcher.candidates(view, &sweep.anchors, Some(&self.new), &mut found);
        sweep.most = base.most.saturating_add(tally.most);
        if may_flood(sweep.most) {
            return None;
        }
        let chunk = decode::Chunk::seen(view);
        let view = View::of(&chunk, view.len());
        sweep.plain.extend(found.iter().map(|one| detector.candidate(&view, one)));
        Some(())
    }

    fn anchors(&self, detector: &Detector, base: &Sweep, view: &[u8], sweep: &mut Sweep) {
        let moved = |one: &Anchor, run: &Run| Anchor {
            start: shifted(one.start, run),
            end: shifted(one.end, run),
            word: one.word,
        };
        let search = |starts: Range<usize>, anchors: &mut Vec<Anchor>| detector.matcher.anchors(view, starts, anchors);
        let margin = detector.matcher.margin() + 1;
        sweep.anchors = self.inherit(&base.anchors, margin, |one| one.start, moved, search);
    }

    fn marks(&self, base: &Sweep, sweep: &mut Sweep) {
        let moved = |one: &Mark, run: &Run| one.moved(shifted(one.at, run));
        let search = |starts: Range<usize>, marks: &mut Vec<Mark>| decode::marks(self.bytes, starts, marks);
        sweep.marks = self.inherit(&base.marks, decode::MARK_MARGIN + 1, |one| one.at, moved, search);
    }

    /// What stands at places of which `margin` bytes on each side tell: moved where these were copied, searched elsewhere.
    fn inherit<T>(
        &self,
        base: &[T],
        margin: usize,
        at: impl Fn(&T) -> u32,
        moved: impl Fn(&T, &Run) -> T,
        search: impl Fn(Range<usize>, &mut Vec<T>),
    ) -> Vec<T> {
        let mut all = Vec::with_capacity(base.len());
        let mut done = 0;
        for run in self.runs {
            let first = if begins(run) { 0 } else { margin };
            let last =
                if ends(run, self.base_len, self.bytes.len()) { run.len } else { run.len.saturating_sub(margin) };
            if first + FEWEST > last {
                continue;
            }
            search(done..run.at + first, &mut all);
            let from = base.partition_point(|one| (at(one) as usize) < run.base + first);
            let there = base.iter().skip(from).take_while(|one| (at(one) as usize) < run.base + last);
            all.extend(there.map(|one| moved(one, run)));
            done = run.at + last;
        }
        search(done..self.bytes.len(), &mut all);
        all
    }

    /// What is found in decoded bytes.
    fn decoded(&self, detector: &Detector, base: &Sweep, sweep: &mut Sweep) -> Option<()> {
        for run in self.runs.iter().filter(|_| !base.decoded.is_empty()) {
            let first = base.decoded.partition_point(|one| (one.block.start as usize) < run.base);
            let there = base.decoded.iter().skip(first);
            for one in there.take_while(|one| (one.block.start as usize) < run.base + run.len) {
                let block = shifted(one.block.start, run)..shifted(one.block.end, run);
                if !self.touches_new(&block, 0) {
                    sweep.decoded.push(Decoded { block, candidate: moved(&one.candidate, run) });
                }
            }
        }
        let mut found = Vec::new();
        let mut see = |view: &View<'_>, matches: &[_], block: &Range<usize>| {
            found.extend(detector.decoded(view, matches, block));
        };
        let mut inner = Inner::new(detector, self.bytes.len(), &mut see);
        // The others are inherited.
        let touched = |block: &Range<usize>| self.touches_new(&narrow(block), 0);
        let mut done = 0;
        for new in &self.new {
            let around = decode::base64_around(self.bytes, new.clone());
            let rest = around.start.max(done)..around.end;
            if rest.is_empty() {
                continue;
            }
            done = rest.end;
            decode::base64(self.bytes, rest, &mut |view| {
                if touched(&view.block) {
                    inner.look(&view);
                }
            });
        }
        decode::escapes(self.bytes, &sweep.marks, &mut |block| touched(block), &mut |view| inner.look(&view));
        let whole = inner.floods.is_empty();
        sweep.decoded.append(&mut found);
        whole.then_some(())
    }

    /// Whether something new lies within `margin` bytes of `range`, or next to those.
    fn touches_new(&self, range: &Range<u32>, margin: usize) -> bool {
        let start = (range.start as usize).saturating_sub(margin);
        let next = self.new.partition_point(|new| new.end < start);
        self.new.get(next).is_some_and(|new| new.start <= range.end as usize + margin)
    }
}

/// What is new beside the runs: what lies between them, where they meet, and where a blob begins or ends otherwise than its
/// base.
fn gaps(runs: &[Run], base_len: usize, len: usize) -> Vec<Range<usize>> {
    let mut gaps = Vec::with_capacity(runs.len() + 1);
    let mut end = 0;
    for run in runs {
        if !begins(run) {
            gaps.push(end..run.at);
        }
        end = run.at + run.len;
    }
    if !runs.last().is_some_and(|run| ends(run, base_len, len)) {
        gaps.push(end..len);
    }
    gaps
}

/// Whether base and blob begin with the run.
fn begins(run: &Run) -> bool {
    run.base == 0 && run.at == 0
}

/// Whether base and blob end with the run.
fn ends(run: &Run, base_len: usize, len: usize) -> bool {
    run.base + run.len == base_len && run.at + run.len == len
}

fn moved(one: &Candidate, run: &Run) -> Candidate {
    let range = |range: &Range<u32>| shifted(range.start, run)..shifted(range.end, run);
    Candidate { whole: range(&one.whole), secret: range(&one.secret), ..one.clone() }
}

/// Where a place of the base lies, that was copied with the run.
fn shifted(at: u32, run: &Run) -> u32 {
    u32::try_from((at as usize + run.at).saturating_sub(run.base)).unwrap_or(u32::MAX)
}
