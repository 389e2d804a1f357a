//! Matches of the rules' patterns in a view of a blob, with all that the pattern names, before anything judges them.

use crate::rule::{Capture, Need, Rule};
use memchr::memmem::Finder;
use memchr::{memchr_iter, memrchr_iter};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// How far from a match a part that it needs may lie, in bytes, and how much of a line is looked at for a comment.
pub const CONTEXT: usize = 4096;

/// A match.
#[derive(Debug)]
pub struct Candidate<'r> {
    /// The rule.
    pub rule: &'r Arc<Rule>,
    /// Where, in the view.
    pub found: Capture,
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
        comment(view, &self.found.whole)
    }
}

/// What a comment on the first or last line of `span` says after the word that allows it.
pub fn comment(bytes: &[u8], span: &Range<usize>) -> Option<String> {
    let line = bytes.get(lines_around(bytes, span, 0))?;
    WORDS.iter().find_map(|word| {
        let at = word.find(line)?;
        let rest = line.get(at + word.needle().len()..).unwrap_or_default();
        let rest = rest.split(|&b| b == b'\n').next().unwrap_or_default();
        let text = crate::text::terminal::printable(rest);
        let text = text.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        Some(crate::text::terminal::ellipsis(text, 100))
    })
}

/// Words in a comment that allow what stands on the line: ours, and gitleaks', so that its users need not change files.
static WORDS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("stanch:allow"), Finder::new("gitleaks:allow")]);

/// Bytes between two spans; 0 when they touch.
fn gap(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.start.saturating_sub(b.end).max(b.start.saturating_sub(a.end))
}

/// `span` with so many whole lines before and after it, at most [`CONTEXT`] bytes each way.
fn lines_around(view: &[u8], span: &Range<usize>, lines: usize) -> Range<usize> {
    let from = span.start.saturating_sub(CONTEXT);
    let before = view.get(from..span.start).unwrap_or_default();
    let start = memrchr_iter(b'\n', before).nth(lines).map_or(from, |at| from + at + 1);
    let to = view.len().min(span.end + CONTEXT);
    let after = view.get(span.end..to).unwrap_or_default();
    let end = memchr_iter(b'\n', after).nth(lines).map_or(to, |at| span.end + at);
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
