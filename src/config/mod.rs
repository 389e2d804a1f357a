//! The settings: what was written in `stanch.yaml`, and what is meant by it.
//!
//! [`options`] is the file as written, read strictly: every mistake at its line, unknown keys refused. [`Settings`] is
//! what is meant: defaults filled in, paths made relative to the folder of the file. No setting holds a secret; where one
//! is needed the file names its place ([`crate::secret::SecretRef`]).
//!
//! **Where it is looked for.** `--config FILE` names it. Otherwise from the start folder upward: up to the top of the
//! repository that the folder lies in (the folder with `.git`), no further; outside of a repository up to the root of the
//! file system, and there a file that belongs to somebody else than the user or root is refused. The first one wins; two
//! are never merged.
//!
//! **What a file in a stranger's repository can do.** A file that was found and not named may be part of what is
//! scanned, so whoever wrote the repository wrote it. It can *narrow* a scan (allow-list, baseline, its own rules laid
//! over ours), and what it narrows is counted in the report. It cannot send what was found anywhere: when a scan asks
//! providers, [`Settings::providers_to_ask`] gives the `providers` section of a *named* file only, so a found one cannot
//! point validation at a host of its own, at private addresses, or at a file whose contents would be sent. Its commands
//! (consumers, probes) are run by `respond`, `incident resume`, `serve` and `drill` only, never by a verb that scans: those
//! act on the inventory of whoever runs them, as `make` acts on a Makefile. `--no-config` reads nothing at all.
//!
//! Knows nothing of command lines and terminals.

mod discover;
mod options;
mod serve;
mod settings;

pub use serve::{Github, Partner, Serve};
pub use settings::{Origin, Settings};

use crate::secret::{fingerprint, reference};
use crate::yaml::{Diagnostics, Document};
use options::Options;
use std::path::{Path, PathBuf};

/// The name under which a configuration is found.
pub const FILE_NAME: &str = "stanch.yaml";

/// The settings of the file `explicit`, or of the one found upward from `start`, or the defaults when there is none.
pub fn load(explicit: Option<&Path>, start: &Path) -> Result<Settings, Error> {
    let origin = match explicit {
        Some(path) => Origin::Named(named(path)?),
        None => match discover::upward(&real(start)?)? {
            Some(path) => Origin::Found(path),
            None => return Ok(Settings::none()),
        },
    };
    let Some(path) = origin.path().map(Path::to_owned) else { return Ok(Settings::none()) };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let base = path.parent().unwrap_or(Path::new("/"));
    let document = Document::parse(shown(&path), text)?;
    let options = Options::read(&document.root(), base);
    Ok(Settings::of(document.finish(options)?, origin))
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, not readable, or not text.
    #[error("read the configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It was found outside of a repository and belongs to somebody else.
    #[error(
        "read the configuration {path}: it belongs to another user and lies in no repository; name it with --config"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What is written there is wrong.
    #[error("read the configuration:\n{0}")]
    Written(#[from] Diagnostics),
    /// A secret that it names cannot be read.
    #[error(transparent)]
    Secret(#[from] reference::Error),
    /// The fingerprint key that it names cannot be used.
    #[error(transparent)]
    Key(#[from] fingerprint::Error),
}

/// The file by its real folder and its own name, which may be a link.
fn named(path: &Path) -> Result<PathBuf, Error> {
    let whole = std::path::absolute(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(match (whole.parent(), whole.file_name()) {
        (Some(folder), Some(name)) => real(folder)?.join(name),
        _ => whole,
    })
}

/// The folder without links and dots; as it is written when it is not there.
fn real(folder: &Path) -> Result<PathBuf, Error> {
    let written = || std::path::absolute(folder).map_err(|source| Error::Read { path: folder.to_owned(), source });
    folder.canonicalize().or_else(|_| written())
}

/// The path as diagnostics call it: from here, when it lies below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    crate::text::terminal::printable(below.unwrap_or(path).as_os_str().as_encoded_bytes())
}
