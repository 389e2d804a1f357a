//! What is to be said of each object that was asked about, once everything is known.

use super::super::history::MESSAGE;
use super::super::id::Id;
use super::super::indexes::Holders;
use super::super::loose_end::{self, LooseEnd};
use super::super::pack::Store;
use super::super::place::Place;
use super::super::told;
use super::arena::Bits;
use super::commits::Commits;
use super::lead::Leads;
use super::meet::{Met, Seen};
use super::paths::Paths;
use super::trees::Trees;
use super::{Hits, Origin, Texts, Way};
use crate::source::Skipped;
use std::collections::HashSet;
use std::sync::Arc;

/// Paths of an object that are listed; the others are counted.
const LISTED: usize = 16;

/// Puts together what is to be said of an object.
pub(super) struct Telling<'t> {
    pub commits: &'t Commits,
    pub store: &'t Store,
    pub trees: &'t Trees<'t>,
    pub paths: &'t Paths,
    pub leads: &'t Leads<'t>,
}

impl Telling<'_> {
    /// What was asked about and is led to, in the order of the walk.
    pub fn reached(&self, way: &Way, hits: &Hits, seen: &Seen, texts: Texts) -> Vec<Origin> {
        let id_of = |place: u32| self.commits.id(self.store, *self.commits.numbers.get(place as usize)?);
        let asked = way.ends.tags.iter().filter(|tag| hits.objects.has(**tag));
        let mut origins: Vec<Origin> = asked.filter_map(|tag| self.message(*tag, None)).collect();
        let mut texts = texts.into_iter().peekable();
        let mut text = |met: usize, origins: &mut Vec<Origin>| {
            while let Some((_, place)) = texts.next_if(|(before, _)| *before <= met) {
                let number = self.commits.numbers.get(place as usize);
                origins.extend(number.and_then(|number| self.message(*number, id_of(place))));
            }
        };
        for (at, met) in seen.met.iter().enumerate() {
            text(at, &mut origins);
            origins.extend(self.blob(met, met.commit.and_then(id_of)));
        }
        text(usize::MAX, &mut origins);
        origins
    }

    /// What was asked about, or could not be read, and nothing leads to, by id.
    pub fn unreached(&self, place: &Place, way: &Way, hits: &Hits, seen: &Seen) -> (Vec<Origin>, Vec<Skipped>) {
        let (mut origins, mut skipped) = (Vec::new(), Vec::new());
        let mut reached = Bits::new(self.store.count());
        let absent = way.reached.absent.iter().filter_map(|(id, _)| self.store.number(id));
        let in_order = way.reached.order.iter().filter_map(|place| self.commits.numbers.get(*place as usize).copied());
        reached.extend(in_order.chain(absent).chain(way.ends.tags.iter().copied()));
        let unread = hits.unread.iter().chain(&self.commits.unread).chain(&self.trees.unread).copied();
        let mut loose: Vec<(Id, u32)> = (hits.objects.iter().chain(unread))
            .filter(|number| !reached.has(*number) && !seen.blobs.has(*number))
            .map(|number| (self.store.id(number), number))
            .collect();
        loose.sort_unstable();
        loose.dedup();
        if place.only_refs || loose.is_empty() {
            return (origins, skipped);
        }
        let ids: HashSet<Id> = loose.iter().map(|(id, _)| *id).collect();
        let holders = Holders::find(place, |id| ids.contains(id));
        for (id, number) in loose {
            if hits.objects.has(number) {
                let commit = self.commits.place(number).map(|_| id);
                origins.push(origin(&holders, number, id, self.commits.knows(number), commit));
                continue;
            }
            match loose_end::read(self.trees.objects, id) {
                Ok(None) => {}
                Ok(Some(LooseEnd::Blob(_))) => origins.push(origin(&holders, number, id, false, None)),
                Ok(Some(LooseEnd::Message(_, commit))) => {
                    origins.push(origin(&holders, number, id, true, commit.map(|_| id)));
                }
                Err(_) if seen.trees.has(number) => {}
                Err(absent) => skipped.push(told::loose_end(id, absent)),
            }
        }
        (origins, skipped)
    }

    fn blob(&self, met: &Met, commit: Option<Id>) -> Option<Origin> {
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
fn origin(holders: &Holders<'_>, number: u32, id: Id, message: bool, commit: Option<Id>) -> Origin {
    let (path, whereabouts) = holders.of(id);
    let path = if message { MESSAGE.to_vec() } else { path };
    Origin { number, id, message, path, commit, before: Vec::new(), whereabouts }
}
