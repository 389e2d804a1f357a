//! From the settings to a responder and its eyes, for every verb that responds.

use super::{Error, Globals};
use jiff::Timestamp;
use stanch::catalog;
use stanch::config::{self, Settings};
use stanch::detect::{Confidence, Detector, Finding};
use stanch::http::client::Client;
use stanch::ledger::Ledger;
use stanch::ledger::seal::KeySource;
use stanch::ledger::sqlite::SqliteLedger;
use stanch::provider::{self, Registry};
use stanch::respond::{Eyes, Options, Responder};
use stanch::rule::RuleSet;
use stanch::scan::{self, Scan};
use stanch::secret::{FingerprintKey, Secret, SecretRef};
use stanch::source::files::Files;
use stanch::source::git::{self, History};
use stanch::source::{Blob, Provenance, Source};
use stanch::workflow::clock::SystemClock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Longest wait that a command sleeps through.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings in force, looked for upward from the current folder.
pub fn settings(globals: &Globals) -> Result<Settings, Error> {
    match globals.no_config {
        true => Ok(Settings::none()),
        false => Ok(config::load(globals.config.as_deref(), Path::new("."))?),
    }
}

/// A responder with the ledger, the providers and the inventory of the settings.
pub fn responder(settings: &Settings) -> Result<Responder, Error> {
    Ok(Responder {
        ledger: ledger(settings)?,
        registry: registry(settings)?,
        inventory: settings.inventory.clone(),
        admins: admins(&settings.providers),
        clock: Arc::new(SystemClock),
        key: Arc::new(settings.fingerprint_key()?),
        options: Options { postmortems: settings.postmortems.clone(), patience: PATIENCE },
    })
}

/// The ledger that the settings name.
pub fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>, Error> {
    let key = match &settings.seal_key {
        None => KeySource::Beside,
        Some(place) => KeySource::Given { origin: origin(place), key: place.read()? },
    };
    Ok(Arc::new(SqliteLedger::open(&settings.ledger, &key)?))
}

/// Who acts, for the record.
pub fn person() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// What the configuration calls the seal key's place.
fn origin(place: &SecretRef) -> PathBuf {
    match place {
        SecretRef::Env(name) => PathBuf::from(format!("variable {name}")),
        SecretRef::File(path) => path.clone(),
    }
}

fn registry(settings: &Settings) -> Result<Registry, Error> {
    let files = files(settings)?;
    let transport = Arc::new(Client::new());
    // First without the settings, so that a provider that nobody knows is told at its line.
    settings.check(&Registry::load(&files, BTreeMap::new(), transport.clone())?)?;
    Ok(Registry::load(&files, settings.providers.clone(), transport)?)
}

/// The files of the providers: ours, and the settings' over them.
fn files(settings: &Settings) -> Result<Vec<catalog::File>, Error> {
    let mut files = catalog::builtin();
    for path in &settings.rules {
        files.extend(catalog::folder(path)?);
    }
    Ok(files)
}

fn admins(providers: &BTreeMap<String, provider::Settings>) -> Vec<SecretRef> {
    providers.values().flat_map(|settings| settings.admin.values().cloned()).collect()
}

/// Eyes on one repository or folder: its history and what lies in it now.
pub struct Place {
    /// Where to look; `None` sees nothing.
    place: Option<PathBuf>,
    detector: Detector,
    seen: OnceLock<Result<Vec<Finding>, String>>,
}

impl Place {
    /// Looks at `place`, or at the repository that holds the current folder when there is one.
    pub fn new(settings: &Settings, key: Arc<FingerprintKey>, place: Option<PathBuf>) -> Result<Place, Error> {
        let folders = settings.rules.iter().map(|path| catalog::folder(path)).collect::<Result<Vec<_>, _>>()?;
        let detector = Detector::new(Arc::new(RuleSet::load(&folders)?), key);
        let here = || History::open(None).is_ok().then(|| PathBuf::from("."));
        Ok(Place { place: place.or_else(here), detector, seen: OnceLock::new() })
    }

    fn look(&self) -> Result<Vec<Finding>, String> {
        let Some(place) = &self.place else { return Ok(Vec::new()) };
        let mut found = match History::open(Some(place)) {
            Ok(history) => self.scan(Box::new(history))?,
            Err(_) => Vec::new(),
        };
        let tree = Files::new(std::slice::from_ref(place), false).map_err(|error| error.to_string())?;
        for finding in self.scan(Box::new(tree))? {
            match found.iter_mut().find(|known| known.fingerprint == finding.fingerprint) {
                Some(known) => known.occurrences.extend(finding.occurrences),
                None => found.push(finding),
            }
        }
        Ok(found)
    }

    /// Everything, also what an allow-list or a baseline would hide, and what is not sure: somebody asks for it by name.
    fn scan(&self, source: Box<dyn Source>) -> Result<Vec<Finding>, String> {
        let options = scan::Options { least: Confidence::Low, ..scan::Options::at(Timestamp::now()) };
        let Scan { findings, .. } =
            scan::scan(source, &self.detector, &options, &()).map_err(|error| error.to_string())?;
        Ok(findings)
    }
}

impl Eyes for Place {
    fn findings(&self) -> Result<Vec<Finding>, String> {
        self.seen.get_or_init(|| self.look()).clone()
    }

    fn recognise(&self, secret: &Secret) -> Option<Finding> {
        let blob = Blob::whole(exposed(secret), Arc::new(Provenance::Stdin));
        let hits = self.detector.scan(&blob);
        stanch::detect::merge(hits).findings.into_iter().next()
    }

    fn remotes(&self) -> Vec<String> {
        self.place.as_deref().map(|place| git::remotes(Some(place))).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the detector looks at bytes, in this process")]
fn exposed(secret: &Secret) -> Vec<u8> {
    secret.expose().to_vec()
}
