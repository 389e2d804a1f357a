//! The machine by hand ([`table`]), in every schedule of a model world ([`schedules`]), and against senseless journals
//! ([`senseless`]).

mod schedules;
mod senseless;
mod table;
mod world;

use super::{Class, StepSpec};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A step that is tried twice, a second apart.
fn spec(label: &str) -> StepSpec {
    StepSpec {
        label: label.into(),
        class: Class::Keyed,
        undoable: true,
        pivot: false,
        tries: 2,
        pause: Duration::from_secs(1),
        hold: Duration::ZERO,
    }
}

/// So many seconds after the start of a test.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(second)
}
