//! One escape: a few bytes that stand for others.
//!
//! Four kinds, told by their first byte: those of JSON and program text (RFC 8259, section 7; `\x41`, `\101`, `\u{41}` and
//! `\U00000041` as in C, Python, JavaScript and Rust), percent-encoding (RFC 3986, section 2.1), character references of
//! HTML (the HTML standard, section 13.5: those of ASCII), quoted-printable (RFC 2045, section 6.7).

use super::Layer;
use super::hex::{digit, pair};

/// Bytes of the longest escape: two units of UTF-16 in JSON.
pub(super) const LONGEST: usize = 12;

/// What begins an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Backslash,
    Percent,
    Entity,
    Quoted,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Backslash, Kind::Percent, Kind::Entity, Kind::Quoted];

    /// The first byte.
    pub fn byte(self) -> u8 {
        match self {
            Kind::Backslash => b'\\',
            Kind::Percent => b'%',
            Kind::Entity => b'&',
            Kind::Quoted => b'=',
        }
    }

    /// What is decoded of it. Of program text, [`super::Chunk::layer_at`] tells which.
    pub fn layer(self) -> Layer {
        match self {
            Kind::Backslash => Layer::Json,
            Kind::Percent => Layer::Percent,
            Kind::Entity => Layer::Html,
            Kind::Quoted => Layer::QuotedPrintable,
        }
    }
}

/// Whether JSON has an escape of so many bytes.
pub(super) fn is_json(length: usize) -> bool {
    matches!(length, 1 | 2 | 6 | 12)
}

/// An escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Escape {
    /// Its bytes.
    pub length: usize,
    text: [u8; 4],
    size: usize,
}

impl Escape {
    fn byte(length: usize, byte: u8) -> Escape {
        Escape { length, text: [byte, 0, 0, 0], size: 1 }
    }

    fn character(length: usize, code: u32) -> Option<Escape> {
        let mut text = [0; 4];
        let size = char::from_u32(code)?.encode_utf8(&mut text).len();
        Some(Escape { length, text, size })
    }

    /// What it stands for.
    pub fn text(&self) -> &[u8] {
        self.text.get(..self.size).unwrap_or_default()
    }
}

/// The escape that `bytes` begin with.
pub(super) fn first(bytes: &[u8]) -> Option<Escape> {
    match *bytes.first()? {
        b'\\' => backslash(bytes),
        b'%' => Some(Escape::byte(3, pair(*bytes.get(1)?, *bytes.get(2)?)?)),
        b'&' => entity(bytes),
        b'=' => quoted(bytes),
        _ => None,
    }
}

fn backslash(bytes: &[u8]) -> Option<Escape> {
    let byte = match *bytes.get(1)? {
        byte @ (b'"' | b'\'' | b'\\' | b'/') => byte,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' if bytes.get(2) == Some(&b'{') => return braced(bytes),
        b'u' => return unit(bytes),
        b'U' => return Escape::character(10, number(bytes.get(2..10)?)?),
        b'x' => return Some(Escape::byte(4, pair(*bytes.get(2)?, *bytes.get(3)?)?)),
        b'0'..=b'3' => return octal(bytes),
        _ => return None,
    };
    Some(Escape::byte(2, byte))
}

fn octal(bytes: &[u8]) -> Option<Escape> {
    let [a, b, c] = *bytes.get(1..)?.first_chunk()?;
    let all = [a, b, c].iter().all(|digit| matches!(digit, b'0'..=b'7'));
    all.then(|| Escape::byte(4, (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')))
}

/// A unit of UTF-16, or two that are one character.
fn unit(bytes: &[u8]) -> Option<Escape> {
    let unit = |at: usize| bytes.get(at..at + 6)?.strip_prefix(b"\\u").and_then(number);
    let first = unit(0)?;
    match (first, unit(6)) {
        (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
            Escape::character(12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        (0xd800..0xe000, _) => Escape::character(6, 0xfffd),
        _ => Escape::character(6, first),
    }
}

/// `\u{41}`
fn braced(bytes: &[u8]) -> Option<Escape> {
    let rest = bytes.get(3..)?;
    let length = rest.iter().take(7).position(|&byte| byte == b'}').filter(|&length| length > 0)?;
    Escape::character(length + 4, number(rest.get(..length)?)?)
}

/// What hexadecimal digits are worth, of which there are at most eight.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, &byte| Some(number << 4 | u32::from(digit(byte)?)))
}

fn entity(bytes: &[u8]) -> Option<Escape> {
    let rest = bytes.get(1..)?;
    let name = rest.iter().take(9).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    let name = rest.get(..name).filter(|name| rest.get(name.len()) == Some(&b';'))?;
    let length = name.len() + 2;
    match name {
        [b'#', b'x' | b'X', digits @ ..] if (1..=6).contains(&digits.len()) => {
            Escape::character(length, number(digits)?)
        }
        [b'#', digits @ ..] if (1..=7).contains(&digits.len()) => {
            Escape::character(length, std::str::from_utf8(digits).ok()?.parse().ok()?)
        }
        _ => NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, byte)| Escape::byte(length, *byte)),
    }
}

/// Characters of ASCII that have a name.
const NAMES: [(&str, u8); 36] = [
    ("quot", b'"'),
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("apos", b'\''),
    ("equals", b'='),
    ("colon", b':'),
    ("sol", b'/'),
    ("bsol", b'\\'),
    ("num", b'#'),
    ("lowbar", b'_'),
    ("period", b'.'),
    ("comma", b','),
    ("plus", b'+'),
    ("commat", b'@'),
    ("excl", b'!'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("semi", b';'),
    ("quest", b'?'),
    ("Hat", b'^'),
    ("grave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("verbar", b'|'),
    ("Tab", b'\t'),
    ("NewLine", b'\n'),
];

/// A byte, or a line break that is none and stands for nothing.
fn quoted(bytes: &[u8]) -> Option<Escape> {
    let nothing = |length| Some(Escape { length, text: [0; 4], size: 0 });
    match *bytes.get(1..)? {
        [b'\n', ..] => nothing(2),
        [b'\r', b'\n', ..] => nothing(3),
        // An encoder writes capitals.
        [high, low, ..] if !high.is_ascii_lowercase() && !low.is_ascii_lowercase() => {
            Some(Escape::byte(3, pair(high, low)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_for_what_its_standard_says() {
        for (escape, text) in [
            (r#"\""#, "\""),
            (r"\\", "\\"),
            (r"\/", "/"),
            (r"\n", "\n"),
            (r"\u0041", "A"),
            (r"\u00e9", "é"),
            (r"\uD834\uDD1E", "𝄞"),
            (r"\U0001D11E", "𝄞"),
            (r"\u{1D11E}", "𝄞"),
            (r"\x41", "A"),
            (r"\101", "A"),
            ("%3D", "="),
            ("%3d", "="),
            ("&#65;", "A"),
            ("&#x41;", "A"),
            ("&#X00e9;", "é"),
            ("&quot;", "\""),
            ("=3D", "="),
            ("=\r\n", ""),
            ("=\n", ""),
        ] {
            let found = first(format!("{escape}and more").as_bytes()).unwrap_or_else(|| panic!("{escape}"));
            assert_eq!((found.text(), found.length), (text.as_bytes(), escape.len()), "{escape}");
            assert_eq!(first(escape.as_bytes()), Some(found), "{escape} at the end");
            assert!(escape.len() <= LONGEST);
        }
        assert_eq!(first(br"\ud834 alone").map(|found| found.text().to_vec()), Some("\u{fffd}".into()));
    }

    #[test]
    fn others_are_no_escapes() {
        for text in [
            r"\d",
            r"\",
            r"\u00",
            r"\u{}",
            r"\u{1234567}",
            r"\xg0",
            r"\18",
            r"\400",
            "%",
            "%4",
            "%zz",
            "& ",
            "&quot",
            "&#;",
            "&#x110000;",
            "&#99999999;",
            "&nothing;",
            "=",
            "=3d",
            "=4",
            "a",
            "",
        ] {
            assert_eq!(first(text.as_bytes()), None, "{text}");
        }
    }
}
