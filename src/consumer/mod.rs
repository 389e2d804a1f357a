//! Those who use a credential, and how they take up a new value: a command that is run, a signal that is sent.
//!
//! Taking up is *at least once*: after a crash it is simply done again, which every consumer must bear (a restart does).
//! To add a kind: one file, and its line in the registry. Knows nothing of secrets, providers or stores.

use std::fmt;

/// One running service that reads a credential.
pub trait Consumer: Send + Sync {
    /// What plans and post-mortems call it: `SIGHUP to the process in /run/app.pid`.
    fn describe(&self) -> String;

    /// Makes it take up what its store holds now; returns when it has been told (a probe shows that it did).
    fn restart(&self) -> Result<(), Error>;
}

/// Why a consumer could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It ended with another status than 0, or ran out of time.
    #[error("restart by {consumer}: {why}")]
    Failed {
        /// [`Consumer::describe`].
        consumer: String,
        /// Status and the scrubbed last lines that it wrote.
        why: String,
    },
    /// There is nobody to tell: no such command or process.
    #[error("restart by {consumer}: {why}")]
    Missing {
        /// [`Consumer::describe`].
        consumer: String,
        /// The cause.
        why: String,
    },
}

impl fmt::Debug for dyn Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
