//! What is staged: the index that git names, against HEAD.
//!
//! Each staged blob is handed over whole, so that a match sees its surroundings, with the ranges that the commit would add
//! ([`crate::source::Blob::touched`]). In a merge what any side has is not new. Before the first commit all of it is. The index
//! is read as a file: nothing is refreshed, locked or written.

use super::id::Id;
use super::object::{Kind, Objects};
use super::place::Place;
use super::{added, refs};
use crate::source::{Blob, Error, Item, Provenance, SkipReason, Skipped, Source};
use crate::text::terminal::printable;
use git2::{Index, IndexEntry, IndexEntryExtendedFlag};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Most files that went away among which the origin of a renamed one is looked for.
const MOST_RENAMES: usize = 200;
/// What marks a submodule in an index (git: `S_IFGITLINK`).
const SUBMODULE: u32 = 0o160000;

/// What is staged in a repository.
pub struct Staged {
    place: Place,
}

impl Staged {
    /// The repository at `path` (without one: the repository of the environment).
    pub fn open(path: Option<&Path>) -> Result<Staged, Error> {
        Ok(Staged { place: Place::open(path)? })
    }

    /// The index; one that is not there yet is empty.
    fn index(&self) -> Result<Vec<IndexEntry>, Error> {
        let path = &self.place.index;
        let fail = |why: String| Error::NoSource { what: format!("the index of {}", self.place.name), why };
        if !path.exists() {
            return Ok(Vec::new());
        }
        let index = Index::open(path).map_err(|error| fail(error.message().to_owned()))?;
        Ok(index.iter().collect())
    }

    /// The trees that the commit will stand on: HEAD and, in a merge, the other sides.
    fn parents(&self, sink: &mut dyn FnMut(Item) -> bool) -> Vec<Version> {
        let head = refs::one(&self.place, "HEAD");
        let commits = head.into_iter().chain(refs::merging(&self.place));
        commits.map(|commit| Version::read(&self.place.objects, commit, sink)).collect()
    }
}

impl Source for Staged {
    fn describe(&self) -> String {
        format!("what is staged in {}", self.place.name)
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        let entries = self.index()?;
        let parents = self.parents(sink);
        let changed: Vec<&IndexEntry> = entries.iter().filter(|entry| is_new(entry, &parents)).collect();
        let gone = gone(&self.place.objects, &parents, &entries, &changed);
        for entry in changed {
            if !sink(read(&self.place.objects, entry, &parents, &gone)) {
                break;
            }
        }
        Ok(())
    }
}

/// One tree that the commit will stand on: blobs and submodules by path.
struct Version(BTreeMap<Vec<u8>, Id>);

impl Version {
    fn read(objects: &Objects, commit: Id, sink: &mut dyn FnMut(Item) -> bool) -> Version {
        let mut files = BTreeMap::new();
        let mut skip = |id: Id, absent: super::object::Absent| {
            sink(Item::Skipped(absent.skipped(format!("{id}, which the index is compared with"))));
        };
        let mut folders = match objects.header(commit) {
            Ok(header) => vec![(Vec::new(), header.tree)],
            Err(absent) => {
                skip(commit, absent);
                Vec::new()
            }
        };
        while let Some((folder, id)) = folders.pop() {
            match objects.tree(id) {
                Err(absent) => skip(id, absent),
                Ok(entries) => {
                    for entry in entries {
                        let path = [folder.as_slice(), &entry.name].concat();
                        match entry.kind {
                            Kind::Tree => folders.push(([path.as_slice(), b"/"].concat(), entry.id)),
                            _ => drop(files.insert(path, entry.id)),
                        }
                    }
                }
            }
        }
        Version(files)
    }
}

/// Whether no parent has this at its path. An entry that is only announced (`git add -N`) holds nothing yet.
fn is_new(entry: &IndexEntry, parents: &[Version]) -> bool {
    let announced = IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended);
    !announced.contains(IndexEntryExtendedFlag::INTENT_TO_ADD)
        && !parents.iter().any(|parent| parent.0.get(&entry.path).copied() == id(entry))
}

/// 0 for an entry that is ready, 1 to 3 for the sides of a conflict (gitformat-index(5), "stage").
fn stage(entry: &IndexEntry) -> u16 {
    (entry.flags >> 12) & 3
}

/// The blob's name.
fn id(entry: &IndexEntry) -> Option<Id> {
    Id::new(entry.id.as_bytes())
}

/// One entry that the commit would change.
fn read(objects: &Objects, entry: &IndexEntry, parents: &[Version], gone: &Gone) -> Item {
    let path = printable(&entry.path);
    if stage(entry) != 0 {
        return Item::Skipped(Skipped::asked(
            path,
            SkipReason::Unmerged,
            format!("side {} of a conflict", stage(entry)),
        ));
    }
    if entry.mode == SUBMODULE {
        return Item::Skipped(Skipped::passed(path, SkipReason::Submodule, format!("at commit {}", entry.id)));
    }
    let Some(id) = id(entry) else { return Item::Skipped(Skipped::asked(path, SkipReason::Corrupt, "no object id")) };
    let bytes = match objects.blob(id) {
        Ok(bytes) => bytes,
        Err(absent) => return Item::Skipped(absent.skipped(path)),
    };
    let touched = added::ranges(&gone.versions(objects, entry, parents, &bytes), &bytes);
    let provenance = Provenance::Staged { path: entry.path.clone(), blob: id.to_string() };
    Item::Blob(Blob { touched: Some(touched), ..Blob::whole(bytes, Arc::new(provenance)) })
}

/// Blobs of the parents that may have been renamed.
struct Gone {
    /// Ids that a parent has at a path that the index has no more: a file that is one of them was moved as it is. A copy
    /// is no move: it brings the same bytes to one more place.
    moved: HashSet<Id>,
    /// Contents at paths that the index has no more.
    contents: Vec<Vec<u8>>,
}

impl Gone {
    /// What to compare a staged blob with: what its path held, or where it came from.
    fn versions(&self, objects: &Objects, entry: &IndexEntry, parents: &[Version], new: &[u8]) -> Vec<Vec<u8>> {
        if id(entry).is_some_and(|id| self.moved.contains(&id)) {
            return vec![new.to_vec()];
        }
        let at_path = parents.iter().filter_map(|parent| objects.blob(*parent.0.get(&entry.path)?).ok());
        let versions: Vec<Vec<u8>> = at_path.collect();
        match versions.is_empty() {
            true => added::renamed_from(&self.contents, new).cloned().into_iter().collect(),
            false => versions,
        }
    }
}

/// Looks for what was moved, when anything is new at its path.
fn gone(objects: &Objects, parents: &[Version], entries: &[IndexEntry], changed: &[&IndexEntry]) -> Gone {
    let files = || parents.iter().flat_map(|parent| &parent.0);
    let fresh = |entry: &&IndexEntry| !parents.iter().any(|parent| parent.0.contains_key(&entry.path));
    if !changed.iter().any(fresh) {
        return Gone { moved: HashSet::new(), contents: Vec::new() };
    }
    let staged: HashSet<&[u8]> = entries.iter().map(|entry| entry.path.as_slice()).collect();
    let moved: HashSet<Id> = files().filter(|(path, _)| !staged.contains(path.as_slice())).map(|(_, id)| *id).collect();
    let mut left: Vec<Id> = moved.iter().copied().collect();
    left.sort();
    let contents = left.into_iter().take(MOST_RENAMES).filter_map(|id| objects.blob(id).ok()).collect();
    Gone { moved, contents }
}
