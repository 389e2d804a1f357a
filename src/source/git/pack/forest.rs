//! Which entry is a delta to which, before anything is inflated: the trees that a walk goes down.
//!
//! Entries are ranked by where they lie: packs one after another, in a pack by offset, then loose objects. One sweep over
//! each pack reads the heads of its entries. Children are kept as ranges of one list, so a node costs a few numbers.

use super::entry::{self, Base, Entry};
use super::read::no_base;
use super::{Absent, Kind, Pack, Store};
use crate::source::git::id::Id;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Bytes read at once by the sweep.
const WINDOW: usize = 1 << 18;
/// Entries of a part.
const PART: usize = 1 << 15;

/// A place in the order of offsets.
pub(super) type Rank = u32;

/// What stands in place of a parent.
const NO_PARENT: u32 = u32::MAX - 8;
const BROKEN: u32 = u32::MAX;
const LOOSE: u32 = u32::MAX - 1;

/// The trees of a store's deltas.
#[derive(Default)]
pub(super) struct Forest {
    /// The number of the object at a rank.
    numbers: Vec<u32>,
    /// Where its entry begins; of a loose object 0.
    offsets: Vec<u64>,
    /// The CRC-32 of its entry, where the index has one.
    crcs: Vec<u32>,
    /// Whether it is the copy that counts; nothing when there are no others.
    counts: Vec<bool>,
    /// Where the ranks of each pack begin; last, where those of loose objects do.
    starts: Vec<Rank>,
    /// Where the children of each rank begin; one more at the end.
    firsts: Vec<u32>,
    children: Vec<Rank>,
    /// How many objects that count are in the tree below a rank, itself included. 0: it can be passed over.
    weights: Vec<u32>,
    /// Objects that rest on no other, each with what stands in place of its parent.
    roots: Vec<(Rank, u32)>,
    /// Numbers of objects that no root leads to.
    pub problems: Vec<(u32, Absent)>,
}

/// Where the packed bytes of an entry are.
pub(super) struct Packed<'s> {
    pub pack: &'s Arc<Pack>,
    pub offset: u64,
    pub end: u64,
    pub crc: Option<u32>,
}

/// Ranks of one pack whose heads are read in one go.
pub(super) struct Part {
    pack: usize,
    ranks: Range<usize>,
}

/// What a part's heads say: the parent of each rank, or what stands in its place.
pub(super) type Heads = (Vec<u32>, Vec<(u32, Absent)>);

impl Forest {
    /// Ranks all entries by offset.
    pub fn of(store: &Store) -> Forest {
        let mut forest = Forest::default();
        for (pack, first) in store.packs.iter().zip(&store.starts) {
            forest.starts.push(forest.next_rank());
            let spots = pack.idx.spots().unwrap_or_default();
            let mut order: Vec<(u64, u32)> = spots.iter().map(|spot| spot.offset).zip(0..).collect();
            order.par_sort_unstable();
            forest.offsets.extend(order.iter().map(|(offset, _)| *offset));
            forest.numbers.extend(order.iter().map(|(_, position)| first + position));
            let crc = |(_, position): &(u64, u32)| spots.get(at(*position)).and_then(|spot| spot.crc).unwrap_or(0);
            forest.crcs.extend(order.iter().map(crc));
        }
        forest.starts.push(forest.next_rank());
        let loose = store.first_loose()..store.count();
        forest.offsets.extend(loose.clone().map(|_| 0));
        forest.numbers.extend(loose);
        forest
    }

    /// The entries in parts whose heads can be read at the same time.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (pack, bounds) in self.starts.windows(2).enumerate() {
            let [first, end] = *bounds else { continue };
            let firsts = (at(first)..at(end)).step_by(PART);
            parts.extend(firsts.map(|first| Part { pack, ranks: first..at(end).min(first + PART) }));
        }
        parts
    }

    /// Reads the heads of a part.
    pub fn heads(&self, store: &Store, part: &Part) -> Heads {
        let (mut parents, mut problems) = (Vec::with_capacity(part.ranks.len()), Vec::new());
        let mut window = Window { at: 0, bytes: vec![0; WINDOW], len: 0 };
        let Some(pack) = store.packs.get(part.pack) else { return (parents, problems) };
        let mut last = part.ranks.start.checked_sub(1).and_then(|before| self.offsets.get(before)).copied();
        if self.starts.get(part.pack).map(|first| at(*first)) == Some(part.ranks.start) {
            last = None;
        }
        let offsets = self.offsets.get(part.ranks.clone()).unwrap_or_default();
        let numbers = self.numbers.get(part.ranks.clone()).unwrap_or_default();
        for ((offset, number), rank) in offsets.iter().zip(numbers).zip(part.ranks.clone()) {
            let parent = match window.head(pack, *offset) {
                Some(_) if last == Some(*offset) => Err(Absent::corrupt("its entry is that of another object")),
                Some(entry) => self.parent(store, (part.pack, rank), *offset, entry.base),
                None => Err(Absent::corrupt("no entry begins there")),
            };
            last = Some(*offset);
            parents.push(parent.unwrap_or_else(|absent| {
                problems.push((*number, absent));
                BROKEN
            }));
        }
        (parents, problems)
    }

    /// Makes trees of all heads, in the order of the parts.
    pub fn grow(&mut self, store: &Store, heads: Vec<Heads>) {
        let mut parents = Vec::with_capacity(self.numbers.len());
        for (part, problems) in heads {
            parents.extend_from_slice(&part);
            self.problems.extend(problems);
        }
        parents.resize(self.numbers.len(), LOOSE);
        self.join(&parents);
        let order = self.order(&parents);
        self.weigh(store, &parents, &order);
    }

    /// Objects of these kinds that rest on no other, and loose ones, whose kind is not known yet.
    pub fn roots(&self, kinds: &[Kind]) -> Vec<Rank> {
        let is_wanted = |parent: u32| parent == LOOSE || kinds.iter().any(|kind| parent == NO_PARENT + *kind as u32);
        self.roots.iter().filter(|(_, parent)| is_wanted(*parent)).map(|(rank, _)| *rank).collect()
    }

    /// The number of the object at a rank.
    pub fn number(&self, rank: Rank) -> u32 {
        self.numbers.get(at(rank)).copied().unwrap_or(u32::MAX)
    }

    /// What rests on the object at a rank and leads to something that counts: the lightest first.
    pub fn children(&self, rank: Rank) -> &[Rank] {
        let firsts = self.firsts.get(at(rank)..).and_then(|firsts| firsts.first_chunk::<2>());
        let all = firsts.and_then(|[first, end]| self.children.get(at(*first)..at(*end))).unwrap_or_default();
        all.get(all.partition_point(|child| self.weight(*child) == 0)..).unwrap_or_default()
    }

    /// How many objects there are to be seen at and below a rank.
    pub fn weight(&self, rank: Rank) -> u32 {
        self.weights.get(at(rank)).copied().unwrap_or(0)
    }

    /// Whether it is the copy of its object that counts.
    pub fn counts(&self, rank: Rank) -> bool {
        self.counts.get(at(rank)).copied().unwrap_or(true)
    }

    /// Where the entry of a rank lies; `None` for a loose object.
    pub fn packed<'s>(&self, store: &'s Store, rank: Rank) -> Option<Packed<'s>> {
        let index = self.starts.partition_point(|start| *start <= rank).checked_sub(1)?;
        let pack = store.packs.get(index)?;
        let last = self.starts.get(index + 1).copied()?;
        let offset = self.offsets.get(at(rank)).copied()?;
        let behind = self.offsets.get(at(rank) + 1..at(last)).unwrap_or_default();
        let next = behind.iter().copied().find(|next| *next > offset);
        let crc = self.crcs.get(at(rank)).copied().filter(|_| pack.idx.has_crcs());
        Some(Packed { pack, offset, end: next.unwrap_or(pack.end).clamp(offset, pack.end.max(offset)), crc })
    }

    fn next_rank(&self) -> Rank {
        u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }

    fn parent(&self, store: &Store, place: (usize, usize), offset: u64, base: Base) -> Result<u32, Absent> {
        match base {
            Base::Whole(kind) => Ok(NO_PARENT + kind as u32),
            Base::Back(distance) => {
                let base = offset.checked_sub(distance).filter(|_| distance > 0);
                let base = base.and_then(|base| self.begins_before(place.0, place.1, base));
                base.ok_or_else(|| Absent::corrupt("its delta's base is no entry"))
            }
            Base::Named(id) => self.named(store, &id).ok_or_else(|| no_base(&id)),
        }
    }

    fn named(&self, store: &Store, id: &Id) -> Option<Rank> {
        let number = store.number(id)?;
        let Some(loose) = number.checked_sub(store.first_loose()) else {
            let index = store.starts.partition_point(|start| *start <= number).checked_sub(1)?;
            let spot = store.packs.get(index)?.idx.spot(number - store.starts.get(index)?)?;
            return self.begins(index, spot.offset);
        };
        self.starts.last()?.checked_add(loose)
    }

    /// The rank of the entry of a pack that begins at this offset.
    fn begins(&self, index: usize, offset: u64) -> Option<Rank> {
        let [start, end] = *self.starts.get(index..)?.first_chunk::<2>()?;
        let found = self.offsets.get(at(start)..at(end))?.binary_search(&offset).ok()?;
        start.checked_add(u32::try_from(found).ok()?)
    }

    /// The same for one that lies before the entry of this rank, and most often not far.
    fn begins_before(&self, index: usize, rank: usize, offset: u64) -> Option<Rank> {
        let before = self.offsets.get(at(*self.starts.get(index)?)..rank)?;
        let mut near = 8;
        while before.len() > near && before.get(before.len() - near).is_some_and(|other| *other > offset) {
            near *= 4;
        }
        let near = before.len() - near.min(before.len());
        let found = near + before.get(near..)?.binary_search(&offset).ok()?;
        self.starts.get(index)?.checked_add(u32::try_from(found).ok()?)
    }

    /// Lists the children of each.
    fn join(&mut self, parents: &[u32]) {
        let mut firsts = vec![0u32; parents.len() + 1];
        for parent in parents.iter().filter(|parent| **parent < NO_PARENT) {
            if let Some(count) = firsts.get_mut(at(*parent) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for first in &mut firsts {
            sum += *first;
            *first = sum;
        }
        let mut next = firsts.clone();
        let mut children = vec![0; at(sum)];
        for (parent, rank) in parents.iter().zip(0..) {
            if let Some(next) = next.get_mut(at(*parent)).filter(|_| *parent < NO_PARENT) {
                if let Some(place) = children.get_mut(at(*next)) {
                    *place = rank;
                }
                *next += 1;
            }
        }
        (self.firsts, self.children) = (firsts, children);
    }

    /// All that roots lead to, parents first. What no root leads to is told.
    fn order(&mut self, parents: &[u32]) -> Vec<Rank> {
        let mut order = Vec::with_capacity(parents.len());
        for (parent, rank) in parents.iter().zip(0..) {
            if *parent >= NO_PARENT && *parent != BROKEN {
                self.roots.push((rank, *parent));
                order.push(rank);
            }
        }
        self.weights = vec![0; parents.len()];
        let mut done = 0;
        while let Some(&rank) = order.get(done) {
            done += 1;
            if let Some(weight) = self.weights.get_mut(at(rank)) {
                *weight = 1;
            }
            let firsts = self.firsts.get(at(rank)..).and_then(|firsts| firsts.first_chunk::<2>());
            let children = firsts.and_then(|[first, end]| self.children.get(at(*first)..at(*end)));
            order.extend_from_slice(children.unwrap_or_default());
        }
        for ((weight, parent), number) in self.weights.iter().zip(parents).zip(&self.numbers) {
            if *weight == 0 && *parent != BROKEN {
                self.problems.push((*number, Absent::corrupt("its chain of deltas does not end in an object")));
            }
        }
        order
    }

    /// Weighs each tree, and puts the heaviest child last: its parent is not needed any more when it is gone down.
    fn weigh(&mut self, store: &Store, parents: &[u32], order: &[Rank]) {
        // With one pack, every object is there once.
        let once = store.packs.len() < 2 && self.starts.last() == Some(&self.next_rank());
        if !once {
            self.counts = vec![false; parents.len()];
        }
        for rank in order.iter().rev() {
            let number = self.number(*rank);
            let counts = once || store.number(&store.id(number)) == Some(number);
            if let Some(place) = self.counts.get_mut(at(*rank)) {
                *place = counts;
            }
            let Some(weight) = self.weights.get_mut(at(*rank)) else { continue };
            *weight -= u32::from(!counts);
            let weight = *weight;
            let parent = parents.get(at(*rank)).copied().unwrap_or(BROKEN);
            if let Some(above) = self.weights.get_mut(at(parent)) {
                *above += weight;
            }
        }
        let (weights, children) = (&self.weights, &mut self.children);
        let weight = |rank: &Rank| weights.get(at(*rank)).copied().unwrap_or(0);
        for pair in self.firsts.windows(2) {
            if let [first, end] = *pair
                && let Some(children) = children.get_mut(at(first)..at(end)).filter(|children| children.len() > 1)
            {
                children.sort_by_key(weight);
            }
        }
        self.roots.retain(|(rank, _)| weight(rank) > 0);
    }
}

/// A rank as an index.
pub(super) fn at(rank: Rank) -> usize {
    rank as usize
}

/// A stretch of a pack in memory.
struct Window {
    at: u64,
    bytes: Vec<u8>,
    len: usize,
}

impl Window {
    /// The head of the entry at `offset`.
    fn head(&mut self, pack: &Pack, offset: u64) -> Option<Entry> {
        let room = usize::try_from(pack.end.checked_sub(offset)?).unwrap_or(usize::MAX);
        let most = entry::LONGEST.min(room);
        if offset < self.at || offset + most as u64 > self.at + self.len as u64 {
            self.at = offset;
            let buffer = self.bytes.get_mut(..WINDOW.min(room))?;
            self.len = pack.bytes.fill(offset, buffer).ok()?;
        }
        let begin = usize::try_from(offset - self.at).ok()?;
        let head = self.bytes.get(..self.len)?.get(begin..)?;
        Entry::parse(head.get(..most).unwrap_or(head), pack.idx.hash()).filter(|_| offset >= 12)
    }
}
