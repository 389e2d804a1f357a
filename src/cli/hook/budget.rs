//! The time that a hook may take, and what is done when it is over.
//!
//! Whoever waits for a hook has a limit of its own: a server that kills its hooks, a person. Then an end with a message is
//! better than one without. Reading stops between two blobs when the time is over; what cannot be stopped (one huge blob, a walk
//! over a million commits) is cut off a second later by the end of the process, with the same policy.

use super::{Console, Hook, message};
use stanch::scan::Limit;
use stanch::text::duration;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long an end that was asked for may take.
const GRACE: Duration = Duration::from_secs(1);

/// What a hook takes that has to end in time.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Budget {
    /// Stop reading after so long (500ms, 30s, 2m); the hook ends a second later at most [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub time_budget: Option<Duration>,
    /// What to do when it ran out and nothing was found by then
    #[arg(long, value_name = "POLICY", default_value = "refuse")]
    pub on_timeout: Policy,
}

/// What is done when the time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// Stop git: what was not read may hold anything
    Refuse,
    /// Let git go on, and say what was not read
    Allow,
}

fn time(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| "a time is written 500ms, 30s or 2m".into())
}

impl Budget {
    /// Starts the clock, when there is one: from now on the process ends in time.
    pub fn start(self, hook: &Hook, console: Console) -> Option<Arc<Limit>> {
        let given = self.time_budget?;
        let until = Instant::now().checked_add(given)?;
        let limit = Arc::new(Limit::new(until));
        let (watched, cut_off) = (Arc::clone(&limit), message::cut_off(hook, self));
        let wait = move || {
            thread::sleep((until + GRACE).saturating_duration_since(Instant::now()));
            console.insist(&cut_off);
            // The code of an incomplete scan. What was found may be allowed, but nobody has looked yet.
            let refuses = self.on_timeout == Policy::Refuse || watched.has_found();
            process::exit(if refuses { 3 } else { 0 });
        };
        // Without a second thread the clock is still looked at between blobs.
        let _ = thread::Builder::new().name("clock".into()).spawn(wait);
        Some(limit)
    }
}
