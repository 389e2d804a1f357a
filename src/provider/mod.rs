//! Those who issue credentials: asking one whether a credential lives, and having it issue, disable and revoke.
//!
//! [`Provider`] is what the rest of the house sees. Most are *declared*: the `api` half of a file under `rules/`, read
//! by [`declared`]. A provider that needs code is one file here and its line in the registry.
//!
//! Every provider fact (an endpoint, an answer's meaning, a settle time) stands in the YAML with the API page and the
//! date it was read. Knows nothing of rules, findings, stores or consumers.

pub mod declared;
pub mod registry;
pub mod settings;

pub use registry::Registry;
pub use settings::Settings;

use crate::secret::Credential;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// One who issues credentials.
pub trait Provider: Send + Sync {
    /// Its id, as in `rules/<id>.yaml`.
    fn id(&self) -> &str;

    /// What it can do and how it behaves.
    fn profile(&self) -> &Profile;

    /// Asks whether `credential` lives. Never fails: what could not be learned is [`Verdict::Unknown`].
    fn validate(&self, credential: &Credential) -> Verdict;

    /// The provider's own id of the key that `credential` is, learned from it or with the administrator's credential.
    fn identify(&self, credential: &Credential) -> Result<KeyId, Error>;

    /// Makes a new key, labelled so that it can be found again when the answer is lost. An *unsafe create*: after
    /// [`Error::Lost`] look for the label with [`Provider::list`]; never call again blindly.
    fn issue(&self, request: &IssueRequest) -> Result<Issued, Error>;

    /// All keys of the account or owner, without their secrets.
    fn list(&self) -> Result<Vec<KeyInfo>, Error>;

    /// Switches a key off so that it can be switched on again. Idempotent.
    fn disable(&self, key: &KeyId) -> Result<(), Error>;

    /// Switches it on again. Idempotent.
    fn enable(&self, key: &KeyId) -> Result<(), Error>;

    /// Ends a key for good: by its id with the administrator's credential, or by possession of the credential where
    /// the provider works so. Idempotent: a key that is not there is a key that is revoked.
    fn revoke(&self, key: Option<&KeyId>, credential: Option<&Credential>) -> Result<(), Error>;

    /// When the key was last used, as far as the provider says.
    fn last_used(&self, key: &KeyId) -> Result<Option<Timestamp>, Error>;
}

impl fmt::Debug for dyn Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a provider can do, and how it behaves.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Name as people write it.
    pub title: String,
    /// The operations that exist, and for which the configuration gives what they need (an administrator's credential).
    pub can: Operations,
    /// The operations that exist at all, whether configured or not.
    pub knows: Operations,
    /// How two credentials can live at once.
    pub overlap: Overlap,
    /// Longest time after a kill or a new key until it holds everywhere.
    pub settle: Duration,
    /// How many keys may live at once, when there is a limit.
    pub limit: Option<u64>,
    /// What a kill does not end: one sentence each, for the post-mortem.
    pub survives: Vec<String>,
    /// Where a person can do by hand what the API cannot: a URL or an instruction.
    pub by_hand: Option<String>,
    /// Where these facts come from.
    pub source: String,
}

/// The operations a provider may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each is named for the method of Provider that it stands for")]
pub struct Operations {
    pub validate: bool,
    pub identify: bool,
    pub issue: bool,
    pub list: bool,
    pub disable: bool,
    pub enable: bool,
    pub revoke: bool,
    /// Revoking needs nothing but the credential itself.
    pub revoke_by_possession: bool,
    pub last_used: bool,
}

/// How two credentials can live at once, so that nobody is cut off while the new one is brought out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Several keys live side by side (AWS, SendGrid, most services).
    Multi,
    /// Two fixed slots (Azure Storage, Twilio's auth token).
    Slots,
    /// The old password is kept beside the new (MySQL, Redis).
    Retain,
    /// Two logins that take turns (PostgreSQL).
    Alternate,
    /// Issuing the new one ends the old one at once.
    None,
}

/// The provider's own name of a key. Not a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

/// What a new key should be.
#[derive(Debug)]
pub struct IssueRequest {
    /// The run's own label, unique to this try.
    pub label: String,
    /// The key to be like, whose owner and scopes are taken over where the API allows it.
    pub like: Option<KeyId>,
    /// Further values for the template, from the inventory's `issue` mapping (a user name, scopes).
    pub with: BTreeMap<String, String>,
}

/// A new key.
#[derive(Debug)]
pub struct Issued {
    /// Its id.
    pub key: KeyId,
    /// Its secret: this is the only time it is seen.
    pub credential: Credential,
}

/// What a provider says of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// The key's id.
    pub id: KeyId,
    /// The label it was made with.
    pub label: Option<String>,
    /// Whether it can be used now.
    pub enabled: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
}

/// Whether a credential lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It works.
    Active {
        /// Whose it is, as the provider says.
        identity: Option<String>,
        /// What it may do.
        scopes: Vec<String>,
    },
    /// It is refused.
    Inactive,
    /// It could not be learned.
    Unknown {
        /// Why: no validator, offline, throttled, an ambiguous answer.
        why: String,
    },
}

/// Why an operation has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The provider said no: another try says the same.
    #[error("{operation} at {provider}: refused with {status}{detail}")]
    Refused {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// HTTP status or the provider's own code.
        status: String,
        /// The scrubbed reason, starting with `: `, or nothing.
        detail: String,
    },
    /// Nothing was done; another try may work (no connection, throttled, 5xx before acting).
    #[error("{operation} at {provider}: {why}; nothing was done, try again")]
    TryAgain {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// The cause.
        why: String,
        /// How long the provider asks to wait.
        after: Option<Duration>,
    },
    /// It may have been done: look before doing it again.
    #[error("{operation} at {provider}: {why}; it may have been done")]
    Lost {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// The cause.
        why: String,
    },
    /// The answer was a success but did not hold what it should.
    #[error("{operation} at {provider}: the answer has no {missing}")]
    Misanswered {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// What was looked for.
        missing: String,
    },
    /// The provider has no such operation, or it is not configured.
    #[error("{operation} at {provider}: {why}")]
    Unsupported {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// What is missing: the operation itself, or what the configuration must give.
        why: String,
    },
    /// The administrator's credential cannot be read from the place that the configuration names.
    #[error("{operation} at {provider}: failed to {why}")]
    NoAdmin {
        /// Provider id.
        provider: String,
        /// The operation.
        operation: &'static str,
        /// The place and the cause: `read a secret from ...`.
        why: String,
    },
}
