//! What is staged: the index that git names, against HEAD.
//!
//! Each staged blob is handed over whole, so that a match sees its surroundings, with the ranges that the commit would add
//! ([`crate::source::Blob::touched`]). In a merge what any side has is not new. Before the first commit all of it is. The index
//! is read as a file: nothing is refreshed, locked or written.

use super::compare::{self, Change, Compared};
use super::id::Id;
use super::index::Index;
use super::object::Objects;
use super::origins::Origins;
use super::place::Place;
use super::{added, refs};
use crate::source::{Blob, Error, Item, Provenance, SkipReason, Skipped, Source};
use crate::text::terminal::printable;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

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
        let objects = &self.place.objects;
        let fresh = changed.iter().filter(|changed| changed.before.is_empty());
        let origins = Origins::find(objects, &compared, fresh.map(|one| (one.entry.path.as_slice(), one.entry.id)));
        for entry in &changed {
            if !read(objects, entry, &origins, sink) {
                break;
            }
        }
        Ok(())
    }
}

/// An entry that no parent has at its path.
struct Changed<'c> {
    entry: &'c Change,
    /// What they have there, each: files that it stands for another version of.
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

/// Hands over one entry that the commit would change, and what must be told of it; whether to go on.
fn read(objects: &Objects, changed: &Changed<'_>, origins: &Origins<'_>, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    let Change { path, id, stage, .. } = changed.entry;
    let name = printable(path);
    if *stage != 0 {
        let side = format!("side {stage} of a conflict");
        return sink(Item::Skipped(Skipped::asked(name, SkipReason::Unmerged, side)));
    }
    if changed.entry.is_submodule() {
        return sink(Item::Skipped(Skipped::passed(name, SkipReason::Submodule, format!("at commit {id}"))));
    }
    let bytes = match objects.blob(*id) {
        Ok(bytes) => bytes,
        Err(absent) => return sink(Item::Skipped(absent.skipped(name))),
    };
    let mut versions = match origins.has(*id) {
        true => Vec::new(),
        false => before(objects, changed, sink),
    };
    if versions.is_empty() {
        versions = origins.of(*id, &bytes);
    }
    let touched = added::ranges(&versions, &bytes);
    let provenance = Provenance::Staged { path: path.clone(), blob: id.to_string() };
    sink(Item::Blob(Blob { touched: Some(touched), ..Blob::whole(bytes, Arc::new(provenance)) }))
}

/// What its path held. Where that is not here, more is looked at than is new, and nothing of what was asked for is left out.
fn before(objects: &Objects, changed: &Changed<'_>, sink: &mut dyn FnMut(Item) -> bool) -> Vec<Vec<u8>> {
    let mut versions = Vec::new();
    for id in &changed.before {
        match objects.blob(*id) {
            Ok(version) => versions.push(version),
            Err(absent) => {
                let what = format!("{} as it was (blob {id})", printable(&changed.entry.path));
                let why = "all that is staged there counts as new";
                sink(Item::Skipped(Skipped::passed(what, absent.why, why)));
            }
        }
    }
    versions
}
