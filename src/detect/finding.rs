//! One credential that was found, and every place where it lies.

use crate::rule::Confidence;
use crate::secret::{Credential, Fingerprint};
use crate::source::Provenance;
use crate::text::lines::Position;
use std::sync::Arc;

/// One credential, with all its occurrences. Holds the secret itself, so it is not `Serialize`: reports choose fields.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it (the most specific, when several did).
    pub rule: String,
    /// What it is: the rule's description.
    pub description: String,
    /// The provider that issued it, when the rule names one.
    pub provider: Option<String>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The keyed name of the secret.
    pub fingerprint: Fingerprint,
    /// The secret and its other parts.
    pub credential: Credential,
    /// The secret as it may be shown.
    pub redacted: String,
    /// Shannon entropy of the secret, in bits a byte.
    pub entropy: f64,
    /// How sure it is that this is a secret.
    pub confidence: Confidence,
    /// What raised or lowered that, for a person: `checksum holds`, `in a test file`.
    pub reasons: Vec<String>,
    /// Where it lies, in the order of paths, commits' dates and positions. Never empty.
    pub occurrences: Vec<Occurrence>,
}

/// One place where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// Which file, commit, log.
    pub provenance: Arc<Provenance>,
    /// First byte of the secret.
    pub start: Position,
    /// Its last byte.
    pub end: Position,
    /// Offset of the first byte in the whole file, in bytes.
    pub offset: u64,
    /// The line (or the match, when it spans lines), secrets masked, control characters shown, at most 200 characters.
    pub line: String,
}
