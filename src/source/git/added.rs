//! Which bytes of a blob a change added: a line diff done here, on bytes, so that no attribute or driver has a say.

use git2::{DiffOptions, Patch};
use std::collections::HashSet;
use std::ops::Range;

/// The ranges of `new` that none of the versions before has: whole lines, and an empty range where lines were taken out,
/// for what stands around it now stands together. Without a version before, all of it.
pub(super) fn ranges(before: &[Vec<u8>], new: &[u8]) -> Vec<Range<usize>> {
    let mut versions = before.iter();
    let Some(first) = versions.next() else { return whole(new) };
    versions.fold(against(first, new), |added, other| intersect(&added, &against(other, new)))
}

/// Of the versions that went away, the one that `new` most likely came from by a rename: at least half of its lines.
pub(super) fn renamed_from<'v>(gone: &'v [Vec<u8>], new: &[u8]) -> Option<&'v Vec<u8>> {
    let lines: HashSet<&[u8]> = lines_of(new).collect();
    let shared = |version: &Vec<u8>| lines_of(version).filter(|line| lines.contains(line)).count();
    let (best, count) = gone.iter().map(|version| (version, shared(version))).max_by_key(|(_, count)| *count)?;
    (count * 2 >= lines_of(new).count().max(1)).then_some(best)
}

fn lines_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

/// What `new` has that `old` has not.
fn against(old: &[u8], new: &[u8]) -> Vec<Range<usize>> {
    let mut options = DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    let Ok(patch) = Patch::from_buffers(old, None, new, None, Some(&mut options)) else {
        return whole(new);
    };
    let starts = line_starts(new);
    let start_of = |line: usize| starts.get(line).copied().unwrap_or(new.len());
    let mut ranges = Vec::new();
    for hunk in 0..patch.num_hunks() {
        let Ok((hunk, _)) = patch.hunk(hunk) else { return whole(new) };
        // A hunk that only takes lines out names the line before the gap.
        let first = hunk.new_start() as usize - usize::from(hunk.new_lines() > 0);
        ranges.push(start_of(first)..start_of(first + hunk.new_lines() as usize));
    }
    ranges
}

fn whole(new: &[u8]) -> Vec<Range<usize>> {
    std::iter::once(0..new.len()).collect()
}

/// Where each line starts.
fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let after = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

/// What lies in both. A gap lies in both when both have it, or one has it amid something added.
fn intersect(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut both = Vec::new();
    for x in a {
        for y in b {
            let common = x.start.max(y.start)..x.end.min(y.end);
            let amid = |gap: &Range<usize>, added: &Range<usize>| {
                gap.is_empty() && (gap == added || (added.start < gap.start && gap.end < added.end))
            };
            if common.start < common.end || amid(x, y) || amid(y, x) {
                both.push(common);
            }
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[&str], new: &str, added: &[&str]) {
        let before: Vec<Vec<u8>> = before.iter().map(|text| text.as_bytes().to_vec()).collect();
        let ranges = ranges(&before, new.as_bytes());
        let found: Vec<&str> = ranges.into_iter().map(|range| &new[range]).collect();
        assert_eq!(found, added, "{before:?} -> {new:?}");
    }

    #[test]
    fn by_lines() {
        check(&[], "a\nb", &["a\nb"]);
        check(&["a\nb\n"], "a\nx\nb\ny\n", &["x\n", "y\n"]);
        check(&["a\nb"], "a\nb\n", &["b\n"]);
        check(&["a\nb\nc\n"], "a\nc\n", &[""]);
        check(&["a\nb\n"], "b\n", &[""]);
        check(&["a\n"], "", &[""]);
        check(&["a\0\n"], "a\0\nb\0\n", &["b\0\n"]);
        check(&["a\n"], "a\n", &[]);
    }

    #[test]
    fn a_merge_adds_what_no_side_has() {
        check(&["a\nours\n", "a\ntheirs\n"], "a\nours\ntheirs\nnew\n", &["new\n"]);
    }

    #[test]
    fn a_rename_is_seen() {
        let gone = vec![b"x\ny\n".to_vec(), b"a\nb\nc\n".to_vec()];
        assert_eq!(renamed_from(&gone, b"a\nb\nc\nd\n"), Some(&gone[1]));
        assert_eq!(renamed_from(&gone, b"1\n2\n"), None);
    }
}
