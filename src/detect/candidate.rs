//! Matches of a rule's pattern in a view of a blob, before anything judges them.
//!
//! What is found at a place depends on [`window`] bytes around it and on nothing else: every start of a match near a
//! keyword is taken, not only those that a search from the first byte would come to; a match whose secret lies within that
//! of an earlier match of the same rule is left out. (Text that was made to cost much is searched less: [`INSIDE`].)

use super::prefilter::{self, Prefilter};
use crate::rule::{Capture, Need, Rule};
use std::ops::Range;
use std::sync::Arc;

/// How far from a match a part that it needs may lie, in bytes, and how much of a line is looked at for a comment.
pub const CONTEXT: usize = 4096;

/// How many matches that lie within an earlier one are passed before the rest of it is skipped: text made of nothing but
/// beginnings would cost its square otherwise.
const INSIDE: usize = 3;

/// A match.
#[derive(Debug)]
pub struct Candidate<'r> {
    /// The rule.
    pub rule: &'r Arc<Rule>,
    /// Where, in the view.
    pub found: Capture,
}

/// Every candidate of `view`, in the order of rules, then of places.
pub fn all<'r>(rules: &'r [Arc<Rule>], prefilter: &Prefilter, view: &[u8]) -> Vec<Candidate<'r>> {
    let mut candidates = Vec::new();
    let mut anchors = Vec::new();
    prefilter.anchors(view, 0..view.len(), &mut anchors);
    for (at, ranges) in prefilter.starts(rules, view, &anchors) {
        let Some(rule) = rules.get(at) else { continue };
        let mut covered = 0..0;
        for range in ranges {
            // One byte more than the longest match, for `\b` and `$` at its end.
            let end = (range.end + rule.pattern.longest() + 1).min(view.len());
            let within = view.get(..end).unwrap_or_default();
            let (mut from, mut inside) = (range.start, 0);
            while let Some(found) = rule.pattern.find(within, from).filter(|found| found.whole.start < range.end) {
                from = found.whole.start + 1;
                if found.secret.end > covered.end {
                    covered = found.secret.clone();
                    candidates.push(Candidate { rule, found });
                    inside = 0;
                } else {
                    inside += 1;
                }
                if inside == INSIDE {
                    (from, inside) = (from.max(covered.end), 0);
                }
            }
        }
    }
    candidates
}

/// How many bytes on each side of a match of `rule` may have a say in what is found there, at most.
pub fn window(rule: &Rule) -> usize {
    let keyword = rule.keywords.iter().map(String::len).max().unwrap_or_default();
    let bound = rule.pattern.bound();
    prefilter::reach(bound) + keyword + bound + 1 + CONTEXT
}

impl Candidate<'_> {
    /// Where the part that `need` describes lies: the nearest match to the secret, the earlier one of two.
    pub fn part(&self, need: &Need, view: &[u8]) -> Option<Range<usize>> {
        let around = lines_around(view, &self.found.whole, need.lines);
        let within = view.get(..around.end).unwrap_or_default();
        let mut nearest: Option<(usize, Range<usize>)> = None;
        let mut from = around.start;
        while let Some(found) = need.pattern.find(within, from) {
            from = found.whole.end.max(from + 1);
            let distance = gap(&found.secret, &self.found.secret);
            if nearest.as_ref().is_none_or(|(least, _)| distance < *least) {
                nearest = Some((distance, found.secret));
            }
        }
        nearest.map(|(_, span)| span)
    }

    /// What a comment on the match's first or last line says after the word that allows it.
    pub fn comment(&self, view: &[u8]) -> Option<String> {
        let lines = lines_around(view, &self.found.whole, 0);
        let line = view.get(lines)?;
        WORDS.iter().find_map(|word| {
            let at = line.windows(word.len()).position(|window| window == word.as_bytes())?;
            let rest = line.get(at + word.len()..).unwrap_or_default();
            let rest = rest.split(|&b| b == b'\n').next().unwrap_or_default();
            let text = crate::text::terminal::printable(rest);
            let text = text.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
            Some(crate::text::terminal::ellipsis(text, 100))
        })
    }
}

/// Words in a comment that allow what stands on the line: ours, and gitleaks', so that its users need not change files.
const WORDS: [&str; 2] = ["stanch:allow", "gitleaks:allow"];

/// Bytes between two spans; 0 when they touch.
fn gap(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.start.saturating_sub(b.end).max(b.start.saturating_sub(a.end))
}

/// `span` with so many whole lines before and after it, at most [`CONTEXT`] bytes each way.
fn lines_around(view: &[u8], span: &Range<usize>, lines: usize) -> Range<usize> {
    let from = span.start.saturating_sub(CONTEXT);
    let before = view.get(from..span.start).unwrap_or_default();
    let newlines = before.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    let start = newlines.map(|(at, _)| from + at + 1).nth(lines).unwrap_or(from);
    let to = view.len().min(span.end + CONTEXT);
    let after = view.get(span.end..to).unwrap_or_default();
    let newlines = after.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = newlines.map(|(at, _)| span.end + at).nth(lines).unwrap_or(to);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_around_a_span() {
        let text = b"a\nbb\ncKc\ndd\ne";
        let at = 6..7;
        for (lines, want) in [(0, "cKc"), (1, "bb\ncKc\ndd"), (2, "a\nbb\ncKc\ndd\ne"), (9, "a\nbb\ncKc\ndd\ne")] {
            assert_eq!(&text[lines_around(text, &at, lines)], want.as_bytes(), "{lines}");
        }
        let long = vec![b'x'; 3 * CONTEXT];
        assert_eq!(lines_around(&long, &(CONTEXT + 5..CONTEXT + 9), 3), 5..2 * CONTEXT + 9);
    }
}
