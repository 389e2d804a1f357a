//! All trees of a store, read in one pass: of each what of it matters here.
//!
//! That is its folders, the blobs asked about, and what is named and is not in the store. Of a tree that git stored as a
//! change of another one only what changed is read and looked up.

use super::super::id::Id;
use super::super::object::{Absent, Entry, Kind, Objects};
use super::super::pack::{self, Run, Seen, Store, Visitor};
use super::super::tree::Line;
use super::arena::{Bits, Lists, Named, Names, Strangers, Writing};
use super::commits::Commits;
use super::entries::Cut;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    /// The number of what it names.
    pub number: u32,
    /// The number of its name, and what kind of entry it is.
    name_and_kind: u32,
}

impl Edge {
    fn new(kind: Kind, number: u32, name: u32) -> Edge {
        let kind = match kind {
            Kind::Tree => 0,
            Kind::Blob => 1,
            Kind::Submodule => 2,
        };
        Edge { number, name_and_kind: name << 2 | kind }
    }

    pub fn kind(self) -> Kind {
        match self.name_and_kind & 3 {
            0 => Kind::Tree,
            1 => Kind::Blob,
            _ => Kind::Submodule,
        }
    }

    /// The number of its name.
    pub fn name(self) -> u32 {
        self.name_and_kind >> 2
    }

    /// Whether it is an entry of the same name and kind.
    pub fn same_name(self, other: Edge) -> bool {
        self.name_and_kind == other.name_and_kind
    }
}

/// Entries with folders behind all others, else in their order: so are files looked for before folders are gone into.
fn files_first<I: Iterator<Item = Edge>>(edges: impl Fn() -> I) -> impl Iterator<Item = Edge> {
    let folders = edges().filter(|edge| edge.kind() == Kind::Tree);
    edges().filter(|edge| edge.kind() != Kind::Tree).chain(folders)
}

struct Pass<'p> {
    store: &'p Store,
    strangers: &'p Strangers,
    wanted: &'p Bits,
    width: usize,
    names: Names,
    edges: Writing<Edge>,
    /// Objects that an entry calls a file.
    files: Vec<AtomicU64>,
}

impl Pass<'_> {
    fn keep(&self, entry: &Line<'_>) -> Option<Edge> {
        let id = entry.id;
        let number = match entry.kind {
            Kind::Submodule => self.strangers.number(id),
            kind => match self.store.number(&id) {
                Some(number) if kind == Kind::Blob && !self.wanted.has(number) => {
                    if let Some(word) = self.files.get(number as usize / 64) {
                        word.fetch_or(1 << (number % 64), Ordering::Relaxed);
                    }
                    return None;
                }
                Some(number) => number,
                None => self.strangers.number(id),
            },
        };
        Some(Edge::new(entry.kind, number, self.names.number(entry.name)))
    }

    fn meet(&self, seen: &Seen<'_>, base: Option<(&Cut<Edge>, &[Run])>) -> Cut<Edge> {
        let cut = Cut::new(seen.bytes, base, self.width, seen.leaf, |entry| self.keep(entry));
        if seen.first && cut.is_tree() {
            let kept = || cut.kept.iter().map(|(_, edge)| *edge);
            self.edges.put(seen.number, files_first(kept));
        }
        cut
    }
}

impl Visitor for Pass<'_> {
    type State = Cut<Edge>;

    fn whole(&self, object: &Seen<'_>) -> Cut<Edge> {
        self.meet(object, None)
    }

    fn delta(&self, object: &Seen<'_>, base: &Cut<Edge>, _: usize, runs: &[Run]) -> Cut<Edge> {
        self.meet(object, Some((base, runs)))
    }
}

/// The trees of a store.
pub(super) struct Trees<'t> {
    store: &'t Store,
    pub objects: &'t Objects,
    wanted: Bits,
    strangers: Arc<Strangers>,
    edges: Lists<Edge>,
    /// Trees that the pass could not read, and a look by name could.
    late: HashMap<u32, Vec<Edge>>,
    pub names: Named,
    /// Objects that an entry calls a file, but for those that are kept.
    files: Bits,
    /// Trees that could not be read.
    pub unread: Vec<u32>,
}

impl<'t> Trees<'t> {
    /// Reads all trees. Of blobs only the `wanted` ones are kept, and those that are not in the store.
    pub fn collect(objects: &'t Objects, strangers: Arc<Strangers>, wanted: Bits, memory: usize) -> Trees<'t> {
        let store = objects.store();
        let count = store.count();
        let width = store.hash().width();
        let files = (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let (names, edges) = (Names::new(), Writing::new(count));
        let pass = Pass { store, strangers: &strangers, wanted: &wanted, width, names, edges, files };
        let walked = store.walk(&[pack::Kind::Tree], memory, &pass);
        let Pass { names, edges, files, .. } = pass;
        Trees {
            store,
            objects,
            wanted,
            edges: edges.done(),
            late: HashMap::new(),
            names: names.done(),
            files: Bits::from_words(files.into_iter().map(AtomicU64::into_inner).collect()),
            unread: walked.problems.iter().map(|(number, _)| *number).collect(),
            strangers,
        }
    }

    /// Objects that an entry calls a file and that are none.
    pub fn miscalled(&self, commits: &Commits) -> Vec<u32> {
        let unread: HashSet<u32> = self.unread.iter().copied().collect();
        let is_other =
            |number: &u32| self.edges.of(*number).is_some() || unread.contains(number) || commits.knows(*number);
        self.files.iter().filter(is_other).collect()
    }

    /// What of the tree matters, its folders last. `None` for one that was not read (see [`Trees::load`]).
    pub fn of(&self, tree: u32) -> Option<&[Edge]> {
        self.edges.of(tree).or_else(|| self.late.get(&tree).map(Vec::as_slice))
    }

    /// Reads a tree that the pass did not.
    pub fn load(&mut self, tree: u32) -> Result<(), Absent> {
        if self.of(tree).is_none() {
            let id = self.id(tree).ok_or_else(|| Absent::corrupt("not a tree"))?;
            let entries = self.objects.tree(id)?;
            let edges: Vec<Edge> = entries.into_iter().filter_map(|entry| self.late_edge(entry)).collect();
            self.late.insert(tree, files_first(|| edges.iter().copied()).collect());
        }
        Ok(())
    }

    fn late_edge(&mut self, entry: Entry) -> Option<Edge> {
        let number = match entry.kind {
            Kind::Submodule => self.strangers.number(entry.id),
            kind => match self.store.number(&entry.id) {
                Some(number) if kind == Kind::Blob && !self.wanted.has(number) => return None,
                Some(number) => number,
                None => self.strangers.number(entry.id),
            },
        };
        Some(Edge::new(entry.kind, number, self.names.number(&entry.name)))
    }

    /// The id of a number.
    pub fn id(&self, number: u32) -> Option<Id> {
        match self.is_here(number) {
            true => Some(self.store.id(number)),
            false => self.strangers.id(number),
        }
    }

    /// Whether a blob of this number is one that is kept.
    pub fn wants(&self, number: u32) -> bool {
        self.wanted.has(number) || !self.is_here(number)
    }

    /// Whether the store has an object of this number.
    pub fn is_here(&self, number: u32) -> bool {
        number < self.store.count()
    }

    /// The number behind all others.
    pub fn end(&self) -> u32 {
        self.strangers.end()
    }
}
