//! Text in hexadecimal: runs of digits of either case, two for each byte. Such digits are digits of base64 too, so they are
//! looked for only in runs of those, one byte in [`FEWEST`].

use super::Rate;
use super::base64::printable;
use std::ops::Range;

/// Fewest digits looked at: 16 bytes.
pub(super) const FEWEST: usize = 32;

/// A byte from two digits.
pub(super) const RATE: Rate = Rate::Character { view: 1, blob: 2 };

/// Maximal runs of at least [`FEWEST`] digits in `range`, which the bytes around it do not go on with.
pub(super) fn runs(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let within = bytes.get(range.clone()).unwrap_or_default();
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let (mut done, mut at) = (0, FEWEST - 1);
    std::iter::from_fn(move || {
        while within.get(at).is_some() {
            let before = within.get(done..at).unwrap_or_default();
            let start = done + before.iter().rposition(|byte| !is_digit(byte)).map_or(0, |last| last + 1);
            let after = within.get(at..).unwrap_or_default();
            let end = at + after.iter().position(|byte| !is_digit(byte)).unwrap_or(after.len());
            done = end;
            at = end + FEWEST;
            if end > start && end - start >= FEWEST {
                return Some(range.start + start..range.start + end);
            }
        }
        None
    })
}

/// The digits of `run` that hold text: all, or all but one at the start or the end.
pub(super) fn text(bytes: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let starts = run.start..=run.start + run.len() % 2;
    let even = starts.map(|start| start..start + run.len() / 2 * 2);
    even.into_iter().find(|digits| is_text(bytes.get(digits.clone()).unwrap_or_default()))
}

/// Whether nine of ten bytes that `digits` hold are printable ASCII or white space.
fn is_text(digits: &[u8]) -> bool {
    let most = digits.len() / 2 / 10;
    decode(digits).filter(|&byte| !printable(byte)).nth(most).is_none()
}

/// What pairs of digits hold.
pub(super) fn decode(digits: &[u8]) -> impl Iterator<Item = u8> {
    digits.as_chunks::<2>().0.iter().map(|&[high, low]| pair(high, low).unwrap_or_default())
}

/// Whether four digits hold text.
pub(super) fn is_clean([a, b, c, d]: [u8; 4]) -> bool {
    [pair(a, b), pair(c, d)].into_iter().all(|byte| byte.is_some_and(printable))
}

/// The byte that two digits hold.
pub(super) fn pair(high: u8, low: u8) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

/// What a digit is worth.
pub(super) fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_maximal() {
        let hex = |count: usize| "a1".repeat(count);
        let text = format!("{}xyz{}zz{}+{}q", hex(16), hex(15), hex(40), hex(33));
        let found: Vec<_> = runs(text.as_bytes(), 0..text.len()).collect();
        assert_eq!(found, [0..32, 67..147, 148..214]);
        assert_eq!(runs(text.as_bytes(), 3..10).count(), 0);
    }

    #[test]
    fn text_is_told_from_hashes_and_may_be_odd() {
        let code: String = b"user=admin pw=correct horse".iter().map(|byte| format!("{byte:02x}")).collect();
        for (code, want) in [(code.clone(), 0..54), (format!("1{code}"), 1..55), (format!("{code}1"), 0..54)] {
            assert_eq!(text(code.as_bytes(), &(0..code.len())), Some(want));
        }
        let hash: String = (0..32u32).map(|at| format!("{:02x}", at.wrapping_mul(2_654_435_761) >> 24)).collect();
        assert_eq!(text(hash.as_bytes(), &(0..64)), None);
    }
}
