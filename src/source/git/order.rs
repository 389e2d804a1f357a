//! The order of a history: parents before children, else the older first.
//!
//! Commits stand here as places `0..count`, so that both walks of a history, by ids and by the store's numbers, have one
//! order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Lists of numbers, one after the other in one place.
#[derive(Debug, Default)]
pub(super) struct Lists {
    items: Vec<u32>,
    ends: Vec<u32>,
}

impl Lists {
    /// Adds a list behind the others.
    pub fn push(&mut self, list: impl IntoIterator<Item = u32>) {
        self.items.extend(list);
        self.ends.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
    }

    /// The list at `place`, empty when there is none.
    pub fn of(&self, place: usize) -> &[u32] {
        let start = place.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let ends = start.zip(self.ends.get(place).copied());
        ends.and_then(|(start, end)| self.items.get(start as usize..end as usize)).unwrap_or_default()
    }

    /// How many lists there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// For each of `0..count` the places of the lists that name it.
    fn turned(&self, count: usize) -> Lists {
        let mut ends = vec![0u32; count + 1];
        for &item in &self.items {
            if let Some(end) = ends.get_mut(item as usize + 1) {
                *end += 1;
            }
        }
        for at in 1..ends.len() {
            let before = ends.get(at - 1).copied().unwrap_or(0);
            if let Some(end) = ends.get_mut(at) {
                *end += before;
            }
        }
        // Now the starts; filling moves each to its end.
        let mut items = vec![0; self.items.len()];
        for (place, name) in (0u32..).zip(0..self.count()) {
            for &item in self.of(name) {
                let Some(next) = ends.get_mut(item as usize) else { continue };
                if let Some(slot) = items.get_mut(*next as usize) {
                    *slot = place;
                }
                *next += 1;
            }
        }
        ends.truncate(count);
        Lists { items, ends }
    }
}

/// The places in order. `parents` are the distinct parents of each that are to be ordered too; `key` is the time and what
/// decides between equal times.
pub(super) fn oldest_first<K: Ord>(parents: &Lists, key: impl Fn(u32) -> (i64, K)) -> Vec<u32> {
    let count = parents.count();
    let children = parents.turned(count);
    let mut waiting: Vec<u32> = Vec::with_capacity(count);
    let mut ready = BinaryHeap::new();
    for (place, at) in (0u32..).zip(0..count) {
        let parents = parents.of(at).len();
        if parents == 0 {
            ready.push(Reverse((key(place), place)));
        }
        waiting.push(u32::try_from(parents).unwrap_or(u32::MAX));
    }
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse((_, place))) = ready.pop() {
        order.push(place);
        for &child in children.of(place as usize) {
            let Some(left) = waiting.get_mut(child as usize) else { continue };
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push(Reverse((key(child), child)));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_first_then_by_age() {
        // 3 is a merge of 1 and 2, which stand on 0; the clock of 3 is wrong.
        let mut parents = Lists::default();
        for list in [vec![], vec![0], vec![0], vec![1, 2], vec![]] {
            parents.push(list);
        }
        let times = [5, 9, 7, 1, 6];
        assert_eq!(oldest_first(&parents, |at| (times[at as usize], at)), [0, 4, 2, 1, 3]);
        assert_eq!(parents.turned(5).of(0), [1, 2]);
        assert_eq!((parents.of(3), parents.of(9)), (&[1, 2][..], &[][..]));
    }
}
