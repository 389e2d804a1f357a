//! Finding credentials in bytes.
//!
//! A [`Detector`] takes a [`Blob`](crate::source::Blob), looks at it in each of its decoded views ([`crate::decode`]), tries
//! each rule near its keywords ([`matcher`]), asks why a match may be none ([`filter`]), says how sure it is ([`place`],
//! checksums, entropy), and gives [`Hit`]s. [`merge`] turns the hits of all blobs into findings: one credential with all
//! the places where it lies. What people decided to live with ([`AllowList`], [`Baseline`]) is taken out of those.
//!
//! Knows nothing of providers' answers, of networks, of incidents or of how a finding is shown.
//!
//! Invariants: what is found at a place depends only on [`Detector::max_window`] bytes on each side of it, so that it does
//! not matter how a file was cut or in which order blobs came; what is dropped is dropped by a named reason; whatever text
//! a hit carries has every candidate masked.

pub mod allow;
pub mod baseline;
pub mod candidate;
#[cfg(test)]
mod cuts;
pub mod entropy;
pub mod examples;
mod excerpt;
pub mod filter;
pub mod finding;
mod judge;
pub mod matcher;
mod place;
mod sweep;

pub use crate::rule::Confidence;
pub use allow::{Allow, AllowList, Covers};
pub use baseline::Baseline;
pub use filter::Reason;
pub use finding::{Dropped, Finding, Merged, Occurrence, Seen, merge, winners};
pub use sweep::{Candidate, Sweep};

use crate::decode;
use crate::rule::{Rule, RuleSet};
use crate::secret::{Credential, Fingerprint, FingerprintKey};
use matcher::Matcher;
use std::sync::Arc;

/// Looks for credentials with one set of rules. Shared by all threads.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<RuleSet>,
    key: Arc<FingerprintKey>,
    matcher: Matcher,
    /// See [`Detector::max_window`].
    window: usize,
}

/// One secret at one place.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The rule that found it.
    pub rule: Arc<Rule>,
    /// The keyed name of the secret.
    pub fingerprint: Fingerprint,
    /// The secret and its parts.
    pub credential: Credential,
    /// Shannon entropy of the secret, in bits a byte.
    pub entropy: f64,
    /// How sure it is here.
    pub confidence: Confidence,
    /// What raised or lowered that.
    pub reasons: Vec<String>,
    /// Where.
    pub occurrence: Occurrence,
    /// Offset past the last byte in the whole file, in bytes.
    pub past: u64,
    /// Why it is no finding. What is dropped is handed on, to be counted and, with `--explain`, shown.
    pub dropped: Option<Reason>,
}

impl Detector {
    /// Prepares the rules.
    pub fn new(rules: Arc<RuleSet>, key: Arc<FingerprintKey>) -> Detector {
        let matcher = Matcher::new(rules.rules());
        Detector::with(rules, key, matcher)
    }

    /// The same with the plain matcher, to compare with: [`Matcher::plain`].
    pub fn plain(rules: Arc<RuleSet>, key: Arc<FingerprintKey>) -> Detector {
        let matcher = Matcher::plain(rules.rules());
        Detector::with(rules, key, matcher)
    }

    fn with(rules: Arc<RuleSet>, key: Arc<FingerprintKey>, matcher: Matcher) -> Detector {
        let window = decode::window(matcher.max_reach() + candidate::CONTEXT);
        Detector { rules, key, matcher, window }
    }

    /// The rules in force.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How many bytes on each side of a place may have a say in what is found there: the context that the parts of a file
    /// need around what is their own.
    pub fn max_window(&self) -> usize {
        self.window
    }
}

#[cfg(test)]
mod encoded;
#[cfg(test)]
mod tests;
