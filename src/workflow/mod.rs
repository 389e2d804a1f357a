//! A machine that carries a list of steps through crashes.
//!
//! It knows steps only by number and by how they may be treated ([`StepSpec`]); what a step does is an
//! [`action::Actions`], where its events go is a [`runner::Journal`], what time it is a [`clock::Clock`]. So it knows no
//! secret, no provider, nothing else of this house, and a property test can walk all of it.
//!
//! The rules it keeps:
//! - [`state::State::apply`] and [`state::State::decide`] are pure; the runner only does what `decide` says.
//! - The *intent* of every outside act is durable before the act, its *result* before the next decision.
//! - A step that was started and has no result is *probed*, never run again blindly: the world is asked, not the journal.
//! - Undo goes backwards over every step that was *started*, also those without a result, and never past the pivot.
//! - After the pivot there is only forward; a step that cannot go forward is *stuck*: a person is called, with
//!   instructions, and a resume tries it again.

pub mod action;
pub mod clock;
pub mod event;
pub mod runner;
pub mod state;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A step's number in its plan, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

/// How a step may be treated. What it does is not said here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// What progress, events and post-mortems call it: `disable the old key at Sandbox`.
    pub label: String,
    /// What a second try after a lost answer may do.
    pub class: Class,
    /// Whether it can be taken back ([`action::Actions::undo`]); steps before the pivot that cannot are left as they are.
    pub undoable: bool,
    /// Once this step has started nothing is undone any more.
    pub pivot: bool,
    /// How often it is tried before it fails for good (at least 1).
    pub tries: u32,
    /// First wait between two tries; doubles up to 30 s.
    pub pause: Duration,
    /// Waits this long *before* it starts, counted from the end of the step before (the grace of a hold).
    pub hold: Duration,
}

/// What may happen when a call is made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Twice is as good as once (disable; delete where "not there" is done; a look).
    Idempotent,
    /// The target recognises the second one (a store's compare-and-set).
    Keyed,
    /// Twice makes two: after a lost answer look, sweep, and only then try again.
    UnsafeCreate,
}
