//! Evidence: does the service work with the new credential, is the old one still in use?
//!
//! A [`Probe`] looks and says what it saw; it never changes anything, so it may be asked again and again. To add a kind:
//! one file, and its line in the registry. Knows nothing of providers, stores or rotation.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One way to look.
pub trait Probe: Send + Sync {
    /// What plans and post-mortems call it: `GET http://127.0.0.1:8080/health is 200`.
    fn describe(&self) -> String;

    /// Looks once. `facts` fill `{{ name }}` in the probe's own text (`new_key`, `old_key`: ids, never secrets).
    fn look(&self, facts: &BTreeMap<String, String>) -> Evidence;
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whether it is as it should be.
    pub good: bool,
    /// What was seen, scrubbed, in a few words: `200 in 12 ms`.
    pub seen: String,
}

impl fmt::Debug for dyn Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
