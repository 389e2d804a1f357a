//! Deliveries: in the ledger before their sender hears that they came, and dealt with once.

use super::super::chain::time;
use super::super::holder::Holder;
use super::super::seal::{Place, SealKey};
use super::super::{Delivery, DeliveryInfo, Error, Mark, NewDelivery, lost, seconds_after};
use super::{leases, read};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

pub(super) fn deliver(tx: &Transaction<'_>, key: &SealKey, new: &NewDelivery) -> Result<bool, Error> {
    let rows = tx.execute(
        "INSERT INTO inbox (id, source, event, body, received, state, not_before, attempts, note)
         VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?5, 0, '') ON CONFLICT (id) DO NOTHING",
        (&new.id, &new.source, &new.event, key.seal(place(&new.id), &new.body)?, time(new.at)),
    )?;
    Ok(rows > 0)
}

/// Whether anything waits or is being worked on.
pub(super) fn any(connection: &Connection) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM inbox WHERE state IN ('waiting', 'taken'))";
    Ok(connection.prepare(query)?.query_row([], |row| row.get(0))?)
}

pub(super) fn take(
    tx: &Transaction<'_>,
    key: &SealKey,
    at: Timestamp,
    patience: u64,
) -> Result<Option<Delivery>, Error> {
    while let Some(row) = next(tx, at)? {
        let Ok(body) = key.open(place(&row.id), &row.body) else {
            // Changed at rest: it must not stop those behind it.
            mark(tx, &row.id, Mark::GivenUp, "its sealed body does not open")?;
            continue;
        };
        // Until then it is ours, as long as this process lives.
        let ours = time(seconds_after(at, patience));
        tx.execute(
            "UPDATE inbox SET state = 'taken', attempts = attempts + 1, holder = ?2, not_before = ?3 WHERE id = ?1",
            (&row.id, leases::text(&Holder::this())?, ours),
        )?;
        let Row { id, source, event, received, attempts, .. } = row;
        return Ok(Some(Delivery { id, source, event, body, received: read("time", &received)?, attempts }));
    }
    Ok(None)
}

pub(super) fn mark(tx: &Transaction<'_>, id: &str, mark: Mark, note: &str) -> Result<(), Error> {
    let rows = match mark {
        Mark::Again(at) => tx.execute(
            "UPDATE inbox SET state = 'waiting', not_before = ?2, note = ?3, holder = NULL WHERE id = ?1",
            (id, time(at), note),
        )?,
        // The body is wiped: it may hold a token, and nobody needs it any more.
        Mark::Done | Mark::GivenUp => tx.execute(
            "UPDATE inbox SET state = ?2, note = ?3, holder = NULL, body = x'' WHERE id = ?1",
            (id, if mark == Mark::Done { "done" } else { "given-up" }, note),
        )?,
    };
    if rows == 0 { Err(Error::Failed(format!("there is no delivery {id}"))) } else { Ok(()) }
}

pub(super) fn all(connection: &Connection) -> Result<Vec<DeliveryInfo>, Error> {
    let query =
        "SELECT id, source, event, received, state, attempts, note FROM inbox ORDER BY received DESC, place DESC";
    let mut query = connection.prepare(query)?;
    let mut rows = query.query([])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push(DeliveryInfo {
            id: row.get(0)?,
            source: row.get(1)?,
            event: row.get(2)?,
            received: read("time", &row.get::<_, String>(3)?)?,
            state: row.get(4)?,
            attempts: row.get(5)?,
            note: row.get(6)?,
        });
    }
    Ok(deliveries)
}

struct Row {
    id: String,
    source: String,
    event: String,
    body: Vec<u8>,
    received: String,
    attempts: u64,
}

/// The oldest that may be taken: one that waits and whose time has come, or one that its taker will not finish.
fn next(tx: &Transaction<'_>, at: Timestamp) -> Result<Option<Row>, Error> {
    let query = "SELECT id, source, event, body, received, attempts, holder, not_before FROM inbox
                 WHERE state IN ('waiting', 'taken') ORDER BY received, place";
    let mut query = tx.prepare(query)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let not_before: Timestamp = read("time", &row.get::<_, String>(7)?)?;
        let holder: Option<String> = row.get(6)?;
        let free = match &holder {
            None => not_before <= at,
            Some(holder) => not_before <= at || lost(&leases::parse(holder)?, not_before, at),
        };
        if free {
            let (id, source, event, body) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            return Ok(Some(Row { id, source, event, body, received: row.get(4)?, attempts: row.get(5)? }));
        }
    }
    Ok(None)
}

fn place(id: &str) -> Place<'_> {
    Place { table: "inbox", owner: id, name: "body" }
}
