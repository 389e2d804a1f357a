//! Where it is worth to try a rule: near its keywords.
//!
//! One pass over the bytes for the keywords of all rules, in any case. The window on `aho-corasick`.

use crate::rule::Rule;
use aho_corasick::{AhoCorasick, BuildError};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How far from a keyword a match may start at least, in bytes: a rule's own reach is its longest match, when that is more.
const NEAR: usize = 100;

/// All keywords, and who asked for them.
#[derive(Debug)]
pub struct Prefilter {
    automaton: AhoCorasick,
    longest: usize,
    /// By keyword: the rules that have it.
    asked: Vec<Vec<usize>>,
}

impl Prefilter {
    /// Prepares the keywords of `rules`.
    pub fn new(rules: &[Arc<Rule>]) -> Result<Prefilter, BuildError> {
        let mut asked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules.iter().enumerate() {
            for keyword in &rule.keywords {
                asked.entry(keyword).or_default().push(at);
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(asked.keys())?;
        let longest = asked.keys().map(|word| word.len()).max().unwrap_or_default();
        Ok(Prefilter { automaton, longest, asked: asked.into_values().collect() })
    }

    /// Bytes of the longest keyword.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Adds every anchor that lies in `range` as a whole, in the order of their ends.
    pub fn anchors(&self, bytes: &[u8], range: Range<usize>, anchors: &mut Vec<Anchor>) {
        let within = bytes.get(range.clone()).unwrap_or_default();
        let place = |at: usize| u32::try_from(range.start + at).unwrap_or(u32::MAX);
        anchors.extend(self.automaton.find_overlapping_iter(within).map(|found| Anchor {
            start: place(found.start()),
            end: place(found.end()),
            word: found.pattern().as_u32(),
        }));
    }

    /// For each of `rules` that is worth trying: where its matches may start, as ranges in order that do not overlap.
    pub fn starts(&self, rules: &[Arc<Rule>], bytes: &[u8], anchors: &[Anchor]) -> BTreeMap<usize, Vec<Range<usize>>> {
        let mut starts: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for anchor in anchors {
            for &at in self.asked.get(anchor.word as usize).into_iter().flatten() {
                let Some(rule) = rules.get(at) else { continue };
                let reach = reach(rule.pattern.longest());
                let near =
                    (anchor.start as usize).saturating_sub(reach)..(anchor.end as usize + reach).min(bytes.len());
                add(starts.entry(at).or_default(), near);
            }
        }
        starts
    }
}

/// A keyword at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// Where it starts, in bytes.
    pub start: u32,
    /// Past its last byte.
    pub end: u32,
    /// Which keyword.
    pub word: u32,
}

/// How far from a keyword of a rule its matches of at most `longest` bytes may start.
pub fn reach(longest: usize) -> usize {
    longest.max(NEAR)
}

/// Adds a range that ends at or after the last one.
fn add(ranges: &mut Vec<Range<usize>>, mut new: Range<usize>) {
    while let Some(last) = ranges.pop_if(|last| new.start <= last.end) {
        new = new.start.min(last.start)..new.end.max(last.end);
    }
    ranges.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        let mut ranges = Vec::new();
        for new in [0..10, 20..30, 25..35, 50..60, 8..70, 80..90] {
            add(&mut ranges, new);
        }
        assert_eq!(ranges, [0..70, 80..90]);
    }
}
