//! Those who do the work: take a delivery from the inbox, have it dealt with, mark it; and between deliveries, what is due.
//!
//! A worker that dies leaves its delivery *taken*; the ledger gives it out again. So a delivery is dealt with at least
//! once, and a [`Desk`] must bear to see one again.

use super::door::Bell;
use jiff::{SignedDuration, Timestamp};
use stanch::ledger::{Delivery, Ledger, Mark};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest sleep of a worker whom nobody wakes: how late a debt or a second try may be.
const NAP: Duration = Duration::from_secs(1);
/// After so many seconds a delivery that was taken and not finished is given out again though its taker lives.
const PATIENCE: u64 = 60 * 60;
/// Tries of one delivery; with the waits between them the last one comes about an hour after the first.
const TRIES: u64 = 16;
/// Longest wait between two tries.
const LONGEST_WAIT: u64 = 300;

/// Who knows what a delivery means and what to do about it.
pub trait Desk: Send + Sync {
    /// Deals with a delivery. The same one may come again after a crash: nothing may be done twice.
    fn handle(&self, delivery: &Delivery) -> Handled;

    /// Does what is due: debts of incidents.
    fn tick(&self, now: Timestamp);
}

/// How a delivery was dealt with, with a note that holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub enum Handled {
    /// Nothing more is to be done about it.
    Done(String),
    /// It may work later.
    Later(String),
    /// It never will.
    Hopeless(String),
}

/// What a worker needs.
#[derive(Clone)]
pub struct Shift {
    /// Where deliveries are.
    pub ledger: Arc<dyn Ledger>,
    /// Who deals with them.
    pub desk: Arc<dyn Desk>,
    /// Rung for each new one.
    pub bell: Arc<Bell>,
    /// Set when the work is over.
    pub stop: Arc<AtomicBool>,
}

impl Shift {
    /// Works until told to stop.
    pub fn work(&self) {
        while !self.over() {
            let heard = self.bell.count();
            if self.one() {
                continue;
            }
            self.desk.tick(Timestamp::now());
            if !self.over() {
                self.bell.wait(heard, NAP);
            }
        }
    }

    fn over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Deals with one delivery; whether there was one.
    fn one(&self) -> bool {
        let delivery = match self.ledger.take(Timestamp::now(), PATIENCE) {
            Ok(Some(delivery)) => delivery,
            Ok(None) => return false,
            Err(error) => {
                tracing::error!(%error, "the inbox cannot be read");
                return false;
            }
        };
        // A defect in dealing with one delivery must not take the worker away from all the others.
        let handled = catch_unwind(AssertUnwindSafe(|| self.desk.handle(&delivery)))
            .unwrap_or_else(|_| Handled::Later("dealing with it broke off: a defect of stanch".to_owned()));
        tracing::info!(id = delivery.id, ?handled, "delivery handled");
        let (mark, note) = mark(&handled, delivery.attempts, Timestamp::now());
        if let Err(error) = self.ledger.mark(&delivery.id, mark, note) {
            // It stays taken, and so it comes again.
            tracing::error!(%error, id = delivery.id, "the delivery cannot be marked");
        }
        true
    }
}

fn mark(handled: &Handled, attempts: u64, now: Timestamp) -> (Mark, &str) {
    match handled {
        Handled::Done(note) => (Mark::Done, note),
        Handled::Hopeless(note) => (Mark::GivenUp, note),
        Handled::Later(note) if attempts + 1 >= TRIES => (Mark::GivenUp, note),
        Handled::Later(note) => {
            let seconds = 2u64.saturating_pow(u32::try_from(attempts).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
            let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            (Mark::Again(now.saturating_add(wait).unwrap_or(now)), note)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_try_waits_longer_each_time_and_not_for_ever() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let later = Handled::Later("busy".into());
        let waits: Vec<i64> = (0..TRIES)
            .filter_map(|attempts| match mark(&later, attempts, now) {
                (Mark::Again(at), "busy") => Some(at.as_second() - now.as_second()),
                _ => None,
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300, 300]);
        assert_eq!(mark(&later, TRIES - 1, now).0, Mark::GivenUp);
        assert_eq!(mark(&Handled::Done("x".into()), 99, now), (Mark::Done, "x"));
    }
}
