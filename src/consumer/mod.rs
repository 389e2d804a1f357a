//! Those who use a credential, and how they take up a new value: a command that is run, a signal that is sent.
//!
//! Taking up is *at least once*: after a crash it is simply done again, which every consumer must bear (a restart does).
//! To add a kind: one file, and its line in [`Spec`]. Knows nothing of secrets, providers or stores.

pub mod command;
pub mod signal;

use crate::yaml::Node;
use std::fmt;
use std::path::Path;

/// One running service that reads a credential.
pub trait Consumer: Send + Sync {
    /// What plans and post-mortems call it: `SIGHUP to the process in /run/app.pid`.
    fn describe(&self) -> String;

    /// Whether it could be told now, as far as can be seen without doing it: asked before a plan is made, so that a typo
    /// is found before anything is changed.
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Makes it take up what its store holds now; returns when it has been told (a probe shows that it did).
    fn restart(&self) -> Result<(), Error>;
}

/// A consumer as the inventory names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// `command: { run: [systemctl, restart, app], timeout: 30s }`.
    Command(command::Command),
    /// `signal: { pid-file: ./app.pid, signal: HUP }`.
    Signal(signal::Signal),
}

impl Spec {
    /// Reads one item of a credential's `consumers`; relative paths start at `base`, where commands run too.
    pub fn read(node: &Node<'_>, base: &Path) -> Option<Spec> {
        let (kind, node) = node.kind(&["command", "signal"])?;
        match kind {
            "command" => command::Command::read_spec(&node, base).map(Spec::Command),
            _ => signal::Signal::read_spec(&node, base).map(Spec::Signal),
        }
    }

    /// The consumer, ready to be told. Nothing is touched yet.
    pub fn open(&self) -> Box<dyn Consumer> {
        match self {
            Spec::Command(command) => Box::new(command.clone()),
            Spec::Signal(signal) => Box::new(signal.clone()),
        }
    }
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
