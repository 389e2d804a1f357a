//! One incident under our lease: its events so far, and the one way to append more.

use super::Error;
use crate::incident::{self, Event, Story};
use crate::ledger::{IncidentId, Lease, Ledger};
use crate::workflow::StepId;
use crate::workflow::clock::Clock;
use crate::workflow::event::Event as Run;
use crate::workflow::runner::{Journal, JournalError};
use jiff::Timestamp;
use std::time::Duration;

/// An incident that nobody else acts on.
pub(super) struct Case<'r> {
    /// Its id.
    pub id: IncidentId,
    /// What lists call it.
    pub title: String,
    /// Its events.
    pub entries: Vec<incident::Entry>,
    /// What they tell.
    pub story: Story,
    ledger: &'r dyn Ledger,
    clock: &'r dyn Clock,
    lease: Lease,
    renewed: Timestamp,
}

impl<'r> Case<'r> {
    /// Takes the lease and reads the events.
    pub fn open(ledger: &'r dyn Ledger, clock: &'r dyn Clock, id: &IncidentId) -> Result<Case<'r>, Error> {
        let now = clock.now();
        let title = ledger.incident(&id.0)?.title;
        let lease = ledger.lease(id, now)?;
        match read(ledger, id) {
            Ok((entries, story)) => {
                Ok(Case { id: id.clone(), title, entries, story, ledger, clock, lease, renewed: now })
            }
            Err(error) => {
                // The first error is the one to tell; a lease that is not given back ends with its holder.
                let _ = ledger.release(lease);
                Err(error)
            }
        }
    }

    /// Appends an event that happens now.
    pub fn append(&mut self, event: Event) -> Result<(), Error> {
        self.append_at(self.clock.now(), event)
    }

    /// Gives the lease back.
    pub fn release(&mut self) -> Result<(), Error> {
        Ok(self.ledger.release(self.lease.clone())?)
    }

    /// What a step of the plan is called.
    pub fn label(&self, step: StepId) -> String {
        self.story.run.step(step).map(|step| step.spec.label.clone()).unwrap_or_default()
    }

    fn append_at(&mut self, at: Timestamp, event: Event) -> Result<(), Error> {
        let mut next = self.story.clone();
        let draft = incident::Entry { seq: self.entries.len() as u64 + 1, at, event, hash: String::new() };
        next.take(&draft)?;
        let written = self.ledger.append(&self.lease, at, &draft.event.body()?, next.status())?;
        self.entries.push(incident::Entry { seq: written.seq, hash: written.hash, ..draft });
        self.story = next;
        self.renew(at)
    }

    fn renew(&mut self, at: Timestamp) -> Result<(), Error> {
        if at.duration_since(self.renewed).unsigned_abs() >= RENEWAL {
            self.ledger.renew(&self.lease, at)?;
            self.renewed = at;
        }
        Ok(())
    }
}

impl Journal for Case<'_> {
    fn append(&mut self, at: Timestamp, event: &Run) -> Result<(), JournalError> {
        let event = Event::Workflow { run: event.clone() };
        self.append_at(at, event).map_err(|error| JournalError(Box::new(error)))
    }

    fn keep(&mut self, at: Timestamp) -> Result<(), JournalError> {
        self.renew(at).map_err(|error| JournalError(Box::new(error)))
    }
}

fn read(ledger: &dyn Ledger, id: &IncidentId) -> Result<(Vec<incident::Entry>, Story), Error> {
    let entries = incident::read(ledger.events(id)?)?;
    let story = Story::read(&entries)?;
    Ok((entries, story))
}

/// A lease is prolonged this often: well within the minute that it holds.
const RENEWAL: Duration = Duration::from_secs(10);
