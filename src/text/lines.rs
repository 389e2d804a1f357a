//! From a byte offset to a line and a column, counting only where somebody asks.

/// A place in text as a person counts: both from 1; the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1, in bytes.
    pub column: u64,
}

/// The position of `offset` in `bytes` (offsets past the end are the end).
pub fn position(bytes: &[u8], offset: usize) -> Position {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|&&b| b == b'\n').count() as u64 + 1;
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    Position { line, column: (before.len() - start) as u64 + 1 }
}

/// The bytes of the line that holds `offset`, without its end.
pub fn line_at(bytes: &[u8], offset: usize) -> &[u8] {
    let offset = offset.min(bytes.len());
    let (before, after) = bytes.split_at(offset);
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let end = after.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| offset + at);
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
        assert_eq!(line_at(text, 4), b"cd");
        assert_eq!(line_at(text, 99), b"x");
    }
}
