//! What each rule costs on a text: how often its literals are met, and how many places are then tried.
//!
//! A place that is tried takes some ten nanoseconds, a byte of text less than one; so a rule that tries one place in a
//! hundred bytes slows every scan, and one that tries one in ten thousand is not noticed.

use super::fast::Fast;
use super::{How, Matcher};

/// What a rule cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Literals of the rule that were met, with what must stand around them.
    pub anchors: u64,
    /// Places that one of them leads to, in bytes.
    pub window: u64,
    /// Places where the pattern was tried: those that begin with a byte that a match can begin with.
    pub tries: u64,
    /// Matches, whatever is made of them.
    pub matches: u64,
}

impl Matcher {
    /// What each rule cost on `view`, added to `costs`, which has one for each rule. The plain matcher counts nothing.
    pub fn cost(&self, view: &[u8], costs: &mut [Cost]) {
        let How::Fast(fast) = &self.how else { return };
        let (mut anchors, mut found) = (Vec::new(), Vec::new());
        self.promising(view, &mut anchors);
        let tries = fast.tries(&self.rules, &self.bounds, view, &anchors, None);
        for one in &tries {
            if let Some(cost) = costs.get_mut(usize::from(one.rule)) {
                cost.anchors += 1;
                cost.window = cost.window.max((one.past - one.from) as u64);
            }
        }
        for (rule, tried) in Fast::tried(&self.rules, view, tries) {
            if let Some(cost) = costs.get_mut(rule) {
                cost.tries += tried;
            }
        }
        self.candidates(view, &anchors, None, &mut found);
        for one in &found {
            if let Some(cost) = costs.get_mut(usize::from(one.rule)) {
                cost.matches += 1;
            }
        }
    }
}
