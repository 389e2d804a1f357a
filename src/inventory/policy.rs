//! How one credential wants to be rotated.

use crate::yaml::Node;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an entry's `policy` says; what it does not say is [`Policy::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Which way to go.
    pub strategy: Wanted,
    /// Whether the old and the new key may live side by side for a while, where the provider can do that.
    pub overlap: bool,
    /// How long the old key must have been seen unused before it is switched off.
    pub quiet: Duration,
    /// How long the old key stays switched off before it is deleted.
    pub grace: Duration,
    /// Whether a person has to approve the plan before it runs.
    pub approval: bool,
}

/// A strategy as it can be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// Decided from the verdict, the exposure and what the provider can do.
    #[default]
    Auto,
    /// The new one is out before the old one dies.
    Overlap,
    /// The old one dies first.
    Contain,
}

/// The words for [`Wanted`], in the configuration and on the command line.
pub const STRATEGIES: &[(&str, Wanted)] =
    &[("auto", Wanted::Auto), ("overlap", Wanted::Overlap), ("contain", Wanted::Contain)];

impl Wanted {
    /// Its word, as in the configuration.
    pub fn word(self) -> &'static str {
        STRATEGIES.iter().find(|(_, wanted)| *wanted == self).map_or("auto", |(word, _)| word)
    }
}

impl Default for Policy {
    /// Five seconds of quiet, and a day before a switched-off key is deleted.
    fn default() -> Policy {
        Policy {
            strategy: Wanted::Auto,
            overlap: true,
            quiet: Duration::from_secs(5),
            grace: Duration::from_secs(24 * 60 * 60),
            approval: false,
        }
    }
}

impl Policy {
    /// Reads `{ strategy, overlap, quiet, grace, approval }`, each of them optional.
    pub fn read(node: &Node<'_>) -> Option<Policy> {
        let default = Policy::default();
        let mut fields = node.fields()?;
        let strategy = fields.optional("strategy").map(|node| node.one_of(STRATEGIES));
        let overlap = fields.optional("overlap").map(|node| node.bool());
        let quiet = fields.optional("quiet").map(|node| node.duration());
        let grace = fields.optional("grace").map(|node| node.duration());
        let approval = fields.optional("approval").map(|node| node.one_of(&[("none", false), ("required", true)]));
        if strategy == Some(Some(Wanted::Overlap)) && overlap == Some(Some(false)) {
            node.mistake("`strategy: overlap` and `overlap: false` contradict each other");
        }
        fields.finish();
        Some(Policy {
            strategy: strategy.unwrap_or(Some(default.strategy))?,
            overlap: overlap.unwrap_or(Some(default.overlap))?,
            quiet: quiet.unwrap_or(Some(default.quiet))?,
            grace: grace.unwrap_or(Some(default.grace))?,
            approval: approval.unwrap_or(Some(default.approval))?,
        })
    }
}
