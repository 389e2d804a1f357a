//! A repository's history: every blob once, with the commit that first brought it and its path there.
//!
//! Commits come parents first, and a tree or blob that was seen is not looked at again: so the first commit that holds a
//! blob is the one that brought it, merges are nothing special (what is in none of their parents is new), and each tree is
//! read once. Tips are every ref, HEAD of every work tree, stashes and the logs of refs: an amended secret is still leaked.
//! Messages of commits and tags are read too.
//!
//! A part of the history (`--range`, `--since`, a push) starts from what its parents hold: what lay there is not new, and
//! of a blob that changed only what touches added lines is reported. Folders are compared with those of the parents and
//! only what differs is read, so that a part costs what it brings and not what was there ([`super::boundary`]).

use super::boundary::Boundary;
use super::graph::{self, Graph, Wanted};
use super::id::Id;
use super::object::{Absent, Entry, Kind, Objects};
use super::place::Place;
use super::{added, pack, refs, revision};
use crate::source::{Blob, Commit, Error, Item, Provenance, SkipReason, Skipped, Source};
use crate::text::terminal::printable;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The path that the text of a commit or a tag is reported under: no file has it, for it is not below the tree.
const MESSAGE: &[u8] = b"(message)";
/// Missing files that are named one by one; of a partial clone, which lacks thousands, the others are counted.
const NAMED: u64 = 20;

/// A history, or a part of it.
pub struct History {
    place: Place,
    wanted: Wanted,
    /// Refs that lead to no commit, and annotated tags: by name.
    others: Vec<(String, Id)>,
    /// Refs that could not be read.
    broken: Vec<Skipped>,
    /// Tips were named.
    narrowed: bool,
    /// Only a part was asked for.
    partial: bool,
    what: String,
    /// Before what was asked for; known once it was walked.
    boundary: Boundary,
}

/// What a range leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    /// Everything that these revisions reach. Ones that are not here (a force push) are passed over.
    Revisions(Vec<String>),
    /// Everything that refs with this prefix reach: `refs/remotes/origin/`, or `refs/` for all.
    Refs(String),
}

impl History {
    /// The whole history of the repository at `path` (without one: the repository of the environment).
    pub fn open(path: Option<&Path>) -> Result<History, Error> {
        let place = Place::open(path)?;
        let what = format!("history of {}", place.name);
        let shallow = refs::shallow(&place).into_iter().collect();
        let wanted = Wanted { shallow, ..Wanted::default() };
        Ok(History {
            place,
            wanted,
            others: Vec::new(),
            broken: Vec::new(),
            narrowed: false,
            partial: false,
            what,
            boundary: Boundary::default(),
        })
    }

    /// Just the commits of `A..B`.
    pub fn range(mut self, range: &str) -> Result<History, Error> {
        let (tips, without) = revision::range(&self.place, range)?;
        self.narrow(tips, without, &printable(range.as_bytes()));
        Ok(self)
    }

    /// Whether the repository has the commit that `revision` names.
    pub fn knows(&self, revision: &str) -> bool {
        revision::commit(&self.place, revision).is_some()
    }

    /// Just the commits that `tips` reach and `without` does not: what a push brought.
    pub fn pushed(mut self, tips: &[String], without: &[Without]) -> Result<History, Error> {
        let place = &self.place;
        let find = |tip: &String| {
            revision::commit(place, tip).ok_or_else(|| Error::BadRange {
                range: printable(tip.as_bytes()),
                why: format!("{} has no such commit", place.name),
            })
        };
        let new = tips.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let mut hidden = Vec::new();
        for part in without {
            match part {
                Without::Revisions(names) => {
                    hidden.extend(names.iter().filter_map(|name| revision::commit(place, name)))
                }
                Without::Refs(prefix) => {
                    let named = refs::all(place).0.into_iter().filter(|(name, _)| name.starts_with(prefix));
                    hidden.extend(named.filter_map(|(_, id)| revision::peel(place, id)));
                }
            }
        }
        self.narrow(new, hidden, "what was pushed");
        Ok(self)
    }

    /// Just the commits made at or after `time`.
    pub fn since(mut self, time: Timestamp) -> History {
        self.wanted.since = Some(time.as_second());
        self.partial = true;
        self.what = format!("{} since {time}", self.what);
        self
    }

    fn narrow(&mut self, tips: Vec<Id>, without: Vec<Id>, name: &str) {
        self.wanted.tips = tips;
        self.wanted.without = without;
        self.narrowed = true;
        self.partial = true;
        self.what = format!("{name} of {}", self.place.name);
    }

    /// Makes everything that has a name a tip.
    fn reach_everything(&mut self) {
        let (known, broken) = refs::all(&self.place);
        self.broken = broken;
        let mut named: Vec<(String, Id)> = known.into_iter().collect();
        named.extend(refs::heads(&self.place));
        let logged = refs::logged(&self.place).into_iter().filter(|(_, id)| self.place.objects.has(*id));
        named.extend(logged);
        let mut seen = HashSet::new();
        for (name, id) in named {
            if seen.insert(id) {
                match self.place.objects.kind(id) {
                    Ok(pack::Kind::Commit) | Err(_) => self.wanted.tips.push(id),
                    Ok(_) => self.others.push((name, id)),
                }
            }
        }
    }
}

impl Source for History {
    fn describe(&self) -> String {
        self.what.clone()
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        if !self.narrowed {
            self.reach_everything();
        }
        let objects = &self.place.objects;
        let mut tips = Vec::new();
        let mut trees = Vec::new();
        let mut walk = Walk {
            objects,
            partial: self.partial,
            boundary: &mut self.boundary,
            seen: HashSet::new(),
            sink,
            stopped: false,
            missing: 0,
        };
        for one in &self.broken {
            walk.give(Item::Skipped(one.clone()));
        }
        for (name, id) in &self.others {
            match walk.through_tags(name, *id) {
                Some((pack::Kind::Commit, id)) => tips.push(id),
                Some((_, id)) => trees.push((name, id)),
                None => {}
            }
        }
        self.wanted.tips.append(&mut tips);
        let graph = graph::walk(objects, &self.wanted);
        walk.announce(&graph);
        *walk.boundary = Boundary::new(graph.boundary);
        for (id, header) in &graph.commits {
            if walk.stopped {
                break;
            }
            walk.commit(*id, header);
        }
        for (name, id) in trees {
            walk.unattributed(name, id);
        }
        walk.finish();
        Ok(())
    }

    fn was_there(&mut self, blob: &str) -> bool {
        blob.parse().is_ok_and(|id| self.boundary.holds(&self.place.objects, id))
    }
}

/// One walk under way.
struct Walk<'w> {
    objects: &'w Objects,
    partial: bool,
    boundary: &'w mut Boundary,
    /// Trees and blobs that were handed over, or lie beside something that changed and were there before.
    seen: HashSet<Id>,
    sink: &'w mut dyn FnMut(Item) -> bool,
    stopped: bool,
    /// Blobs that are not here.
    missing: u64,
}

/// A tree to be looked at.
struct Folder {
    id: Id,
    path: Vec<u8>,
    /// What lay at the path in the parents.
    before: Vec<Id>,
}

impl Walk<'_> {
    fn give(&mut self, item: Item) {
        if !self.stopped {
            self.stopped = !(self.sink)(item);
        }
    }

    /// Says how much there is, and what of it cannot be read.
    fn announce(&mut self, graph: &Graph) {
        self.give(Item::Commits(graph.commits.len() as u64));
        for problem in self.objects.store().problems() {
            self.give(Item::Skipped(problem.clone()));
        }
        for (id, absent) in &graph.absent {
            self.give(Item::Skipped(absent.clone().skipped(format!("commit {id}"))));
        }
        for id in &graph.cut {
            let why = "the commits before it were not fetched (git fetch --unshallow fetches them)";
            self.give(Item::Skipped(Skipped::asked(format!("commit {id}"), SkipReason::Shallow, why)));
        }
    }

    fn commit(&mut self, id: Id, header: &super::object::Header) {
        let (commit, message) = match self.objects.commit(id) {
            Ok((commit, message)) => (Arc::new(commit), message),
            Err(absent) => return self.give(Item::Skipped(absent.skipped(format!("commit {id}")))),
        };
        let parents = header.parents.iter().filter_map(|parent| Some(self.objects.header(*parent).ok()?.tree));
        let root = Folder { id: header.tree, path: Vec::new(), before: parents.collect() };
        if !root.before.contains(&root.id) {
            self.descend(root, Some(&commit));
        }
        let provenance = Provenance::History { path: MESSAGE.to_vec(), blob: id.to_string(), commit: Some(commit) };
        self.give(Item::Blob(Blob::whole(message, Arc::new(provenance))));
        self.give(Item::Commit);
    }

    /// Hands over every blob below `root` that is new. Depth is the tree's, so it is kept in a list, not on the stack.
    fn descend(&mut self, root: Folder, commit: Option<&Arc<Commit>>) {
        let mut folders = vec![root];
        while let Some(folder) = folders.pop().filter(|_| !self.stopped) {
            if !self.seen.insert(folder.id) {
                continue;
            }
            let entries = match self.objects.tree(folder.id) {
                Ok(entries) => entries,
                Err(absent) => {
                    if !self.boundary.holds(self.objects, folder.id) {
                        let what = format!("tree {} at {}", folder.id, printable(&folder.path));
                        self.give(Item::Skipped(absent.skipped(what)));
                    }
                    continue;
                }
            };
            let before: Vec<Vec<Entry>> = folder.before.iter().map(|id| self.by_name(*id)).collect();
            if self.partial {
                // The parent was walked, or all that it holds was there before.
                self.seen.extend(before.iter().flatten().map(|entry| entry.id));
            }
            let first = folders.len();
            for entry in entries {
                let known: Vec<Id> = before.iter().filter_map(|tree| same_name(tree, &entry)).collect();
                if known.contains(&entry.id) || self.seen.contains(&entry.id) {
                    continue;
                }
                let path = join(&folder.path, &entry.name);
                match entry.kind {
                    Kind::Tree => folders.push(Folder { id: entry.id, path, before: known }),
                    Kind::Blob => self.blob(entry.id, path, &known, commit),
                    Kind::Submodule => self.submodule(entry.id, &path),
                }
            }
            folders.get_mut(first..).unwrap_or_default().reverse();
        }
    }

    /// A tree of a parent; sorted, for broken ones need not be.
    fn by_name(&self, tree: Id) -> Vec<Entry> {
        let mut entries = self.objects.tree(tree).unwrap_or_default();
        entries.sort_by(by_name);
        entries
    }

    fn blob(&mut self, id: Id, path: Vec<u8>, before: &[Id], commit: Option<&Arc<Commit>>) {
        if self.stopped || !self.seen.insert(id) {
            return;
        }
        let bytes = match self.objects.blob(id) {
            Ok(bytes) => bytes,
            Err(_) if self.boundary.holds(self.objects, id) => return,
            Err(absent) => return self.absent(absent, &format!("{} (blob {id})", printable(&path))),
        };
        let versions = || before.iter().filter_map(|id| self.objects.blob(*id).ok()).collect::<Vec<_>>();
        let touched = self.partial.then(|| added::ranges(&versions(), &bytes));
        let provenance = Provenance::History { path, blob: id.to_string(), commit: commit.cloned() };
        // Of a part only what touches added lines counts; there the version before may not have been looked at.
        let before = if self.partial { Vec::new() } else { before.iter().map(ToString::to_string).collect() };
        self.give(Item::Blob(Blob { touched, before, ..Blob::whole(bytes, Arc::new(provenance)) }));
    }

    /// Says that a blob is not there, or counts it.
    fn absent(&mut self, absent: Absent, what: &str) {
        if absent.why == SkipReason::Missing {
            self.missing += 1;
        }
        if absent.why != SkipReason::Missing || self.missing <= NAMED {
            self.give(Item::Skipped(absent.skipped(what.to_owned())));
        }
    }

    /// Says how many were only counted.
    fn finish(&mut self) {
        if let Some(more @ 1..) = self.missing.checked_sub(NAMED) {
            let why = "not among the objects here: this is a partial clone, or a damaged one";
            self.give(Item::Skipped(Skipped::asked(format!("{more} more blobs"), SkipReason::Missing, why)));
        }
    }

    fn submodule(&mut self, id: Id, path: &[u8]) {
        if self.seen.insert(id) && !self.boundary.holds(self.objects, id) {
            let what = printable(path);
            self.give(Item::Skipped(Skipped::passed(what, SkipReason::Submodule, format!("at commit {id}"))));
        }
    }

    /// Reads the messages of tags down to what they name.
    fn through_tags(&mut self, name: &str, mut id: Id) -> Option<(pack::Kind, Id)> {
        loop {
            let tag = match self.objects.kind(id) {
                Ok(pack::Kind::Tag) => self.objects.tag(id),
                Ok(kind) => return Some((kind, id)),
                Err(absent) => Err(absent),
            };
            match tag {
                Ok((target, message)) => {
                    if self.seen.insert(id) {
                        let provenance =
                            Provenance::History { path: MESSAGE.to_vec(), blob: id.to_string(), commit: None };
                        self.give(Item::Blob(Blob::whole(message, Arc::new(provenance))));
                    }
                    id = target;
                }
                Err(absent) => {
                    self.give(Item::Skipped(absent.skipped(printable(name.as_bytes()))));
                    return None;
                }
            }
        }
    }

    /// A ref that leads to a tree or a blob: read, with no commit to its name.
    fn unattributed(&mut self, name: &str, id: Id) {
        let path = name.as_bytes().to_vec();
        match self.objects.kind(id) {
            Ok(pack::Kind::Tree) => self.descend(Folder { id, path, before: Vec::new() }, None),
            _ => self.blob(id, path, &[], None),
        }
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder.is_empty() {
        true => name.to_vec(),
        false => [folder, b"/", name].concat(),
    }
}

/// What a parent's tree has under the entry's name, when it is of the same kind.
fn same_name(tree: &[Entry], entry: &Entry) -> Option<Id> {
    let at = tree.binary_search_by(|other| by_name(other, entry)).ok()?;
    tree.get(at).map(|other| other.id)
}

fn by_name(a: &Entry, b: &Entry) -> Ordering {
    (&a.name, a.kind).cmp(&(&b.name, b.kind))
}
