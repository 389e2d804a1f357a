//! Where escapes stand that are worth decoding: beside bytes long enough to be a name or a value.
//!
//! Text is full of escapes that hide nothing, `"\n"` at the end of every other string. One is marked when what it stands
//! for is ASCII, and a run of bytes such as names, tokens and addresses are made of goes on behind it for [`SOME`] bytes, or
//! around it for [`MANY`]; not when the next few escapes stand for something else, as those of binary data do. Whether there
//! is a mark is decided by [`MARGIN`] bytes on each side.
//!
//! A window on `wide`: 64 bytes at a time become a word with a bit for each byte that may begin an escape.

use super::base64::printable;
use super::escape::{self, Kind};
use std::ops::Range;
use wide::u8x16;

/// An escape worth decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it starts, in bytes.
    pub at: u32,
    pub(super) kind: Kind,
}

impl Mark {
    /// The same, somewhere else.
    pub fn moved(self, at: u32) -> Mark {
        Mark { at, ..self }
    }
}

/// Bytes on each side of a place that have a say in whether it is marked: a line of quoted-printable.
pub const MARGIN: usize = 80;

/// Bytes that a name or a value behind an escape has at least.
const SOME: usize = 16;
/// Bytes at least of a token that an escape is part of.
const MANY: usize = 20;
/// Bytes behind an escape that must be text.
const NEXT: usize = 6;
/// Lengths of lines that quoted-printable breaks (RFC 2045, section 6.7: at most 76), without the last byte.
const LINE: std::ops::RangeInclusive<usize> = 60..=75;

/// Bytes of which one word tells.
const BLOCK: usize = 64;

/// Adds every mark that starts in `starts`, in order.
pub fn marks(bytes: &[u8], starts: Range<usize>, marks: &mut Vec<Mark>) {
    let mut at = starts.start;
    while at < starts.end {
        let mut bits = mask(bytes, at);
        while bits != 0 {
            let here = at + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            if here < starts.end
                && let Some(kind) = marked(bytes, here)
            {
                marks.push(Mark { at: u32::try_from(here).unwrap_or(u32::MAX), kind });
            }
        }
        at += BLOCK;
    }
}

/// A bit for each of the 64 bytes from `at` on that may begin an escape.
#[inline(always)]
fn mask(bytes: &[u8], at: usize) -> u64 {
    let Some(rest) = bytes.get(at..) else { return 0 };
    match rest.first_chunk::<BLOCK>() {
        Some(block) => mask_of(block),
        None => {
            let mut block = [0; BLOCK];
            block.get_mut(..rest.len()).unwrap_or_default().copy_from_slice(rest);
            mask_of(&block)
        }
    }
}

#[inline(always)]
fn mask_of(block: &[u8; BLOCK]) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    let begins = |lane: &[u8; 16]| {
        let lane = u8x16::new(*lane);
        let is = |byte: u8| lane.simd_eq(u8x16::splat(byte));
        // `%` and `&` stand one beside the other.
        let two = ((lane + u8x16::splat(1)) | u8x16::splat(1)).simd_eq(u8x16::splat(b'&' + 1));
        u64::from((two | is(b'\\') | is(b'=')).to_bitmask())
    };
    lanes.iter().rev().fold(0, |mask, lane| mask << 16 | begins(lane))
}

/// What the byte at `at` begins, if that is marked.
#[inline]
fn marked(bytes: &[u8], at: usize) -> Option<Kind> {
    let rest = bytes.get(at..)?;
    let (kind, marked) = match *rest {
        // What stands for white space or a quote is no part of a token: these are many.
        [b'\\', b'n' | b't' | b'r' | b'"' | b'\'', ..] => (Kind::Backslash, flow_after(bytes, at + 2) >= SOME),
        [b'\\', b'/' | b'U' | b'0' | b'1', ..]
        | [b'\\', b'x', b'2'..=b'7', ..]
        | [b'\\', b'u', b'{', ..]
        | [b'\\', b'u', b'0', b'0', b'0' | b'2'..=b'7', ..] => (Kind::Backslash, worth(bytes, at)),
        [b'%', b'0' | b'2'..=b'7', ..] => (Kind::Percent, worth(bytes, at)),
        [b'&', b'#' | b'a'..=b'z' | b'H' | b'T' | b'N', ..] => (Kind::Entity, worth(bytes, at)),
        // Others are as likely an assignment, but for two in a row.
        [b'=', b'3', b'D', ..] | [b'=', _, _, b'=', ..] => (Kind::Quoted, worth(bytes, at)),
        [b'=', b'\n' | b'\r', ..] => (Kind::Quoted, breaks_a_token(bytes, at)),
        _ => return None,
    };
    marked.then_some(kind)
}

/// Whether what stands beside the escape at `at` may be a name or a value.
fn worth(bytes: &[u8], at: usize) -> bool {
    let Some(escape) = escape::first(bytes.get(at..).unwrap_or_default()) else { return false };
    let [byte] = *escape.text() else { return false };
    if !printable(byte) {
        return false;
    }
    let end = at + escape.length;
    let after = flow_after(bytes, end);
    if after >= SOME {
        return is_text(bytes, bytes.get(at), end);
    }
    let assigned = || {
        // `name=3D"value"`, `name%3A value`
        let rest = bytes.get(end..end + 2).unwrap_or_default();
        let beside = rest.iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'\\')).count();
        beside > 0 && flow_after(bytes, end + beside) >= SOME
    };
    let inside = || {
        is_flow(byte) && flow_before(bytes, at) + escape.length + after >= MANY && is_text(bytes, bytes.get(at), end)
    };
    inside() || (matches!(byte, b'=' | b':') && assigned())
}

/// Whether the next few escapes from `at` on, of one kind and in one name or token, are text.
fn is_text(bytes: &[u8], kind: Option<&u8>, mut at: usize) -> bool {
    for _ in 0..NEXT {
        let rest = bytes.get(at..).unwrap_or_default();
        let escape = if rest.first() == kind { escape::first(rest) } else { None };
        at += match (escape, rest.first()) {
            (Some(escape), _) if escape.text().iter().any(|byte| !printable(*byte)) => return false,
            (Some(escape), _) => escape.length,
            (None, Some(byte)) if is_flow(*byte) => 1,
            _ => return true,
        };
    }
    true
}

/// Whether the line ends here in the middle of a token, as quoted-printable breaks it.
fn breaks_a_token(bytes: &[u8], at: usize) -> bool {
    let Some(escape) = escape::first(bytes.get(at..).unwrap_or_default()) else { return false };
    let line = bytes.get(at.saturating_sub(*LINE.end() + 1)..at).unwrap_or_default();
    let length = line.iter().rev().position(|&byte| byte == b'\n').unwrap_or(line.len());
    let token = flow_before(bytes, at) + flow_after(bytes, at + escape.length);
    LINE.contains(&length) && token >= MANY
}

/// How many bytes of a name, a token or an address stand before `at`, up to [`MANY`].
fn flow_before(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or(bytes);
    before.iter().rev().take(MANY).take_while(|byte| is_flow(**byte)).count()
}

/// How many stand from `at` on, up to [`MANY`].
fn flow_after(bytes: &[u8], at: usize) -> usize {
    let after = bytes.get(at..).unwrap_or_default();
    after.iter().take(MANY).take_while(|byte| is_flow(**byte)).count()
}

/// Whether names, tokens and addresses are made of such bytes, or the escapes in them.
#[inline]
#[expect(clippy::indexing_slicing, reason = "256 entries, one for each byte")]
pub(super) fn is_flow(byte: u8) -> bool {
    FLOW[usize::from(byte)]
}

/// [`is_flow`], by byte.
static FLOW: [bool; 256] = flow();

#[expect(clippy::indexing_slicing, reason = "made by the compiler, which would refuse")]
const fn flow() -> [bool; 256] {
    let mut flow = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        flow[byte as usize] =
            !matches!(byte, b'"' | b'\'' | b'`' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b',' | b'|');
        byte += 1;
    }
    flow
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        marks(text.as_bytes(), 0..text.len(), &mut found);
        found.into_iter().map(|mark| mark.at as usize).collect()
    }

    #[test]
    fn escapes_beside_names_and_values_are_marked() {
        let broken = format!("\n{} abcdefghijkl=\nmnopqrstuvwxyz", "word ".repeat(11));
        for (text, count) in [
            (r#"{\"token\": \"abcdefghijklmnop\"}"#, 1),
            (r#"{\"secret_access_key\":\"abcdefghijklmnop\"}"#, 2),
            (r"one\nabcdefghijklmnop", 1),
            (r"\u0067\u0068\u0070\u005f", 4),
            ("password%3Dhunter2xy", 1),
            ("api_key=3D\"abcdefghijklmnop\"", 1),
            ("a &quot;abcdefghijklmnop&quot; b", 1),
            (r"abcdefghij\/klmnopqrst", 1),
            (&broken, 1),
        ] {
            assert_eq!(found(text).len(), count, "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn escapes_of_everyday_are_not() {
        let far = format!("{} abcdefghijkl=\nmnopqrstuvwxyz", "word ".repeat(20));
        for text in [
            r#"printf("%s: %d%%\n", name, 100%3);"#,
            r#"say "\"something\"""#,
            r"\d+\.\w{8} \\ \u00e9\u00e8\u00ea and café",
            "width=50;height=3px",
            "?q=running&page=5&utm_source=google",
            "AT&T; R&D; &nbsp; &eacute;",
            r"\x1f\x8b\x08\x00AB\x1b\x45\x00\xff\x8c\x58\x5f\x9c\x1aqr\x03",
            &far,
        ] {
            assert_eq!(found(text), [0usize; 0], "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn marks_are_what_a_look_at_each_byte_finds_near_it(
            text in r#"([a-z]{0,30}|\\["nu\\]|\\u00[2-7][0-9a-f]|%[2-7][0-9A-F]|&(quot|amp|#65);|=3D|=\n|[ \n"]){0,40}"#,
            from in any::<prop::sample::Index>(),
        ) {
            let plainly = |bytes: &[u8]| (0..bytes.len()).filter(|&at| marked(bytes, at).is_some()).collect::<Vec<_>>();
            let all = plainly(text.as_bytes());
            prop_assert_eq!(found(&text), all.clone());
            // A mark is there whatever stands further away than the margin.
            for at in all {
                let near = at.saturating_sub(MARGIN)..text.len().min(at + MARGIN);
                prop_assert!(marked(&text.as_bytes()[near.clone()], at - near.start).is_some(), "{} in {:?}", at, text);
            }
            let from = from.index(text.len() + 1);
            let mut some = Vec::new();
            marks(text.as_bytes(), from..text.len(), &mut some);
            let some: Vec<usize> = some.into_iter().map(|mark| mark.at as usize).collect();
            prop_assert_eq!(some, found(&text).into_iter().filter(|at| *at >= from).collect::<Vec<_>>());
        }
    }
}
