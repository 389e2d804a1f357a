//! How often a host may be spoken to.
//!
//! Each host has a bucket of sends that fills at a steady rate; who finds it empty waits for a turn. A provider is asked
//! about thousands of findings without being flooded; a handful of calls never waits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Sends that may follow each other at once.
const BURST: u32 = 20;
/// Time in which one more may be sent: ten a second in the long run.
const REFILL: Duration = Duration::from_millis(100);

/// The buckets of all hosts.
#[derive(Default)]
pub struct Pace {
    /// When each host's bucket is full again. The later, the emptier.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// Waits until `host` may be spoken to.
    pub fn wait(&self, host: &str) {
        let wait = self.take(host, Instant::now());
        if !wait.is_zero() {
            tracing::trace!(host, ms = wait.as_millis(), "waits for its turn");
            std::thread::sleep(wait);
        }
    }

    /// Takes one send out of the bucket, and says how long to wait for it.
    fn take(&self, host: &str, now: Instant) -> Duration {
        let mut hosts = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = hosts.entry(host.to_owned()).or_insert(now);
        *full_at = (*full_at).max(now) + REFILL;
        full_at.duration_since(now).saturating_sub(BURST * REFILL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_each_waits_its_turn() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(pace.take("a", now), Duration::ZERO);
        }
        assert_eq!(pace.take("a", now), REFILL);
        assert_eq!(pace.take("a", now), 2 * REFILL);
        assert_eq!(pace.take("b", now), Duration::ZERO, "each host has its own");
        assert_eq!(pace.take("a", now + 10 * REFILL), Duration::ZERO, "it fills again");
    }
}
