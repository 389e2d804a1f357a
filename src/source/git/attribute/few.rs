//! The few most telling names that lead to an object.
//!
//! A name is its rank, 0 the most telling. Of all names that lead somewhere the first [`MOST`] are kept, and whether there
//! are more. The first few of two sets together are the first few of their first fews, so nothing is lost by keeping no
//! more than that on the way from the tips down, and each such list is kept once, however many objects have it.

use std::collections::HashMap;

/// Names that are kept.
const MOST: usize = 8;

/// A list, by its number. The number 0 is the empty list.
pub(super) type List = u32;

/// The first few ranks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Few {
    /// Ascending.
    pub ranks: Vec<u32>,
    /// There are more.
    pub more: bool,
}

/// All lists there are.
pub(super) struct Lists {
    lists: Vec<Few>,
    numbers: HashMap<Few, List>,
    unions: HashMap<(List, List), List>,
}

impl Lists {
    pub fn new() -> Lists {
        let mut lists = Lists { lists: Vec::new(), numbers: HashMap::new(), unions: HashMap::new() };
        lists.number(Few::default());
        lists
    }

    /// A list.
    pub fn get(&self, list: List) -> &Few {
        const NONE: &Few = &Few { ranks: Vec::new(), more: false };
        self.lists.get(list as usize).unwrap_or(NONE)
    }

    /// The list of these ranks, which ascend.
    pub fn of(&mut self, ranks: &[u32]) -> List {
        let kept = ranks.get(..MOST).unwrap_or(ranks);
        self.number(Few { ranks: kept.to_vec(), more: kept.len() < ranks.len() })
    }

    fn number(&mut self, few: Few) -> List {
        let next = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(few).or_insert_with_key(|few| {
            self.lists.push(few.clone());
            next
        })
    }

    /// Both together.
    pub fn union(&mut self, one: List, two: List) -> List {
        if one == two || two == 0 {
            return one;
        }
        if one == 0 {
            return two;
        }
        if self.adds_nothing(one, two) {
            return one;
        }
        if self.adds_nothing(two, one) {
            return two;
        }
        let pair = (one.min(two), one.max(two));
        if let Some(&known) = self.unions.get(&pair) {
            return known;
        }
        let (a, b) = (self.get(one), self.get(two));
        let mut ranks = [a.ranks.as_slice(), &b.ranks].concat();
        ranks.sort_unstable();
        ranks.dedup();
        let more = a.more || b.more || ranks.len() > MOST;
        ranks.truncate(MOST);
        let both = self.number(Few { ranks, more });
        self.unions.insert(pair, both);
        both
    }

    /// Whether the list is full, and everything of the other comes after it.
    fn adds_nothing(&self, list: List, other: List) -> bool {
        let (list, other) = (self.get(list), self.get(other));
        list.more && list.ranks.len() == MOST && list.ranks.last() < other.ranks.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Whatever is put together in whatever order: the first few of all.
        #[test]
        fn the_first_few_of_all(parts in prop::collection::vec(prop::collection::btree_set(0u32..30, 0..12), 1..6)) {
            let mut lists = Lists::new();
            let mut all = 0;
            for part in &parts {
                let part: Vec<u32> = part.iter().copied().collect();
                let list = lists.of(&part);
                all = lists.union(list, all);
            }
            let union: Vec<u32> = parts.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(all, lists.of(&union));
            prop_assert_eq!(lists.get(all).more, union.len() > MOST);
        }
    }
}
