//! What the responding verbs share: from the settings to a responder with everything that it works on.

use super::{Error, Globals};
use stanch::catalog;
use stanch::config::{self, Settings};
use stanch::detect::Detector;
use stanch::http::{Client, Transport};
use stanch::ledger::Ledger;
use stanch::ledger::seal::KeySource;
use stanch::ledger::sqlite::SqliteLedger;
use stanch::provider::Registry;
use stanch::respond::{self, Responder};
use stanch::rule::RuleSet;
use stanch::secret::{FingerprintKey, SecretRef};
use stanch::workflow::clock::SystemClock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A responder, and what it was made of.
pub struct Workshop {
    /// What was configured.
    pub settings: Settings,
    /// Does the work.
    pub responder: Responder,
    /// Recognises what was found.
    pub detector: Detector,
    /// What must outlive a crash: the responder's own.
    pub ledger: Arc<dyn Ledger>,
    /// The network.
    pub transport: Arc<dyn Transport>,
    /// Makes fingerprints: the responder's own.
    pub key: Arc<FingerprintKey>,
}

impl Workshop {
    /// Opens everything that the configuration names; it is looked for from here upward. `patience` is the longest wait
    /// that a run sleeps through.
    pub fn open(globals: &Globals, patience: Duration) -> Result<Workshop, Error> {
        let settings = settings(globals)?;
        let folders = settings.rules.iter().map(|path| catalog::folder(path));
        let folders = folders.collect::<Result<Vec<Vec<catalog::File>>, _>>()?;
        let mut files = catalog::builtin();
        files.extend(folders.iter().flatten().cloned());
        let transport: Arc<dyn Transport> = Arc::new(Client::new());
        // First without the settings, so that a provider that nobody knows is told at its line.
        settings.check(&Registry::load(&files, BTreeMap::new(), Arc::clone(&transport))?)?;
        let registry = Registry::load(&files, settings.providers.clone(), Arc::clone(&transport))?;
        let key = Arc::new(settings.fingerprint_key()?);
        let detector = Detector::new(Arc::new(RuleSet::load(&folders)?), Arc::clone(&key));
        let ledger = ledger(&settings)?;
        let responder = Responder {
            ledger: Arc::clone(&ledger),
            registry,
            inventory: settings.inventory.clone(),
            admins: settings.providers.values().flat_map(|provider| provider.admin.values().cloned()).collect(),
            clock: Arc::new(SystemClock),
            key: Arc::clone(&key),
            options: respond::Options { postmortems: settings.postmortems.clone(), patience },
        };
        Ok(Workshop { settings, responder, detector, ledger, transport, key })
    }
}

/// The settings in force, looked for from here upward.
pub fn settings(globals: &Globals) -> Result<Settings, Error> {
    match globals.no_config {
        true => Ok(Settings::none()),
        false => Ok(config::load(globals.config.as_deref(), Path::new("."))?),
    }
}

/// The ledger that the settings name.
pub fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>, Error> {
    Ok(Arc::new(SqliteLedger::open(&settings.ledger, &seal_key(settings)?)?))
}

/// Who acts, for the record.
pub fn person() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Where the key that seals is: in its own place when the configuration names one, else beside the ledger.
fn seal_key(settings: &Settings) -> Result<KeySource, Error> {
    let Some(place) = &settings.seal_key else { return Ok(KeySource::Beside) };
    let origin = match place {
        SecretRef::Env(name) => PathBuf::from(name),
        SecretRef::File(path) => path.clone(),
    };
    Ok(KeySource::Given { origin, key: place.read()? })
}
