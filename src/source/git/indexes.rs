//! What the indexes of all work trees name: a file that was staged and is in no commit is held by nothing else.
//!
//! Only a label comes of this. An index that cannot be read names nothing: what it held is read all the same, and told as
//! something that nothing leads to.

use super::id::Id;
use super::index::Index;
use super::place::{self, Place};
use super::refs;
use crate::source::{Held, Whereabouts};
use crate::text::terminal::printable;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Indexes, and paths in them, that are told of one file; the others are counted.
const TOLD: usize = 16;

/// How the repository at `place` holds objects that no name leads to.
pub(super) struct Holders<'p> {
    place: &'p Place,
    staged: HashMap<Id, Staged>,
}

/// Where a blob is staged, in the order of the indexes and of the paths in them.
#[derive(Default)]
struct Staged {
    indexes: Vec<String>,
    more_indexes: bool,
    paths: Vec<Vec<u8>>,
    other_paths: u32,
}

impl<'p> Holders<'p> {
    /// Looks for those objects that `wanted` says yes to.
    pub fn find(place: &'p Place, wanted: impl Fn(&Id) -> bool) -> Holders<'p> {
        let mut holders = Holders { place, staged: HashMap::new() };
        for (name, path, folder) in files(place) {
            if let Ok(Some(index)) = Index::open(&path, &folder, place.objects.store().hash()) {
                holders.add(&name, &index, &wanted);
            }
        }
        holders
    }

    fn add(&mut self, name: &str, index: &Index, wanted: impl Fn(&Id) -> bool) {
        let mut entries = index.entries();
        while let Some(entry) = entries.current() {
            if !entry.announced && !entry.is_submodule() && !entry.is_folder() && wanted(&entry.id) {
                self.staged.entry(entry.id).or_default().add(name, entry.path);
            }
            entries.advance();
        }
    }

    /// The object's path, when it is staged, and how it is held.
    pub fn of(&self, id: Id) -> (Vec<u8>, Arc<Whereabouts>) {
        let none = Whereabouts::default();
        let whereabouts = match self.staged.get(&id) {
            Some(staged) => Whereabouts {
                held: Held::Index,
                refs: staged.indexes.clone(),
                more_refs: staged.more_indexes,
                paths: staged.paths.clone(),
                other_paths: staged.other_paths,
                ..none
            },
            None if self.place.objects.is_borrowed(id) => Whereabouts { held: Held::Shared, ..none },
            None => none,
        };
        (whereabouts.paths.first().cloned().unwrap_or_default(), Arc::new(whereabouts))
    }
}

impl Staged {
    fn add(&mut self, index: &str, path: &[u8]) {
        if self.indexes.last().is_none_or(|last| last != index) {
            match self.indexes.len() < TOLD {
                true => self.indexes.push(index.to_owned()),
                false => self.more_indexes = true,
            }
        }
        if self.paths.iter().any(|known| known == path) {
            return;
        }
        match self.paths.len() < TOLD {
            true => self.paths.push(path.to_owned()),
            false => self.other_paths = self.other_paths.saturating_add(1),
        }
    }
}

/// Every index: its name below git's folder, its file, and where what a split one stands on lies.
fn files(place: &Place) -> Vec<(String, PathBuf, PathBuf)> {
    let mut files: Vec<(String, PathBuf, PathBuf)> = Vec::new();
    let folders = refs::dirs(place).into_iter().map(|folder| (folder.join("index"), folder));
    for (path, folder) in folders.chain([(place.index.clone(), place.dir.clone())]) {
        if files.iter().all(|(_, known, _)| *known != path && !place::same(known, &path)) {
            let name = path.strip_prefix(&place.common).unwrap_or(&path);
            files.push((printable(name.as_os_str().as_encoded_bytes()), path, folder));
        }
    }
    files
}
