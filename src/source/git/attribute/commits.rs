//! All commits and tags of a store, read in one pass: what each stands on, when it was made, and which tree it holds.
//!
//! Whoever wants to read their messages too sees their bytes in the same pass.

use super::super::id::Id;
use super::super::object::{self, Absent, Header, Objects};
use super::super::order::{self, Lists};
use super::super::pack::{Kind, Run, Seen, Store, Visitor, Walked};
use super::super::tips::Look;
use super::arena::{Bits, Strangers, lock};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

/// Parts of what is written down that are locked for themselves.
const PARTS: u32 = 16;
/// No place.
const NOWHERE: u32 = u32::MAX;

/// The commits and tags of a store. Each commit has a place, `0..`.
pub struct Commits {
    /// By place: its number in the store, or a stranger's.
    pub(super) numbers: Vec<u32>,
    /// By place: the number of its tree.
    pub(super) trees: Vec<u32>,
    /// By place: numbers of its parents, as it names them.
    pub(super) parents: Lists,
    times: Vec<i64>,
    /// Where a shallow clone ends, by place.
    cut: Bits,
    /// By number: the place.
    places: Vec<u32>,
    /// What annotated tags name, by their numbers.
    tags: BTreeMap<u32, Id>,
    pub(super) strangers: Arc<Strangers>,
    /// Commits and tags that could not be read.
    pub(super) unread: Vec<u32>,
}

/// A commit as it was read.
struct Record {
    number: u32,
    tree: u32,
    time: i64,
    parents: Vec<u32>,
}

struct Pass<'s, L> {
    store: &'s Store,
    strangers: Strangers,
    records: Vec<Mutex<Vec<Record>>>,
    tags: Mutex<BTreeMap<u32, Id>>,
    look: L,
}

impl<L: Fn(&Seen<'_>) + Sync> Pass<'_, L> {
    fn number(&self, id: Id) -> u32 {
        self.store.number(&id).unwrap_or_else(|| self.strangers.number(id))
    }

    fn meet(&self, seen: &Seen<'_>) {
        if !seen.first {
            return;
        }
        if seen.kind == Kind::Tag {
            if let Some(target) = object::target(seen.bytes) {
                lock(&self.tags).insert(seen.number, target);
            }
        } else if let Some(header) = object::header(seen.bytes) {
            let Header { tree, parents, time } = header;
            let parents = parents.into_iter().map(|id| self.number(id)).collect();
            let record = Record { number: seen.number, tree: self.number(tree), time, parents };
            if let Some(part) = self.records.get((seen.number % PARTS) as usize) {
                lock(part).push(record);
            }
        }
        (self.look)(seen);
    }
}

impl<L: Fn(&Seen<'_>) + Sync> Visitor for Pass<'_, L> {
    type State = ();

    fn whole(&self, object: &Seen<'_>) {
        self.meet(object);
    }

    fn delta(&self, object: &Seen<'_>, (): &(), _: usize, _: &[Run]) {
        self.meet(object);
    }
}

impl Commits {
    /// Reads the commits and tags of the store. `look` is shown each of them once, from many threads, with its header: the
    /// message is what comes after the first empty line. Holds about `memory` bytes of bases.
    pub fn collect(store: &Store, memory: usize, look: impl Fn(&Seen<'_>) + Sync) -> (Commits, Walked) {
        let records = (0..PARTS).map(|_| Mutex::default()).collect();
        let tags = Mutex::default();
        let pass = Pass { store, strangers: Strangers::new(store.count()), records, tags, look };
        let walked = store.walk(&[Kind::Commit, Kind::Tag], memory, &pass);
        let mut records: Vec<Record> = pass.records.iter().flat_map(|part| std::mem::take(&mut *lock(part))).collect();
        records.sort_unstable_by_key(|record| record.number);
        let tags = std::mem::take(&mut *lock(&pass.tags));
        let mut commits = Commits {
            numbers: Vec::with_capacity(records.len()),
            trees: Vec::with_capacity(records.len()),
            parents: Lists::default(),
            times: Vec::with_capacity(records.len()),
            cut: Bits::default(),
            places: vec![NOWHERE; store.count() as usize],
            tags,
            strangers: Arc::new(pass.strangers),
            unread: walked.problems.iter().map(|(number, _)| *number).collect(),
        };
        for record in records {
            commits.add(record);
        }
        (commits, walked)
    }

    fn add(&mut self, record: Record) -> u32 {
        let place = u32::try_from(self.numbers.len()).unwrap_or(NOWHERE);
        self.numbers.push(record.number);
        self.trees.push(record.tree);
        self.times.push(record.time);
        self.parents.push(record.parents);
        if self.places.len() <= record.number as usize {
            self.places.resize(record.number as usize + 1, NOWHERE);
        }
        if let Some(slot) = self.places.get_mut(record.number as usize) {
            *slot = place;
        }
        place
    }

    /// The place of the commit of this number.
    pub(super) fn place(&self, number: u32) -> Option<u32> {
        self.places.get(number as usize).copied().filter(|place| *place != NOWHERE)
    }

    /// Whether a shallow clone ends at the commit: its parents are not to be looked for.
    pub(super) fn is_cut(&self, place: u32) -> bool {
        self.cut.has(place)
    }

    /// Whether it is a commit or a tag.
    pub(super) fn knows(&self, number: u32) -> bool {
        self.place(number).is_some() || self.tags.contains_key(&number)
    }

    /// The number of an object, a stranger's when it is not in the store.
    pub(super) fn number(&self, store: &Store, id: Id) -> u32 {
        store.number(&id).unwrap_or_else(|| self.strangers.number(id))
    }

    /// Everything that the tips reach, parents first, else the older first.
    pub(super) fn reach(&mut self, store: &Store, objects: &Objects, tips: &[Id], shallow: &HashSet<Id>) -> Reached {
        let mut reached = Reached::default();
        let mut met = Bits::new(store.count());
        let mut waiting: Vec<u32> = tips.iter().rev().map(|id| self.number(store, *id)).collect();
        let shallow: HashSet<u32> = shallow.iter().filter_map(|id| store.number(id)).collect();
        let mut found = Vec::new();
        while let Some(number) = waiting.pop() {
            if !met.insert(number) {
                continue;
            }
            let place = match self.place(number) {
                Some(place) => place,
                // It is not here, or is not what it was named, or our reader could not read it and another may.
                None => {
                    let Some(id) = self.id(store, number) else { continue };
                    match objects.header(id) {
                        Ok(Header { tree, parents, time }) => {
                            let tree = self.number(store, tree);
                            let parents = parents.into_iter().map(|id| self.number(store, id)).collect();
                            self.add(Record { number, tree, time, parents })
                        }
                        Err(absent) => {
                            reached.absent.push((id, absent));
                            continue;
                        }
                    }
                }
            };
            found.push(place);
            if !shallow.contains(&number) {
                waiting.extend(self.parents.of(place as usize));
            }
        }
        reached.absent.sort_by_key(|(id, _)| *id);
        found.sort_unstable();
        let mut positions = vec![NOWHERE; self.numbers.len()];
        for (at, &place) in (0..).zip(&found) {
            if let Some(slot) = positions.get_mut(place as usize) {
                *slot = at;
            }
        }
        let cut = |place: &u32| self.numbers.get(*place as usize).is_some_and(|number| shallow.contains(number));
        let mut parents = Lists::default();
        let mut own: Vec<u32> = Vec::new();
        for place in &found {
            own.clear();
            if !cut(place) {
                let known = self.parents.of(*place as usize).iter().filter_map(|parent| self.place(*parent));
                own.extend(known.filter_map(|place| positions.get(place as usize)).filter(|at| **at != NOWHERE));
                own.sort_unstable();
                own.dedup();
            }
            parents.push(own.iter().copied());
        }
        let order = order::oldest_first(&parents, |at| {
            let place = found.get(at as usize).copied().unwrap_or(NOWHERE) as usize;
            let id = self.numbers.get(place).and_then(|number| self.id(store, *number));
            (self.times.get(place).copied().unwrap_or(0), id)
        });
        reached.order = order.into_iter().filter_map(|at| found.get(at as usize).copied()).collect();
        reached.cut = reached.order.iter().copied().filter(|place| cut(place)).collect();
        self.cut = reached.cut.iter().copied().collect();
        reached
    }

    /// The id of a number, of a stranger's too.
    pub(super) fn id(&self, store: &Store, number: u32) -> Option<Id> {
        match number < store.count() {
            true => Some(store.id(number)),
            false => self.strangers.id(number),
        }
    }
}

/// The commits that tips reach.
#[derive(Default)]
pub(super) struct Reached {
    /// Their places, in order.
    pub order: Vec<u32>,
    /// Those where a shallow clone ends.
    pub cut: Vec<u32>,
    /// Commits that could not be read.
    pub absent: Vec<(Id, Absent)>,
}

/// Knows commits and tags from the pass, and reads what else it is asked for.
pub(super) struct Known<'k> {
    pub store: &'k Store,
    pub objects: &'k Objects,
    pub commits: &'k Commits,
}

impl Look for Known<'_> {
    fn kind(&self, id: Id) -> Result<Kind, Absent> {
        match self.store.number(&id) {
            Some(number) if self.commits.place(number).is_some() => Ok(Kind::Commit),
            Some(number) if self.commits.tags.contains_key(&number) => Ok(Kind::Tag),
            _ => self.objects.kind(id),
        }
    }

    fn target(&self, id: Id) -> Result<Id, Absent> {
        let tag = self.store.number(&id).and_then(|number| self.commits.tags.get(&number));
        tag.map_or_else(|| self.objects.tag(id).map(|(target, _)| target), |target| Ok(*target))
    }
}
