//! Where the rules' patterns match in a view of a blob, before anything judges the matches.
//!
//! # What a match is
//! One definition for every way of looking, so that the fast way and the plain one give the same:
//!
//! - A match of a rule *begins at a start* `s`: it is the leftmost-first match (that of Perl, and of the `regex` crate) of
//!   the rule's pattern among those that begin at `s`. What stands before `s` and after the match is seen by `\b`, `^`, `$`.
//! - A start counts when it is *near a keyword* of the rule: a keyword at `a..b`, in any case, with `a - near <= s < b + near`,
//!   where `near` is the rule's longest match and at least [`NEAR`] bytes.
//! - A match is *left out* when an earlier start that counts has a match whose secret ends at or after its secret's end.
//!
//! So whether there is a match at a place is decided by [`Matcher::reach`] bytes on each side of it and by nothing else: a
//! blob that was derived from another needs a look only near what is new.
//!
//! # Floods
//! A rule's matches in one view, those that are left out among them, are counted up to [`MOST_MATCHES`]; what comes after is
//! not looked at, and the rule is told as flooded ([`Tally::floods`]). Text that was made to cost much ends there.

mod cost;
mod fast;
mod few;
mod gates;
mod literals;
mod plain;

pub use crate::rule::digest::NEAR;
use crate::rule::{Capture, Rule};
pub use cost::Cost;
use fast::Fast;
use plain::Plain;
use std::ops::Range;
use std::sync::Arc;

/// How many matches of one rule are looked at in one view.
pub const MOST_MATCHES: u32 = 65_536;

/// Finds the matches of a set of rules. Shared by all threads.
#[derive(Debug)]
pub struct Matcher {
    rules: Vec<Arc<Rule>>,
    bounds: Vec<Bounds>,
    how: How,
}

/// The two ways to match.
#[derive(Debug)]
enum How {
    Fast(Box<Fast>),
    Plain(Box<Plain>),
}

/// A literal at a place: near it a rule is worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// Where it starts, in bytes.
    pub start: u32,
    /// Past its last byte.
    pub end: u32,
    /// Which literal.
    pub word: u32,
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Place of its rule among the matcher's rules.
    pub rule: u16,
    /// All that matched, in the view.
    pub whole: Range<u32>,
    /// The secret in it.
    pub secret: Range<u32>,
}

impl Found {
    /// The same with the parts that the rule's pattern names.
    pub fn capture(&self, rule: &Rule, view: &[u8]) -> Capture {
        let wide = |range: &Range<u32>| range.start as usize..range.end as usize;
        let parts = rule.pattern.parts_at(view, self.whole.start as usize);
        Capture { whole: wide(&self.whole), secret: wide(&self.secret), parts }
    }
}

/// What a search came to, beside what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The most matches that any one rule had, left out or not. With `near`, those that were looked at: what a view derived
    /// from another has is at most what the other had and these, so below [`MOST_MATCHES`] there is no flood in it.
    pub most: u32,
    /// Rules with more matches than are looked at, in order.
    pub floods: Vec<u16>,
}

/// How far a rule sees, in bytes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Its longest match.
    longest: usize,
    /// How far from a keyword a match may start.
    near: usize,
    /// Its longest keyword.
    keyword: usize,
}

impl Bounds {
    fn of(rule: &Rule) -> Bounds {
        let longest = rule.digest.longest as usize;
        let keyword = rule.keywords.iter().map(String::len).max().unwrap_or_default();
        Bounds { longest, near: longest.max(NEAR), keyword }
    }

    /// See [`Matcher::reach`]: an earlier start that covers a match lies at most the longest match before it, and its own
    /// keyword before that; one byte more is seen by `\b`.
    fn reach(&self) -> usize {
        self.longest + self.near + self.keyword + 1
    }

    /// Around an anchor: where something must be near for the anchor to be tried. A match near it may be led to by an anchor
    /// one reach off and covered by an earlier one, whose anchor lies one more off.
    fn tried(&self, anchor: Range<usize>) -> Range<usize> {
        let far = 3 * self.reach();
        anchor.start.saturating_sub(far)..anchor.end + far
    }
}

impl Matcher {
    /// Prepares `rules`. No regular expression is compiled before it is needed.
    pub fn new(rules: &[Arc<Rule>]) -> Matcher {
        let bounds = rules.iter().map(|rule| Bounds::of(rule)).collect();
        Matcher { rules: rules.to_vec(), bounds, how: How::Fast(Box::new(Fast::new(rules))) }
    }

    /// The same by the plainest means, to compare with: every keyword by one automaton, and the pattern's regular expression
    /// tried wherever a match may start.
    pub fn plain(rules: &[Arc<Rule>]) -> Matcher {
        let bounds = rules.iter().map(|rule| Bounds::of(rule)).collect();
        Matcher { rules: rules.to_vec(), bounds, how: How::Plain(Box::new(Plain::new(rules))) }
    }

    /// How many bytes before an anchor's start, and after it, have a say in whether it is there. (That the view begins or
    /// ends within so many bytes has one too.)
    pub fn margin(&self) -> usize {
        match &self.how {
            How::Fast(fast) => fast.literals().margin(),
            How::Plain(plain) => plain.longest(),
        }
    }

    /// Adds every anchor that starts in `starts`, in the order of starts.
    pub fn anchors(&self, view: &[u8], starts: Range<usize>, anchors: &mut Vec<Anchor>) {
        match &self.how {
            How::Fast(fast) => fast.literals().anchors(view, starts, anchors),
            How::Plain(plain) => plain.anchors(view, starts, anchors),
        }
    }

    /// Adds every anchor of a view that may lead to a match, in the order of starts: enough for [`Matcher::candidates`] of
    /// this view, and sooner found than all.
    pub fn promising(&self, view: &[u8], anchors: &mut Vec<Anchor>) {
        match &self.how {
            How::Fast(fast) => fast.promising(view, anchors),
            How::Plain(plain) => plain.anchors(view, 0..view.len(), anchors),
        }
    }

    /// How many bytes on each side of a match of the rule have a say in whether it is found there; the anchors that led to
    /// it lie within as many.
    pub fn reach(&self, rule: usize) -> usize {
        self.bounds.get(rule).map_or(0, Bounds::reach)
    }

    /// The most that [`Matcher::reach`] says of any rule.
    pub fn max_reach(&self) -> usize {
        self.bounds.iter().map(Bounds::reach).max().unwrap_or_default()
    }

    /// Adds the matches of a view, in the order of rules, then of starts. `anchors` are all anchors of the view, in order (or
    /// all that are promising).
    /// With `near` (ranges in order that do not overlap; empty ones are places), only the matches whose surroundings (the
    /// match and [`Matcher::reach`] on each side) touch one of these: exactly those of the whole answer.
    pub fn candidates(
        &self,
        view: &[u8],
        anchors: &[Anchor],
        near: Option<&[Range<usize>]>,
        found: &mut Vec<Found>,
    ) -> Tally {
        let mut tally = Tally::default();
        let kept = found.len();
        let (rules, bounds) = (&self.rules, &self.bounds);
        match &self.how {
            How::Fast(fast) => fast.candidates(rules, bounds, view, anchors, near, &mut tally, found),
            How::Plain(plain) => plain.candidates(rules, bounds, view, anchors, near, &mut tally, found),
        }
        if let Some(near) = near {
            let mut at = 0;
            found.retain(|one| {
                at += 1;
                let reach = self.reach(usize::from(one.rule));
                let around = (one.whole.start as usize).saturating_sub(reach)..one.whole.end as usize + reach;
                at <= kept || touches(near, &around)
            });
        }
        tally
    }
}

/// Takes the matches of one rule in the order of their starts, and leaves out what is covered.
#[derive(Debug)]
struct Taker<'t> {
    rule: u16,
    /// How far the secrets of earlier matches go.
    covered: Option<usize>,
    count: u32,
    tally: &'t mut Tally,
    found: &'t mut Vec<Found>,
}

impl<'t> Taker<'t> {
    fn new(rule: usize, tally: &'t mut Tally, found: &'t mut Vec<Found>) -> Taker<'t> {
        Taker { rule: u16::try_from(rule).unwrap_or(u16::MAX), covered: None, count: 0, tally, found }
    }

    /// Takes a match. Whether another may come: not after a flood.
    fn take(&mut self, whole: &Range<usize>, secret: &Range<usize>) -> bool {
        if self.count == MOST_MATCHES {
            self.tally.floods.push(self.rule);
            return false;
        }
        self.count += 1;
        self.tally.most = self.tally.most.max(self.count);
        if self.covered.is_none_or(|covered| secret.end > covered) {
            self.covered = Some(secret.end);
            self.found.push(Found { rule: self.rule, whole: narrow(whole), secret: narrow(secret) });
        }
        true
    }
}

/// A range of a view, whose places fit 32 bits: no blob is bigger than [`crate::source`] reads.
fn narrow(range: &Range<usize>) -> Range<u32> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    place(range.start)..place(range.end)
}

/// Whether `range` touches one of `ranges`, which stand in order.
fn touches(ranges: &[Range<usize>], range: &Range<usize>) -> bool {
    let next = ranges.partition_point(|one| one.end < range.start);
    ranges.get(next).is_some_and(|one| one.start <= range.end)
}

/// Adds a range that does not start before the last one to ranges in order, joining what touches.
fn add(ranges: &mut Vec<Range<usize>>, mut new: Range<usize>) {
    while let Some(last) = ranges.pop_if(|last| new.start <= last.end) {
        new = new.start.min(last.start)..new.end.max(last.end);
    }
    ranges.push(new);
}

#[cfg(test)]
mod tests;
