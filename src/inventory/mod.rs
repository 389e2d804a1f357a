//! The credentials that we own: who issued them, where they are kept, who uses them, how to see that they work.
//!
//! An [`Entry`] is what turns a finding into something that can be rotated. It is read from `stanch.yaml` by
//! [`crate::config`]; here it is only what it says. No entry holds a secret: an inventory can be shown to everybody who
//! may read the configuration.
//!
//! - [`policy`]: how one credential wants to be rotated.
//! - [`response`]: what is done by itself when a leak is reported, and what waits for a person.
//!
//! Knows nothing of rules, incidents or the ledger.

pub mod policy;
pub mod response;

pub use policy::{Policy, Wanted};

use crate::provider::KeyId;
use crate::secret::{Fingerprint, FingerprintKey};
use crate::{consumer, probe, store};
use std::collections::BTreeMap;

/// Every credential that the configuration names, in the order in which it names them. Ids are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The credentials.
    pub entries: Vec<Entry>,
}

impl Inventory {
    /// The credential of that id.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The credentials of one provider.
    pub fn of_provider<'a>(&'a self, provider: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.provider == provider)
    }

    /// The credential that the provider calls `key`, when an entry says so.
    pub fn with_key(&self, provider: &str, key: &KeyId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.provider == provider && entry.key.as_ref() == Some(key))
    }

    /// Which credentials are the one with this fingerprint, by what their stores hold now.
    pub fn holding(&self, fingerprint: Fingerprint, key: &FingerprintKey) -> Holding<'_> {
        let mut holding = Holding::default();
        for entry in &self.entries {
            for spec in &entry.stores {
                match spec.open().read() {
                    Ok(secret) if key.fingerprint(&secret) == fingerprint => {
                        holding.entries.push(entry);
                        break;
                    }
                    Ok(_) => {}
                    Err(error) => holding.unread.push((entry, error)),
                }
            }
        }
        holding
    }
}

/// The answer to [`Inventory::holding`].
#[derive(Debug, Default)]
pub struct Holding<'a> {
    /// The entries of which at least one store holds it.
    pub entries: Vec<&'a Entry>,
    /// The stores that could not be read: an entry may have been missed.
    pub unread: Vec<(&'a Entry, store::Error)>,
}

/// One credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What people and commands call it.
    pub id: String,
    /// Who issues it: the id of a provider.
    pub provider: String,
    /// Where it is used: `production`.
    pub environment: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How much hangs on it, 1 the most.
    pub tier: Option<u64>,
    /// The provider's own id of the key that is live, when somebody wrote it down.
    pub key: Option<KeyId>,
    /// What a new key is to be made with: `{{ with.NAME }}` of the provider's `issue`.
    pub issue: BTreeMap<String, String>,
    /// Where it is kept.
    pub stores: Vec<store::Spec>,
    /// Who uses it and has to be told.
    pub consumers: Vec<consumer::Spec>,
    /// How to see that it works.
    pub probes: Vec<probe::Spec>,
    /// How it is to be rotated.
    pub policy: Policy,
}

impl Entry {
    /// One line for a list: `sandbox-prod (sandbox, production, payments)`.
    pub fn describe(&self) -> String {
        let about = [Some(&self.provider), self.environment.as_ref(), self.owner.as_ref()];
        let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
        format!("{} ({})", self.id, about.join(", "))
    }
}
