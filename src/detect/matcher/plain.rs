//! The plain way to match: the oracle that the fast way is held against.
//!
//! One pass over the bytes for the keywords of all rules, in any case; then every place near a keyword is a start, and the
//! pattern's regular expression says what matches there. The window on `aho-corasick`.

use super::{Anchor, Bounds, Found, Taker, Tally, add, touches};
use crate::rule::Rule;
use aho_corasick::AhoCorasick;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// All keywords, and who asked for them.
#[derive(Debug)]
pub struct Plain {
    automaton: AhoCorasick,
    longest: usize,
    /// By keyword: the rules that have it.
    asked: Vec<Vec<usize>>,
}

impl Plain {
    /// Prepares the keywords of `rules`.
    #[expect(
        clippy::expect_used,
        reason = "the rules bound number and length of keywords far below the automaton's limits"
    )]
    pub fn new(rules: &[Arc<Rule>]) -> Plain {
        let mut asked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules.iter().enumerate() {
            for keyword in &rule.keywords {
                asked.entry(keyword).or_default().push(at);
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(asked.keys());
        let longest = asked.keys().map(|word| word.len()).max().unwrap_or_default();
        let automaton = automaton.expect("keywords fit an automaton");
        Plain { automaton, longest, asked: asked.into_values().collect() }
    }

    /// Bytes of the longest keyword.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// See [`super::Matcher::anchors`].
    pub fn anchors(&self, view: &[u8], starts: Range<usize>, anchors: &mut Vec<Anchor>) {
        let end = view.len().min(starts.end.saturating_add(self.longest));
        let within = view.get(starts.start..end).unwrap_or_default();
        let place = |at: usize| u32::try_from(starts.start + at).unwrap_or(u32::MAX);
        let first = anchors.len();
        let found = self.automaton.find_overlapping_iter(within);
        anchors.extend(found.filter(|found| starts.start + found.start() < starts.end).map(|found| Anchor {
            start: place(found.start()),
            end: place(found.end()),
            word: found.pattern().as_u32(),
        }));
        anchors.get_mut(first..).unwrap_or_default().sort_unstable();
    }

    /// See [`super::Matcher::candidates`]; may add more than what is near.
    #[expect(clippy::too_many_arguments, reason = "the matcher's own fields and its arguments")]
    pub fn candidates(
        &self,
        rules: &[Arc<Rule>],
        bounds: &[Bounds],
        view: &[u8],
        anchors: &[Anchor],
        near: Option<&[Range<usize>]>,
        tally: &mut Tally,
        found: &mut Vec<Found>,
    ) {
        for (at, starts) in self.starts(bounds, view, anchors, near) {
            let (Some(rule), Some(bounds)) = (rules.get(at), bounds.get(at)) else { continue };
            let mut taker = Taker::new(at, tally, found);
            'starts: for range in starts {
                // One byte more than the longest match, for `\b` and `$` at its end.
                let end = (range.end + bounds.longest + 1).min(view.len());
                let within = view.get(..end).unwrap_or_default();
                let mut from = range.start;
                while let Some(one) = rule.pattern.find(within, from).filter(|one| one.whole.start < range.end) {
                    from = one.whole.start + 1;
                    if !taker.take(&one.whole, &one.secret) {
                        break 'starts;
                    }
                }
            }
        }
    }

    /// For each rule that is worth trying: where its matches may start, as ranges in order that do not overlap.
    fn starts(
        &self,
        bounds: &[Bounds],
        view: &[u8],
        anchors: &[Anchor],
        near: Option<&[Range<usize>]>,
    ) -> BTreeMap<usize, Vec<Range<usize>>> {
        let mut starts: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for anchor in anchors {
            let (start, end) = (anchor.start as usize, anchor.end as usize);
            for &at in self.asked.get(anchor.word as usize).into_iter().flatten() {
                let Some(bounds) = bounds.get(at) else { continue };
                if near.is_none_or(|near| touches(near, &bounds.tried(start..end))) {
                    let range = start.saturating_sub(bounds.near)..(end + bounds.near).min(view.len());
                    add(starts.entry(at).or_default(), range);
                }
            }
        }
        starts
    }
}
