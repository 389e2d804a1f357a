//! Where objects of a history come from: for each that was asked about the first commit that brought it, its path there,
//! what lay there before, every path it ever lay at, and what still leads to it.
//!
//! The walk in [`super::history`] finds the first of these by reading object after object in the order of the history.
//! Here the store is read as it lies, each object once and on all cores: the commits and tags ([`commits`]), then the
//! trees ([`trees`]), of which only what matters is kept in lists of numbers. Then the walk is done on the lists
//! ([`meet`]), commit by commit in the same order ([`super::order`]), so it meets the same objects at the same places, and
//! says the same of what is missing ([`super::told`]).
//!
//! What still leads to an object is handed down from the names to the commits, from these to their trees and on to the
//! blobs, a few of the names at each ([`few`]); the paths are found by going once through the trees that hold one of the
//! objects ([`paths`]).

mod arena;
mod commits;
mod entries;
mod few;
mod lead;
mod meet;
mod paths;
mod telling;
mod trees;

pub use arena::Bits;
pub use commits::Commits;

use super::id::Id;
use super::pack;
use super::place::Place;
use super::tips::{self, Tips};
use super::{refs, told};
use crate::source::{Skipped, Whereabouts};
use commits::{Known, Reached};
use lead::Leads;
use meet::{Meeting, Seen};
use paths::Paths;
use std::collections::HashSet;
use std::sync::Arc;
use telling::Telling;
use trees::Trees;

/// What was asked about, by numbers of the store.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Blobs, and commits and tags for their messages.
    pub objects: Bits,
    /// Blobs that could not be read from the store. Where they lay is said with why they cannot be read; one that can
    /// be read by its name is an origin like the others.
    pub unread: Vec<u32>,
}

/// Where what was asked about comes from.
#[derive(Debug, Default)]
pub struct Attributed {
    /// Commits of the history.
    pub commits: u64,
    /// In the order of the walk; behind them what nothing leads to, by id.
    pub origins: Vec<Origin>,
    /// What could not be read, in the order of the walk.
    pub skipped: Vec<Skipped>,
}

/// Where an object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its number in the store; one beyond it when it came after the store was opened.
    pub number: u32,
    /// Its id.
    pub id: Id,
    /// Whether it is the text of a commit or a tag.
    pub message: bool,
    /// Its path in the first commit that has it: `(message)` for a text; when nothing leads to it the one in an index, or
    /// nothing. Below a ref that leads to a tree or a blob the path begins with the ref's name.
    pub path: Vec<u8>,
    /// The first commit that has it; of a commit's text the commit. `None` for a tag's text, when only a ref leads to it,
    /// and when nothing does.
    pub commit: Option<Id>,
    /// The blobs that lay at the path in the commit's parents, in their order: of those that were asked about, and of
    /// those that are not here.
    pub before: Vec<Id>,
    /// All its paths, and what leads to it.
    pub whereabouts: Arc<Whereabouts>,
}

/// Tells where `hits` come from in the whole history of the repository at `place`. `commits` are those of its store; about
/// `memory` bytes of bases are held while trees are read.
pub(super) fn attribute(place: &Place, commits: &mut Commits, hits: &Hits, memory: usize) -> Attributed {
    let objects = &place.objects;
    let store = objects.store();
    let mut doubtful: Bits = hits.unread.iter().copied().collect();
    let mut wanted = hits.objects.with(&doubtful);
    let strangers = Arc::clone(&commits.strangers);
    let collect = |wanted: &Bits| Trees::collect(objects, Arc::clone(&strangers), wanted.clone(), memory);
    let (way, mut trees) = rayon::join(|| Way::of(place, commits), || collect(&wanted));
    let commits = &*commits;
    let miscalled = trees.miscalled(commits);
    if !miscalled.is_empty() {
        // What a tree calls a file and is something else is told; there is none but in a damaged or a hostile repository.
        drop(trees);
        let miscalled = miscalled.into_iter().collect();
        doubtful = doubtful.with(&miscalled);
        wanted = wanted.with(&miscalled);
        trees = collect(&wanted);
    }
    let end = trees.end();
    let ((seen, texts), mut leads) = rayon::join(
        || way.meet(Meeting::new(&mut trees, commits, &doubtful, store.problems().is_empty()), commits, hits),
        || {
            let mut leads = Leads::new(end, &way.tips.names, &Known { store, objects, commits });
            leads.commits(commits, &way.reached.order);
            leads
        },
    );
    let mut paths = way.paths(&mut trees, commits, &seen);
    leads.trees(&seen, &mut paths.more);
    let telling = Telling { commits, store, trees: &trees, paths: &paths, leads: &leads };
    let (unreached, unread) = telling.unreached(place, &way, hits, &seen);
    let origins = telling.reached(&way, hits, &seen, texts).into_iter().chain(unreached).collect();
    let skipped = way.skipped.iter().chain(&seen.skipped).cloned().chain(unread).collect();
    Attributed { commits: way.reached.order.len() as u64, origins, skipped }
}

/// The way from everything that has a name through the commits.
struct Way {
    tips: Tips,
    ends: Ends,
    reached: Reached,
    /// What could not be read on it.
    skipped: Vec<Skipped>,
}

/// Texts of commits that were asked about: how many blobs were met before, and the commit's place.
type Texts = Vec<(usize, u32)>;

impl Way {
    fn of(place: &Place, commits: &mut Commits) -> Way {
        let objects = &place.objects;
        let store = objects.store();
        let mut tips = tips::all(place, &Known { store, objects, commits });
        let mut skipped = std::mem::take(&mut tips.broken);
        let ends = Ends::of(&mut tips, &Known { store, objects, commits }, &mut skipped);
        let reached = commits.reach(store, objects, &tips.commits, &refs::shallow(place).into_iter().collect());
        let cut = reached.cut.iter().filter_map(|place| commits.id(store, *commits.numbers.get(*place as usize)?));
        skipped.extend_from_slice(store.problems());
        skipped.extend(reached.absent.iter().map(|(id, absent)| told::commit(*id, absent.clone())));
        skipped.extend(cut.map(told::shallow));
        Way { tips, ends, reached, skipped }
    }

    /// Goes through all commits, and what else has a name.
    fn meet(&self, mut meeting: Meeting<'_, '_>, commits: &Commits, hits: &Hits) -> (Seen, Texts) {
        let mut texts = Texts::new();
        for &place in &self.reached.order {
            meeting.commit(place);
            if commits.numbers.get(place as usize).is_some_and(|number| hits.objects.has(*number)) {
                texts.push((meeting.met(), place));
            }
        }
        for end in &self.ends.others {
            match end.is_tree {
                true => meeting.tree(end.number, end.name.as_bytes()),
                false => meeting.blob(end.number, end.name.as_bytes()),
            }
        }
        (meeting.done(), texts)
    }

    fn paths(&self, trees: &mut Trees<'_>, commits: &Commits, seen: &Seen) -> Paths {
        let mut paths = Paths::new(trees.end());
        for tree in self.reached.order.iter().filter_map(|place| commits.trees.get(*place as usize)) {
            paths.commit(seen, *tree);
        }
        for end in &self.ends.others {
            let name = trees.names.number(end.name.as_bytes());
            match end.is_tree {
                true => paths.tree(seen, end.number, name),
                false => paths.blob(seen, end.number, name),
            }
        }
        paths
    }
}

/// What refs lead to.
struct Ends {
    /// Numbers of annotated tags, in the order of meeting.
    tags: Vec<u32>,
    /// Trees and blobs.
    others: Vec<End>,
}

struct End {
    name: String,
    is_tree: bool,
    number: u32,
}

impl Ends {
    /// Follows the tags; the commits they lead to become tips.
    fn of(tips: &mut Tips, look: &Known<'_>, skipped: &mut Vec<Skipped>) -> Ends {
        let mut ends = Ends { tags: Vec::new(), others: Vec::new() };
        let mut met = HashSet::new();
        for (name, id) in std::mem::take(&mut tips.others) {
            let end = tips::peel(look, &name, id, |tag| {
                if met.insert(tag) {
                    ends.tags.push(look.commits.number(look.store, tag));
                }
            });
            match end {
                Ok((pack::Kind::Commit, id)) => tips.commits.push(id),
                Ok((kind, id)) => {
                    let number = look.commits.number(look.store, id);
                    ends.others.push(End { name, is_tree: kind == pack::Kind::Tree, number });
                }
                Err(one) => skipped.push(one),
            }
        }
        ends
    }
}
