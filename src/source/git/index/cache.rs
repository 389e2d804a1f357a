//! The cache-tree: which folders of the index are equal to a tree that is written already.

use crate::source::git::id::{Hash, Id};
use std::ops::Range;

/// The folders, the top first and each before those in it.
#[derive(Debug)]
pub struct CacheTree {
    folders: Vec<Folder>,
    /// The bytes that names and ids are spans of.
    bytes: Vec<u8>,
    width: usize,
}

#[derive(Debug)]
struct Folder {
    /// Where the name stands; the id is at its end, behind the numbers.
    name: Range<u32>,
    /// Entries below; `None` when something changed below since the tree was written.
    entries: Option<u32>,
    id: u32,
    /// The first folder that is not below this one.
    end: u32,
}

/// A folder of the cache-tree.
#[derive(Debug, Clone)]
pub struct Node<'c> {
    cache: &'c CacheTree,
    folder: &'c Folder,
    /// The folders right in this one, by the length of their names and then by them.
    inner: Vec<u32>,
}

impl CacheTree {
    /// Reads the extension: for each folder its name, NUL, the number of entries, a space, the number of folders in it, a
    /// line's end, and unless the number of entries is negative the id.
    pub(super) fn parse(bytes: &[u8], hash: Hash) -> Option<CacheTree> {
        let total = u32::try_from(bytes.len()).ok()?;
        let width = hash.width();
        let mut folders: Vec<Folder> = Vec::new();
        // Folders that have begun, with how many are still to come in each.
        let mut open: Vec<(u32, u32)> = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..)?;
            let name = rest.iter().position(|byte| *byte == 0)?;
            let line = rest.get(name + 1..)?;
            let line = line.get(..line.iter().position(|byte| *byte == b'\n')?)?;
            let (entries, inner) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            let entries: i64 = entries.parse().ok()?;
            let inner: u32 = inner.parse().ok()?;
            let id = at + name + 1 + line.len() + 1;
            let number = u32::try_from(folders.len()).ok()?;
            match open.last_mut() {
                Some((_, left)) => *left = left.checked_sub(1)?,
                // One top, and it has no name.
                None if folders.is_empty() && name == 0 => {}
                None => return None,
            }
            let start = u32::try_from(at).ok()?;
            folders.push(Folder {
                name: start..start + u32::try_from(name).ok()?,
                entries: if entries < 0 { None } else { Some(u32::try_from(entries).ok()?) },
                id: u32::try_from(id).ok()?,
                end: 0,
            });
            at = if entries < 0 { id } else { id + width };
            if at > bytes.len() || inner > total {
                return None;
            }
            open.push((number, inner));
            while let Some((number, _)) = open.pop_if(|(_, left)| *left == 0) {
                let end = u32::try_from(folders.len()).ok()?;
                folders.get_mut(number as usize)?.end = end;
            }
        }
        open.is_empty().then(|| CacheTree { folders, bytes: bytes.to_vec(), width })
    }

    /// The folder of everything.
    pub fn top(&self) -> Option<Node<'_>> {
        self.node(0)
    }

    fn node(&self, number: u32) -> Option<Node<'_>> {
        let folder = self.folders.get(number as usize)?;
        let (mut inner, mut next) = (Vec::new(), number + 1);
        while next < folder.end {
            inner.push(next);
            next = self.folders.get(next as usize)?.end.max(next + 1);
        }
        Some(Node { cache: self, folder, inner })
    }

    fn name(&self, number: u32) -> &[u8] {
        let Some(folder) = self.folders.get(number as usize) else { return b"" };
        self.bytes.get(folder.name.start as usize..folder.name.end as usize).unwrap_or_default()
    }
}

impl<'c> Node<'c> {
    /// The tree that the folder is equal to, when that is known.
    pub fn id(&self) -> Option<Id> {
        self.folder.entries?;
        let at = self.folder.id as usize;
        Id::new(self.cache.bytes.get(at..at + self.cache.width)?)
    }

    /// How many entries lie below, when the tree is known.
    pub fn entries(&self) -> Option<u32> {
        self.folder.entries
    }

    /// The folder of this name in this one. Names out of git's order may not be found: that only costs reading a tree.
    pub fn inner(&self, name: &[u8]) -> Option<Node<'c>> {
        let key = |number: &u32| {
            let other = self.cache.name(*number);
            other.len().cmp(&name.len()).then_with(|| other.cmp(name))
        };
        let at = self.inner.binary_search_by(key).ok()?;
        self.cache.node(*self.inner.get(at)?)
    }
}
