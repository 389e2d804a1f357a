//! What is meant: from a name, a fingerprint or the secret itself to the leak that is to be responded to.

use super::{Error, Responder};
use crate::detect::Finding;
use crate::incident::{Place, triage};
use crate::inventory::Entry;
use crate::ledger::Status;
use crate::rotate::Reach;
use crate::rotate::sealed::{LEAKED, Sealed};
use crate::secret::{Credential, Fingerprint, Secret};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What to respond to, as it was asked for.
#[derive(Debug)]
pub enum Target {
    /// An inventory id, or the start of a finding's fingerprint (at least 6 digits).
    Named(String),
    /// The secret itself.
    Secret(Secret),
}

/// What the responder is told of the places where secrets lie. The caller has the scanner.
pub trait Eyes {
    /// Everything found where the leak is believed to lie: a repository's history and its work tree.
    fn findings(&self) -> Result<Vec<Finding>, String>;

    /// What a bare secret looks like: the finding that it would be, without a place.
    fn recognise(&self, secret: &Secret) -> Option<Finding>;

    /// The URLs of the repository's remotes, which may tell who has seen it.
    fn remotes(&self) -> Vec<String>;
}

/// A leak, resolved: everything that opening an incident needs.
#[derive(Debug, Clone)]
pub struct Leak {
    /// The leaked credential.
    pub credential: Credential,
    /// The inventory's id of it, when it has one.
    pub entry: Option<String>,
    /// The provider's id, when it is known.
    pub provider: Option<String>,
    /// The rule that recognises it.
    pub rule: Option<String>,
    /// Where it lies, earliest first.
    pub places: Vec<Place>,
    /// Who may have seen it, and how that is known.
    pub reach: (Reach, String),
    /// When it was detected, when somebody else did before us.
    pub detected: Option<Timestamp>,
    /// Who asks: `stanch respond`, `github secret_scanning_alert`.
    pub source: String,
}

impl Leak {
    /// What lists call it.
    pub fn title(&self) -> String {
        let known = [&self.entry, &self.rule, &self.provider];
        known.into_iter().flatten().next().cloned().unwrap_or_else(|| "a secret".into())
    }
}

impl Responder {
    /// Finds out what is meant. `source` says who asks.
    pub fn resolve(&self, target: Target, eyes: &dyn Eyes, source: &str) -> Result<Leak, Error> {
        match target {
            Target::Secret(secret) => self.by_secret(secret, eyes, source),
            Target::Named(name) => match self.inventory.get(&name) {
                Some(entry) => self.by_entry(entry, eyes, source),
                None if is_fingerprint(&name) => self.by_fingerprint(&name, eyes, source),
                None => Err(Error::Nothing(name)),
            },
        }
    }

    /// A leak of a credential that is at hand, such as one that a webhook brought.
    pub fn leak(&self, credential: Credential, finding: Option<&Finding>, source: &str) -> Result<Leak, Error> {
        let fingerprint = self.key.fingerprint(&credential.secret);
        let entry = self.entry_of(fingerprint)?;
        let rule = finding.map(|finding| finding.rule.clone());
        let provider = entry.map(|entry| entry.provider.clone());
        let provider = provider.or_else(|| finding.and_then(|finding| finding.provider.clone()));
        let entry = entry.or_else(|| self.entry_by_key(&credential, provider.as_deref()));
        Ok(Leak {
            credential,
            entry: entry.map(|entry| entry.id.clone()),
            provider,
            rule,
            places: finding.map(triage::places).unwrap_or_default(),
            reach: (Reach::Unknown, "nobody told".into()),
            detected: None,
            source: source.to_owned(),
        })
    }

    fn by_secret(&self, secret: Secret, eyes: &dyn Eyes, source: &str) -> Result<Leak, Error> {
        let fingerprint = self.key.fingerprint(&secret);
        let found = self.look_around(eyes, fingerprint);
        let credential = match &found {
            Some(finding) => finding.credential.clone(),
            None => Credential::new(secret),
        };
        let known = found.or_else(|| {
            let finding = eyes.recognise(&credential.secret)?;
            (finding.fingerprint == fingerprint).then_some(Finding { occurrences: Vec::new(), ..finding })
        });
        self.seen(self.leak(credential, known.as_ref(), source)?, eyes)
    }

    fn by_entry(&self, entry: &Entry, eyes: &dyn Eyes, source: &str) -> Result<Leak, Error> {
        if let Some(credential) = self.half_rotated(entry)? {
            let leak = self.leak(credential, None, source)?;
            return Ok(Leak { entry: Some(entry.id.clone()), provider: Some(entry.provider.clone()), ..leak });
        }
        let mut values: BTreeMap<Fingerprint, Secret> = BTreeMap::new();
        for spec in &entry.stores {
            let store = spec.open();
            let secret = store.read()?;
            if secret.is_empty() {
                return Err(Error::EmptyStore(store.describe()));
            }
            values.insert(self.key.fingerprint(&secret), secret);
        }
        let prints: Vec<String> = values.keys().map(Fingerprint::short).collect();
        match (values.pop_first(), prints.len()) {
            (Some((_, secret)), 1) => {
                let leak = self.by_secret(secret, eyes, source)?;
                Ok(Leak { entry: Some(entry.id.clone()), provider: Some(entry.provider.clone()), ..leak })
            }
            (None, _) => Err(Error::NoStore(entry.id.clone())),
            (Some(_), _) => Err(Error::Ambiguous { asked: entry.id.clone(), candidates: prints }),
        }
    }

    /// The leaked credential of a run about this entry that has not yet brought the new one everywhere. A store may hold
    /// the new one by now; taking that for the leaked one would rotate twice.
    fn half_rotated(&self, entry: &Entry) -> Result<Option<Credential>, Error> {
        for incident in self.ledger.incidents()?.into_iter().filter(|incident| incident.status != Status::Closed) {
            let (story, _) = self.story(&incident.id)?;
            if story.opened.credential.as_ref() == Some(&entry.id) && story.replacing() {
                let sealed = Sealed { ledger: &*self.ledger, incident: &incident.id };
                return Ok(sealed.get(LEAKED)?.map(|kept| kept.credential));
            }
        }
        Ok(None)
    }

    fn by_fingerprint(&self, prefix: &str, eyes: &dyn Eyes, source: &str) -> Result<Leak, Error> {
        let mut known: BTreeMap<Fingerprint, Credential> = BTreeMap::new();
        for spec in self.inventory.entries.iter().flat_map(|entry| &entry.stores) {
            // A store that cannot be read holds nothing that could be meant by what is found elsewhere.
            let Ok(secret) = spec.open().read() else { continue };
            known.insert(self.key.fingerprint(&secret), Credential::new(secret));
        }
        known.retain(|print, _| print.matches_prefix(prefix));
        let findings = eyes.findings();
        let found = findings.as_deref().unwrap_or_default().iter();
        for finding in found.filter(|finding| finding.fingerprint.matches_prefix(prefix)) {
            known.insert(finding.fingerprint, finding.credential.clone());
        }
        let candidates: Vec<String> = known.keys().map(Fingerprint::short).collect();
        match (known.pop_first(), findings) {
            (Some((print, credential)), findings) if candidates.len() == 1 => {
                let finding = findings.unwrap_or_default().into_iter().find(|finding| finding.fingerprint == print);
                let finding = finding.or_else(|| eyes.recognise(&credential.secret));
                self.seen(self.leak(credential, finding.as_ref(), source)?, eyes)
            }
            (Some(_), _) => Err(Error::Ambiguous { asked: prefix.to_owned(), candidates }),
            (None, Err(why)) => Err(Error::Look(why)),
            (None, Ok(_)) => Err(Error::NoFinding(prefix.to_owned())),
        }
    }

    /// The finding of this secret among those where the leak is believed to lie. Nothing to look at finds nothing.
    fn look_around(&self, eyes: &dyn Eyes, fingerprint: Fingerprint) -> Option<Finding> {
        eyes.findings().unwrap_or_default().into_iter().find(|finding| finding.fingerprint == fingerprint)
    }

    fn seen(&self, leak: Leak, eyes: &dyn Eyes) -> Result<Leak, Error> {
        let reach = match leak.places.is_empty() {
            true => (Reach::Unknown, "where it leaked is not known".to_owned()),
            false => triage::reach(None, &eyes.remotes()),
        };
        Ok(Leak { reach, ..leak })
    }

    /// The entry one of whose stores holds the value.
    fn entry_of(&self, fingerprint: Fingerprint) -> Result<Option<&Entry>, Error> {
        let holding = self.inventory.holding(fingerprint, &self.key);
        match holding.entries.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            many => Err(Error::Ambiguous {
                asked: fingerprint.short(),
                candidates: many.iter().map(|entry| entry.id.clone()).collect(),
            }),
        }
    }

    /// The entry that names the key which the provider says this is.
    fn entry_by_key(&self, credential: &Credential, provider: Option<&str>) -> Option<&Entry> {
        let provider = self.registry.get(provider?)?;
        if !provider.profile().can.identify {
            return None;
        }
        let key = provider.identify(credential).ok()?;
        self.inventory.with_key(provider.id(), &key)
    }
}

fn is_fingerprint(text: &str) -> bool {
    (6..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
