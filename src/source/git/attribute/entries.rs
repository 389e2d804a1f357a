//! The entries of a tree, cut out of its bytes; of a tree that git stored as a change of another one, only those that the
//! change touched.
//!
//! Where an entry ends is told by its own bytes alone: name, NUL, and an id of fixed width. So when the reading of a
//! changed tree arrives, inside a copied run, at a place that is the start of an entry in the base, the entries up to the
//! last one that lies wholly in the run are those of the base, and are passed over in one step. When it arrives elsewhere (a
//! run that begins in the middle of an entry), it reads on by itself. The result is that of reading every byte.

use super::super::pack::Run;
use super::super::tree::{self, Line};

/// What is kept of a tree for those that are changes of it.
pub(super) struct Cut<T> {
    /// Where each entry starts, of a leaf nowhere, and behind them where the last one ends. Empty when the bytes are no tree.
    starts: Vec<u32>,
    /// What was kept of entries, by their starts, in order.
    pub kept: Vec<(u32, T)>,
}

impl<T: Copy> Cut<T> {
    /// Cuts a tree. `keep` sees every entry that is not taken over from the base, and says what is to be kept of it.
    /// `width` is that of an id. Of a `leaf`, which is the base of no other, no starts are needed.
    pub fn new(
        bytes: &[u8],
        base: Option<(&Cut<T>, &[Run])>,
        width: usize,
        leaf: bool,
        mut keep: impl FnMut(&Line<'_>) -> Option<T>,
    ) -> Cut<T> {
        let (base, runs) = base.filter(|(base, _)| base.is_tree()).map_or((None, &[][..]), |(b, runs)| (Some(b), runs));
        let guess = base.map_or(bytes.len() / 40, |base| base.starts.len());
        let mut cut = Cut { starts: Vec::with_capacity(if leaf { 1 } else { guess + 2 }), kept: Vec::new() };
        let mut runs = runs;
        let mut at = 0;
        while at < bytes.len() {
            while let Some((run, others)) = runs.split_first().filter(|(run, _)| run.at + run.len <= at) {
                let _ = run;
                runs = others;
            }
            if let Some((base, run)) = base.zip(runs.first())
                && run.at <= at
                && let Some(next) = cut.take_over(base, run, at, leaf)
            {
                at = next;
                continue;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            let Some((entry, after)) = tree::first(rest, width) else { return Cut::no_tree() };
            let Ok(start) = u32::try_from(at) else { return Cut::no_tree() };
            if !leaf {
                cut.starts.push(start);
            }
            cut.kept.extend(keep(&entry).map(|kept| (start, kept)));
            at = bytes.len() - after.len();
        }
        let Ok(end) = u32::try_from(at) else { return Cut::no_tree() };
        cut.starts.push(end);
        cut
    }

    fn no_tree() -> Cut<T> {
        Cut { starts: Vec::new(), kept: Vec::new() }
    }

    /// Whether the bytes were a tree, from the first to the last.
    pub fn is_tree(&self) -> bool {
        !self.starts.is_empty()
    }

    /// Takes the entries of the base that lie wholly in the run, from `at` on: gives the place behind them, or `None` when
    /// there are none to take.
    fn take_over(&mut self, base: &Cut<T>, run: &Run, at: usize, leaf: bool) -> Option<usize> {
        let there = u32::try_from(at - run.at + run.base).ok()?;
        let run_end = u32::try_from(run.base + run.len).ok()?;
        let first = base.starts.binary_search(&there).ok()?;
        let last =
            base.starts.partition_point(|start| *start <= run_end).checked_sub(1).filter(|last| *last > first)?;
        let end = *base.starts.get(last)?;
        let here = u32::try_from(at).ok()?;
        let moved = |start: u32| start - there + here;
        if !leaf {
            self.starts.extend(base.starts.get(first..last)?.iter().map(|start| moved(*start)));
        }
        let from = base.kept.partition_point(|(start, _)| *start < there);
        let to = base.kept.partition_point(|(start, _)| *start < end);
        self.kept.extend(base.kept.get(from..to)?.iter().map(|(start, kept)| (moved(*start), *kept)));
        Some(moved(end) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, id: u8) -> Vec<u8> {
        [format!("100644 {name}\0").into_bytes(), vec![id; 20]].concat()
    }

    /// Keeps the first byte of the id.
    fn cut(bytes: &[u8], base: Option<(&Cut<u8>, &[Run])>) -> (Cut<u8>, usize) {
        let mut read = 0;
        let cut = Cut::new(bytes, base, 20, false, |entry| {
            read += 1;
            Some(entry.id.as_bytes()[0])
        });
        (cut, read)
    }

    #[test]
    fn what_was_copied_is_not_read_again() {
        let one: Vec<u8> = (0..9).flat_map(|at| entry("name", at)).collect();
        let two = [&one[..128], &entry("new", 77), &one[128..]].concat();
        let runs = [Run { base: 0, at: 0, len: 128 }, Run { base: 128, at: 159, len: one.len() - 128 }];
        assert_eq!(two.len(), runs[1].at + runs[1].len);
        let (base, _) = cut(&one, None);
        let (child, read) = cut(&two, Some((&base, &runs)));
        let (whole, _) = cut(&two, None);
        assert!(read < 4, "{read}");
        assert_eq!((&child.starts, &child.kept), (&whole.starts, &whole.kept));
    }

    #[test]
    fn what_is_no_tree_has_no_heirs() {
        let one: Vec<u8> = (0..9).flat_map(|at| entry("name", at)).collect();
        let (broken, _) = cut(&one[..one.len() - 1], None);
        assert!(!broken.is_tree() && broken.kept.is_empty());
        let runs = [Run { base: 0, at: 0, len: one.len() - 1 }];
        assert_eq!(cut(&one, Some((&broken, &runs))).1, 9);
        assert!(cut(b"", None).0.is_tree());
    }

    proptest! {
        /// Any bytes, cut and put together in any way: reading along the copied runs is reading.
        #[test]
        fn along_runs_as_without(
            names in prop::collection::vec(("[a-c]{1,9}", 0u8..3), 1..30),
            pieces in prop::collection::vec((0usize..900, 1usize..400, prop::collection::vec(0u8..3, 0..40)), 0..6),
        ) {
            let one: Vec<u8> = names.iter().flat_map(|(name, id)| entry(name, *id)).collect();
            let (base, _) = cut(&one, None);
            let (mut two, mut runs) = (Vec::new(), Vec::new());
            for (start, len, dirty) in pieces {
                let start = start % one.len();
                let len = len.min(one.len() - start);
                runs.push(Run { base: start, at: two.len(), len });
                two.extend_from_slice(&one[start..start + len]);
                two.extend_from_slice(&dirty);
            }
            let (child, _) = cut(&two, Some((&base, &runs)));
            let (whole, _) = cut(&two, None);
            prop_assert_eq!(&child.starts, &whole.starts);
            prop_assert_eq!(&child.kept, &whole.kept);
            let leaf = Cut::new(&two, Some((&base, &runs)), 20, true, |entry| Some(entry.id.as_bytes()[0]));
            prop_assert_eq!((leaf.is_tree(), &leaf.kept), (whole.is_tree(), &whole.kept));
        }
    }
}
