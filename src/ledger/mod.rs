//! What must outlive a crash: incidents and their events, sealed secrets, the inbox of deliveries, debts and leases.
//!
//! Append-only where it matters: an incident *is* its list of events, each chained to the one before by a hash
//! ([`chain`]). The ledger does not understand what an event says (its body is JSON); those who write events do.
//! Whatever is secret is sealed ([`seal`]) before it comes here, with the record's name as associated data.
//!
//! Whoever acts on an incident holds its lease (`holder.rs` says whether a holder still lives), and each taking of it has
//! a higher *fence*: one that lost its lease while it acted can append nothing any more.
//!
//! [`sqlite`] keeps it in one file of mode 0600 (WAL, `synchronous=FULL`); [`memory`] is for tests. Every method is
//! durable when it returns. Knows nothing of rules, providers or rotation.

pub mod chain;
#[cfg(test)]
mod conformance;
mod holder;
pub mod memory;
pub mod seal;
pub mod sqlite;

use crate::secret::{Fingerprint, Secret};
use holder::{Holder, Life};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The memory of the responder. All methods are durable when they return.
pub trait Ledger: Send + Sync {
    /// Opens an incident with its first event, unless one about `fingerprint` is open already: then that one's id comes
    /// back as [`Opened::Already`].
    fn open(&self, incident: &NewIncident, first: &Body) -> Result<Opened, Error>;

    /// Every incident, newest first.
    fn incidents(&self) -> Result<Vec<Incident>, Error>;

    /// The incident whose id starts with `prefix`; [`Error::NoIncident`] or [`Error::ManyIncidents`] otherwise.
    fn incident(&self, prefix: &str) -> Result<Incident, Error>;

    /// Appends an event. The lease is checked in the same transaction: one that was lost is [`Error::LeaseLost`].
    /// `status` is the incident's status from now on.
    fn append(&self, lease: &Lease, at: Timestamp, body: &Body, status: Status) -> Result<Entry, Error>;

    /// The events of an incident, in order.
    fn events(&self, incident: &IncidentId) -> Result<Vec<Entry>, Error>;

    /// Takes the sole right to act on an incident. Refused with [`Error::Leased`] while a living holder has it; a holder
    /// of this machine whose process is gone has lost it at once, one of another machine when it has expired.
    fn lease(&self, incident: &IncidentId, at: Timestamp) -> Result<Lease, Error>;

    /// Prolongs a lease.
    fn renew(&self, lease: &Lease, at: Timestamp) -> Result<(), Error>;

    /// Gives it back.
    fn release(&self, lease: Lease) -> Result<(), Error>;

    /// Keeps a secret under `name` in an incident, sealed; replaces one of the same name.
    fn seal(&self, incident: &IncidentId, name: &str, secret: &Secret) -> Result<(), Error>;

    /// A sealed secret, or `None` when there is none of that name.
    fn unseal(&self, incident: &IncidentId, name: &str) -> Result<Option<Secret>, Error>;

    /// Wipes the sealed secrets of an incident whose names start with `prefix` ("" is all). Wiping nothing is success.
    fn wipe(&self, incident: &IncidentId, prefix: &str) -> Result<(), Error>;

    /// Keeps the post-mortem's two forms.
    fn keep_postmortem(&self, incident: &IncidentId, markdown: &str, json: &str) -> Result<(), Error>;

    /// The post-mortem as kept: Markdown and JSON.
    fn postmortem(&self, incident: &IncidentId) -> Result<Option<(String, String)>, Error>;

    /// Puts a debt on record, or moves the one with the same incident and kind.
    fn owe(&self, debt: &Debt) -> Result<(), Error>;

    /// Strikes a debt off. Striking none is success.
    fn settle(&self, incident: &IncidentId, kind: &str) -> Result<(), Error>;

    /// The debts that are due at `at`, or all of them, earliest first.
    fn debts(&self, due_at: Option<Timestamp>) -> Result<Vec<Debt>, Error>;

    /// Puts a delivery in the inbox, its body sealed, unless its id is there already (`false`).
    fn deliver(&self, delivery: &NewDelivery) -> Result<bool, Error>;

    /// Takes the oldest waiting delivery whose time has come, for this process; one that another process took and did
    /// not finish before it died or within `patience` seconds comes again.
    fn take(&self, at: Timestamp, patience: u64) -> Result<Option<Delivery>, Error>;

    /// Marks a delivery: done, to be tried again at a time, or given up, with a scrubbed note.
    fn mark(&self, id: &str, mark: Mark, note: &str) -> Result<(), Error>;

    /// All deliveries as they stand, newest first, without their bodies.
    fn deliveries(&self) -> Result<Vec<DeliveryInfo>, Error>;
}

/// An incident's id: a ULID-like text that sorts by time, such as `inc-01jd3m8k4q-7f3a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub String);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is needed to open an incident.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// Its id, chosen by the caller.
    pub id: IncidentId,
    /// The leaked credential.
    pub fingerprint: Fingerprint,
    /// What lists call it: the inventory id, or the rule.
    pub title: String,
    /// When.
    pub at: Timestamp,
}

/// The answer to [`Ledger::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is new.
    New,
    /// There is an open incident about the same credential.
    Already(IncidentId),
}

/// One incident, as lists show it.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The leaked credential.
    pub fingerprint: Fingerprint,
    /// What lists call it.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// When it was opened.
    pub opened: Timestamp,
    /// When its last event was appended.
    pub updated: Timestamp,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Opened; nothing was done yet, or a run is under way.
    Open,
    /// Waits for a person's approval.
    Waiting,
    /// The leaked credential no longer works; something is still owed.
    Contained,
    /// A person is needed.
    Stuck,
    /// Ended: rotated, or undone and closed by a person's word.
    Closed,
}

impl Status {
    const ALL: [Status; 5] = [Status::Open, Status::Waiting, Status::Contained, Status::Stuck, Status::Closed];

    /// Its name, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Waiting => "waiting",
            Status::Contained => "contained",
            Status::Stuck => "stuck",
            Status::Closed => "closed",
        }
    }

    /// The status of that name.
    fn named(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an event says: its kind, for lists, and its JSON body. Holds no secret: it is made from `Serialize` types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// A word such as `opened` or `step-started`.
    pub kind: String,
    /// The rest.
    pub data: serde_json::Value,
}

/// An event as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the incident, from 1 without a gap.
    pub seq: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
    /// Hash of the entry before, 64 hexadecimal digits (zeroes before the first).
    pub previous: String,
    /// Hash of this entry (see [`chain`]).
    pub hash: String,
}

/// The sole right to act on an incident, until it expires, is given back, or its holder dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// On what.
    pub incident: IncidentId,
    /// Grows with each taking: an older one can no longer append.
    pub fence: u64,
}

/// Something still owed, due at a time: the old key to delete after its grace, a probe, an orphan to sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// Whose.
    pub incident: IncidentId,
    /// What, as a word: `resume`.
    pub kind: String,
    /// What it is about, for a person.
    pub what: String,
    /// When it is due.
    pub due: Timestamp,
}

/// A delivery to put in the inbox.
#[derive(Debug)]
pub struct NewDelivery {
    /// The sender's id of it: the same on a redelivery.
    pub id: String,
    /// `github`, `github-partner`, `push`.
    pub source: String,
    /// The event's kind, such as `secret_scanning_alert`.
    pub event: String,
    /// The raw body; sealed at rest, since partner posts hold tokens.
    pub body: Secret,
    /// When it came.
    pub at: Timestamp,
}

/// A delivery taken from the inbox.
#[derive(Debug)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// As delivered.
    pub source: String,
    /// As delivered.
    pub event: String,
    /// The raw body.
    pub body: Secret,
    /// When it came.
    pub received: Timestamp,
    /// How often it was taken before.
    pub attempts: u64,
}

/// A delivery as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryInfo {
    /// Its id.
    pub id: String,
    /// As delivered.
    pub source: String,
    /// As delivered.
    pub event: String,
    /// When it came.
    pub received: Timestamp,
    /// `waiting`, `taken`, `done`, `given-up`.
    pub state: String,
    /// How often it was taken.
    pub attempts: u64,
    /// The last note.
    pub note: String,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was dealt with.
    Done,
    /// To be tried again at this time.
    Again(Timestamp),
    /// Nothing more will be tried.
    GivenUp,
}

/// Why the ledger could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or made.
    #[error("open the ledger {path}: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// A newer stanch wrote it.
    #[error("open the ledger {path}: it is of version {found}, this stanch knows up to {known}; use a newer stanch")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A read or write failed.
    #[error("use the ledger: {0}")]
    Failed(String),
    /// No incident's id starts so.
    #[error("find the incident {0}: there is none")]
    NoIncident(String),
    /// Several do.
    #[error("find the incident {prefix}: {count} start so")]
    ManyIncidents {
        /// As asked.
        prefix: String,
        /// How many.
        count: usize,
    },
    /// Somebody else is acting on it.
    #[error("act on {incident}: {holder} is acting on it")]
    Leased {
        /// The incident.
        incident: IncidentId,
        /// Machine and process.
        holder: String,
    },
    /// The lease was taken over while we acted.
    #[error("act on {0}: another process took over")]
    LeaseLost(IncidentId),
    /// A sealed record does not open: wrong key, or changed.
    #[error("unseal {what}: wrong key or changed record")]
    Sealed {
        /// Which record.
        what: String,
    },
    /// The key that seals is missing or unusable.
    #[error("read the sealing key {path}: {why}")]
    SealKey {
        /// Its file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
}

/// How long a lease holds without a sign of life, for a holder that cannot be looked at.
const LEASE: u64 = 60;

/// When a lease that is taken or prolonged `at` expires.
fn until(at: Timestamp) -> Timestamp {
    seconds_after(at, LEASE)
}

/// Whether a holder has lost what it took until `expires`: at once when it is gone, never while it is seen to live, and
/// after its time when it is elsewhere.
fn lost(holder: &Holder, expires: Timestamp, at: Timestamp) -> bool {
    match holder.life() {
        Life::Lives => false,
        Life::Gone => true,
        Life::Elsewhere => expires <= at,
    }
}

fn seconds_after(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    at.saturating_add(seconds).unwrap_or(Timestamp::MAX)
}
