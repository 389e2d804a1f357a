//! A stream cut into blobs that overlap, in constant memory.
//!
//! Each part owns [`PART`] bytes and carries up to [`CONTEXT`] bytes of its neighbours on either side, so what lies across
//! a cut is seen whole by the part it starts in. A file that fits one part comes whole.

use super::{Blob, Item, Provenance};
use crate::text::lines::{self, Position};
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes that one part owns.
pub(super) const PART: usize = 4 << 20;
/// Bytes of context on either side: far more than the longest secret (a 16384-bit key in PEM has 13 KB).
pub const CONTEXT: usize = 64 << 10;

/// Hands what `reader` gives to `sink`, part by part; `Ok(false)` when the sink wants no more. After an error the bytes
/// that came before it have been handed over.
pub(super) fn cut(
    reader: &mut dyn Read,
    provenance: &Arc<Provenance>,
    sink: &mut dyn FnMut(Item) -> bool,
) -> io::Result<bool> {
    cut_by(reader, provenance, PART, CONTEXT, sink)
}

fn cut_by(
    reader: &mut dyn Read,
    provenance: &Arc<Provenance>,
    part: usize,
    context: usize,
    sink: &mut dyn FnMut(Item) -> bool,
) -> io::Result<bool> {
    let mut window = Window::new(Arc::clone(provenance), part, context);
    loop {
        let result = window.fill(reader);
        if window.is_full() {
            if !sink(Item::Blob(window.part())) {
                return Ok(false);
            }
            window.advance();
        } else {
            let more = sink(Item::Blob(window.last()));
            return result.map(|()| more);
        }
    }
}

/// The bytes in hand and where they lie.
struct Window {
    provenance: Arc<Provenance>,
    part: usize,
    context: usize,
    bytes: Vec<u8>,
    offset: u64,
    first: Position,
    /// Where the region that the next part owns starts in `bytes`.
    own: usize,
}

impl Window {
    fn new(provenance: Arc<Provenance>, part: usize, context: usize) -> Window {
        let first = Position { line: 1, column: 1 };
        Window { provenance, part, context, bytes: Vec::new(), offset: 0, first, own: 0 }
    }

    /// How many bytes there must be before a part that is not the last can be handed over.
    fn wanted(&self) -> usize {
        self.own + self.part + self.context
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= self.wanted()
    }

    /// Reads until the window is full or nothing more comes.
    fn fill(&mut self, reader: &mut dyn Read) -> io::Result<()> {
        let room = self.wanted().saturating_sub(self.bytes.len());
        reader.take(room as u64).read_to_end(&mut self.bytes).map(|_| ())
    }

    fn part(&self) -> Blob {
        self.blob(self.bytes.clone(), self.own + self.part)
    }

    fn last(&mut self) -> Blob {
        let bytes = std::mem::take(&mut self.bytes);
        let end = bytes.len();
        self.blob(bytes, end)
    }

    fn blob(&self, bytes: Vec<u8>, end: usize) -> Blob {
        Blob {
            offset: self.offset,
            first: self.first,
            own: self.own..end,
            ..Blob::whole(bytes, Arc::clone(&self.provenance))
        }
    }

    /// Drops what the next part needs no more.
    fn advance(&mut self) {
        let cut = self.own + self.part;
        let start = cut.saturating_sub(self.context);
        let here = lines::position(&self.bytes, start);
        let column = if here.line == 1 { self.first.column + here.column - 1 } else { here.column };
        self.first = Position { line: self.first.line + here.line - 1, column };
        self.bytes.drain(..start);
        self.offset += start as u64;
        self.own = cut - start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_one_owner_and_its_place() {
        let text: Vec<u8> = (0..997u32).map(|i| if i % 13 == 5 { b'\n' } else { b'a' + (i % 26) as u8 }).collect();
        for (part, context) in [(1, 0), (7, 3), (100, 10), (10, 100), (997, 5), (2000, 5)] {
            let mut owned = Vec::new();
            let provenance = Arc::new(Provenance::Stdin);
            let mut sink = |item| {
                let Item::Blob(blob) = item else { panic!("only blobs") };
                assert!(text[blob.offset as usize..].starts_with(&blob.bytes));
                for at in blob.own.clone() {
                    assert_eq!(blob.position(at), lines::position(&text, blob.offset as usize + at));
                    assert!(blob.bytes.len() >= (text.len() - blob.offset as usize).min(blob.own.end + context));
                }
                owned.extend_from_slice(&blob.bytes[blob.own.clone()]);
                true
            };
            assert!(cut_by(&mut &text[..], &provenance, part, context, &mut sink).unwrap());
            assert_eq!(owned, text, "parts of {part} with {context}");
        }
    }

    #[test]
    fn an_error_loses_nothing_before_it() {
        let mut reader = b"ab".chain(Broken);
        let mut seen = Vec::new();
        let provenance = Arc::new(Provenance::Stdin);
        let result = cut_by(&mut reader, &provenance, 100, 10, &mut |item| {
            let Item::Blob(blob) = item else { panic!("only blobs") };
            seen.extend(blob.bytes);
            true
        });
        assert!(result.is_err());
        assert_eq!(seen, b"ab");
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
