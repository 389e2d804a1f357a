//! The ledger in one SQLite file.
//!
//! Every method that changes something is one `IMMEDIATE` transaction, on the disk when it returns (`synchronous=FULL`),
//! and stands between two points of [`crate::failpoint`]. So a process that is killed anywhere leaves a ledger that holds
//! the change whole or not at all. Several processes may have it open (WAL); they wait for each other.
//!
//! [`file`](self) opens and migrates; the other files hold the statements, each for its tables. This folder is the one
//! window to `rusqlite`.

mod debts;
mod file;
mod inbox;
mod incidents;
mod leases;
mod sealed;

use super::seal::{KeySource, SealKey};
use super::{Body, Debt, Delivery, DeliveryInfo, Entry, Error, Incident, IncidentId, Lease, Ledger, Mark, NewDelivery};
use super::{NewIncident, Opened, Status};
use crate::failpoint;
use crate::secret::Secret;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ledger in one SQLite file of mode 0600.
#[derive(Debug)]
pub struct SqliteLedger {
    connection: Mutex<Connection>,
    key: SealKey,
}

impl SqliteLedger {
    /// Opens the ledger at `path`, or makes it with its folder and its key. An older version is brought up to date.
    pub fn open(path: &Path, key: &KeySource) -> Result<Self, Error> {
        let (connection, key) = file::open(path, key)?;
        Ok(SqliteLedger { connection: Mutex::new(connection), key })
    }

    /// One durable change, between two named points.
    fn write<T>(&self, name: &str, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        failpoint::around(name, || {
            let mut connection = self.connection();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = act(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// A panic elsewhere rolled its transaction back: the connection is sound.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for SqliteLedger {
    fn open(&self, incident: &NewIncident, first: &Body) -> Result<Opened, Error> {
        self.write("ledger open", |tx| incidents::open(tx, incident, first))
    }

    fn incidents(&self) -> Result<Vec<Incident>, Error> {
        incidents::all(&self.connection())
    }

    fn incident(&self, prefix: &str) -> Result<Incident, Error> {
        incidents::one(&self.connection(), prefix)
    }

    fn append(&self, lease: &Lease, at: Timestamp, body: &Body, status: Status) -> Result<Entry, Error> {
        self.write("ledger append", |tx| {
            leases::prolong(tx, lease, at)?;
            incidents::append(tx, &lease.incident, at, body, status)
        })
    }

    fn events(&self, incident: &IncidentId) -> Result<Vec<Entry>, Error> {
        incidents::events(&self.connection(), incident)
    }

    fn lease(&self, incident: &IncidentId, at: Timestamp) -> Result<Lease, Error> {
        self.write("ledger lease", |tx| leases::take(tx, incident, at))
    }

    fn renew(&self, lease: &Lease, at: Timestamp) -> Result<(), Error> {
        self.write("ledger renew", |tx| leases::prolong(tx, lease, at))
    }

    fn release(&self, lease: Lease) -> Result<(), Error> {
        self.write("ledger release", |tx| leases::release(tx, &lease))
    }

    fn seal(&self, incident: &IncidentId, name: &str, secret: &Secret) -> Result<(), Error> {
        self.write("ledger seal", |tx| sealed::put(tx, &self.key, incident, name, secret))
    }

    fn unseal(&self, incident: &IncidentId, name: &str) -> Result<Option<Secret>, Error> {
        sealed::get(&self.connection(), &self.key, incident, name)
    }

    fn wipe(&self, incident: &IncidentId, prefix: &str) -> Result<(), Error> {
        self.write("ledger wipe", |tx| sealed::wipe(tx, incident, prefix))?;
        sealed::forget(&self.connection());
        Ok(())
    }

    fn keep_postmortem(&self, incident: &IncidentId, markdown: &str, json: &str) -> Result<(), Error> {
        self.write("ledger keep-postmortem", |tx| incidents::keep_postmortem(tx, incident, markdown, json))
    }

    fn postmortem(&self, incident: &IncidentId) -> Result<Option<(String, String)>, Error> {
        incidents::postmortem(&self.connection(), incident)
    }

    fn owe(&self, debt: &Debt) -> Result<(), Error> {
        self.write("ledger owe", |tx| debts::owe(tx, debt))
    }

    fn settle(&self, incident: &IncidentId, kind: &str) -> Result<(), Error> {
        self.write("ledger settle", |tx| debts::settle(tx, incident, kind))
    }

    fn debts(&self, due_at: Option<Timestamp>) -> Result<Vec<Debt>, Error> {
        debts::due(&self.connection(), due_at)
    }

    fn deliver(&self, delivery: &NewDelivery) -> Result<bool, Error> {
        self.write("ledger deliver", |tx| inbox::deliver(tx, &self.key, delivery))
    }

    fn take(&self, at: Timestamp, patience: u64) -> Result<Option<Delivery>, Error> {
        // An idle worker asks often: only one that will find something takes the right to write.
        if !inbox::any(&self.connection())? {
            return Ok(None);
        }
        self.write("ledger take", |tx| inbox::take(tx, &self.key, at, patience))
    }

    fn mark(&self, id: &str, mark: Mark, note: &str) -> Result<(), Error> {
        self.write("ledger mark", |tx| inbox::mark(tx, id, mark, note))?;
        sealed::forget(&self.connection());
        Ok(())
    }

    fn deliveries(&self) -> Result<Vec<DeliveryInfo>, Error> {
        inbox::all(&self.connection())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Error::Failed(error.to_string())
    }
}

/// A text of the ledger as the value that it was written from.
fn read<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Failed(format!("it holds an unreadable {what}")))
}

#[cfg(test)]
mod tests;
