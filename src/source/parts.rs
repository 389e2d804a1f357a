//! A stream cut into blobs that overlap, in constant memory.
//!
//! Each part owns [`PART`] bytes and carries up to [`CONTEXT`] bytes of its neighbours on either side, so what lies across
//! a cut is seen whole by the part it starts in. A file that fits one part comes whole.

use super::{Blob, Bytes, Provenance};
use crate::text::lines::Position;
use crate::text::wide;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// Bytes that one part owns.
pub(super) const PART: usize = 2 << 20;
/// Bytes of context on either side: far more than the longest secret (a 16384-bit key in PEM has 13 KB).
pub const CONTEXT: usize = 64 << 10;
/// Bytes of the biggest part.
pub(super) const LARGEST: usize = PART + 2 * CONTEXT;
/// Bytes that one thread has in flight at most: in its hands, and what waits for it.
pub const IN_FLIGHT: usize = 4 * LARGEST;
/// Bytes asked for at once: what a pipe holds.
const READ: usize = 64 << 10;

/// Hands what `reader` gives to `sink`, part by part, in buffers of `spare`; `Ok(false)` when the sink wants no more.
/// After an error the bytes that came before it have been handed over.
pub(super) fn cut(
    reader: &mut dyn Read,
    provenance: &Arc<Provenance>,
    spare: &dyn Fn() -> Bytes,
    sink: &mut dyn FnMut(Blob) -> bool,
) -> io::Result<bool> {
    cut_by(reader, provenance, [PART, CONTEXT], spare, sink)
}

/// The same with parts of any size.
pub(crate) fn cut_by(
    reader: &mut dyn Read,
    provenance: &Arc<Provenance>,
    [part, context]: [usize; 2],
    spare: &dyn Fn() -> Bytes,
    sink: &mut dyn FnMut(Blob) -> bool,
) -> io::Result<bool> {
    let mut bytes = spare();
    bytes.set_len(0);
    let mut wide = None;
    let mut window = Window { bytes, offset: 0, first: Position::FIRST, own: 0 };
    loop {
        let wanted = window.own + part + context;
        let result = window.fill(reader, wanted);
        let last = window.bytes.len() < wanted;
        let end = if last { window.bytes.len() } else { window.own + part };
        let next = (!last).then(|| window.next(end, context, spare()));
        let Window { bytes, offset, first, own } = window;
        // The parts to come are written as the first is.
        let seen = if offset == 0 && own == 0 { wide::of(&bytes).map(|(wide, _)| wide) } else { None };
        let whole = Blob::whole(Bytes::default(), provenance.clone());
        let blob = Blob { bytes, offset, first, own: own..end, wide, ..whole };
        wide = wide.or(seen);
        match (sink(blob), next) {
            (true, Some(next)) => window = next,
            (more, _) => return result.map(|()| more),
        }
    }
}

/// The bytes in hand and where they lie.
struct Window {
    bytes: Bytes,
    offset: u64,
    first: Position,
    /// Where the region that the next part owns starts in `bytes`.
    own: usize,
}

impl Window {
    /// Reads until there are `wanted` bytes, or nothing more comes.
    fn fill(&mut self, reader: &mut dyn Read, wanted: usize) -> io::Result<()> {
        while self.bytes.len() < wanted {
            let len = self.bytes.len();
            let end = wanted.min(len + READ);
            let room = self.bytes.room(end).get_mut(len..end).unwrap_or_default();
            match reader.read(room) {
                Ok(0) => break,
                Ok(read) => self.bytes.set_len(len + read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What the next part has of this one's bytes, which ends its own at `cut`.
    fn next(&self, cut: usize, context: usize, mut bytes: Bytes) -> Window {
        let start = cut.saturating_sub(context);
        let (before, kept) = self.bytes.split_at_checked(start).unwrap_or_default();
        bytes.room(kept.len()).get_mut(..kept.len()).unwrap_or_default().copy_from_slice(kept);
        bytes.set_len(kept.len());
        Window { bytes, offset: self.offset + start as u64, first: self.first.past(before), own: cut - start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lines;
    use std::cell::RefCell;

    #[test]
    fn each_byte_has_one_owner_and_its_place() {
        let text: Vec<u8> = (0..997u32).map(|i| if i % 13 == 5 { b'\n' } else { b'a' + (i % 26) as u8 }).collect();
        for (part, context) in [(1, 0), (7, 3), (100, 10), (10, 100), (997, 5), (2000, 5)] {
            let mut owned = Vec::new();
            let provenance = Arc::new(Provenance::Stdin);
            // Buffers come back with what was in them.
            let used = RefCell::new(vec![Bytes::from(b"old".to_vec())]);
            let mut sink = |blob: Blob| {
                assert!(text[blob.offset as usize..].starts_with(&blob.bytes));
                for at in blob.own.clone() {
                    assert_eq!(blob.position(at), lines::position(&text, blob.offset as usize + at));
                    assert!(blob.bytes.len() >= (text.len() - blob.offset as usize).min(blob.own.end + context));
                }
                owned.extend_from_slice(&blob.bytes[blob.own.clone()]);
                used.borrow_mut().push(blob.bytes);
                true
            };
            let spare = || used.borrow_mut().pop().unwrap_or_default();
            assert!(cut_by(&mut &text[..], &provenance, [part, context], &spare, &mut sink).unwrap());
            assert_eq!(owned, text, "parts of {part} with {context}");
        }
    }

    #[test]
    fn an_error_loses_nothing_before_it() {
        let mut reader = b"ab".chain(Broken);
        let mut seen = Vec::new();
        let provenance = Arc::new(Provenance::Stdin);
        let result = cut_by(&mut reader, &provenance, [100, 10], &Bytes::default, &mut |blob| {
            seen.extend_from_slice(&blob.bytes);
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
