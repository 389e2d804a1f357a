//! What is still owed.

use super::super::chain::time;
use super::super::{Debt, Error, IncidentId};
use super::read;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

pub(super) fn owe(tx: &Transaction<'_>, debt: &Debt) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO debts (incident, kind, what, due) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (incident, kind) DO UPDATE SET what = excluded.what, due = excluded.due",
        (&debt.incident.0, &debt.kind, &debt.what, time(debt.due)),
    )?;
    Ok(())
}

pub(super) fn settle(tx: &Transaction<'_>, incident: &IncidentId, kind: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM debts WHERE incident = ?1 AND kind = ?2", (&incident.0, kind))?;
    Ok(())
}

pub(super) fn due(connection: &Connection, at: Option<Timestamp>) -> Result<Vec<Debt>, Error> {
    let query =
        "SELECT incident, kind, what, due FROM debts WHERE ?1 IS NULL OR due <= ?1 ORDER BY due, incident, kind";
    let mut query = connection.prepare(query)?;
    let mut rows = query.query([at.map(time)])?;
    let mut debts = Vec::new();
    while let Some(row) = rows.next()? {
        let due = read("time", &row.get::<_, String>(3)?)?;
        debts.push(Debt { incident: IncidentId(row.get(0)?), kind: row.get(1)?, what: row.get(2)?, due });
    }
    Ok(debts)
}
