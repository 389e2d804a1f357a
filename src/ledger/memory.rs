//! A ledger in memory, for tests: the same answers as [`super::sqlite`], which `conformance.rs` checks of both, and no
//! durability at all. Its one process lives, so nobody's lease is ever lost but by giving it back.

use super::{Body, Debt, Delivery, DeliveryInfo, Entry, Error, Incident, IncidentId, Lease, Ledger, Mark, NewDelivery};
use super::{NewIncident, Opened, Status, chain, seconds_after};
use crate::secret::Secret;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A ledger in memory.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    incidents: BTreeMap<IncidentId, Incident>,
    events: BTreeMap<IncidentId, Vec<Entry>>,
    /// Fence, and whether somebody holds it.
    leases: BTreeMap<IncidentId, (u64, bool)>,
    sealed: BTreeMap<(IncidentId, String), Secret>,
    postmortems: BTreeMap<IncidentId, (String, String)>,
    debts: BTreeMap<(IncidentId, String), Debt>,
    inbox: Vec<Received>,
}

#[derive(Debug)]
struct Received {
    info: DeliveryInfo,
    body: Secret,
    not_before: Timestamp,
}

impl MemoryLedger {
    /// An empty one.
    pub fn new() -> Self {
        MemoryLedger::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn open(&self, new: &NewIncident, first: &Body) -> Result<Opened, Error> {
        let mut tables = self.tables();
        let open = |known: &&Incident| known.fingerprint == new.fingerprint && known.status != Status::Closed;
        if let Some(known) = tables.incidents.values().find(open) {
            return Ok(Opened::Already(known.id.clone()));
        }
        if tables.incidents.contains_key(&new.id) {
            return Err(Error::Failed(format!("there is an incident {}", new.id)));
        }
        let (id, title, at) = (new.id.clone(), new.title.clone(), new.at);
        let incident =
            Incident { id, fingerprint: new.fingerprint, title, status: Status::Open, opened: at, updated: at };
        tables.incidents.insert(new.id.clone(), incident);
        tables.append(&new.id, at, first, Status::Open)?;
        Ok(Opened::New)
    }

    fn incidents(&self) -> Result<Vec<Incident>, Error> {
        let mut all: Vec<_> = self.tables().incidents.values().cloned().collect();
        all.sort_by(|a, b| (b.opened, &b.id).cmp(&(a.opened, &a.id)));
        Ok(all)
    }

    fn incident(&self, prefix: &str) -> Result<Incident, Error> {
        let tables = self.tables();
        if let Some(exact) = tables.incidents.get(&IncidentId(prefix.to_owned())) {
            return Ok(exact.clone());
        }
        let mut found = tables.incidents.values().filter(|known| !prefix.is_empty() && known.id.0.starts_with(prefix));
        match (found.next(), found.count()) {
            (None, _) => Err(Error::NoIncident(prefix.to_owned())),
            (Some(one), 0) => Ok(one.clone()),
            (Some(_), others) => Err(Error::ManyIncidents { prefix: prefix.to_owned(), count: others + 1 }),
        }
    }

    fn append(&self, lease: &Lease, at: Timestamp, body: &Body, status: Status) -> Result<Entry, Error> {
        let mut tables = self.tables();
        tables.holds(lease)?;
        tables.append(&lease.incident, at, body, status)
    }

    fn events(&self, incident: &IncidentId) -> Result<Vec<Entry>, Error> {
        Ok(self.tables().events.get(incident).cloned().unwrap_or_default())
    }

    fn lease(&self, incident: &IncidentId, _at: Timestamp) -> Result<Lease, Error> {
        let mut tables = self.tables();
        tables.known(incident)?;
        let (fence, held) = tables.leases.entry(incident.clone()).or_default();
        if *held {
            return Err(Error::Leased { incident: incident.clone(), holder: "this process".into() });
        }
        (*fence, *held) = (*fence + 1, true);
        Ok(Lease { incident: incident.clone(), fence: *fence })
    }

    fn renew(&self, lease: &Lease, _at: Timestamp) -> Result<(), Error> {
        self.tables().holds(lease)
    }

    fn release(&self, lease: Lease) -> Result<(), Error> {
        let mut tables = self.tables();
        if tables.holds(&lease).is_ok() {
            tables.leases.insert(lease.incident, (lease.fence, false));
        }
        Ok(())
    }

    fn seal(&self, incident: &IncidentId, name: &str, secret: &Secret) -> Result<(), Error> {
        let mut tables = self.tables();
        tables.known(incident)?;
        tables.sealed.insert((incident.clone(), name.to_owned()), copy(secret));
        Ok(())
    }

    fn unseal(&self, incident: &IncidentId, name: &str) -> Result<Option<Secret>, Error> {
        Ok(self.tables().sealed.get(&(incident.clone(), name.to_owned())).map(copy))
    }

    fn wipe(&self, incident: &IncidentId, prefix: &str) -> Result<(), Error> {
        self.tables().sealed.retain(|(owner, name), _| owner != incident || !name.starts_with(prefix));
        Ok(())
    }

    fn keep_postmortem(&self, incident: &IncidentId, markdown: &str, json: &str) -> Result<(), Error> {
        let mut tables = self.tables();
        tables.known(incident)?;
        tables.postmortems.insert(incident.clone(), (markdown.to_owned(), json.to_owned()));
        Ok(())
    }

    fn postmortem(&self, incident: &IncidentId) -> Result<Option<(String, String)>, Error> {
        Ok(self.tables().postmortems.get(incident).cloned())
    }

    fn owe(&self, debt: &Debt) -> Result<(), Error> {
        let mut tables = self.tables();
        tables.known(&debt.incident)?;
        tables.debts.insert((debt.incident.clone(), debt.kind.clone()), debt.clone());
        Ok(())
    }

    fn settle(&self, incident: &IncidentId, kind: &str) -> Result<(), Error> {
        self.tables().debts.remove(&(incident.clone(), kind.to_owned()));
        Ok(())
    }

    fn debts(&self, due_at: Option<Timestamp>) -> Result<Vec<Debt>, Error> {
        let tables = self.tables();
        let mut due: Vec<_> = tables.debts.values().filter(|debt| due_at.is_none_or(|at| debt.due <= at)).collect();
        due.sort_by_key(|debt| debt.due); // those of one time stay in the order of incident and kind
        Ok(due.into_iter().cloned().collect())
    }

    fn deliver(&self, new: &NewDelivery) -> Result<bool, Error> {
        let mut tables = self.tables();
        if tables.inbox.iter().any(|known| known.info.id == new.id) {
            return Ok(false);
        }
        let info = DeliveryInfo {
            id: new.id.clone(),
            source: new.source.clone(),
            event: new.event.clone(),
            received: new.at,
            state: "waiting".into(),
            attempts: 0,
            note: String::new(),
        };
        tables.inbox.push(Received { info, body: copy(&new.body), not_before: new.at });
        Ok(true)
    }

    fn take(&self, at: Timestamp, patience: u64) -> Result<Option<Delivery>, Error> {
        let mut tables = self.tables();
        let open = |one: &&mut Received| one.not_before <= at && matches!(&*one.info.state, "waiting" | "taken");
        let Some(oldest) = tables.inbox.iter_mut().filter(open).min_by_key(|one| one.info.received) else {
            return Ok(None);
        };
        let attempts = oldest.info.attempts;
        oldest.info.attempts += 1;
        oldest.info.state = "taken".into();
        oldest.not_before = seconds_after(at, patience);
        let DeliveryInfo { id, source, event, received, .. } = oldest.info.clone();
        Ok(Some(Delivery { id, source, event, body: copy(&oldest.body), received, attempts }))
    }

    fn mark(&self, id: &str, mark: Mark, note: &str) -> Result<(), Error> {
        let mut tables = self.tables();
        let found = tables.inbox.iter_mut().find(|one| one.info.id == id);
        let found = found.ok_or_else(|| Error::Failed(format!("there is no delivery {id}")))?;
        found.info.note = note.to_owned();
        match mark {
            Mark::Again(at) => {
                found.info.state = "waiting".into();
                found.not_before = at;
            }
            Mark::Done => found.close("done"),
            Mark::GivenUp => found.close("given-up"),
        }
        Ok(())
    }

    fn deliveries(&self) -> Result<Vec<DeliveryInfo>, Error> {
        let mut all: Vec<_> = self.tables().inbox.iter().rev().map(|one| one.info.clone()).collect();
        all.sort_by_key(|info| std::cmp::Reverse(info.received));
        Ok(all)
    }
}

impl Tables {
    fn known(&self, incident: &IncidentId) -> Result<(), Error> {
        if self.incidents.contains_key(incident) { Ok(()) } else { Err(Error::NoIncident(incident.0.clone())) }
    }

    fn holds(&self, lease: &Lease) -> Result<(), Error> {
        match self.leases.get(&lease.incident) {
            Some((fence, true)) if *fence == lease.fence => Ok(()),
            _ => Err(Error::LeaseLost(lease.incident.clone())),
        }
    }

    fn append(&mut self, id: &IncidentId, at: Timestamp, body: &Body, status: Status) -> Result<Entry, Error> {
        let incident = self.incidents.get_mut(id).ok_or_else(|| Error::NoIncident(id.0.clone()))?;
        (incident.status, incident.updated) = (status, at);
        let events = self.events.entry(id.clone()).or_default();
        let (seq, previous) = events.last().map_or((0, chain::START), |last| (last.seq, &last.hash));
        let entry = chain::link(id, seq + 1, at, body, previous);
        events.push(entry.clone());
        Ok(entry)
    }
}

impl Received {
    fn close(&mut self, state: &str) {
        self.info.state = state.to_owned();
        self.body = Secret::new("");
    }
}

#[expect(clippy::disallowed_methods, reason = "in memory only, from one secret into another")]
fn copy(secret: &Secret) -> Secret {
    Secret::new(secret.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        super::super::conformance::check(|| Box::new(MemoryLedger::new()));
    }
}
