//! Every path that objects ever lay at.
//!
//! A tree may lie at many paths, and a hostile one at more than could be counted: ten folders in each other, each of which
//! holds ten times the next. So of a tree at most [`PATHS_OF_TREE`] paths are followed, and of a blob at most
//! [`PATHS_OF_BLOB`] are counted; that there are more is said.

use super::super::object::Kind;
use super::arena::Bits;
use super::meet::Seen;
use super::trees::Trees;
use std::collections::{HashMap, HashSet};

/// Paths of one tree that are followed.
const PATHS_OF_TREE: u32 = 256;
/// Paths of one blob that are counted.
const PATHS_OF_BLOB: usize = 1000;

/// A path, by its number: a folder's and a name. The root is 0.
type Path = u32;

/// The paths of the blobs that a walk met.
pub(super) struct Paths {
    /// By the path's number: the folder's path and the number of the name.
    nodes: Vec<(Path, u32)>,
    numbers: HashMap<(Path, u32), Path>,
    /// By the number of a tree: the path it was first met at.
    homes: Vec<Path>,
    /// Trees at further paths.
    others: HashSet<(u32, Path)>,
    counts: HashMap<u32, u32>,
    /// By the number of a blob: the first folder and name.
    firsts: Vec<(Path, u32)>,
    /// By the number of a blob: the others, in the order of meeting.
    blobs: HashMap<u32, Vec<(Path, u32)>>,
    known: HashSet<(u32, Path, u32)>,
    /// Trees and blobs with more paths than are followed.
    pub more: Bits,
}

const NOWHERE: Path = Path::MAX;

impl Paths {
    /// Room for trees of numbers below `end`.
    pub fn new(end: u32) -> Paths {
        Paths {
            nodes: vec![(NOWHERE, 0)],
            numbers: HashMap::new(),
            homes: vec![NOWHERE; end as usize],
            others: HashSet::new(),
            counts: HashMap::new(),
            firsts: vec![(NOWHERE, 0); end as usize],
            blobs: HashMap::new(),
            known: HashSet::new(),
            more: Bits::new(end),
        }
    }

    /// The root of a commit: goes through all trees below that hold one of the blobs, at each path once.
    pub fn commit(&mut self, met: &Seen, root: u32) {
        if met.holds(root) && self.arrive(root, 0) {
            self.descend(met, root, 0);
        }
    }

    /// A tree that a ref leads to; `name` is the number of the ref's name.
    pub fn tree(&mut self, met: &Seen, root: u32, name: u32) {
        if met.holds(root)
            && let Some(path) = self.step(root, 0, name)
        {
            self.descend(met, root, path);
        }
    }

    /// A blob that a ref leads to.
    pub fn blob(&mut self, met: &Seen, blob: u32, name: u32) {
        if met.found.has(blob) {
            self.lies(blob, 0, name);
        }
    }

    fn descend(&mut self, met: &Seen, root: u32, path: Path) {
        let mut folders = vec![(root, path)];
        while let Some((tree, path)) = folders.pop() {
            let first = folders.len();
            for edge in met.below(tree) {
                if edge.kind() == Kind::Tree {
                    let path = self.step(edge.number, path, edge.name());
                    folders.extend(path.map(|path| (edge.number, path)));
                } else {
                    self.lies(edge.number, path, edge.name());
                }
            }
            folders.get_mut(first..).unwrap_or_default().reverse();
        }
    }

    /// The path of a folder of `above`, when it was not met there.
    fn step(&mut self, tree: u32, above: Path, name: u32) -> Option<Path> {
        let home = self.homes.get(tree as usize).copied().unwrap_or(NOWHERE);
        if self.nodes.get(home as usize) == Some(&(above, name)) {
            return None;
        }
        if home != NOWHERE && self.counts.get(&tree).is_some_and(|count| *count >= PATHS_OF_TREE) {
            self.more.insert(tree);
            return None;
        }
        let next = u32::try_from(self.nodes.len()).unwrap_or(NOWHERE);
        let path = *self.numbers.entry((above, name)).or_insert(next);
        if path == next {
            self.nodes.push((above, name));
        }
        self.arrive(tree, path).then_some(path)
    }

    /// Whether the tree was not met at this path.
    fn arrive(&mut self, tree: u32, path: Path) -> bool {
        match self.homes.get_mut(tree as usize) {
            Some(home) if *home == NOWHERE => {
                *home = path;
                true
            }
            Some(home) if *home != path => {
                let new = self.others.insert((tree, path));
                if new {
                    *self.counts.entry(tree).or_insert(1) += 1;
                }
                new
            }
            _ => false,
        }
    }

    fn lies(&mut self, blob: u32, folder: Path, name: u32) {
        let Some(first) = self.firsts.get_mut(blob as usize) else { return };
        if *first == (folder, name) {
            return;
        }
        if first.0 == NOWHERE {
            *first = (folder, name);
        } else if !self.known.contains(&(blob, folder, name)) {
            let others = self.blobs.entry(blob).or_default();
            if others.len() + 1 < PATHS_OF_BLOB {
                self.known.insert((blob, folder, name));
                others.push((folder, name));
            } else {
                self.more.insert(blob);
            }
        }
    }

    /// The paths of a blob, in the order of meeting, as many as are counted.
    pub fn of(&self, blob: u32) -> impl Iterator<Item = (Path, u32)> {
        let first = self.firsts.get(blob as usize).filter(|first| first.0 != NOWHERE);
        first.into_iter().chain(self.blobs.get(&blob).into_iter().flatten()).copied()
    }

    /// A path as bytes.
    pub fn bytes(&self, trees: &Trees<'_>, (folder, name): (Path, u32)) -> Vec<u8> {
        let mut names = vec![name];
        let mut path = folder;
        while let Some((above, name)) = self.nodes.get(path as usize).filter(|_| path != 0) {
            names.push(*name);
            path = *above;
        }
        let mut bytes = Vec::new();
        for name in names.into_iter().rev() {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(trees.names.get(name));
        }
        bytes
    }
}
