//! What lay in a repository before the part of its history that was asked for.

use super::id::Id;
use super::object::{Kind, Objects};
use std::collections::HashSet;

/// The commits right before a part of a history: parents of what was asked for that were not asked for themselves.
///
/// A walk compares folder by folder with them and reads only what differs. Whether they hold a blob *somewhere* (it was
/// copied, or moved from afar) takes reading all of their trees: that is done only when it is asked, which is for a blob
/// that something was found in or that is not here.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    commits: Vec<Id>,
    /// All that they hold, once it was looked up.
    held: Option<HashSet<Id>>,
}

impl Boundary {
    pub fn new(commits: Vec<Id>) -> Boundary {
        Boundary { commits, held: None }
    }

    /// Whether one of them holds this tree, blob or submodule, wherever it lies.
    pub fn holds(&mut self, objects: &Objects, id: Id) -> bool {
        !self.commits.is_empty() && self.held.get_or_insert_with(|| held(objects, &self.commits)).contains(&id)
    }
}

/// What is absent there was not asked for.
fn held(objects: &Objects, commits: &[Id]) -> HashSet<Id> {
    let mut held = HashSet::new();
    let mut trees: Vec<Id> = commits.iter().filter_map(|commit| Some(objects.header(*commit).ok()?.tree)).collect();
    while let Some(tree) = trees.pop() {
        if !held.insert(tree) {
            continue;
        }
        for entry in objects.tree(tree).unwrap_or_default() {
            match entry.kind {
                Kind::Tree => trees.push(entry.id),
                Kind::Blob | Kind::Submodule => drop(held.insert(entry.id)),
            }
        }
    }
    held
}
