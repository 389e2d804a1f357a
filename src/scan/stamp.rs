//! When what was found in a log was written there: by its line, or by the last line before it that says so (a stack trace
//! and a text of several lines have a time at their start).
//!
//! Only lines in which something was found are read for it, and what lies between two of them once.

use crate::source::Blob;
use crate::text::moment;
use jiff::Timestamp;
use memchr::{memchr, memrchr};

/// Bytes before and after a place that may have a say: less than the context of a part, so that it does not matter how a
/// log was cut.
const REACH: usize = 32 << 10;

/// Reads the times of a blob's lines.
pub(super) struct Stamps<'b> {
    blob: &'b Blob,
    now: Timestamp,
    /// The last place asked for: where its line starts, and the last line until there that says a time, and that time.
    known: usize,
    last: Option<(usize, Timestamp)>,
}

impl<'b> Stamps<'b> {
    pub fn new(blob: &'b Blob, now: Timestamp) -> Stamps<'b> {
        Stamps { blob, now, known: 0, last: None }
    }

    /// When the line of the byte `offset` of the whole file was written. Asked for in the order of places.
    pub fn at(&mut self, offset: u64) -> Option<Timestamp> {
        let bytes: &[u8] = &self.blob.bytes;
        let at = usize::try_from(offset.checked_sub(self.blob.offset)?).ok().filter(|at| *at < bytes.len())?;
        let least = at.saturating_sub(REACH);
        let mut end = memchr(b'\n', bytes.get(at..bytes.len().min(at + REACH))?).map_or(bytes.len(), |end| at + end);
        let mut found = None;
        let mut first = None;
        // From its own line backward to what is known.
        loop {
            let start = memrchr(b'\n', bytes.get(least..end.min(at))?).map_or(least, |newline| least + newline + 1);
            first = first.or(Some(start));
            let cut = start == least && least > 0;
            if !cut && let Some(time) = moment::of_line(bytes.get(start..end)?, self.now) {
                found = Some((start, time));
                break;
            }
            if start <= least || start <= self.known {
                break;
            }
            end = start - 1;
        }
        self.known = first.unwrap_or_default();
        self.last = found.or(self.last.filter(|(start, _)| *start >= least));
        self.last.map(|(_, time)| time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Provenance;
    use std::sync::Arc;

    #[test]
    fn a_line_without_a_time_has_that_of_the_lines_before_it() {
        let text = "none yet\n2026-11-20 12:00:00 ERROR x\n  at a.b\n  at c.d\n2026-11-20 12:00:01 INFO y\nz\n";
        let blob = Blob::whole(text.as_bytes().to_vec(), Arc::new(Provenance::Stdin));
        let time = |second: u32| Some(format!("2026-11-20T12:00:0{second}Z").parse::<Timestamp>().unwrap());
        let wanted =
            [("none", None), ("ERROR", time(0)), ("a.b", time(0)), ("c.d", time(0)), ("y", time(1)), ("z", time(1))];
        let mut stamps = Stamps::new(&blob, Timestamp::UNIX_EPOCH);
        for (word, want) in wanted {
            let at = text.find(&format!("{word}\n")).or(text.find(word)).unwrap() as u64;
            assert_eq!(stamps.at(at), want, "{word}");
            assert_eq!(Stamps::new(&blob, Timestamp::UNIX_EPOCH).at(at), want, "{word} alone");
        }
    }

    #[test]
    fn a_time_that_is_far_away_is_none() {
        let text = format!("2026-11-20 12:00:00 x\n{}y", "line\n".repeat(REACH / 4));
        let blob = Blob::whole(text.clone().into_bytes(), Arc::new(Provenance::Stdin));
        assert_eq!(Stamps::new(&blob, Timestamp::UNIX_EPOCH).at(text.len() as u64 - 1), None);
    }
}
