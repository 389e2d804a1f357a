//! What had more matches than are looked at: told, for what came after them was not read.

use crate::source::{SkipReason, Skipped};

/// Says of what `what` has more than is looked at ([`crate::detect::Detector::flooded`]).
pub(super) fn told(what: String, names: &[String]) -> Skipped {
    Skipped::asked(what, SkipReason::Flooded, names.join(", "))
}

/// Each once, in an order that does not depend on who came first.
pub(super) fn in_order(mut floods: Vec<Skipped>) -> Vec<Skipped> {
    floods.sort();
    floods.dedup();
    floods
}
