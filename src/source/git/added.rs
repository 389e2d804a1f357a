//! Which bytes of a blob a change added: a line diff done here, on bytes, so that no attribute or driver has a say.

use git2::{DiffOptions, Patch};
use std::ops::Range;

/// The ranges of `new` that none of the versions before has: whole lines, and an empty range where lines were taken out,
/// for what stands around it now stands together. Without a version before, all of it.
pub(super) fn ranges(before: &[Vec<u8>], new: &[u8]) -> Vec<Range<usize>> {
    let mut versions = before.iter();
    let Some(first) = versions.next() else { return whole(new) };
    versions.fold(against(first, new), |added, other| intersect(&added, &against(other, new)))
}

/// What `new` has that `old` has not. The lines that both begin and end with are put aside first: what changed is
/// mostly little, and a diff hashes every line that it is given.
fn against(old: &[u8], new: &[u8]) -> Vec<Range<usize>> {
    let start = line_end(new, same(old, new));
    let (old, new) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let end = same_end(old, new);
    let inner = |bytes: &[u8]| bytes.len().saturating_sub(end);
    let (old, new) = (old.get(..inner(old)).unwrap_or_default(), new.get(..inner(new)).unwrap_or_default());
    differ(old, new).into_iter().map(|range| range.start + start..range.end + start).collect()
}

/// How many bytes both begin with.
fn same(old: &[u8], new: &[u8]) -> usize {
    let whole = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = old.iter().skip(whole).zip(new.iter().skip(whole)).take_while(|(a, b)| a == b).count();
    whole + rest
}

/// How many bytes of whole lines both end with.
fn same_end(old: &[u8], new: &[u8]) -> usize {
    let whole = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let rest = old.iter().rev().skip(whole).zip(new.iter().rev().skip(whole)).take_while(|(a, b)| a == b).count();
    let end = whole + rest;
    // A line begins where both have the end of another before it, or nothing.
    let begins = |bytes: &[u8]| match bytes.len().checked_sub(end + 1) {
        Some(before) => bytes.get(before) == Some(&b'\n'),
        None => true,
    };
    if begins(old) && begins(new) {
        return end;
    }
    let tail = new.get(new.len() - end..).unwrap_or_default();
    tail.iter().position(|byte| *byte == b'\n').map_or(0, |first| end - first - 1)
}

/// Where the last whole line of the first `length` bytes ends.
fn line_end(bytes: &[u8], length: usize) -> usize {
    let head = bytes.get(..length).unwrap_or_default();
    head.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

/// Bytes that are compared at once.
const BLOCK: usize = 256;

fn differ(old: &[u8], new: &[u8]) -> Vec<Range<usize>> {
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
        check(&["a\nb\nc\nd"], "a\nxb\nc\nd", &["xb\n"]);
        check(&["one"], "two\none", &["two\n"]);
        check(&["ab\n"], "b\n", &["b\n"]);
    }

    #[test]
    fn ends_that_are_put_aside_change_nothing() {
        let mut seed = 7u64;
        let mut below = |end: u64| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (seed >> 33) % end
        };
        for _ in 0..3000 {
            // Lines that are all different, so that there is one way to align them.
            let lines = 1 + below(40);
            let old: Vec<String> =
                (0..lines).map(|n| format!("line {n}{}\n", "x".repeat(below(30) as usize))).collect();
            let mut new = old.clone();
            for step in 0..below(4) {
                let at = below(new.len() as u64 + 1) as usize;
                match below(3) {
                    0 => new.insert(at, format!("new {step}\n")),
                    1 if at < new.len() => drop(new.remove(at)),
                    _ => new.iter_mut().skip(at).take(1).for_each(|line| line.insert(0, 'y')),
                }
            }
            let (mut old, mut new) = (old.concat(), new.concat());
            for text in [&mut old, &mut new] {
                let end = text.len() - usize::from(text.ends_with('\n') && below(3) == 0);
                text.truncate(end);
            }
            assert_eq!(
                against(old.as_bytes(), new.as_bytes()),
                differ(old.as_bytes(), new.as_bytes()),
                "{old} -> {new}"
            );
        }
    }

    #[test]
    fn a_merge_adds_what_no_side_has() {
        check(&["a\nours\n", "a\ntheirs\n"], "a\nours\ntheirs\nnew\n", &["new\n"]);
    }
}
