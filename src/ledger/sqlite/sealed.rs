//! Secrets that an incident needs until it is over.

use super::super::seal::{Place, SealKey};
use super::super::{Error, IncidentId};
use super::file::BUSY;
use crate::secret::Secret;
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::time::Duration;

/// How long the cutting of the log waits for its readers: it is asked for often and can be done later.
const PATIENCE: Duration = Duration::from_millis(200);

pub(super) fn put(
    tx: &Transaction<'_>,
    key: &SealKey,
    incident: &IncidentId,
    name: &str,
    secret: &Secret,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO sealed (incident, name, box) VALUES (?1, ?2, ?3)
         ON CONFLICT (incident, name) DO UPDATE SET box = excluded.box",
        (&incident.0, name, key.seal(place(incident, name), secret)?),
    )?;
    Ok(())
}

pub(super) fn get(
    connection: &Connection,
    key: &SealKey,
    incident: &IncidentId,
    name: &str,
) -> Result<Option<Secret>, Error> {
    let query = "SELECT box FROM sealed WHERE incident = ?1 AND name = ?2";
    let sealed: Option<Vec<u8>> = connection.query_row(query, (&incident.0, name), |row| row.get(0)).optional()?;
    sealed.map(|sealed| key.open(place(incident, name), &sealed)).transpose()
}

/// Deletes the boxes; `secure_delete` overwrites them in the file.
pub(super) fn wipe(tx: &Transaction<'_>, incident: &IncidentId, prefix: &str) -> Result<(), Error> {
    let query = "DELETE FROM sealed WHERE incident = ?1 AND substr(name, 1, length(?2)) = ?2";
    tx.execute(query, (&incident.0, prefix))?;
    Ok(())
}

/// Takes the older pages out of the write-ahead log, which still hold what was just wiped (sealed, never plain).
pub(super) fn forget(connection: &Connection) {
    // Another reader may hold the log back; then a later checkpoint does it.
    let done = connection
        .busy_timeout(PATIENCE)
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
    if !matches!(done, Ok(0)) {
        tracing::debug!("the write-ahead log is in use and was not cut");
    }
    if let Err(error) = connection.busy_timeout(BUSY) {
        tracing::debug!(%error, "the ledger keeps a shorter patience");
    }
}

fn place<'a>(incident: &'a IncidentId, name: &'a str) -> Place<'a> {
    Place { table: "sealed", owner: &incident.0, name }
}
