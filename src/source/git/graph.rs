//! Which commits were asked for, the oldest first.

use super::id::Id;
use super::object::{Absent, Header, Objects};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

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
#[derive(Debug, Default)]
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
    let mut walk = Walk { objects, wanted, queue: BinaryHeap::new(), states: HashMap::new(), absent: Vec::new() };
    for (ids, hidden) in [(&wanted.tips, false), (&wanted.without, true)] {
        for &id in ids {
            walk.reach(id, hidden);
        }
    }
    walk.run();
    walk.finish()
}

struct Walk<'w> {
    objects: &'w Objects,
    wanted: &'w Wanted,
    /// Commits whose parents are still to be reached, the newest first.
    queue: BinaryHeap<(i64, Id)>,
    states: HashMap<Id, State>,
    absent: Vec<(Id, Absent)>,
}

struct State {
    /// `None` when it could not be read.
    header: Option<Header>,
    /// Reached from what is left out.
    hidden: bool,
}

impl Walk<'_> {
    /// Notes that a commit is reached. One that turns out to be left out hides its ancestors too, known or not.
    fn reach(&mut self, id: Id, hidden: bool) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match self.states.get_mut(&id) {
                None => self.read(id, hidden),
                Some(state) if hidden && !state.hidden => {
                    state.hidden = true;
                    stack.extend(state.header.iter().flat_map(|header| &header.parents).copied());
                }
                Some(_) => {}
            }
        }
    }

    fn read(&mut self, id: Id, hidden: bool) {
        let header = match self.objects.header(id) {
            Ok(mut header) => {
                if self.wanted.shallow.contains(&id) {
                    header.parents.clear();
                }
                self.queue.push((header.time, id));
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
        self.states.insert(id, State { header, hidden });
    }

    /// Goes on until nothing that is asked for can be reached any more. Clocks lie: as long as the newest commit in the
    /// queue is not older than the oldest one asked for, a hidden line may still meet it.
    fn run(&mut self) {
        let mut oldest = i64::MAX;
        while let Some((time, id)) = self.queue.pop() {
            let hidden = self.is_hidden(id);
            if !hidden {
                oldest = oldest.min(time);
            } else if time < oldest && self.queue.iter().all(|(_, id)| self.is_hidden(*id)) {
                break;
            }
            let parents = self.states.get(&id).and_then(|state| state.header.as_ref()).map(|h| h.parents.clone());
            for parent in parents.unwrap_or_default() {
                self.reach(parent, hidden);
            }
        }
    }

    fn is_hidden(&self, id: Id) -> bool {
        self.states.get(&id).is_some_and(|state| state.hidden)
    }

    fn finish(self) -> Graph {
        let since = self.wanted.since.unwrap_or(i64::MIN);
        let mut asked: HashMap<Id, Header> = HashMap::new();
        for (id, state) in self.states {
            if let Some(header) = state.header.filter(|header| !state.hidden && header.time >= since) {
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
        Graph { commits, boundary, absent, cut }
    }
}

/// Parents before children; of those that may come next the oldest.
fn oldest_first(asked: HashMap<Id, Header>) -> Vec<(Id, Header)> {
    let mut children: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut waiting: HashMap<Id, usize> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for (&id, header) in &asked {
        let parents: HashSet<Id> = header.parents.iter().filter(|id| asked.contains_key(id)).copied().collect();
        if parents.is_empty() {
            ready.push(Reverse((header.time, id)));
        }
        waiting.insert(id, parents.len());
        for parent in parents {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut asked = asked;
    let mut order = Vec::with_capacity(asked.len());
    while let Some(Reverse((_, id))) = ready.pop() {
        for child in children.remove(&id).unwrap_or_default() {
            let Some(left) = waiting.get_mut(&child) else { continue };
            *left -= 1;
            if *left == 0 {
                ready.push(Reverse((asked.get(&child).map_or(0, |header| header.time), child)));
            }
        }
        if let Some(header) = asked.remove(&id) {
            order.push((id, header));
        }
    }
    order
}
