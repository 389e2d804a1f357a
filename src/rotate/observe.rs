//! Watching the old key until nobody uses it any more, as far as its provider says.

use super::{Receipt, Rotation, failure};
use crate::workflow::action::Failure;
use jiff::Timestamp;
use std::time::Duration;

/// How often the provider is asked at most.
const EVERY: Duration = Duration::from_secs(1);
/// A longer quiet is waited for before the step ([`super::plan`]) and then judged by the provider's own dates.
pub(super) const WATCHED: Duration = Duration::from_secs(60);
/// Shortest time after which use that does not end is called to a person's attention.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns when the old key was quiet for `quiet`. Use that goes on calls a person, who may waive the quiet by resuming:
/// only they can tell a forgotten service from an intruder.
pub(super) fn run(rotation: &Rotation<'_>, quiet: Duration, waived: bool) -> Result<Receipt, Failure> {
    let (Some(old), provider) = (rotation.plan.old.as_ref(), rotation.provider()?) else {
        return Ok(Receipt::Quiet { last_used: None, watched_ms: 0, waived: true });
    };
    let start = rotation.clock.now();
    let mut seen = provider.last_used(old).map_err(failure)?;
    if quiet > WATCHED && !waived {
        // The hold before this step was as long. A quarter of it is granted to the disagreement of two clocks.
        return match seen.filter(|last| *last > start || elapsed(*last, start) < quiet * 3 / 4) {
            None => Ok(Receipt::Quiet { last_used: seen, watched_ms: millis_of(quiet), waived: false }),
            Some(_) => Err(still_used(rotation, seen)),
        };
    }
    let mut since = start;
    loop {
        let now = rotation.clock.now();
        let done = |waived| Receipt::Quiet { last_used: seen, watched_ms: millis(start, now), waived };
        if waived {
            return Ok(done(true));
        }
        // By the change of the answer, so that the two clocks need not agree.
        if elapsed(since, now) >= quiet {
            return Ok(done(false));
        }
        if elapsed(start, now) >= (quiet * 4).max(PATIENCE) {
            return Err(still_used(rotation, seen));
        }
        rotation.clock.sleep(EVERY.min(quiet - elapsed(since, now)).max(Duration::from_millis(20)));
        let latest = provider.last_used(old).map_err(failure)?;
        if latest != seen {
            (seen, since) = (latest, rotation.clock.now());
        }
    }
}

fn still_used(rotation: &Rotation<'_>, last: Option<Timestamp>) -> Failure {
    let when = last.map_or(String::new(), |at| format!(" (last at {at})"));
    Failure::Person {
        why: format!("the old key is still used{when}, though every known consumer has the new one"),
        instructions: format!(
            "Find out who uses it: a service that the inventory does not name, or the one it leaked to. To kill it \
             all the same: stanch incident resume {id}. To go back: stanch incident abort {id}.",
            id = rotation.incident
        ),
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).unsigned_abs()
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    millis_of(elapsed(from, to))
}

fn millis_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
