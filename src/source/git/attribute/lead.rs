//! What leads to objects: the names of a repository, handed down from the tips to commits, trees and blobs.

use super::super::id::Id;
use super::super::tips::{self, Name};
use super::arena::Bits;
use super::commits::{Commits, Known};
use super::few::{List, Lists};
use super::meet::Seen;
use crate::source::{Held, Whereabouts};
use std::collections::HashMap;

/// The names that lead to each object.
pub(super) struct Leads<'n> {
    names: Vec<&'n Name>,
    few: Lists,
    /// By number.
    lists: Vec<List>,
}

impl<'n> Leads<'n> {
    /// What has a name itself, of numbers below `end`. `names` come the most telling first.
    pub fn new(end: u32, names: &'n [(Name, Id)], look: &Known<'_>) -> Leads<'n> {
        let mut leads = Leads { names: Vec::new(), few: Lists::new(), lists: vec![0; end as usize] };
        let mut ranks: HashMap<u32, Vec<u32>> = HashMap::new();
        for (name, id) in names {
            if leads.names.last() != Some(&name) {
                leads.names.push(name);
            }
            let rank = u32::try_from(leads.names.len() - 1).unwrap_or(u32::MAX);
            let mut met = Vec::new();
            let end = tips::peel(look, &name.name, *id, |tag| met.push(tag));
            met.extend(end.ok().map(|(_, id)| id));
            for id in met {
                let ranks = ranks.entry(look.commits.number(look.store, id)).or_default();
                if ranks.last() != Some(&rank) {
                    ranks.push(rank);
                }
            }
        }
        for (number, ranks) in ranks {
            let list = leads.few.of(&ranks);
            leads.add(number, list);
        }
        leads
    }

    fn of(&self, number: u32) -> List {
        self.lists.get(number as usize).copied().unwrap_or(0)
    }

    fn add(&mut self, number: u32, list: List) {
        if number as usize >= self.lists.len() {
            self.lists.resize(number as usize + 1, 0);
        }
        if let Some(slot) = self.lists.get_mut(number as usize) {
            *slot = self.few.union(*slot, list);
        }
    }

    /// Hands the names on to what the commits stand on and to their trees. `order` has parents first.
    pub fn commits(&mut self, commits: &Commits, order: &[u32]) {
        for &place in order.iter().rev() {
            let at = place as usize;
            let Some((&number, &tree)) = commits.numbers.get(at).zip(commits.trees.get(at)) else { continue };
            let list = self.of(number);
            self.add(tree, list);
            let parents = if commits.is_cut(place) { &[] } else { commits.parents.of(at) };
            for &parent in parents {
                self.add(parent, list);
            }
        }
    }

    /// Hands the names on to what lies in the trees, and also whether they lie at more paths than were followed.
    pub fn trees(&mut self, seen: &Seen, more_paths: &mut Bits) {
        for (tree, below) in seen.downward() {
            let (list, more) = (self.of(tree), more_paths.has(tree));
            for edge in below {
                self.add(edge.number, list);
                if more {
                    more_paths.insert(edge.number);
                }
            }
        }
    }

    /// What leads to an object, as a report has it, without its paths.
    pub fn whereabouts(&self, number: u32) -> Whereabouts {
        let few = self.few.get(self.of(number));
        let names: Vec<&Name> = few.ranks.iter().filter_map(|rank| self.names.get(*rank as usize).copied()).collect();
        let held = names.first().map_or(Held::Unreachable, |name| name.held);
        let of_kind = names.iter().take_while(|name| name.held == held);
        let refs: Vec<String> = of_kind.map(|name| name.name.clone()).collect();
        let more_refs = few.more && refs.len() == names.len();
        Whereabouts { held, refs, more_refs, ..Whereabouts::default() }
    }
}
