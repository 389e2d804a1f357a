//! How a dotenv file is written: lines `NAME=value`, with `export` before and a comment after it.
//!
//! There are many readers (shells, systemd, Docker, the dotenv libraries), and they differ in what backslash and dollar
//! mean. So a new value keeps the old one's quotes only where all of them read it alike; else it goes into single
//! quotes, within which everything is itself; and a value that not even those can hold alike is refused.

use crate::secret::Secret;
use std::ops::Range;
use zeroize::Zeroizing;

/// One entry, as it lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    name: Range<usize>,
    /// The value with its quotes.
    value: Range<usize>,
    style: Style,
    /// Its line, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bare,
    Single,
    Double,
    Backtick,
    /// A quote that never ends.
    Unclosed,
}

/// Whether `name` can name an entry.
pub fn is_name(name: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    name.iter().all(fits) && name.first().is_some_and(|b| !b.is_ascii_digit())
}

/// All entries, in order. What is no entry is passed over; a value in quotes may have several lines.
pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (mut start, mut line) = (0, 1);
    while start < bytes.len() {
        let mut next = line_end(bytes, start);
        if let Some(entry) = entry(bytes, start..next, line) {
            next = line_end(bytes, entry.value.end.max(start));
            entries.push(entry);
        }
        let passed = bytes.get(start..next).unwrap_or_default();
        line += 1 + passed.iter().filter(|&&b| b == b'\n').count();
        start = next + 1;
    }
    entries
}

impl Entry {
    /// Whether it has that name.
    pub fn is_named(&self, bytes: &[u8], name: &str) -> bool {
        bytes.get(self.name.clone()) == Some(name.as_bytes())
    }

    /// The value that a reader sees; `None` when its quote is not closed.
    pub fn value(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let raw = bytes.get(self.value.clone())?;
        let inside = || raw.get(1..raw.len().checked_sub(1)?);
        match self.style {
            Style::Bare => Some(raw.to_vec()),
            Style::Single | Style::Backtick => inside().map(<[u8]>::to_vec),
            Style::Double => inside().map(unescaped),
            Style::Unclosed => None,
        }
    }

    /// The file with `new` in the place of the value.
    #[expect(clippy::disallowed_methods, reason = "writes the value into the file that is its store")]
    pub fn with_value(&self, bytes: &[u8], new: &Secret) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let written = written(new.expose(), self.style)?;
        let mut after = Zeroizing::new(Vec::with_capacity(bytes.len() + written.len()));
        after.extend_from_slice(bytes.get(..self.value.start).unwrap_or_default());
        after.extend_from_slice(&written);
        after.extend_from_slice(bytes.get(self.value.end..).unwrap_or_default());
        Ok(after)
    }
}

/// A value as it is written, in the old one's style where that can be.
fn written(value: &[u8], style: Style) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    if value.is_empty() {
        return Err("an empty value");
    }
    if std::str::from_utf8(value).is_err() || value.iter().any(|b| b.is_ascii_control() && *b != b'\n') {
        return Err("a value with bytes that a dotenv file cannot hold");
    }
    let simple = value.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.:/@%+=,~^".contains(b));
    // Within double quotes: everything but what some reader expands or ends at.
    let tame = !value.iter().any(|b| b"\"\\$`\n".contains(b));
    let single = !value.iter().any(|b| b"'\\\n".contains(b));
    let quoted = |quote: u8| Ok(Zeroizing::new([&[quote], value, &[quote]].concat()));
    match style {
        Style::Bare if simple => Ok(Zeroizing::new(value.to_vec())),
        Style::Double if tame => quoted(b'"'),
        Style::Backtick if simple => quoted(b'`'),
        _ if single => quoted(b'\''),
        _ if tame => quoted(b'"'),
        // Several lines (a private key): every library reads `\n` within double quotes.
        _ if !value.iter().any(|b| b"\"\\$`".contains(b)) => Ok(escaped(value)),
        // A backslash within single quotes is itself for all but a few; with a quote beside it nobody agrees.
        _ if !value.iter().any(|b| b"'\n".contains(b)) => quoted(b'\''),
        _ => Err("a value with quotes, dollars or backslashes that not every reader reads alike"),
    }
}

fn escaped(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![b'"']);
    for &byte in value {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

fn unescaped(inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(same @ (b'"' | b'\\' | b'$' | b'`')) => out.push(same),
                Some(other) => out.extend_from_slice(&[b'\\', other]),
                None => out.push(b'\\'),
            },
            byte => out.push(byte),
        }
    }
    out
}

/// The entry in one line, if there is one; its value may end in a later line.
fn entry(bytes: &[u8], line: Range<usize>, number: usize) -> Option<Entry> {
    let blank = |at: usize| skip(bytes, at, line.end);
    let mut start = blank(line.start);
    if bytes.get(start..line.end)?.starts_with(b"export") && blank(start + 6) > start + 6 {
        start = blank(start + 6);
    }
    let length = bytes.get(start..line.end)?.iter().position(|b| b" \t=".contains(b))?;
    let name = start..start + length;
    let equals = blank(name.end);
    if !is_name(bytes.get(name.clone())?) || bytes.get(equals) != Some(&b'=') {
        return None;
    }
    let value = blank(equals + 1);
    let (end, style) = value_end(bytes, value, line.end);
    // An empty value stands right after the sign: what follows may be a comment.
    let (value, end) = if value == end { (equals + 1, equals + 1) } else { (value, end) };
    Some(Entry { name, value: value..end, style, line: number })
}

/// Where the value that starts at `at` ends, and how it is written.
fn value_end(bytes: &[u8], at: usize, line_end: usize) -> (usize, Style) {
    let style = match bytes.get(at) {
        Some(b'\'') if at < line_end => Style::Single,
        Some(b'"') if at < line_end => Style::Double,
        Some(b'`') if at < line_end => Style::Backtick,
        _ => return (bare_end(bytes, at, line_end), Style::Bare),
    };
    let quote = bytes.get(at).copied().unwrap_or_default();
    let mut escaped = false;
    for (offset, &byte) in bytes.get(at + 1..).unwrap_or_default().iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if style == Style::Double => escaped = true,
            byte if byte == quote => return (at + 2 + offset, style),
            _ => {}
        }
    }
    (bare_end(bytes, at, line_end), Style::Unclosed)
}

/// A bare value ends at the line's end or before a comment, less the blanks there.
fn bare_end(bytes: &[u8], at: usize, line_end: usize) -> usize {
    let raw = bytes.get(at..line_end).unwrap_or_default();
    let comment = raw.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#']));
    let comment = if raw.first() == Some(&b'#') { Some(0) } else { comment };
    let raw = raw.get(..comment.unwrap_or(raw.len())).unwrap_or_default();
    at + raw.iter().rposition(|b| !b" \t\r".contains(b)).map_or(0, |last| last + 1)
}

fn skip(bytes: &[u8], at: usize, end: usize) -> usize {
    let blanks = bytes.get(at..end).unwrap_or_default().iter().take_while(|b| b" \t".contains(b)).count();
    at + blanks
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|&b| b == b'\n').map_or(bytes.len(), |found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str) -> Vec<(String, Option<String>, usize)> {
        let text = text.as_bytes();
        let of = |entry: &Entry| {
            let name = String::from_utf8_lossy(&text[entry.name.clone()]).into_owned();
            let value = entry.value(text).map(|value| String::from_utf8(value).unwrap());
            (name, value, entry.line)
        };
        entries(text).iter().map(of).collect()
    }

    #[test]
    fn entries_are_found_as_readers_find_them() {
        for (text, want) in [
            ("KEY=a", "a"),
            ("KEY=a b \r\n", "a b"),
            ("  export\tKEY = a # c", "a"),
            ("KEY=a#b", "a#b"),
            ("KEY=#b", ""),
            ("KEY=", ""),
            ("KEY='a # b' # c", "a # b"),
            ("KEY=\"a\\n\\\"b\\\\\\x\"", "a\n\"b\\\\x"),
            ("KEY=`a'b`", "a'b"),
            ("KEY='a\nB=1\n'", "a\nB=1\n"),
            ("KEY=a=b==", "a=b=="),
        ] {
            assert_eq!(values(text), [("KEY".to_owned(), Some(want.to_owned()), 1)], "{text:?}");
        }
        assert_eq!(values("# KEY=1\nKEY\n1KEY=2\nKEY.x=1\nexportKEY 1\n=3\n"), []);
        let several = values("A='x\ny'\n\nB=2\nC=\"open\nD=4");
        let brief: Vec<_> =
            several.iter().map(|(name, value, line)| (name.as_str(), value.as_deref(), *line)).collect();
        assert_eq!(brief, [("A", Some("x\ny"), 1), ("B", Some("2"), 4), ("C", None, 5), ("D", Some("4"), 6)]);
    }

    #[test]
    fn a_new_value_keeps_the_style_where_all_readers_agree() {
        for (old, new, want) in [
            ("KEY=old # c", "abc-1", "KEY=abc-1 # c"),
            ("KEY='old'", "abc", "KEY='abc'"),
            ("KEY=\"old\"", "a b#c", "KEY=\"a b#c\""),
            ("KEY=old", "a b#c", "KEY='a b#c'"),
            ("KEY=\"old\"", "a$b", "KEY='a$b'"),
            ("KEY='old'", "it's", "KEY=\"it's\""),
            ("KEY=old", "one\ntwo\n", "KEY=\"one\\ntwo\\n\""),
            ("KEY=", "x", "KEY=x"),
            ("KEY=  # c", "x", "KEY=x  # c"),
        ] {
            let entry = entries(old.as_bytes()).remove(0);
            let after = entry.with_value(old.as_bytes(), &Secret::new(new)).unwrap();
            assert_eq!(String::from_utf8_lossy(&after), want, "{old} -> {new}");
        }
        for bad in ["", "it's $5", "a\0b", "a\rb", "a'\\b"] {
            assert!(written(bad.as_bytes(), Style::Bare).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn replaced_then_read_is_the_new_value_and_the_rest_stays(
            before in "([A-Z]{1,4}=[a-z ]{0,5}(\r?\n)|#[ -~]{0,9}\n|\n|Q='[a-z\n=]{0,8}'\n){0,5}",
            open in prop::sample::select(vec!["KEY=", "export KEY=", " KEY = "]),
            old in prop::sample::select(vec!["", "abc", "'a b'", "\"a\\nb\"", "`x`"]),
            after in "(| # c)(\r?\n([A-Z]{1,4}=[ -~]{0,9}\n){0,3})?",
            new in "[ -~]{1,30}|[a-z\n]{1,30}",
        ) {
            prop_assume!(!before.contains("KEY") && !after.contains("KEY"));
            let file = format!("{before}{open}{old}{after}");
            let find = |bytes: &[u8]| entries(bytes).into_iter().find(|entry| entry.is_named(bytes, "KEY"));
            let entry = find(file.as_bytes()).unwrap();
            if let Ok(changed) = entry.with_value(file.as_bytes(), &Secret::new(new.as_str())) {
                let entry = find(&changed).unwrap();
                prop_assert_eq!(entry.value(&changed), Some(new.into_bytes()));
                let head = before + open;
                prop_assert!(changed.starts_with(head.trim_end().as_bytes()));
                prop_assert!(changed.ends_with(after.as_bytes()));
            }
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for entry in entries(&bytes) {
                let _ = entry.value(&bytes);
            }
        }
    }
}
