//! Runs of base64 that hold text.

use super::{Chunk, Layer, Rate, Run};
use ::base64::Engine;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;
use std::ops::Range;

/// Fewest digits looked at: 15 bytes, shorter than any token a rule knows.
const FEWEST: usize = 20;
/// Fewest digits on a line that may go on in the next (PEM and MIME wrap at 64 and 76).
const WRAPPED: usize = 60;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// A view of each run that decodes to text.
pub(super) fn decode(bytes: &[u8]) -> Vec<Chunk<'static>> {
    let mut chunks = Vec::new();
    let mut text: Vec<Range<usize>> = Vec::new();
    for line in (Lines { bytes, at: 0 }) {
        let goes_on = text.last().is_some_and(|last| wraps(bytes, last, &line));
        if !goes_on {
            chunks.extend(view(bytes, &std::mem::take(&mut text)));
        }
        text.push(line);
    }
    chunks.extend(view(bytes, &text));
    chunks
}

/// Whether `next` is the line of base64 below `last`.
fn wraps(bytes: &[u8], last: &Range<usize>, next: &Range<usize>) -> bool {
    last.len() >= WRAPPED
        && last.len().is_multiple_of(4)
        && next.len() <= last.len()
        && matches!(bytes.get(last.end..next.start), Some(b"\n" | b"\r\n"))
}

/// The text of one run of lines, when it is text.
fn view(bytes: &[u8], lines: &[Range<usize>]) -> Option<Chunk<'static>> {
    if lines.iter().map(Range::len).sum::<usize>() < FEWEST {
        return None;
    }
    let mut text = Vec::new();
    let mut runs = Vec::new();
    for line in lines {
        runs.push(Run { view: text.len(), blob: line.start, rate: Rate::Base64 });
        let digits = bytes.get(line.clone())?;
        // One digit too many cannot be decoded: 4n+1 digits hold 3n bytes.
        let digits = if digits.len() % 4 == 1 { digits.get(..digits.len() - 1)? } else { digits };
        let url = digits.iter().any(|b| matches!(b, b'-' | b'_'));
        let engine = if url { &URL_SAFE } else { &STANDARD };
        let before = text.len();
        engine.decode_vec(digits, &mut text).ok()?;
        if !is_text(text.get(before..)?) {
            return None;
        }
    }
    Some(Chunk { bytes: Cow::Owned(text), layer: Layer::Base64, runs })
}

/// Nine of ten bytes are printable ASCII or white space.
fn is_text(bytes: &[u8]) -> bool {
    let printable = bytes.iter().filter(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n')).count();
    printable * 10 >= bytes.len() * 9
}

/// The runs of base64 digits that one line holds, without their padding, of one alphabet each.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let start = self.at + rest.iter().position(|&b| is_digit(b))?;
            let digits = self.bytes.get(start..)?;
            let mut marks = None;
            let length =
                digits.iter().position(|&b| !is_digit(b) || other_alphabet(b, &mut marks)).unwrap_or(digits.len());
            self.at = start + length;
            if length >= FEWEST || (length > 0 && start > 0 && self.bytes.get(start - 1) == Some(&b'\n')) {
                return Some(start..self.at);
            }
        }
    }
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

/// Whether `b` belongs to the alphabet that this run, by its marks so far, is not of.
fn other_alphabet(b: u8, url: &mut Option<bool>) -> bool {
    let this = match b {
        b'-' | b'_' => true,
        b'+' | b'/' => false,
        _ => return false,
    };
    *url.get_or_insert(this) != this
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::engine::general_purpose;

    #[test]
    fn spans_come_back() {
        let secret = "user=admin\npassword=correct horse battery staple?>~";
        for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE, general_purpose::STANDARD_NO_PAD] {
            let code = engine.encode(secret);
            let blob = format!("data:\n  secret: \"{code}\"\n");
            let chunks = decode(blob.as_bytes());
            assert_eq!(chunks.len(), 1);
            let view = &chunks[0];
            assert_eq!(view.bytes, secret.as_bytes());
            let start = blob.find(&code).unwrap();
            assert_eq!(view.span(&(0..secret.len())), start..start + code.trim_end_matches('=').len());
            for at in 0..secret.len() - 3 {
                let there = view.span(&(at..at + 3));
                let aligned = start + (there.start - start) / 4 * 4;
                let code = &blob.as_bytes()[aligned..(there.end - start).div_ceil(4) * 4 + start];
                let back = engine.decode(code).unwrap();
                let text = std::str::from_utf8(&back).unwrap();
                assert!(text.contains(&secret[at..at + 3]), "{at}: {text}");
            }
        }
    }

    #[test]
    fn wrapped_lines_are_one_view() {
        let secret = "0123456789 abcdefghij ".repeat(10);
        let code = general_purpose::STANDARD.encode(&secret);
        let wrapped: Vec<&str> = code.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for end in ["\n", "\r\n"] {
            let blob = wrapped.join(end);
            let chunks = decode(blob.as_bytes());
            assert_eq!(chunks.len(), 1);
            assert_eq!(chunks[0].bytes, secret.as_bytes());
            assert_eq!(chunks[0].span(&(0..secret.len())), 0..blob.trim_end_matches('=').len());
        }
    }

    #[test]
    fn what_is_no_text_is_no_view() {
        assert!(decode("0123456789abcdef0123456789abcdef01234567 short aGVsbG8= words".as_bytes()).is_empty());
    }
}
