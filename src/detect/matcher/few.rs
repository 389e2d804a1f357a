//! The leads that no gate guards: few enough to be looked for everywhere, four bytes of each at once.
//!
//! The case of the text's letters is wiped out first, piece by piece, so that leads of any case are met as well. The window
//! on `aho-corasick`'s packed search, which takes the processor's wide registers where there are any; without them, or with
//! too many leads, there is no such search, and every byte is looked up as where a gate is open.

use super::Anchor;
use super::literals::Literals;
use crate::rule::digest::{Lead, often};
use aho_corasick::Span;
use aho_corasick::packed::{Config, Searcher};

/// Bytes of a lead that are looked for.
const BYTES: usize = 4;
/// Bytes of a piece.
const PIECE: usize = 16 << 10;

/// Looks for a few leads.
#[derive(Debug)]
pub struct Few {
    searcher: Searcher,
    /// By what is looked for: in which leads it stands, and where.
    leads: Vec<Vec<(u32, usize)>>,
}

impl Few {
    /// A search for `leads`, each with its number; `None` when there is none for these.
    pub fn new<'l>(leads: impl Iterator<Item = (u32, &'l Lead)>) -> Option<Few> {
        let mut sought: Vec<[u8; BYTES]> = Vec::new();
        let mut whose: Vec<Vec<(u32, usize)>> = Vec::new();
        for (word, lead) in leads {
            let folded: Vec<u8> = lead.bytes.iter().map(|byte| byte | FOLD).collect();
            // What stands in two leads is looked for once.
            let mut fours = folded.windows(BYTES).enumerate();
            let known = fours.find_map(|(at, four)| Some((sought.iter().position(|one| one == four)?, at)));
            let (place, at) = known.or_else(|| {
                let fours = lead.bytes.windows(BYTES).map(often).enumerate();
                let (at, _) = fours.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
                sought.push(*folded.get(at..)?.first_chunk()?);
                whose.push(Vec::new());
                Some((sought.len() - 1, at))
            })?;
            whose.get_mut(place)?.push((word, at));
        }
        let searcher = Config::new().builder().extend(&sought).build()?;
        Some(Few { searcher, leads: whose })
    }

    /// Adds every one of the leads, of those in `literals`, that stands in `view`.
    pub fn anchors(&self, literals: &Literals, view: &[u8], anchors: &mut Vec<Anchor>) {
        let mut piece = Vec::with_capacity(view.len().min(PIECE + BYTES));
        for start in (0..view.len()).step_by(PIECE) {
            let bytes = view.get(start..view.len().min(start + PIECE + BYTES - 1)).unwrap_or_default();
            piece.clear();
            piece.extend(bytes.iter().map(|byte| byte | FOLD));
            let mut from = 0;
            while let Some(found) = self.searcher.find_in(&piece, Span { start: from, end: piece.len() }) {
                from = found.start() + 1;
                for (word, at) in self.leads.get(found.pattern().as_usize()).into_iter().flatten() {
                    let place = (start + found.start()).checked_sub(*at);
                    literals.add(view, *word, place, &(0..view.len()), anchors);
                }
            }
        }
    }
}

/// Wipes out the case of a letter.
const FOLD: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use crate::rule::digest::Gate;

    #[test]
    fn the_built_in_rules_have_few() {
        let rules = RuleSet::load(&[]).unwrap();
        let open = rules.rules().iter().filter(|rule| rule.digest.gate == Gate::Open);
        let few = Few::new((0..).zip(open.flat_map(|rule| rule.digest.leads.iter()))).unwrap();
        assert!(few.leads.len() <= 48, "{}", few.leads.len());
    }
}
