//! Where a file that is new at its path came from: what went away and is like it.
//!
//! An old secret that is merely moved is not new. A file that is byte for byte one that went away was renamed. Else it is
//! compared with those that share the most lines with it, when half of its own lines or half of theirs are the same: a file that
//! was renamed and then grew, one that was cut down, one that two were melted into. Only lines that one of them has are taken
//! for old, so nothing new can hide in a rename; and who is not recognised is looked at as a whole.
//!
//! A copy is no move: it brings the same secret to one more place.

use super::compare::{Compared, Gone};
use super::id::Id;
use super::object::{Kind, Objects};
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash as _, Hasher as _};

/// Most files that went away of which the lines are looked at.
const MOST: usize = 500;
/// Bytes of them at most.
const MOST_BYTES: usize = 32 << 20;
/// Most of them that one file is compared with.
const LIKE: usize = 4;

/// What went away.
pub(super) struct Origins<'o> {
    objects: &'o Objects,
    /// By id, with one of their paths.
    gone: HashMap<Id, Vec<u8>>,
    /// Ids of files that are new at their path.
    arrived: HashSet<Id>,
    /// Names, without folders, of files that are new at their path.
    names: HashSet<Vec<u8>>,
    /// Read when it is first needed: most moves are moves as it is.
    lines: OnceCell<Lines>,
}

/// The lines of what went away.
#[derive(Default)]
struct Lines {
    contents: Vec<Vec<u8>>,
    /// How many lines each has.
    counts: Vec<usize>,
    /// Which of them have a line, by its hash.
    by_hash: HashMap<u64, Vec<u32>>,
}

impl<'o> Origins<'o> {
    /// Looks for what went away, when anything is new at its path; `new` gives the paths and ids of that.
    pub fn find<'c>(
        objects: &'o Objects,
        compared: &[Compared],
        new: impl Iterator<Item = (&'c [u8], Id)>,
    ) -> Origins<'o> {
        let (mut arrived, mut names) = (HashSet::new(), HashSet::new());
        for (path, id) in new {
            arrived.insert(id);
            names.insert(name(path).to_vec());
        }
        let gone = if arrived.is_empty() { HashMap::new() } else { all_gone(objects, compared) };
        Origins { objects, gone, arrived, names, lines: OnceCell::new() }
    }

    /// Whether a file that went away was this one.
    pub fn has(&self, id: Id) -> bool {
        self.gone.contains_key(&id)
    }

    /// What to compare a file with that is new at its path.
    pub fn of(&self, id: Id, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self.has(id) {
            true => vec![bytes.to_vec()],
            false if self.gone.is_empty() => Vec::new(),
            false => self.lines.get_or_init(|| self.read()).like(bytes),
        }
    }

    /// Reads what went away and did not arrive elsewhere as it was, those first whose name has arrived.
    fn read(&self) -> Lines {
        let left = self.gone.iter().filter(|(id, _)| !self.arrived.contains(id));
        let mut left: Vec<(bool, &[u8], Id)> =
            left.map(|(id, path)| (!self.names.contains(name(path)), path.as_slice(), *id)).collect();
        left.sort();
        let (mut lines, mut room) = (Lines::default(), MOST_BYTES);
        for (_, _, id) in left.into_iter().take(MOST) {
            let Ok(bytes) = self.objects.blob(id) else { continue };
            match room.checked_sub(bytes.len()) {
                Some(less) => room = less,
                None => break,
            }
            lines.add(bytes);
        }
        lines
    }
}

impl Lines {
    fn add(&mut self, bytes: Vec<u8>) {
        let number = u32::try_from(self.contents.len()).unwrap_or(u32::MAX);
        let lines: HashSet<u64> = hashes(&bytes).collect();
        self.counts.push(lines.len());
        for line in lines {
            self.by_hash.entry(line).or_default().push(number);
        }
        self.contents.push(bytes);
    }

    /// Those that share half of their lines with `new`, or half of its: the few that share the most.
    fn like(&self, new: &[u8]) -> Vec<Vec<u8>> {
        let lines: HashSet<u64> = hashes(new).collect();
        let mut shared = vec![0usize; self.contents.len()];
        for number in lines.iter().filter_map(|line| self.by_hash.get(line)).flatten() {
            if let Some(count) = shared.get_mut(*number as usize) {
                *count += 1;
            }
        }
        let candidates = self.contents.iter().zip(&self.counts).zip(shared);
        let is_like = |shared: usize, own: usize| shared > 0 && shared * 2 >= own.min(lines.len());
        let mut like: Vec<(usize, &Vec<u8>)> = candidates
            .filter(|((_, own), shared)| is_like(*shared, **own))
            .map(|((content, _), shared)| (shared, content))
            .collect();
        like.sort_by_key(|(shared, _)| Reverse(*shared));
        like.into_iter().take(LIKE).map(|(_, content)| content.clone()).collect()
    }
}

/// Every file that a parent has and the index has not, by its id.
fn all_gone(objects: &Objects, compared: &[Compared]) -> HashMap<Id, Vec<u8>> {
    let (mut files, mut folders) = (HashMap::new(), Vec::new());
    for Gone { path, id, is_folder } in compared.iter().flat_map(|one| &one.gone) {
        match is_folder {
            true => folders.push((path.clone(), *id)),
            false => drop(files.insert(*id, path.clone())),
        }
    }
    while let Some((path, folder)) = folders.pop() {
        for entry in objects.tree(folder).unwrap_or_default() {
            let path = [path.as_slice(), b"/", &entry.name].concat();
            match entry.kind {
                Kind::Tree => folders.push((path, entry.id)),
                Kind::Blob | Kind::Submodule => drop(files.insert(entry.id, path)),
            }
        }
    }
    files
}

fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}

/// The lines that hold something, each by a number.
fn hashes(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).map(|line| {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gone: &[&str], new: &str, like: &[&str]) {
        let mut lines = Lines::default();
        gone.iter().for_each(|text| lines.add(text.as_bytes().to_vec()));
        let found = lines.like(new.as_bytes());
        assert_eq!(found, like.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>(), "{new:?}");
    }

    #[test]
    fn files_that_are_alike() {
        let gone = ["x\ny\n", "a\nb\nc\n"];
        check(&gone, "a\nb\nc\nd\n", &[gone[1]]);
        check(&gone, "1\n2\n", &[]);
        check(&gone, "", &[]);
        // It grew, it was cut down, two became one, lines have another indent or end.
        check(&gone, "1\n2\n3\n4\n5\n6\n7\nb\nc\n", &[gone[1]]);
        check(&["a\nb\nc\nd\ne\nf\ng\n"], "c\n1\n", &["a\nb\nc\nd\ne\nf\ng\n"]);
        check(&gone, "a\nb\nc\nx\ny\n", &[gone[1], gone[0]]);
        check(&gone, "\ta\r\n\tb\r\n", &[gone[1]]);
        check(&gone, "a\n1\n2\n3\n", &[]);
    }
}
