//! Colours of a terminal: a log that was written for one has its codes glued to the words, `ESC [ 3 1 m` before and
//! `ESC [ 0 m` behind. What is read has as many spaces there, so that a token stands alone as a person sees it, and every
//! byte keeps its place.

use std::borrow::Cow;

/// What every code starts with, and nothing of it holds again.
pub const ESCAPE: u8 = 0x1b;
/// The start of a code (ECMA-48, section 5.4: the control sequence introducer).
const START: &[u8] = b"\x1b[";
/// Longest run of parameters that is taken for one, in bytes: a colour of 24 bits and its background have 33.
const LONGEST: usize = 40;
/// Bytes before and after a byte that have a say in whether it is part of a code.
pub const MARGIN: usize = START.len() + LONGEST + 1;

/// `bytes` with spaces where codes of colour (`m`) and of clearing a line (`K`) stood.
pub(super) fn blank(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut blanked = Cow::Borrowed(bytes);
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(ESCAPE, rest)) {
        let start = at + found;
        let end = code(bytes.get(start..).unwrap_or_default()).map(|length| start + length);
        if let Some(code) = end.and_then(|end| blanked.to_mut().get_mut(start..end)) {
            code.fill(b' ');
        }
        at = end.unwrap_or(start + 1);
    }
    blanked
}

/// The length of the code that `bytes` start with.
fn code(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(START)?;
    let parameters = rest.iter().take(LONGEST + 1).take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    let ends = matches!(rest.get(parameters), Some(b'm' | b'K'));
    (ends && parameters <= LONGEST).then_some(START.len() + parameters + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_spaces_and_nothing_else_does() {
        for (bytes, want) in [
            ("\x1b[31mred\x1b[0m", "     red    "),
            ("a\x1b[mb\x1b[38;2;1;2;3mc\x1b[K", "a   b             c   "),
            ("\x1b[2Jcleared", "\x1b[2Jcleared"),
            ("\x1b]0;title\x07 \x1b \x1b[", "\x1b]0;title\x07 \x1b \x1b["),
            ("\x1b[31", "\x1b[31"),
            ("\x1b\x1b[1mx", "\x1b    x"),
        ] {
            let blanked = blank(bytes.as_bytes());
            assert_eq!(String::from_utf8_lossy(&blanked), want, "{bytes:?}");
            assert_eq!(blanked.len(), bytes.len());
        }
        let long = format!("\x1b[{}m", "1".repeat(LONGEST + 1));
        assert!(matches!(blank(long.as_bytes()), Cow::Borrowed(_)));
    }
}
