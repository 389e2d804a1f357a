//! From a byte offset to a line and a column, counting only where somebody asks.

/// A place in text as a person counts: both from 1; the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1, in bytes.
    pub column: u64,
}

impl Position {
    /// The first byte of a text.
    pub const FIRST: Position = Position { line: 1, column: 1 };

    /// The position just past `bytes`, which start here.
    pub fn past(self, bytes: &[u8]) -> Position {
        self.after(Lines::of(bytes))
    }

    /// The position just past bytes that start here and have these lines.
    pub fn after(self, lines: Lines) -> Position {
        match lines.ends {
            0 => Position { line: self.line, column: self.column + lines.rest },
            ends => Position { line: self.line + ends, column: lines.rest + 1 },
        }
    }

    /// Where something lies in the whole that lies here in a piece of it, which starts at `piece`.
    pub fn within(self, piece: Position) -> Position {
        let column = if self.line == 1 { piece.column + self.column - 1 } else { self.column };
        Position { line: piece.line + self.line - 1, column }
    }
}

/// What bytes have to say about positions after them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// Ends of lines among them.
    ends: u64,
    /// Bytes after the last one.
    rest: u64,
}

impl Lines {
    /// Counts the ends of lines.
    pub fn of(bytes: &[u8]) -> Lines {
        let rest = memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |last| bytes.len() - last - 1);
        let ends = if rest == bytes.len() { 0 } else { memchr::memchr_iter(b'\n', bytes).count() };
        Lines { ends: ends as u64, rest: rest as u64 }
    }
}

/// The position of `offset` in `bytes` (offsets past the end are the end).
pub fn position(bytes: &[u8], offset: usize) -> Position {
    Position::FIRST.past(bytes.get(..offset).unwrap_or(bytes))
}

/// The bytes of the line that holds `offset`, without its end.
pub fn line_at(bytes: &[u8], offset: usize) -> &[u8] {
    let offset = offset.min(bytes.len());
    let (before, after) = bytes.split_at(offset);
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', after).map_or(bytes.len(), |at| offset + at);
    let line = bytes.get(start..end).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_one() {
        let text = b"ab\ncd\r\n\nx";
        for (offset, line, column) in [(0, 1, 1), (2, 1, 3), (3, 2, 1), (7, 3, 1), (8, 4, 1), (99, 4, 2)] {
            assert_eq!(position(text, offset), Position { line, column }, "at {offset}");
        }
        for cut in 0..text.len() {
            let piece = position(text, cut);
            for at in cut..=text.len() {
                assert_eq!(position(&text[cut..], at - cut).within(piece), position(text, at), "{at} cut at {cut}");
                assert_eq!(piece.past(&text[cut..at]), position(text, at));
            }
        }
        assert_eq!(line_at(text, 4), b"cd");
        assert_eq!(line_at(text, 99), b"x");
    }
}
