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

use super::attribute::{self, Attributed, Commits, Hits};
use super::boundary::Boundary;
use super::graph::{self, Graph, Wanted};
use super::id::Id;
use super::indexes::Holders;
use super::loose_end::{self, LooseEnd};
use super::object::{Entry, Kind, Objects, Text};
use super::pack::Store;
use super::place::Place;
use super::whole::{self, Whole};
use super::{added, pack, refs, revision, tips, told};
use crate::source::{Blob, Commit, Error, Item, Provenance, Skipped, Source};
use crate::text::terminal::printable;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The path that the text of a commit or a tag is reported under: no file has it, for it is not below the tree.
pub(super) const MESSAGE: &[u8] = b"(message)";

/// A history, or a part of it.
pub struct History {
    place: Place,
    wanted: Wanted,
    /// Refs that lead to no commit, and annotated tags: by name.
    others: Vec<(String, Id)>,
    /// Annotated tags that were there before.
    known_tags: HashSet<Id>,
    /// Refs that could not be read.
    broken: Vec<Skipped>,
    /// Tips were named.
    narrowed: bool,
    /// Only a part was asked for.
    partial: bool,
    what: String,
    /// Before what was asked for; known once it was walked.
    boundary: Boundary,
    /// Packs that an earlier scan looked at, by name.
    scanned: Option<Vec<String>>,
    /// What was handed over from packs that joined since, without a look at what leads to it.
    joined: HashSet<Id>,
    /// What of that nothing leads to; found out when something was found in it.
    unreachable: Option<HashSet<Id>>,
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
            known_tags: HashSet::new(),
            broken: Vec::new(),
            narrowed: false,
            partial: false,
            what,
            boundary: Boundary::default(),
            scanned: None,
            joined: HashSet::new(),
            unreachable: None,
        })
    }

    /// Where its objects are stored, for whoever reads them all.
    pub fn store(&self) -> &Store {
        self.place.objects.store()
    }

    /// Where objects of the whole history come from, with what the walk would skip; `commits` are those of
    /// [`History::store`], and about `memory` bytes are held while trees are read.
    pub fn attribute(&self, commits: &mut Commits, hits: &Hits, memory: usize) -> Attributed {
        attribute::attribute(&self.place, commits, hits, memory)
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

    /// Just what `tips` lead to and `without` does not: what a push brought. A tip is a revision, mostly a commit; of an
    /// annotated tag its text comes too, and one may name a tree or a blob.
    pub fn pushed(mut self, tips: &[String], without: &[Without]) -> Result<History, Error> {
        let place = &self.place;
        let (mut new, mut others, mut hidden) = (Vec::new(), Vec::new(), HashSet::new());
        for tip in tips {
            let found = revision::object(place, tip).and_then(|id| Some((id, place.objects.kind(id).ok()?)));
            match found {
                Some((id, pack::Kind::Commit)) => new.push(id),
                Some((id, _)) => others.push((tip.clone(), id)),
                None => {
                    let why = format!("{} has no such commit", place.name);
                    return Err(Error::BadRange { range: printable(tip.as_bytes()), why });
                }
            }
        }
        for part in without {
            match part {
                Without::Revisions(names) => {
                    hidden.extend(names.iter().filter_map(|name| revision::object(place, name)))
                }
                Without::Refs(prefix) => {
                    let named = refs::all(place).0.into_iter().filter(|(name, _)| name.starts_with(prefix));
                    hidden.extend(named.map(|(_, id)| id));
                }
            }
        }
        let mut tags = HashSet::new();
        let commits = hidden.into_iter().filter_map(|id| tips::commit(&place.objects, id, |tag| tags.extend([tag])));
        let commits = commits.collect();
        self.narrow(new, commits, "what was pushed");
        (self.others, self.known_tags) = (others, tags);
        Ok(self)
    }

    /// Just the commits made at or after `time`.
    pub fn since(mut self, time: Timestamp) -> History {
        self.wanted.since = Some(time.as_second());
        self.partial = true;
        self.what = format!("{} since {time}", self.what);
        self
    }

    /// The commits from which everything in the repository is reached, and its packs: what a scan of it looks at.
    pub fn holds(&self) -> (Vec<String>, Vec<String>) {
        let tips = tips::all(&self.place, &self.place.objects).commits;
        (
            tips.iter().map(ToString::to_string).collect(),
            self.place.objects.store().packs().map(|(name, _)| name).collect(),
        )
    }

    /// Just what came since a scan that looked at what `tips` reach and at these packs ([`History::holds`]): commits, and
    /// what lies in packs that joined. When packs were made anew since (`git gc`), only commits.
    pub fn beyond(mut self, tips: &[String], packs: &[String]) -> History {
        self.wanted.without = tips.iter().filter_map(|tip| tip.parse().ok()).collect();
        self.partial = true;
        self.scanned = Some(packs.to_vec());
        self.what = format!("{}, what came since the last scan", self.what);
        self
    }

    /// Just what refs and heads of work trees lead to: no stash, no log, no index, nothing that nothing leads to.
    pub fn reachable(mut self) -> History {
        self.place.only_refs = true;
        self.what = format!("{}, what refs lead to", self.what);
        self
    }

    /// Whether it is the history of a part only.
    pub(super) fn is_part(&self) -> bool {
        self.partial
    }

    /// Where it lies.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Objects that were there when everything was looked at the last time are left out of what nothing leads to.
    fn to_look_at(&self) -> Vec<Id> {
        let store = self.place.objects.store();
        let packs: Vec<_> = store.packs().collect();
        let is_there = |name: &String| packs.iter().any(|(pack, _)| pack == name);
        match &self.scanned {
            _ if self.place.only_refs => Vec::new(),
            None if !self.partial => self.place.objects.all(),
            Some(scanned) if scanned.iter().all(is_there) => {
                let new = packs.iter().filter(|(name, _)| !scanned.contains(name));
                new.flat_map(|(_, numbers)| numbers.clone()).map(|number| store.id(number)).collect()
            }
            _ => Vec::new(),
        }
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
        let tips = tips::all(&self.place, &self.place.objects);
        self.broken = tips.broken;
        self.others = tips.others;
        self.wanted.tips = tips.commits;
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
        let all = self.to_look_at();
        let objects = &self.place.objects;
        let mut tips = Vec::new();
        let mut trees = Vec::new();
        let mut walk = Walk {
            objects,
            partial: self.partial,
            boundary: &mut self.boundary,
            seen: HashSet::new(),
            tags: self.known_tags.clone(),
            sink,
            stopped: false,
            files: told::Files::default(),
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
        if let Some(others) = walk.files.others() {
            walk.give(Item::Skipped(others));
        }
        let absent = graph.absent.iter().map(|(id, _)| *id);
        let reached = graph.commits.iter().map(|(id, _)| *id).chain(absent).collect();
        let given = walk.loose_ends(&self.place, &reached, all);
        if self.scanned.is_some() {
            self.joined = given.into_iter().collect();
        }
        Ok(())
    }

    fn whole(&mut self, memory: usize) -> Option<Whole<'_>> {
        Whole::of(self, memory)
    }

    fn was_there(&mut self, blob: &str) -> bool {
        let Ok(id) = blob.parse() else { return false };
        if self.joined.contains(&id) {
            // Packs that were made anew hold what was there, too.
            let find = || whole::unreachable(&self.place, &self.joined);
            return !self.unreachable.get_or_insert_with(find).contains(&id);
        }
        self.boundary.holds(&self.place.objects, id)
    }
}

/// One walk under way.
struct Walk<'w> {
    objects: &'w Objects,
    partial: bool,
    boundary: &'w mut Boundary,
    /// Trees and blobs that were handed over, or lie beside something that changed and were there before: as what they
    /// were named, so that an entry that calls a blob a submodule or a folder does not hide it.
    seen: HashSet<(Kind, Id)>,
    /// Annotated tags that were handed over.
    tags: HashSet<Id>,
    sink: &'w mut dyn FnMut(Item) -> bool,
    stopped: bool,
    files: told::Files,
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
            self.give(Item::Skipped(told::commit(*id, absent.clone())));
        }
        for id in &graph.cut {
            self.give(Item::Skipped(told::shallow(*id)));
        }
    }

    fn commit(&mut self, id: Id, header: &super::object::Header) {
        let (commit, message) = match self.objects.commit(id) {
            Ok((commit, message)) => (Arc::new(commit), message),
            Err(absent) => return self.give(Item::Skipped(told::commit(id, absent))),
        };
        let parents = header.parents.iter().filter_map(|parent| Some(self.objects.header(*parent).ok()?.tree));
        let root = Folder { id: header.tree, path: Vec::new(), before: parents.collect() };
        if !root.before.contains(&root.id) {
            self.descend(root, Some(&commit));
        }
        self.message(id, message, Some(commit));
        self.give(Item::Commit);
    }

    /// Hands over every blob below `root` that is new. Depth is the tree's, so it is kept in a list, not on the stack.
    fn descend(&mut self, root: Folder, commit: Option<&Arc<Commit>>) {
        let mut folders = vec![root];
        while let Some(folder) = folders.pop().filter(|_| !self.stopped) {
            if !self.seen.insert((Kind::Tree, folder.id)) {
                continue;
            }
            let entries = match self.objects.tree(folder.id) {
                Ok(entries) => entries,
                Err(absent) => {
                    if !self.boundary.holds(self.objects, folder.id) {
                        self.give(Item::Skipped(told::tree(folder.id, &folder.path, absent)));
                    }
                    continue;
                }
            };
            let before: Vec<Vec<Entry>> = folder.before.iter().map(|id| self.by_name(*id)).collect();
            if self.partial {
                // The parent was walked, or all that it holds was there before.
                self.seen.extend(before.iter().flatten().map(|entry| (entry.kind, entry.id)));
            }
            let first = folders.len();
            for entry in entries {
                let known: Vec<Id> = before.iter().filter_map(|tree| same_name(tree, &entry)).collect();
                if known.contains(&entry.id) || self.seen.contains(&(entry.kind, entry.id)) {
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
        if self.stopped || !self.seen.insert((Kind::Blob, id)) {
            return;
        }
        let bytes = match self.objects.blob(id) {
            Ok(bytes) => bytes,
            Err(_) if self.boundary.holds(self.objects, id) => return,
            Err(absent) => {
                if let Some(one) = self.files.absent(id, &path, absent) {
                    self.give(Item::Skipped(one));
                }
                return;
            }
        };
        let versions = || before.iter().filter_map(|id| self.objects.blob(*id).ok()).collect::<Vec<_>>();
        let touched = self.partial.then(|| added::ranges(&versions(), &bytes));
        let provenance = Provenance::History { path, blob: id.to_string(), commit: commit.cloned(), whereabouts: None };
        // Of a part only what touches added lines counts; there the version before may not have been looked at.
        let before = if self.partial { Vec::new() } else { before.iter().map(ToString::to_string).collect() };
        self.give(Item::Blob(Blob { touched, before, ..Blob::whole(bytes, Arc::new(provenance)) }));
    }

    fn submodule(&mut self, id: Id, path: &[u8]) {
        if self.seen.insert((Kind::Submodule, id)) && !self.boundary.holds(self.objects, id) {
            self.give(Item::Skipped(told::submodule(id, path)));
        }
    }

    /// The text of a commit or a tag.
    fn message(&mut self, id: Id, text: Text, commit: Option<Arc<Commit>>) {
        let (path, blob) = (MESSAGE.to_vec(), id.to_string());
        self.give(Item::Blob(text.blob(Provenance::History { path, blob, commit, whereabouts: None })));
    }

    /// Reads the messages of tags down to what they name.
    fn through_tags(&mut self, name: &str, id: Id) -> Option<(pack::Kind, Id)> {
        let mut tags = Vec::new();
        let end = tips::peel(self.objects, name, id, |tag| tags.push(tag));
        for tag in tags {
            if self.tags.insert(tag)
                && let Ok((_, text)) = self.objects.tag(tag)
            {
                self.message(tag, text, None);
            }
        }
        end.map_err(|one| self.give(Item::Skipped(one))).ok()
    }

    /// What lies in the repository and nothing leads to, by id, with no path but that of an index and no commit to its name
    /// but its own. Returns what was handed over.
    fn loose_ends(&mut self, place: &Place, reached: &HashSet<Id>, all: Vec<Id>) -> Vec<Id> {
        let met = |id: &Id| self.seen.contains(&(Kind::Blob, *id)) || reached.contains(id) || self.tags.contains(id);
        let loose: Vec<Id> = all.into_iter().filter(|id| !met(id)).collect();
        if loose.is_empty() {
            return Vec::new();
        }
        let ids: HashSet<Id> = loose.iter().copied().collect();
        let holders = Holders::find(place, |id| ids.contains(id));
        let mut given = Vec::new();
        for id in loose {
            if self.stopped {
                break;
            }
            let read = loose_end::read(self.objects, id);
            given.extend(matches!(read, Ok(Some(_))).then_some(id));
            match read {
                Ok(Some(LooseEnd::Blob(bytes))) => {
                    let (path, blob) = (holders.of(id).0, id.to_string());
                    let provenance = Provenance::History { path, blob, commit: None, whereabouts: None };
                    self.give(Item::Blob(Blob::whole(bytes, Arc::new(provenance))));
                }
                Ok(Some(LooseEnd::Message(text, commit))) => self.message(id, text, commit.map(Arc::new)),
                Err(absent) if !self.seen.contains(&(Kind::Tree, id)) => {
                    self.give(Item::Skipped(told::loose_end(id, absent)));
                }
                Ok(None) | Err(_) => {}
            }
        }
        given
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
