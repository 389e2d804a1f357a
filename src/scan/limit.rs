//! The time that a scan may take, and what was left when it was over.
//!
//! A limit is looked at between blobs: what is under way is ended, nothing more is begun, and all that was not read is told
//! ([`SkipReason::OutOfTime`]), so the scan is incomplete. Who must be sure of the end watches the clock too
//! ([`Limit::is_over`]), and knows whether anything was found by then.

use crate::source::{SkipReason, Skipped};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Files that are named one by one; the others are counted.
const NAMED: usize = 20;

/// When a scan must end. Shared by who scans and who waits.
#[derive(Debug)]
pub struct Limit {
    until: Instant,
    found: AtomicBool,
}

impl Limit {
    /// A scan must end by then.
    pub fn new(until: Instant) -> Limit {
        Limit { until, found: AtomicBool::new(false) }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Whether something was found, be it allowed or not.
    pub fn has_found(&self) -> bool {
        self.found.load(Ordering::Relaxed)
    }

    /// Something was found.
    pub(super) fn find(&self) {
        self.found.store(true, Ordering::Relaxed);
    }
}

/// What was left when the time was over.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The first files that were handed over and not looked at.
    named: Vec<String>,
    /// The others.
    others: usize,
}

impl Left {
    /// One more file.
    pub fn file(&mut self, path: String) {
        match self.named.len() < NAMED {
            true => self.named.push(path),
            false => self.others += 1,
        }
    }

    /// What to tell of a scan of `asked`: of `commits` so many were walked, when there are any.
    pub fn told(mut self, asked: &str, walked: u64, commits: u64) -> Vec<Skipped> {
        let skipped = |what: String| Skipped::asked(what, SkipReason::OutOfTime, "");
        let mut told = Vec::new();
        match commits.checked_sub(walked) {
            Some(left @ 1..) => told.push(skipped(format!("{left} of {commits} commits, the newest,"))),
            _ if self.named.is_empty() => told.push(skipped(format!("all or a part of {asked}"))),
            _ => {}
        }
        self.named.sort();
        told.extend(self.named.into_iter().map(skipped));
        if self.others > 0 {
            told.push(skipped(format!("{} more files", self.others)));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: usize, walked: u64, commits: u64) -> Vec<String> {
        let mut left = Left::default();
        (0..files).for_each(|number| left.file(format!("f{number}")));
        left.told("it", walked, commits).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn what_is_left_is_named() {
        assert_eq!(told(0, 0, 0), ["all or a part of it"]);
        assert_eq!(told(0, 3, 10), ["7 of 10 commits, the newest,"]);
        assert_eq!(told(1, 9, 10), ["1 of 10 commits, the newest,", "f0"]);
        assert_eq!(told(2, 10, 10), ["f0", "f1"]);
        assert_eq!(told(NAMED + 3, 0, 0).last().unwrap(), "3 more files");
    }
}
