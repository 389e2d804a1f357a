//! What is meant: the file with its defaults filled in.

use super::options::Options;
use super::{Error, Serve};
use crate::detect::AllowList;
use crate::inventory::Inventory;
use crate::inventory::response::Responses;
use crate::provider::{self, Registry};
use crate::secret::{FingerprintKey, SecretRef};
use crate::yaml::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Everything that a configuration settles. Paths are absolute when a file was read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it comes from.
    pub origin: Origin,
    /// Folders or files of rules, to be laid over the built-in ones in this order.
    pub rules: Vec<PathBuf>,
    /// What is allowed to lie where it lies.
    pub allow: AllowList,
    /// Findings that were there before.
    pub baseline: Option<PathBuf>,
    /// Where the team's fingerprint key lies; [`Settings::fingerprint_key`] reads it.
    pub fingerprint_key: Option<SecretRef>,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// Where the key that seals lies; when nobody says, it is in [`Settings::seal_key_file`].
    pub seal_key: Option<SecretRef>,
    /// The folder for post-mortems.
    pub postmortems: PathBuf,
    /// Providers as this team uses them. For a scan take [`Settings::providers_to_ask`].
    pub providers: BTreeMap<String, provider::Settings>,
    /// The credentials that we own.
    pub inventory: Inventory,
    /// What is done by itself about a reported leak.
    pub responses: Responses,
    /// The server.
    pub serve: Serve,
    named: Vec<(String, Diagnostic)>,
}

/// Where settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// There is no file, or none was to be read.
    Nowhere,
    /// Somebody named it.
    Named(PathBuf),
    /// It was found upward from the start folder, so it may be part of what is scanned.
    Found(PathBuf),
}

impl Origin {
    /// The file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Origin::Nowhere => None,
            Origin::Named(path) | Origin::Found(path) => Some(path),
        }
    }
}

impl Settings {
    /// The settings of nobody: what holds with `--no-config`, and where there is no file.
    pub fn none() -> Settings {
        Settings::of(Options::default(), Origin::Nowhere)
    }

    pub(super) fn of(options: Options, origin: Origin) -> Settings {
        let base = origin.path().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        let state = || state_folder(|name| std::env::var_os(name)).join("stanch").join("ledger.db");
        Settings {
            rules: options.rules,
            allow: AllowList {
                entries: options.allow,
                base: base.clone(),
                here: std::env::current_dir().unwrap_or_default(),
            },
            baseline: options.baseline,
            fingerprint_key: options.fingerprint_key,
            ledger: options.ledger.unwrap_or_else(state),
            seal_key: options.seal_key,
            postmortems: options.postmortems.unwrap_or_else(|| base.join("postmortems")),
            providers: options.providers,
            inventory: options.inventory,
            responses: options.responses,
            serve: options.serve,
            named: options.named,
            origin,
        }
    }

    /// The key that fingerprints are made with: the team's own, read now, or the published one.
    pub fn fingerprint_key(&self) -> Result<FingerprintKey, Error> {
        let Some(place) = &self.fingerprint_key else { return Ok(FingerprintKey::public()) };
        let secret = place.read()?;
        #[expect(clippy::disallowed_methods, reason = "the key's bytes move into the type that holds and wipes them")]
        let bytes = secret.expose().to_vec();
        Ok(FingerprintKey::new(bytes)?)
    }

    /// Where the sealing key is kept when `seal-key` names no other place: beside the ledger.
    pub fn seal_key_file(&self) -> PathBuf {
        let mut name = self.ledger.clone().into_os_string();
        name.push(".key");
        PathBuf::from(name)
    }

    /// The providers' settings for a verb that scans and asks (`--validate`): those of a file that somebody *named*. A
    /// file that was found may be part of what is scanned and must not say where secrets are sent.
    pub fn providers_to_ask(&self) -> BTreeMap<String, provider::Settings> {
        match self.origin {
            Origin::Found(_) => BTreeMap::new(),
            Origin::Nowhere | Origin::Named(_) => self.providers.clone(),
        }
    }

    /// Whether [`Settings::providers_to_ask`] leaves something out, so that a report can say so.
    pub fn withholds_providers(&self) -> bool {
        matches!(self.origin, Origin::Found(_)) && !self.providers.is_empty()
    }

    /// Whether every provider that is named is known, each that is not at its line.
    pub fn check(&self, registry: &Registry) -> Result<(), Error> {
        let unknown = self.named.iter().filter(|(id, _)| registry.get(id).is_none());
        let unknown: Vec<Diagnostic> = unknown.map(|(_, place)| place.clone()).collect();
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(Error::Written(Diagnostics(unknown))),
        }
    }
}

/// Where a program keeps state: `$XDG_STATE_HOME`, or `~/.local/state`, or here when there is no home either
/// (XDG Base Directory Specification 0.8; a relative value is to be ignored).
fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(home).unwrap_or_else(|| PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_lies_where_the_specification_says() {
        let with = |state: Option<&str>, home: Option<&str>| {
            state_folder(|name| if name == "HOME" { home } else { state }.map(OsString::from))
        };
        assert_eq!(with(Some("/s"), Some("/h")), PathBuf::from("/s"));
        assert_eq!(with(Some("relative"), Some("/h")), PathBuf::from("/h/.local/state"));
        assert_eq!(with(None, None), PathBuf::from("."));
    }

    #[test]
    fn the_sealing_key_lies_beside_the_ledger() {
        let settings = Settings { ledger: "/var/l.db".into(), ..Settings::none() };
        assert_eq!(settings.seal_key_file(), PathBuf::from("/var/l.db.key"));
    }
}
