//! Where the walk of a history first meets each object: commit by commit, the oldest first, each tree once.
//!
//! The order is that of `Walk::descend` in `history`: of a folder its files in their order, then its folders in theirs,
//! each with all that is below it.

use super::super::object::{Absent, Kind};
use super::super::told;
use super::arena::Bits;
use super::commits::Commits;
use super::trees::{Edge, Trees};
use crate::source::Skipped;

/// A first meeting.
#[derive(Debug)]
pub(super) struct Met {
    /// The blob's number.
    pub number: u32,
    /// Its path there.
    pub path: Vec<u8>,
    /// The place of the commit; `None` when a ref leads to the tree or the blob itself.
    pub commit: Option<u32>,
    /// Numbers of the blobs at the same path in the commit's parents, of those that were asked about.
    pub before: Vec<u32>,
}

/// The meetings of a walk.
pub(super) struct Meeting<'m, 't> {
    trees: &'m mut Trees<'t>,
    commits: &'m Commits,
    /// What may not be a blob, or not be readable: asked about when it is met.
    doubtful: &'m Bits,
    /// Every object that is here is in the store: what is not in it is missing.
    whole: bool,
    modules: Bits,
    files: told::Files,
    /// Of each folder on the way down the entries that are or hold one of the blobs met, one folder after another.
    holds: Vec<Edge>,
    seen: Seen,
}

/// What was met.
pub(super) struct Seen {
    pub trees: Bits,
    /// Of those that are kept.
    pub blobs: Bits,
    /// Blobs asked about, in order.
    pub met: Vec<Met>,
    /// The same, by number.
    pub found: Bits,
    /// What could not be read, in order.
    pub skipped: Vec<Skipped>,
    /// Trees that hold one of the blobs met, at any depth.
    holding: Bits,
    /// The same, each behind all that is below it, with where its part of `below` ends.
    finished: Vec<(u32, u32)>,
    /// Which entries of these trees are or hold one of the blobs met: tree after tree, of each its files first.
    below: Vec<Edge>,
    /// By the number of a tree: its place in `finished`.
    places: Vec<u32>,
}

/// No place.
const NOWHERE: u32 = u32::MAX;

impl Seen {
    fn new(end: u32) -> Seen {
        let new = || Bits::new(end);
        Seen {
            trees: new(),
            blobs: new(),
            met: Vec::new(),
            found: new(),
            skipped: Vec::new(),
            holding: new(),
            finished: Vec::new(),
            below: Vec::new(),
            places: vec![NOWHERE; end as usize],
        }
    }

    /// Whether the tree holds one of the blobs met, at any depth.
    pub fn holds(&self, tree: u32) -> bool {
        self.holding.has(tree)
    }

    /// Which entries of a tree are or hold one of the blobs met: its files, then its folders.
    pub fn below(&self, tree: u32) -> &[Edge] {
        let place = self.places.get(tree as usize).filter(|_| self.holds(tree));
        place.map_or(&[], |place| self.part(*place as usize))
    }

    /// All trees that hold one, each before all that is below it, with these entries.
    pub fn downward(&self) -> impl Iterator<Item = (u32, &[Edge])> {
        let trees = self.finished.iter().enumerate().rev();
        trees.map(|(place, (tree, _))| (*tree, self.part(place)))
    }

    fn part(&self, place: usize) -> &[Edge] {
        let end = |place: usize| self.finished.get(place).map_or(0, |(_, end)| *end as usize);
        let start = place.checked_sub(1).map_or(0, end);
        self.below.get(start..end(place)).unwrap_or_default()
    }

    fn finish(&mut self, tree: u32, below: impl Iterator<Item = Edge>) {
        self.holding.insert(tree);
        if tree as usize >= self.places.len() {
            self.places.resize(tree as usize + 1, NOWHERE);
        }
        if let Some(place) = self.places.get_mut(tree as usize) {
            *place = u32::try_from(self.finished.len()).unwrap_or(NOWHERE);
        }
        self.below.extend(below);
        self.finished.push((tree, u32::try_from(self.below.len()).unwrap_or(u32::MAX)));
    }
}

/// A folder on the way down.
struct Frame {
    tree: u32,
    /// The number of its name; of the root no name's.
    name: u32,
    /// Entries looked at.
    next: usize,
    /// Where what it holds begins on [`Meeting::holds`].
    first: usize,
}

impl<'m, 't> Meeting<'m, 't> {
    pub fn new(trees: &'m mut Trees<'t>, commits: &'m Commits, doubtful: &'m Bits, whole: bool) -> Meeting<'m, 't> {
        let (seen, modules) = (Seen::new(trees.end()), Bits::new(trees.end()));
        let (files, holds) = (told::Files::default(), Vec::new());
        Meeting { trees, commits, doubtful, whole, modules, files, holds, seen }
    }

    /// The tree of a commit.
    pub fn commit(&mut self, place: u32) {
        if let Some(&tree) = self.commits.trees.get(place as usize) {
            self.descend(tree, b"", Some(place));
        }
    }

    /// A tree that a ref leads to.
    pub fn tree(&mut self, tree: u32, path: &[u8]) {
        self.descend(tree, path, None);
    }

    /// A blob that a ref leads to.
    pub fn blob(&mut self, number: u32, path: &[u8]) {
        if self.trees.wants(number) && self.seen.blobs.insert(number) {
            self.file(number, path.to_vec(), Vec::new(), None);
        }
    }

    /// How many blobs were met.
    pub fn met(&self) -> usize {
        self.seen.met.len()
    }

    /// The walk is done.
    pub fn done(mut self) -> Seen {
        self.seen.skipped.extend(self.files.others());
        self.seen
    }

    fn descend(&mut self, root: u32, path: &[u8], commit: Option<u32>) {
        let mut frames = Vec::new();
        self.enter(&mut frames, root, u32::MAX, path, commit);
        while let Some(top) = frames.last_mut() {
            let edges = self.trees.of(top.tree).unwrap_or_default();
            let mut child = None;
            while let Some(edge) = edges.get(top.next) {
                if !self.seen.trees.has(edge.number) {
                    child = Some(*edge);
                    break;
                }
                // It was gone through, now or before.
                top.next += 1;
                if self.seen.holding.has(edge.number) {
                    self.holds.push(*edge);
                }
            }
            match child {
                Some(edge) => self.enter(&mut frames, edge.number, edge.name(), path, commit),
                None => {
                    let Some(done) = frames.pop() else { return };
                    if done.first < self.holds.len() {
                        self.seen.finish(done.tree, self.holds.drain(done.first..));
                    }
                }
            }
        }
    }

    /// Goes into a folder that was not seen, and looks at its files.
    fn enter(&mut self, frames: &mut Vec<Frame>, tree: u32, name: u32, root: &[u8], commit: Option<u32>) {
        if !self.seen.trees.insert(tree) {
            return;
        }
        frames.push(Frame { tree, name, next: 0, first: self.holds.len() });
        if let Err(absent) = self.trees.load(tree) {
            let path = self.path(frames, root, None);
            self.seen.skipped.extend(self.trees.id(tree).map(|id| told::tree(id, &path, absent)));
            frames.pop();
            return;
        }
        let mut next = 0;
        while let Some(edge) = self.trees.of(tree).and_then(|edges| edges.get(next)).copied() {
            match edge.kind() {
                Kind::Tree => break,
                Kind::Blob => {
                    if self.entry(frames, edge, root, commit) {
                        self.holds.push(edge);
                    }
                }
                Kind::Submodule => {
                    if self.modules.insert(edge.number) {
                        let path = self.path(frames, root, Some(edge.name()));
                        self.seen.skipped.extend(self.trees.id(edge.number).map(|id| told::submodule(id, &path)));
                    }
                }
            }
            next += 1;
        }
        if let Some(frame) = frames.last_mut() {
            frame.next = next;
        }
    }

    /// A file of a folder: whether it is one of those met.
    fn entry(&mut self, frames: &[Frame], edge: Edge, root: &[u8], commit: Option<u32>) -> bool {
        if !self.seen.blobs.insert(edge.number) {
            return self.seen.found.has(edge.number);
        }
        let path = self.path(frames, root, Some(edge.name()));
        let before = self.before(frames, edge, commit);
        self.file(edge.number, path, before, commit)
    }

    fn file(&mut self, number: u32, path: Vec<u8>, before: Vec<u32>, commit: Option<u32>) -> bool {
        let Some(absent) = self.absent(number) else {
            self.seen.met.push(Met { number, path, commit, before });
            return self.seen.found.insert(number);
        };
        let id = self.trees.id(number);
        self.seen.skipped.extend(id.and_then(|id| self.files.absent(id, &path, absent)));
        false
    }

    /// Why a blob cannot be read; `None` when it can.
    fn absent(&self, number: u32) -> Option<Absent> {
        let here = self.trees.is_here(number);
        if here && !self.doubtful.has(number) {
            return None;
        }
        if !here && self.whole {
            return Some(Absent::missing());
        }
        self.trees.id(number).and_then(|id| self.trees.objects.blob(id).err())
    }

    /// The path of a folder, or of an entry of it.
    fn path(&self, frames: &[Frame], root: &[u8], name: Option<u32>) -> Vec<u8> {
        let mut path = root.to_vec();
        for name in frames.iter().skip(1).map(|frame| frame.name).chain(name) {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(self.trees.names.get(name));
        }
        path
    }

    /// What of the blobs asked about lies at the same path in the commit's parents.
    fn before(&self, frames: &[Frame], file: Edge, commit: Option<u32>) -> Vec<u32> {
        let Some(place) = commit else { return Vec::new() };
        if self.commits.is_cut(place) {
            return Vec::new();
        }
        let parents = self.commits.parents.of(place as usize).iter();
        let roots = parents.filter_map(|number| self.commits.trees.get(self.commits.place(*number)? as usize).copied());
        let at = |root: u32| {
            let below = frames.iter().skip(1).try_fold(root, |tree, frame| {
                let edges = self.trees.of(tree)?;
                edges.iter().find(|edge| edge.kind() == Kind::Tree && edge.name() == frame.name).map(|edge| edge.number)
            });
            self.trees.of(below?)?.iter().find(|edge| edge.same_name(file)).map(|edge| edge.number)
        };
        roots.filter_map(at).collect()
    }
}
