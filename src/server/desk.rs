//! What a delivery means, and what is done about it: the path of `stanch respond`, as far as the policy lets it go by
//! itself.
//!
//! A delivery may come again after a crash. An incident is open only once for one credential, a run that is under way is
//! gone on with, and what was closed since the delivery came is not opened again; so nothing is done twice.

use super::github::{self, Alert, Told};
use super::push::Push;
use super::worker::{self, Handled};
use jiff::{SignedDuration, Timestamp};
use stanch::config::Github;
use stanch::detect::{self, AllowList, Detector, Finding};
use stanch::http::Transport;
use stanch::inventory::Wanted;
use stanch::inventory::response::{Action, Responses};
use stanch::ledger::{Delivery, IncidentId, Status};
use stanch::respond::{Ended, Leak, Responder};
use stanch::rotate::Reach;
use stanch::scan;
use stanch::secret::{Credential, Fingerprint, Secret};
use stanch::source::{Blob, Provenance};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Rest of an incident that could not be gone on with, before the next try.
const REST: SignedDuration = SignedDuration::from_secs(30);

/// Deals with deliveries.
pub struct Desk {
    /// Does the work.
    pub responder: Responder,
    /// What is done by itself, and what waits.
    pub responses: Responses,
    /// Where alerts are read.
    pub github: Option<Github>,
    /// How.
    pub transport: Arc<dyn Transport>,
    /// Local mirrors by the full names of the repositories.
    pub mirrors: BTreeMap<String, PathBuf>,
    /// Recognises what was found.
    pub detector: Detector,
    /// What people decided to live with, in what a push brings.
    pub allow: AllowList,
    /// Incidents that rest after a failure, until when.
    pub resting: Mutex<BTreeMap<IncidentId, Timestamp>>,
}

impl worker::Desk for Desk {
    fn handle(&self, delivery: &Delivery) -> Handled {
        let handled = match (delivery.source.as_str(), delivery.event.as_str()) {
            ("github", "secret_scanning_alert") => self.alert(delivery),
            ("github", "push") => self.push(delivery),
            ("github-partner", _) => self.tokens(delivery),
            (source, event) => Ok(format!("nothing is known of {event} from {source}")),
        };
        handled.map_or_else(Handled::from, Handled::Done)
    }

    fn tick(&self, now: Timestamp) {
        let due = match self.responder.due() {
            Ok(due) => due,
            Err(error) => return tracing::error!(%error, "the debts cannot be read"),
        };
        for incident in due {
            if self.rests(&incident, now) {
                continue;
            }
            match self.responder.run(&incident, &mut ()) {
                Ok(ended) => tracing::info!(%incident, ended = said(&ended), "a debt was paid"),
                Err(error) => {
                    tracing::warn!(%incident, %error, "a debt cannot be paid now");
                    let until = now.saturating_add(REST).unwrap_or(now);
                    self.resting.lock().unwrap_or_else(PoisonError::into_inner).insert(incident, until);
                }
            }
        }
    }
}

impl Desk {
    fn alert(&self, delivery: &Delivery) -> Result<String, Trouble> {
        let alert = Alert::read(&delivery.body)?;
        if !alert.calls_for_action() {
            return Ok(format!("{}: {} asks for nothing", alert.place(), alert.action));
        }
        let github = self.github.as_ref().ok_or_else(|| Trouble::Later("serve.github is not configured".to_owned()))?;
        let told = alert.fetch(github, &*self.transport)?;
        self.told(told, "github secret_scanning_alert", delivery)
    }

    fn tokens(&self, delivery: &Delivery) -> Result<String, Trouble> {
        let mut notes = Vec::new();
        let mut trouble = None;
        for told in github::partner_post(&delivery.body)? {
            match self.told(told, "github partner programme", delivery) {
                Ok(note) => notes.push(note),
                // The others of the post do not wait for this one.
                Err(error) => trouble = Some(error),
            }
        }
        trouble.map_or_else(|| Ok(notes.join("; ")), Err)
    }

    fn push(&self, delivery: &Delivery) -> Result<String, Trouble> {
        let push = Push::read(&delivery.body)?;
        let Some(mirror) = self.mirrors.get(&push.repository) else {
            return Ok(format!("{}: no mirror is configured", push.place()));
        };
        let Some(history) = push.range(mirror)? else { return Ok(format!("{}: it brought nothing", push.place())) };
        let options = scan::Options { threads: 1, allow: self.allow.clone(), ..scan::Options::at(Timestamp::now()) };
        let scan = scan::scan(Box::new(history), &self.detector, &options, &()).map_err(Trouble::later)?;
        let mut notes = vec![format!("{}: {} findings", push.place(), scan.findings.len())];
        for finding in &scan.findings {
            let leak =
                self.responder.leak(finding.credential.clone(), Some(finding), "push").map_err(Trouble::later)?;
            let reach = (Reach::Unknown, format!("who can read {} was not said", push.repository));
            notes.push(self.respond(Leak { reach, ..leak }, delivery)?);
        }
        Ok(notes.join("; "))
    }

    fn told(&self, told: Told, source: &str, delivery: &Delivery) -> Result<String, Trouble> {
        let finding = self.recognise(&told.secret);
        let credential = match &finding {
            Some(finding) => finding.credential.clone(),
            None => Credential::new(told.secret),
        };
        let leak = self.responder.leak(credential, finding.as_ref(), source).map_err(Trouble::later)?;
        let reach = match told.public {
            Some(true) => (Reach::Public, format!("{} says so", told.place)),
            Some(false) => (Reach::Unknown, format!("{} does not say that it was seen in public", told.place)),
            None => (Reach::Unknown, format!("{} does not say", told.place)),
        };
        self.respond(Leak { reach, places: Vec::new(), ..leak }, delivery)
    }

    /// As far as the policy lets it go by itself.
    fn respond(&self, leak: Leak, delivery: &Delivery) -> Result<String, Trouble> {
        let leak = Leak { detected: Some(delivery.received), ..leak };
        let fingerprint = self.responder.key.fingerprint(&leak.credential.secret);
        if let Some(done) = self.closed_since(fingerprint, delivery.received)? {
            return Ok(format!("{done} is closed"));
        }
        let incident = self.responder.open(&leak).map_err(Trouble::later)?;
        // What the incident says was known when it was opened: in the midst of a run no store may hold the leaked value
        // any more, and its entry could not be told from it.
        let (story, _) = self.responder.story(&incident).map_err(Trouble::later)?;
        let entry = story.opened.credential.as_deref().and_then(|id| self.responder.inventory.get(id));
        let action = self.responses.action(story.opened.provider.as_deref(), entry);
        if action == Action::Record {
            return Ok(format!("{incident} is recorded"));
        }
        if story.plan.is_none() && action == Action::Approve {
            self.responder.plan(&incident, Wanted::Auto, true).map_err(Trouble::later)?;
        }
        let ended = self.responder.run(&incident, &mut ()).map_err(Trouble::later)?;
        Ok(format!("{incident} {}", said(&ended)))
    }

    /// The incident about this credential that was opened for this delivery, or after it came, and is closed.
    fn closed_since(&self, fingerprint: Fingerprint, received: Timestamp) -> Result<Option<IncidentId>, Trouble> {
        let incidents = self.responder.ledger.incidents().map_err(Trouble::later)?;
        let ours = incidents.into_iter().find(|incident| {
            incident.fingerprint == fingerprint && incident.status == Status::Closed && incident.updated >= received
        });
        Ok(ours.map(|incident| incident.id))
    }

    /// What a bare secret looks like.
    #[expect(clippy::disallowed_methods, reason = "the detector looks at the bytes; its findings hold them as secrets")]
    fn recognise(&self, secret: &Secret) -> Option<Finding> {
        let blob = Blob::whole(secret.expose().to_vec(), Arc::new(Provenance::Stdin));
        let found = detect::merge(self.detector.scan(&blob)).findings;
        found.into_iter().find(|finding| *finding.credential.secret == *secret)
    }

    fn rests(&self, incident: &IncidentId, now: Timestamp) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(incident).is_some_and(|until| *until > now)
    }
}

/// Why a delivery was not dealt with.
enum Trouble {
    Later(String),
    Hopeless(String),
}

impl Trouble {
    fn later(error: impl std::fmt::Display) -> Trouble {
        Trouble::Later(error.to_string())
    }
}

impl From<github::Error> for Trouble {
    fn from(error: github::Error) -> Trouble {
        match error {
            github::Error::Later { .. } => Trouble::Later(error.to_string()),
            github::Error::Unreadable(_) | github::Error::Refused { .. } => Trouble::Hopeless(error.to_string()),
        }
    }
}

impl From<Trouble> for Handled {
    fn from(trouble: Trouble) -> Handled {
        match trouble {
            Trouble::Later(why) => Handled::Later(why),
            Trouble::Hopeless(why) => Handled::Hopeless(why),
        }
    }
}

fn said(ended: &Ended) -> String {
    match ended {
        Ended::Closed { .. } => "is closed".to_owned(),
        Ended::Waiting { until, step, .. } => format!("waits until {until} to {step}"),
        Ended::Approval => "waits for an approval".to_owned(),
        Ended::Person { step, why, .. } => format!("needs a person at `{step}`: {why}"),
        Ended::Undone { why, .. } => format!("was taken back: {why}"),
    }
}
