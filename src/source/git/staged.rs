//! What is staged: the index that git names, against HEAD.
//!
//! Each staged blob is handed over whole, so that a match sees its surroundings, with the ranges that the commit would add
//! ([`crate::source::Blob::touched`]). In a merge what any side has is not new. Before the first commit all of it is. The index
//! is read as a file: nothing is refreshed, locked or written.

use super::compare::{self, Change, Compared, Gone};
use super::id::Id;
use super::index::Index;
use super::object::{Kind, Objects};
use super::place::Place;
use super::{added, refs};
use crate::source::{Blob, Error, Item, Provenance, SkipReason, Skipped, Source};
use crate::text::terminal::printable;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Most files that went away among which the origin of a renamed one is looked for.
const MOST_RENAMES: usize = 200;

/// What is staged in a repository.
pub struct Staged {
    place: Place,
}

impl Staged {
    /// The repository at `path` (without one: the repository of the environment).
    pub fn open(path: Option<&Path>) -> Result<Staged, Error> {
        Ok(Staged { place: Place::open(path)? })
    }

    /// The index, when there is one yet.
    fn index(&self) -> Result<Option<Index>, Error> {
        Index::open(&self.place.index, &self.place.dir, self.place.objects.store().hash()).map_err(|error| {
            Error::NoSource { what: format!("the index of {}", self.place.name), why: error.to_string() }
        })
    }

    /// The index against each commit that the next one will stand on: HEAD and, in a merge, the other sides.
    fn compare(&self, index: &Index, sink: &mut dyn FnMut(Item) -> bool) -> Vec<Compared> {
        let objects = &self.place.objects;
        let head = refs::head(&self.place).unwrap_or_else(|one| {
            sink(Item::Skipped(one));
            None
        });
        let mut skip = |id: Id, absent: super::object::Absent| {
            sink(Item::Skipped(absent.skipped(format!("{id}, which the index is compared with"))));
        };
        let commits = head.into_iter().chain(refs::merging(&self.place));
        let tops = commits.map(|commit| objects.header(commit).map_err(|absent| skip(commit, absent)).ok());
        let mut tops: Vec<Option<Id>> = tops.map(|header| header.map(|header| header.tree)).collect();
        if tops.is_empty() {
            tops.push(None);
        }
        let mut all: Vec<Compared> = tops.into_iter().map(|top| compare::compare(objects, index, top)).collect();
        for (id, absent) in all.iter_mut().flat_map(|one| one.absent.drain(..)) {
            skip(id, absent);
        }
        all
    }
}

impl Source for Staged {
    fn describe(&self) -> String {
        format!("what is staged in {}", self.place.name)
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        let Some(index) = self.index()? else { return Ok(()) };
        let compared = self.compare(&index, sink);
        drop(index);
        let changed = new_to_all(&compared);
        let gone = Away::find(&self.place.objects, &compared, &changed);
        for entry in changed {
            if !sink(read(&self.place.objects, &entry, &gone)) {
                break;
            }
        }
        Ok(())
    }
}

/// An entry that no parent has at its path.
struct Changed<'c> {
    entry: &'c Change,
    /// What they have there, each.
    before: Vec<Id>,
}

/// What is new against each parent.
fn new_to_all(compared: &[Compared]) -> Vec<Changed<'_>> {
    let Some((first, others)) = compared.split_first() else { return Vec::new() };
    let key = |change: &Change| (change.path.clone(), change.stage);
    let by_key = |one: &Compared| one.changes.iter().map(|change| (key(change), change.before)).collect();
    let others: Vec<HashMap<_, Option<Id>>> = others.iter().map(by_key).collect();
    let changed = first.changes.iter().filter_map(|entry| {
        let mut before = Vec::from_iter(entry.before);
        for other in &others {
            before.extend(other.get(&key(entry))?);
        }
        Some(Changed { entry, before })
    });
    changed.collect()
}

/// One entry that the commit would change.
fn read(objects: &Objects, changed: &Changed<'_>, away: &Away) -> Item {
    let Change { path, id, stage, .. } = changed.entry;
    let name = printable(path);
    if *stage != 0 {
        return Item::Skipped(Skipped::asked(name, SkipReason::Unmerged, format!("side {stage} of a conflict")));
    }
    if changed.entry.is_submodule() {
        return Item::Skipped(Skipped::passed(name, SkipReason::Submodule, format!("at commit {id}")));
    }
    let bytes = match objects.blob(*id) {
        Ok(bytes) => bytes,
        Err(absent) => return Item::Skipped(absent.skipped(name)),
    };
    let touched = added::ranges(&away.versions(objects, changed, &bytes), &bytes);
    let provenance = Provenance::Staged { path: path.clone(), blob: id.to_string() };
    Item::Blob(Blob { touched: Some(touched), ..Blob::whole(bytes, Arc::new(provenance)) })
}

/// Blobs of the parents that may have been renamed.
struct Away {
    /// Ids that a parent has at a path that the index has no more: a file that is one of them was moved as it is. A copy
    /// is no move: it brings the same bytes to one more place.
    moved: HashSet<Id>,
    /// Contents at paths that the index has no more.
    contents: Vec<Vec<u8>>,
}

impl Away {
    /// Looks for what was moved, when anything is new at its path.
    fn find(objects: &Objects, compared: &[Compared], changed: &[Changed<'_>]) -> Away {
        if changed.iter().all(|changed| !changed.before.is_empty()) {
            return Away { moved: HashSet::new(), contents: Vec::new() };
        }
        let (mut moved, mut folders) = (HashSet::new(), Vec::new());
        for gone in compared.iter().flat_map(|one| &one.gone) {
            match gone {
                Gone::File(id) => drop(moved.insert(*id)),
                Gone::Folder(id) => folders.push(*id),
            }
        }
        while let Some(folder) = folders.pop() {
            for entry in objects.tree(folder).unwrap_or_default() {
                match entry.kind {
                    Kind::Tree => folders.push(entry.id),
                    Kind::Blob | Kind::Submodule => drop(moved.insert(entry.id)),
                }
            }
        }
        let mut left: Vec<Id> = moved.iter().copied().collect();
        left.sort();
        let contents = left.into_iter().take(MOST_RENAMES).filter_map(|id| objects.blob(id).ok()).collect();
        Away { moved, contents }
    }

    /// What to compare a staged blob with: what its path held, or where it came from.
    fn versions(&self, objects: &Objects, changed: &Changed<'_>, new: &[u8]) -> Vec<Vec<u8>> {
        if self.moved.contains(&changed.entry.id) {
            return vec![new.to_vec()];
        }
        let versions: Vec<Vec<u8>> = changed.before.iter().filter_map(|id| objects.blob(*id).ok()).collect();
        match versions.is_empty() {
            true => added::renamed_from(&self.contents, new).cloned().into_iter().collect(),
            false => versions,
        }
    }
}
