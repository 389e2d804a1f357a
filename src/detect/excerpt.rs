//! The line where a secret lies, fit to be shown: every secret in it masked, nothing that moves a cursor, not too long.

use crate::secret::{Secret, redact};
use crate::text::terminal::{ellipsis, printable};
use std::ops::Range;

/// Characters of an excerpt at most.
const WIDTH: usize = 200;
/// Characters shown before the secret at most.
const BEFORE: usize = 80;
/// Bytes looked at on each side: enough for the width, however they are shown.
const LOOK: usize = 4 * WIDTH;

/// What must not be shown, in order, without overlaps: where, and what stands there instead.
#[derive(Debug, Default)]
pub struct Masks(Vec<(Range<usize>, String)>);

impl Masks {
    /// Masks for `secrets`, in any order, overlapping or not.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (Range<usize>, &'s Secret)>) -> Masks {
        let mut all: Vec<_> = secrets.into_iter().map(|(span, secret)| (span, redact::mask(secret))).collect();
        all.sort_by(|(a, _), (b, _)| (a.start, b.end).cmp(&(b.start, a.end)));
        let mut masks: Vec<(Range<usize>, String)> = Vec::with_capacity(all.len());
        for (span, mask) in all {
            match masks.last_mut() {
                Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
                _ => masks.push((span, mask)),
            }
        }
        Masks(masks)
    }

    /// The line of `bytes` around `span`, which is a secret: `key = "ghp_…(40)"`.
    pub fn excerpt(&self, bytes: &[u8], span: &Range<usize>) -> String {
        let first = self.0.partition_point(|(mask, _)| mask.end <= span.start);
        let (own, mask) = self.0.get(first).map_or((span.clone(), "…"), |(own, mask)| (own.clone(), mask.as_str()));
        let before = self.shown(bytes, line_start(bytes, own.start)..own.start);
        let after = self.shown(bytes, own.end..line_end(bytes, own.end));
        let before = before.trim_start();
        let count = before.chars().count();
        let cut = count.checked_sub(BEFORE).filter(|cut| *cut > 0);
        let mut line = match cut.and_then(|cut| before.char_indices().nth(cut + 1)) {
            Some((at, _)) => "…".to_owned() + before.get(at..).unwrap_or_default(),
            None => before.to_owned(),
        };
        line.reserve(mask.len() + after.len());
        line.push_str(mask);
        line.push_str(after.trim_end());
        ellipsis(&line, WIDTH)
    }

    /// The bytes of `range`, with what is masked masked. What only reaches into the range is masked too.
    fn shown(&self, bytes: &[u8], range: Range<usize>) -> String {
        let mut at = range.start;
        let first = self.0.partition_point(|(mask, _)| mask.end <= range.start);
        if self.0.get(first).is_none_or(|(span, _)| span.start >= range.end) {
            return printable(bytes.get(range).unwrap_or_default());
        }
        let mut text = String::new();
        for (span, mask) in self.0.iter().skip(first).take_while(|(span, _)| span.start < range.end) {
            text.push_str(&printable(bytes.get(at..span.start).unwrap_or_default()));
            text.push_str(mask);
            at = span.end;
        }
        text + &printable(bytes.get(at..range.end).unwrap_or_default())
    }
}

/// Where the line of `at` starts, or as far back as is looked.
fn line_start(bytes: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(LOOK);
    let before = bytes.get(from..at).unwrap_or_default();
    memchr::memrchr(b'\n', before).map_or(from, |found| from + found + 1)
}

/// Where the line of `at` ends, or as far on as is looked.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let to = bytes.len().min(at + LOOK);
    let after = bytes.get(at..to).unwrap_or_default();
    let end = memchr::memchr(b'\n', after).map_or(to, |found| at + found);
    if bytes.get(at..end).is_some_and(|rest| rest.ends_with(b"\r")) { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, secrets: &[&str], want: &str) {
        let secret = |s: &&str| {
            let at = text.find(*s).unwrap();
            (at..at + s.len(), Secret::new(*s))
        };
        let secrets: Vec<_> = secrets.iter().map(secret).collect();
        let masks = Masks::new(secrets.iter().map(|(span, secret)| (span.clone(), secret)));
        assert_eq!(masks.excerpt(text.as_bytes(), &secrets[0].0), want);
    }

    #[test]
    fn the_line_with_its_secrets_masked() {
        check("a\n  k = 'hunter2' # x\r\nb", &["hunter2"], "k = '…(7)' # x");
        check("u=alpha p=bravo", &["alpha", "bravo"], "u=…(5) p=…(5)");
        check("u=alpha p=bravo", &["bravo", "alpha"], "u=…(5) p=…(5)");
        check("k=one\ntwo; x", &["one\ntwo"], "k=…(7); x");
        check("\x1b[2Jk=abc", &["abc"], "\\x1b[2Jk=…(3)");
    }

    #[test]
    fn what_overlaps_is_masked_as_one() {
        check("k=abcdef;", &["abcd", "cdef"], "k=…(4);");
        check("k=abcdef;", &["cdef", "abcd"], "k=…(4);");
    }

    #[test]
    fn long_lines_are_cut_around_the_secret() {
        let text = format!("{}key={};{}", "x".repeat(5000), "hunter2", "y".repeat(5000));
        let at = text.find("hunter2").unwrap();
        let secret = Secret::new("hunter2");
        let shown = Masks::new([(at..at + 7, &secret)]).excerpt(text.as_bytes(), &(at..at + 7));
        assert_eq!(shown.chars().count(), WIDTH);
        assert!(shown.starts_with("…xxx") && shown.contains("key=…(7);yyy") && shown.ends_with("y…"), "{shown}");
    }
}
