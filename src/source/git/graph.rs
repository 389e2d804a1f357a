//! Which commits were asked for, the oldest first.
//!
//! Commits are read; after [`FEW`] of them git's commit-graph is asked instead, where there is one. It changes what a walk
//! costs and nothing else: a commit that it knows must still be here, those that were asked for are compared with what it
//! says of them, and when one differs the walk is done again without it. In a shallow clone its parents are not those that
//! were fetched, so it is not used there (git does not use it either).

use super::commit_graph::CommitGraph;
use super::id::Id;
use super::object::{Absent, Header, Objects};
use super::order::{self, Lists};
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

/// Commits that are read before the commit-graph is: reading it costs as much as reading a few hundred of them.
const FEW: usize = 64;

/// Where a walk starts and what it leaves out.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Commits from which everything that they reach is asked for.
    pub tips: Vec<Id>,
    /// Commits that are left out with everything that they reach.
    pub without: Vec<Id>,
    /// Commits made before this, in seconds since 1970, are left out.
    pub since: Option<i64>,
    /// Commits whose parents were not fetched.
    pub shallow: HashSet<Id>,
}

/// The commits asked for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Graph {
    /// Each with its header; a parent always stands before its children, else the older first.
    pub commits: Vec<(Id, Header)>,
    /// Parents of those that were left out themselves: what they hold was there before.
    pub boundary: Vec<Id>,
    /// Commits that could not be read.
    pub absent: Vec<(Id, Absent)>,
    /// Commits of the walk where a shallow clone ends.
    pub cut: Vec<Id>,
}

/// Walks from the tips. Its order depends on the commits alone, not on how they are stored.
pub(super) fn walk(objects: &Objects, wanted: &Wanted) -> Graph {
    let short_cut = wanted.shallow.is_empty().then_some(FEW);
    Walk::new(objects, wanted, short_cut)
        .graph()
        .or_else(|| Walk::new(objects, wanted, None).graph())
        .unwrap_or_default()
}

struct Walk<'w> {
    objects: &'w Objects,
    wanted: &'w Wanted,
    /// Commits whose parents are still to be reached, the newest first.
    queue: BinaryHeap<(i64, Id)>,
    /// How many of them are asked for.
    asked: usize,
    states: HashMap<Id, State>,
    absent: Vec<(Id, Absent)>,
    known: Known,
}

/// The commit-graph of a walk.
enum Known {
    /// Not before so many commits were read.
    After(usize),
    Open(CommitGraph),
    Unused,
}

struct State {
    /// `None` when it could not be read.
    header: Option<Header>,
    /// Reached from what is left out.
    hidden: bool,
    /// Its parents are still to be reached.
    queued: bool,
    /// The header is the commit-graph's.
    known: bool,
    /// More than that of any commit that it reaches; `None` when no such number is known.
    generation: Option<u32>,
}

impl<'w> Walk<'w> {
    fn new(objects: &'w Objects, wanted: &'w Wanted, short_cut: Option<usize>) -> Walk<'w> {
        let known = short_cut.map_or(Known::Unused, Known::After);
        let (queue, states) = (BinaryHeap::new(), HashMap::new());
        Walk { objects, wanted, queue, asked: 0, states, absent: Vec::new(), known }
    }

    /// `None` when the commit-graph was wrong.
    fn graph(mut self) -> Option<Graph> {
        let wanted = self.wanted;
        for (ids, hidden) in [(&wanted.tips, false), (&wanted.without, true)] {
            for &id in ids {
                self.reach(id, hidden);
            }
        }
        self.run();
        self.finish()
    }

    /// Notes that a commit is reached. One that turns out to be left out hides its ancestors too, known or not.
    fn reach(&mut self, id: Id, hidden: bool) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match self.states.get_mut(&id) {
                None => self.read(id, hidden),
                Some(state) if hidden && !state.hidden => {
                    state.hidden = true;
                    self.asked -= usize::from(state.queued);
                    stack.extend(state.header.iter().flat_map(|header| &header.parents).copied());
                }
                Some(_) => {}
            }
        }
    }

    fn read(&mut self, id: Id, hidden: bool) {
        let (header, known, generation) = self.header(id);
        let header = match header {
            Ok(mut header) => {
                if self.wanted.shallow.contains(&id) {
                    header.parents.clear();
                }
                self.queue.push((header.time, id));
                self.asked += usize::from(!hidden);
                Some(header)
            }
            Err(absent) => {
                // What is left out may be absent: it was not asked for.
                if !hidden {
                    self.absent.push((id, absent));
                }
                None
            }
        };
        let queued = header.is_some();
        self.states.insert(id, State { header, hidden, queued, known, generation });
    }

    /// A commit's header, whether the commit-graph has it, and its generation there.
    fn header(&mut self, id: Id) -> (Result<Header, Absent>, bool, Option<u32>) {
        match &mut self.known {
            Known::After(0) => self.known = Known::Open(self.objects.graph()),
            Known::After(left) => *left -= 1,
            _ => {}
        }
        let Known::Open(graph) = &self.known else { return (self.objects.header(id), false, None) };
        match graph.find(&id) {
            // A time of 0 stands for any that the graph cannot hold.
            Some(known) if known.time != 0 && self.objects.has(id) => {
                let header = Header { tree: known.tree, parents: known.parents, time: known.time };
                (Ok(header), true, known.generation)
            }
            _ => (self.objects.header(id), false, None),
        }
    }

    /// Goes on until nothing that is asked for can be reached any more. Clocks lie: as long as the newest commit in the
    /// queue is not older than the oldest one asked for, a hidden line may still meet it.
    fn run(&mut self) {
        let (mut oldest, mut hidden_ones, mut check) = (i64::MAX, 0u64, 1);
        while let Some((time, id)) = self.queue.pop() {
            let Some(state) = self.states.get_mut(&id) else { continue };
            let hidden = state.hidden;
            state.queued = false;
            let parents = state.header.as_ref().map(|header| header.parents.clone());
            if !hidden {
                self.asked -= 1;
                oldest = oldest.min(time);
            } else if self.asked == 0 {
                hidden_ones += 1;
                if time < oldest {
                    break;
                }
                if hidden_ones >= check {
                    check = hidden_ones * 2;
                    if self.is_beyond(id) {
                        break;
                    }
                }
            }
            for parent in parents.unwrap_or_default() {
                self.reach(parent, hidden);
            }
        }
    }

    /// Whether nothing in the queue, nor this one, can reach what is asked for: a commit reaches only lower generations,
    /// and one that the commit-graph has reaches none that it has not.
    fn is_beyond(&self, id: Id) -> bool {
        let Known::Open(graph) = &self.known else { return false };
        let generation = |id: &Id, state: &State| match state.known {
            true => state.generation,
            false => graph.find(id).and_then(|known| known.generation),
        };
        let in_queue = self.queue.iter().map(|(_, id)| id).chain([&id]);
        let mut highest = 0;
        for id in in_queue {
            match self.states.get(id).and_then(|state| generation(id, state)) {
                Some(generation) => highest = highest.max(generation),
                None => return false,
            }
        }
        let mut asked = self.states.iter().filter(|(_, state)| !state.hidden && state.header.is_some());
        asked.all(|(id, state)| graph.find(id).is_none() || generation(id, state).is_some_and(|one| one >= highest))
    }

    fn finish(self) -> Option<Graph> {
        let since = self.wanted.since.unwrap_or(i64::MIN);
        let mut asked: HashMap<Id, Header> = HashMap::new();
        for (id, state) in self.states {
            if let Some(header) = state.header.filter(|header| !state.hidden && header.time >= since) {
                if state.known && self.objects.header(id).as_ref() != Ok(&header) {
                    return None;
                }
                asked.insert(id, header);
            }
        }
        let parents: HashSet<Id> = asked.values().flat_map(|header| &header.parents).copied().collect();
        let mut boundary: Vec<Id> = parents.into_iter().filter(|id| !asked.contains_key(id)).collect();
        boundary.sort();
        let commits = oldest_first(asked);
        let cut = commits.iter().map(|(id, _)| *id).filter(|id| self.wanted.shallow.contains(id)).collect();
        let mut absent = self.absent;
        absent.sort_by_key(|(id, _)| *id);
        Some(Graph { commits, boundary, absent, cut })
    }
}

/// Parents before children; of those that may come next the oldest.
fn oldest_first(asked: HashMap<Id, Header>) -> Vec<(Id, Header)> {
    let mut nodes: Vec<Option<(Id, Header)>> = asked.into_iter().map(Some).collect();
    let known = || nodes.iter().flatten();
    let places: HashMap<Id, u32> = known().map(|(id, _)| *id).zip(0..).collect();
    let mut parents = Lists::default();
    for (_, header) in known() {
        let distinct: BTreeSet<u32> = header.parents.iter().filter_map(|id| places.get(id).copied()).collect();
        parents.push(distinct);
    }
    let keys: Vec<(i64, Id)> = known().map(|(id, header)| (header.time, *id)).collect();
    let order = order::oldest_first(&parents, |place| {
        let key = keys.get(place as usize);
        key.map_or((0, None), |(time, id)| (*time, Some(*id)))
    });
    order.into_iter().filter_map(|place| nodes.get_mut(place as usize)?.take()).collect()
}
