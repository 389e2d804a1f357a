//! Where a credential is kept for those who use it: read it, put the new one there, put the old one back.
//!
//! A [`Store`] changes a value by *compare-and-set*: the caller says which value it expects to replace, by fingerprint,
//! and a store that holds another one refuses. So a step that ran before a crash is recognised, and somebody else's
//! change is never overwritten. To add one: one file, and its line in [`Spec`].
//!
//! Knows nothing of providers, consumers or rotation.

pub mod dotenv;

use crate::secret::{Fingerprint, FingerprintKey, Secret};
use crate::yaml::Node;
use std::fmt;
use std::path::Path;

/// One place that holds one credential's value.
pub trait Store: Send + Sync {
    /// What plans and post-mortems call it: `dotenv file /srv/app/.env, STRIPE_KEY`. Holds no secret.
    fn describe(&self) -> String;

    /// The value now.
    fn read(&self) -> Result<Secret, Error>;

    /// Replaces the value that has the fingerprint `expected` by `new`. Holding `new` already is success.
    fn replace(&self, new: &Secret, expected: Fingerprint, key: &FingerprintKey) -> Result<(), Error>;
}

/// A store as the inventory names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// `dotenv: { path: ./.env, name: STRIPE_KEY }`.
    Dotenv(dotenv::Dotenv),
}

impl Spec {
    /// Reads one item of a credential's `stores`; relative paths start at `base`.
    pub fn read(node: &Node<'_>, base: &Path) -> Option<Spec> {
        let (_, node) = node.kind(&["dotenv"])?;
        dotenv::Dotenv::read_spec(&node, base).map(Spec::Dotenv)
    }

    /// The store, ready to be used. Nothing is touched yet.
    pub fn open(&self) -> Box<dyn Store> {
        match self {
            Spec::Dotenv(file) => Box::new(file.clone()),
        }
    }
}

/// Why a store could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or cannot be read or written.
    #[error("{action} {store}: {why}")]
    Unreachable {
        /// `read` or `write`.
        action: &'static str,
        /// [`Store::describe`].
        store: String,
        /// The cause.
        why: String,
    },
    /// The place is there, the named value is not.
    #[error("read {store}: it has no such entry")]
    NoEntry {
        /// [`Store::describe`].
        store: String,
    },
    /// It holds neither the value to replace nor the new one: somebody else changed it.
    #[error("write {store}: it holds another value ({found}) than expected ({expected}); somebody changed it")]
    Changed {
        /// [`Store::describe`].
        store: String,
        /// Short fingerprint of what is there.
        found: String,
        /// Short fingerprint of what was expected.
        expected: String,
    },
    /// The new value cannot be kept there as it is.
    #[error("write {store}: {why}")]
    Unfit {
        /// [`Store::describe`].
        store: String,
        /// The cause.
        why: String,
    },
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
