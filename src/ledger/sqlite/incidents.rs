//! Incidents, their events, and their post-mortems.

use super::super::chain::{self, canonical, time};
use super::super::{Body, Entry, Error, Incident, IncidentId, NewIncident, Opened, Status};
use super::read;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

const COLUMNS: &str = "SELECT id, fingerprint, title, status, opened, updated FROM incidents";

pub(super) fn open(tx: &Transaction<'_>, new: &NewIncident, first: &Body) -> Result<Opened, Error> {
    let fingerprint = new.fingerprint.to_string();
    let query = "SELECT id FROM incidents WHERE fingerprint = ?1 AND status <> 'closed'";
    if let Some(id) = tx.query_row(query, [&fingerprint], |row| row.get(0)).optional()? {
        return Ok(Opened::Already(IncidentId(id)));
    }
    let at = time(new.at);
    tx.execute(
        "INSERT INTO incidents (id, fingerprint, title, status, opened, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        (&new.id.0, &fingerprint, &new.title, Status::Open.as_str(), &at),
    )?;
    append(tx, &new.id, new.at, first, Status::Open)?;
    Ok(Opened::New)
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Incident>, Error> {
    let mut query = connection.prepare(&format!("{COLUMNS} ORDER BY opened DESC, id DESC"))?;
    let mut rows = query.query([])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.push(incident(row)?);
    }
    Ok(incidents)
}

pub(super) fn one(connection: &Connection, prefix: &str) -> Result<Incident, Error> {
    let mut query = connection.prepare(&format!("{COLUMNS} WHERE substr(id, 1, length(?1)) = ?1 AND ?1 <> ''"))?;
    let mut rows = query.query([prefix])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let incident = incident(row)?;
        if incident.id.0 == prefix {
            return Ok(incident);
        }
        found.push(incident);
    }
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| Error::NoIncident(prefix.to_owned())),
        count => Err(Error::ManyIncidents { prefix: prefix.to_owned(), count }),
    }
}

/// Appends to the chain. Whether the caller may is decided before, in the same transaction.
pub(super) fn append(
    tx: &Transaction<'_>,
    incident: &IncidentId,
    at: Timestamp,
    body: &Body,
    status: Status,
) -> Result<Entry, Error> {
    let query = "SELECT seq, hash FROM events WHERE incident = ?1 ORDER BY seq DESC LIMIT 1";
    let last: Option<(u64, String)> =
        tx.query_row(query, [&incident.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (seq, previous) = last.unwrap_or_else(|| (0, chain::START.to_owned()));
    let entry = chain::link(incident, seq + 1, at, body, &previous);
    tx.execute(
        "INSERT INTO events (incident, seq, at, kind, data, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            &incident.0,
            entry.seq,
            time(entry.at),
            &entry.body.kind,
            canonical(&entry.body.data),
            &entry.previous,
            &entry.hash,
        ),
    )?;
    let query = "UPDATE incidents SET status = ?2, updated = ?3 WHERE id = ?1";
    tx.execute(query, (&incident.0, status.as_str(), time(at)))?;
    Ok(entry)
}

pub(super) fn events(connection: &Connection, incident: &IncidentId) -> Result<Vec<Entry>, Error> {
    let query = "SELECT seq, at, kind, data, previous, hash FROM events WHERE incident = ?1 ORDER BY seq";
    let mut query = connection.prepare(query)?;
    let mut rows = query.query([&incident.0])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let body = Body { kind: row.get(2)?, data: read("event", &row.get::<_, String>(3)?)? };
        let at = read("time", &row.get::<_, String>(1)?)?;
        entries.push(Entry { seq: row.get(0)?, at, body, previous: row.get(4)?, hash: row.get(5)? });
    }
    Ok(entries)
}

pub(super) fn keep_postmortem(
    tx: &Transaction<'_>,
    incident: &IncidentId,
    markdown: &str,
    json: &str,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO postmortems (incident, markdown, json) VALUES (?1, ?2, ?3)
         ON CONFLICT (incident) DO UPDATE SET markdown = excluded.markdown, json = excluded.json",
        (&incident.0, markdown, json),
    )?;
    Ok(())
}

pub(super) fn postmortem(connection: &Connection, incident: &IncidentId) -> Result<Option<(String, String)>, Error> {
    let query = "SELECT markdown, json FROM postmortems WHERE incident = ?1";
    Ok(connection.query_row(query, [&incident.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn incident(row: &Row<'_>) -> Result<Incident, Error> {
    let status: String = row.get(3)?;
    Ok(Incident {
        id: IncidentId(row.get(0)?),
        fingerprint: read("fingerprint", &row.get::<_, String>(1)?)?,
        title: row.get(2)?,
        status: Status::named(&status).ok_or_else(|| Error::Failed("it holds an unknown status".into()))?,
        opened: read("time", &row.get::<_, String>(4)?)?,
        updated: read("time", &row.get::<_, String>(5)?)?,
    })
}
