//! The sole right to act on an incident.

use super::super::chain::time;
use super::super::holder::Holder;
use super::super::{Error, IncidentId, Lease, lost, until};
use super::read;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

pub(super) fn take(tx: &Transaction<'_>, incident: &IncidentId, at: Timestamp) -> Result<Lease, Error> {
    let known = tx.query_row("SELECT 1 FROM incidents WHERE id = ?1", [&incident.0], |_| Ok(())).optional()?;
    known.ok_or_else(|| Error::NoIncident(incident.0.clone()))?;

    let query = "SELECT fence, holder, expires FROM leases WHERE incident = ?1";
    let row: Option<(u64, Option<String>, String)> =
        tx.query_row(query, [&incident.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let last = row.as_ref().map_or(0, |(fence, ..)| *fence);
    if let Some((_, Some(holder), expires)) = row {
        let holder = parse(&holder)?;
        if !lost(&holder, read("time", &expires)?, at) {
            return Err(Error::Leased { incident: incident.clone(), holder: holder.to_string() });
        }
    }
    let fence = last + 1;
    tx.execute(
        "INSERT INTO leases (incident, fence, holder, expires) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (incident) DO UPDATE SET fence = excluded.fence, holder = excluded.holder, expires = excluded.expires",
        (&incident.0, fence, text(&Holder::this())?, time(until(at))),
    )?;
    Ok(Lease { incident: incident.clone(), fence })
}

/// Prolongs a lease, or says that it was lost.
pub(super) fn prolong(tx: &Transaction<'_>, lease: &Lease, at: Timestamp) -> Result<(), Error> {
    let query = "UPDATE leases SET expires = ?3 WHERE incident = ?1 AND fence = ?2 AND holder IS NOT NULL";
    match tx.execute(query, (&lease.incident.0, lease.fence, time(until(at))))? {
        0 => Err(Error::LeaseLost(lease.incident.clone())),
        _ => Ok(()),
    }
}

/// Gives a lease back; one that was lost is somebody else's and stays.
pub(super) fn release(tx: &Transaction<'_>, lease: &Lease) -> Result<(), Error> {
    let query = "UPDATE leases SET holder = NULL WHERE incident = ?1 AND fence = ?2";
    tx.execute(query, (&lease.incident.0, lease.fence))?;
    Ok(())
}

/// A holder as the ledger writes it.
pub(super) fn text(holder: &Holder) -> Result<String, Error> {
    serde_json::to_string(holder).map_err(|error| Error::Failed(error.to_string()))
}

/// A holder as the ledger has it.
pub(super) fn parse(text: &str) -> Result<Holder, Error> {
    serde_json::from_str(text).map_err(|_| Error::Failed("it holds an unreadable holder".into()))
}
