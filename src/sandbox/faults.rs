//! What the sandbox is told to do wrong: lose a reply after acting, refuse without acting, be slow.

use std::collections::BTreeSet;
use std::time::Duration;

/// An order, as posted: calls are counted from now, the next one is 1.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    #[serde(default)]
    lose_replies: Vec<u64>,
    #[serde(default)]
    refuse: Vec<u64>,
    /// The same for `GET /v1/me`, which is counted by itself.
    #[serde(default)]
    lose_introspections: Vec<u64>,
    #[serde(default)]
    delay_ms: Option<u64>,
}

/// What becomes of one management call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is acted upon and answered.
    Answered,
    /// It is acted upon; the connection is closed without an answer.
    Lost,
    /// It is answered with 503 and not acted upon.
    Refused,
}

/// The count of management calls, and what waits for which of them.
#[derive(Debug, Default)]
pub struct Faults {
    calls: u64,
    lose: BTreeSet<u64>,
    refuse: BTreeSet<u64>,
    introspections: u64,
    lose_introspections: BTreeSet<u64>,
    delay: Duration,
}

impl Faults {
    /// Adds an order to those that stand.
    pub fn order(&mut self, order: &Order) {
        self.lose.extend(from(self.calls, &order.lose_replies));
        self.refuse.extend(from(self.calls, &order.refuse));
        self.lose_introspections.extend(from(self.introspections, &order.lose_introspections));
        if let Some(delay) = order.delay_ms {
            self.delay = Duration::from_millis(delay);
        }
    }

    /// Counts a call; its fate, and how long its answer is held back.
    pub fn next(&mut self) -> (Fate, Duration) {
        self.calls += 1;
        let fate = match self.calls {
            call if self.refuse.remove(&call) => Fate::Refused,
            call if self.lose.remove(&call) => Fate::Lost,
            _ => Fate::Answered,
        };
        (fate, self.delay)
    }

    /// Counts an introspection; whether its answer is lost.
    pub fn introspection(&mut self) -> bool {
        self.introspections += 1;
        self.lose_introspections.remove(&self.introspections)
    }

    /// Management calls and introspections so far.
    pub fn calls(&self) -> (u64, u64) {
        (self.calls, self.introspections)
    }
}

fn from(now: u64, numbers: &[u64]) -> impl Iterator<Item = u64> {
    numbers.iter().map(move |number| now.saturating_add(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_from_the_order_on() {
        let mut faults = Faults::default();
        assert_eq!(faults.next().0, Fate::Answered);
        faults.order(&Order {
            lose_replies: vec![1],
            refuse: vec![2],
            lose_introspections: vec![2],
            delay_ms: Some(5),
        });
        let fates: Vec<_> = (0..3).map(|_| faults.next()).collect();
        let delay = Duration::from_millis(5);
        assert_eq!(fates, [(Fate::Lost, delay), (Fate::Refused, delay), (Fate::Answered, delay)]);
        assert_eq!([faults.introspection(), faults.introspection(), faults.introspection()], [false, true, false]);
        assert_eq!(faults.calls(), (4, 3));
    }
}
