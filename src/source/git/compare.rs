//! An index against one commit's tree: what it changes, and what it has no more.
//!
//! Both stand in the same order, so they are gone through side by side. A folder that the index's cache-tree says is the
//! tree that the commit has there is passed over: neither that tree nor what lies below is read. So the work is that of
//! the folders that something was staged in, and of a walk over the index's bytes.

use super::id::Id;
use super::index::{self, Entries, Entry, Index, Node};
use super::object::{Absent, Kind, Objects};
use super::tree;
use std::cmp::Ordering;

/// What an index has that a commit has not at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub path: Vec<u8>,
    pub id: Id,
    pub mode: u32,
    pub stage: u8,
    /// The file that the commit has at the path.
    pub before: Option<Id>,
}

impl Change {
    /// Whether it is a submodule.
    pub fn is_submodule(&self) -> bool {
        self.mode & index::KIND == index::SUBMODULE
    }
}

/// What a commit has at a path that the index has no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pub path: Vec<u8>,
    pub id: Id,
    /// And with it all that is below.
    pub is_folder: bool,
}

/// An index against a commit.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// In the order of the index.
    pub changes: Vec<Change>,
    pub gone: Vec<Gone>,
    /// Trees that could not be read: what is staged there counts as new.
    pub absent: Vec<(Id, Absent)>,
    /// Trees that were read.
    pub trees: u64,
}

/// Compares an index with the tree of a commit; without one everything is new.
pub(super) fn compare(objects: &Objects, index: &Index, top: Option<Id>) -> Compared {
    let mut walk = Walk {
        objects,
        entries: index.entries(),
        frames: Vec::new(),
        path: Vec::new(),
        trusts: true,
        compared: Compared::default(),
    };
    let cache = index.tree().and_then(|tree| tree.top());
    if let Some(top) = top
        && !walk.is_whole(top, cache.as_ref())
    {
        walk.enter(top, cache);
        walk.run();
    }
    walk.rest();
    walk.compared
}

struct Walk<'w> {
    objects: &'w Objects,
    entries: Entries<'w>,
    /// The trees that are open, the top first.
    frames: Vec<Frame<'w>>,
    /// The folder of the innermost one; a slash at its end.
    path: Vec<u8>,
    /// The cache-tree has counted right so far.
    trusts: bool,
    compared: Compared,
}

/// A tree of the commit under way.
struct Frame<'w> {
    bytes: Vec<u8>,
    at: usize,
    /// Bytes of an id.
    width: usize,
    /// Bytes of the path that are this folder's.
    prefix: usize,
    cache: Option<Node<'w>>,
}

impl<'w> Walk<'w> {
    /// Reads a tree at the path that is set.
    fn enter(&mut self, id: Id, cache: Option<Node<'w>>) {
        self.compared.trees += 1;
        let bytes = self.objects.tree_bytes(id).unwrap_or_else(|absent| {
            self.compared.absent.push((id, absent));
            Vec::new()
        });
        self.frames.push(Frame { bytes, at: 0, width: id.as_bytes().len(), prefix: self.path.len(), cache });
    }

    fn run(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            self.path.truncate(frame.prefix);
            let rest = frame.bytes.get(frame.at..).unwrap_or_default();
            let Some((line, left)) = tree::first(rest, frame.width) else {
                // The end, or bytes that are no tree: what is staged behind them counts as new.
                self.frames.pop();
                continue;
            };
            self.path.extend_from_slice(line.name);
            let (kind, id) = (line.kind, line.id);
            let cache = match (kind, &frame.cache) {
                (Kind::Tree, Some(node)) => node.inner(line.name),
                _ => None,
            };
            frame.at = frame.bytes.len() - left.len();
            match kind {
                Kind::Tree => {
                    self.path.push(b'/');
                    self.folder(id, cache);
                }
                Kind::Blob | Kind::Submodule => self.file(id, kind),
            }
        }
    }

    /// The commit has this file at the path.
    fn file(&mut self, id: Id, kind: Kind) {
        self.before();
        let before = (kind == Kind::Blob).then_some(id);
        let mut found = false;
        while let Some(entry) = self.entries.current().filter(|entry| entry.path == self.path) {
            found = true;
            if entry.id != id {
                change(&mut self.compared, &entry, before);
            }
            self.entries.advance();
        }
        if !found {
            self.compared.gone.push(Gone { path: self.path.clone(), id, is_folder: false });
        }
    }

    /// The commit has this folder at the path.
    fn folder(&mut self, id: Id, cache: Option<Node<'w>>) {
        self.before();
        match self.entries.current() {
            Some(entry) if entry.path == self.path && entry.is_folder() => {
                if entry.id != id {
                    let (path, new) = (entry.path.to_vec(), entry.id);
                    expand(self.objects, &mut self.compared, path, new, Some(id));
                }
                self.entries.advance();
            }
            Some(entry) if entry.path.starts_with(&self.path) => {
                if !self.is_whole(id, cache.as_ref()) {
                    self.enter(id, cache);
                }
            }
            _ => {
                let path = self.path.strip_suffix(b"/").unwrap_or(&self.path).to_vec();
                self.compared.gone.push(Gone { path, id, is_folder: true });
            }
        }
    }

    /// Whether the cache-tree says that the folder at the path is this tree; then all of it is passed. A cache-tree that
    /// counts other entries than there are is believed no more.
    fn is_whole(&mut self, id: Id, cache: Option<&Node<'w>>) -> bool {
        let trusts = self.trusts;
        let Some(cache) = cache.filter(|node| trusts && node.id() == Some(id)) else { return false };
        let mut entries = self.entries.clone();
        let below = |entries: &Entries<'_>| entries.path().is_some_and(|path| path.starts_with(&self.path));
        // They stand in order: when the last one is below, so are all before it.
        let right = match cache.entries().unwrap_or_default().checked_sub(1) {
            None => !below(&entries),
            Some(others) => {
                entries.pass(others);
                let last = below(&entries);
                entries.advance();
                last && !below(&entries)
            }
        };
        self.trusts = right;
        if right {
            self.entries = entries;
        }
        right
    }

    /// Everything staged before the path is new.
    fn before(&mut self) {
        while let Some(entry) = self.entries.current() {
            if entry.path.cmp(self.path.as_slice()) != Ordering::Less {
                break;
            }
            fresh(self.objects, &mut self.compared, &entry);
            self.entries.advance();
        }
    }

    /// Everything that is still to come is new.
    fn rest(&mut self) {
        while let Some(entry) = self.entries.current() {
            fresh(self.objects, &mut self.compared, &entry);
            self.entries.advance();
        }
    }
}

/// What the commit has nothing at the path of.
fn fresh(objects: &Objects, compared: &mut Compared, entry: &Entry<'_>) {
    match entry.is_folder() {
        true => expand(objects, compared, entry.path.to_vec(), entry.id, None),
        false => change(compared, entry, None),
    }
}

/// One that is only announced holds nothing yet.
fn change(compared: &mut Compared, entry: &Entry<'_>, before: Option<Id>) {
    if !entry.announced {
        let Entry { path, id, mode, stage, .. } = *entry;
        compared.changes.push(Change { path: path.to_vec(), id, mode, stage, before });
    }
}

/// A folder of a sparse index, whose files do not stand in it: its tree against the commit's.
fn expand(objects: &Objects, compared: &mut Compared, path: Vec<u8>, new: Id, old: Option<Id>) {
    let first = compared.changes.len();
    let mut folders = vec![(path, new, old)];
    while let Some((folder, new, old)) = folders.pop() {
        let mut read = |id: Id| {
            compared.trees += 1;
            objects.tree_bytes(id).unwrap_or_else(|absent| {
                compared.absent.push((id, absent));
                Vec::new()
            })
        };
        let (staged, known) = (read(new), old.map(&mut read).unwrap_or_default());
        let width = new.as_bytes().len();
        let mut was: Vec<tree::Line<'_>> = lines(&known, width).collect();
        was.sort_by_key(|line| (line.name, line.kind == Kind::Tree));
        let mut kept = vec![false; was.len()];
        for line in lines(&staged, width) {
            let is_tree = line.kind == Kind::Tree;
            let at =
                was.binary_search_by(|other| (other.name, other.kind == Kind::Tree).cmp(&(line.name, is_tree))).ok();
            let before = at.and_then(|at| was.get(at));
            if let Some(kept) = at.and_then(|at| kept.get_mut(at)) {
                *kept = true;
            }
            if before.is_some_and(|other| other.id == line.id) {
                continue;
            }
            let before = before.filter(|other| other.kind != Kind::Submodule).map(|other| other.id);
            let path = [folder.as_slice(), line.name].concat();
            match is_tree {
                true => folders.push(([path.as_slice(), b"/"].concat(), line.id, before)),
                false => compared.changes.push(Change { path, id: line.id, mode: line.mode, stage: 0, before }),
            }
        }
        for (line, _) in was.iter().zip(kept).filter(|(_, kept)| !kept) {
            let path = [folder.as_slice(), line.name].concat();
            compared.gone.push(Gone { path, id: line.id, is_folder: line.kind == Kind::Tree });
        }
    }
    compared.changes.get_mut(first..).unwrap_or_default().sort_by(|a, b| a.path.cmp(&b.path));
}

fn lines(mut rest: &[u8], width: usize) -> impl Iterator<Item = tree::Line<'_>> {
    std::iter::from_fn(move || {
        let (line, left) = tree::first(rest, width)?;
        rest = left;
        Some(line)
    })
}
