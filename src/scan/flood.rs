//! What had more matches than are looked at: told, for what came after them was not read.

use crate::rule::Rule;
use crate::source::{SkipReason, Skipped};
use std::sync::Arc;

/// Says that `what` has more matches of `rules` than are looked at.
pub(super) fn told(what: String, rules: &[Arc<Rule>]) -> Skipped {
    let names: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    Skipped::asked(what, SkipReason::Flooded, names.join(", "))
}

/// Each once, in an order that does not depend on who came first.
pub(super) fn in_order(mut floods: Vec<Skipped>) -> Vec<Skipped> {
    floods.sort();
    floods.dedup();
    floods
}
