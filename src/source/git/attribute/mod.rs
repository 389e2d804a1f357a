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
mod trees;

pub use arena::Bits;
pub use commits::Commits;

use super::history::MESSAGE;
use super::id::Id;
use super::indexes::Holders;
use super::loose_end::{self, LooseEnd};
use super::pack::{self, Store};
use super::place::Place;
use super::tips::{self, Tips};
use super::{refs, told};
use crate::source::{Skipped, Whereabouts};
use commits::Known;
use lead::Leads;
use meet::Meeting;
use paths::Paths;
use std::collections::HashSet;
use std::sync::Arc;
use trees::Trees;

/// Paths of an object that are listed; the others are counted.
const LISTED: usize = 16;

/// What was asked about, by numbers of the store.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Blobs, and commits and tags for their messages.
    pub objects: Bits,
    /// Blobs that could not be read from the store. Where they lay is said with why they cannot be read; one that the
    /// object database can read is an origin like the others.
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
    /// Its number in the store; one beyond it when only the object database has it.
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
    let mut tips = tips::all(place, &Known { store, objects, commits });
    let mut skipped = std::mem::take(&mut tips.broken);
    let ends = Ends::of(&mut tips, &Known { store, objects, commits }, &mut skipped);
    let reached = commits.reach(store, objects, &tips.commits, &refs::shallow(place).into_iter().collect());
    let commits = &*commits;
    let id_of = |place: &u32| commits.id(store, *commits.numbers.get(*place as usize)?);
    skipped.extend_from_slice(store.problems());
    skipped.extend(reached.absent.iter().map(|(id, absent)| told::commit(*id, absent.clone())));
    skipped.extend(reached.cut.iter().filter_map(id_of).map(told::shallow));

    let mut doubtful: Bits = hits.unread.iter().copied().collect();
    let wanted = hits.objects.with(&doubtful);
    let (mut trees, miscalled) = Trees::collect(store, objects, commits, wanted.clone(), memory);
    if !miscalled.is_empty() {
        // What a tree calls a file and is something else is told; there is none but in a damaged or a hostile repository.
        drop(trees);
        let miscalled = miscalled.into_iter().collect();
        doubtful = doubtful.with(&miscalled);
        trees = Trees::collect(store, objects, commits, wanted.with(&miscalled), memory).0;
    }

    let mut meeting = Meeting::new(&mut trees, commits, &doubtful, store.problems().is_empty());
    // How many blobs were met before the text of a commit.
    let mut texts: Vec<(usize, u32)> = Vec::new();
    for &place in &reached.order {
        meeting.commit(place);
        if commits.numbers.get(place as usize).is_some_and(|number| hits.objects.has(*number)) {
            texts.push((meeting.met(), place));
        }
    }
    for end in &ends.others {
        match end.is_tree {
            true => meeting.tree(end.number, end.name.as_bytes()),
            false => meeting.blob(end.number, end.name.as_bytes()),
        }
    }
    let seen = meeting.done();

    let mut paths = Paths::new(trees.end());
    for tree in reached.order.iter().filter_map(|place| commits.trees.get(*place as usize)) {
        paths.commit(&trees, &seen, *tree);
    }
    for end in &ends.others {
        let name = trees.names.number(end.name.as_bytes());
        match end.is_tree {
            true => paths.tree(&trees, &seen, end.number, name),
            false => paths.blob(&seen, end.number, name),
        }
    }
    let mut leads = Leads::new(trees.end(), &tips.names, &Known { store, objects, commits });
    leads.commits(commits, &reached.order);
    leads.trees(&trees, &seen, &mut paths.more);

    let telling = Telling { commits, store, trees: &trees, paths: &paths, leads: &leads };
    let mut origins: Vec<Origin> = Vec::new();
    origins
        .extend(ends.tags.iter().filter(|tag| hits.objects.has(**tag)).filter_map(|tag| telling.message(*tag, None)));
    let mut texts = texts.into_iter().peekable();
    let mut text = |met: usize, origins: &mut Vec<Origin>| {
        while let Some((_, place)) = texts.next_if(|(before, _)| *before <= met) {
            let number = commits.numbers.get(place as usize);
            origins.extend(number.and_then(|number| telling.message(*number, id_of(&place))));
        }
    };
    for (at, met) in seen.met.iter().enumerate() {
        text(at, &mut origins);
        origins.extend(telling.blob(met, met.commit.and_then(|place| id_of(&place))));
    }
    text(usize::MAX, &mut origins);
    skipped.extend_from_slice(&seen.skipped);

    let mut reached_all = Bits::new(store.count());
    let absent = reached.absent.iter().filter_map(|(id, _)| store.number(id));
    let in_order = reached.order.iter().filter_map(|place| commits.numbers.get(*place as usize).copied());
    reached_all.extend(in_order.chain(absent).chain(ends.tags));
    let unread = hits.unread.iter().chain(&commits.unread).chain(&trees.unread).copied();
    let mut loose: Vec<(Id, u32)> = (hits.objects.iter().chain(unread))
        .filter(|number| !reached_all.has(*number) && !seen.blobs.has(*number))
        .map(|number| (store.id(number), number))
        .collect();
    loose.sort_unstable();
    loose.dedup();
    if place.only_refs || loose.is_empty() {
        return Attributed { commits: reached.order.len() as u64, origins, skipped };
    }
    let ids: HashSet<Id> = loose.iter().map(|(id, _)| *id).collect();
    let holders = Holders::find(place, |id| ids.contains(id));
    for (id, number) in loose {
        if hits.objects.has(number) {
            let commit = commits.place(number).map(|_| id);
            origins.push(loose_origin(&holders, number, id, commits.knows(number), commit));
            continue;
        }
        match loose_end::read(objects, id) {
            Ok(None) => {}
            Ok(Some(LooseEnd::Blob(_))) => origins.push(loose_origin(&holders, number, id, false, None)),
            Ok(Some(LooseEnd::Message(_, commit))) => {
                origins.push(loose_origin(&holders, number, id, true, commit.map(|_| id)));
            }
            Err(_) if seen.trees.has(number) => {}
            Err(absent) => skipped.push(told::loose_end(id, absent)),
        }
    }
    Attributed { commits: reached.order.len() as u64, origins, skipped }
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

/// Puts together what is to be said of an object.
struct Telling<'t> {
    commits: &'t Commits,
    store: &'t Store,
    trees: &'t Trees<'t>,
    paths: &'t Paths,
    leads: &'t Leads<'t>,
}

impl Telling<'_> {
    fn blob(&self, met: &meet::Met, commit: Option<Id>) -> Option<Origin> {
        let mut whereabouts = self.leads.whereabouts(met.number);
        let mut paths = self.paths.of(met.number);
        whereabouts.paths = paths.by_ref().take(LISTED).map(|path| self.paths.bytes(self.trees, path)).collect();
        whereabouts.other_paths = u32::try_from(paths.count()).unwrap_or(u32::MAX);
        whereabouts.more_paths = self.paths.more.has(met.number);
        Some(Origin {
            number: met.number,
            id: self.trees.id(met.number)?,
            message: false,
            path: met.path.clone(),
            commit,
            before: met.before.iter().filter_map(|number| self.trees.id(*number)).collect(),
            whereabouts: Arc::new(whereabouts),
        })
    }

    fn message(&self, number: u32, commit: Option<Id>) -> Option<Origin> {
        let id = self.commits.id(self.store, number)?;
        let whereabouts = Arc::new(self.leads.whereabouts(number));
        let path = MESSAGE.to_vec();
        Some(Origin { number, id, message: true, path, commit, before: Vec::new(), whereabouts })
    }
}

/// What no name leads to: staged, of a store that others have too, or really nobody's.
fn loose_origin(holders: &Holders<'_>, number: u32, id: Id, message: bool, commit: Option<Id>) -> Origin {
    let (path, whereabouts) = holders.of(id);
    let path = if message { MESSAGE.to_vec() } else { path };
    Origin { number, id, message, path, commit, before: Vec::new(), whereabouts }
}
