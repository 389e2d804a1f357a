//! A provider to rehearse on, and a service that uses its keys: what `stanch drill` and the tests act upon.
//!
//! [`provider`] is a real HTTP server with its own state ([`account`]): keys that are issued, listed, disabled and
//! deleted with an administrator's token, and a data plane that learns of each change only after a settle time, as real
//! ones do. It can lose and refuse replies on demand ([`faults`]). [`app`] is a service that reads a key from a dotenv
//! file and calls the data plane without a pause, so that any moment without a working key is counted.
//!
//! Both are parts of the product for game days. To the rest of stanch the sandbox is a provider like any other,
//! described in `rules/sandbox.yaml`. Knows nothing of rules, rotation or the ledger; keeps nothing on disk.

mod account;
pub mod app;
mod dotenv;
mod faults;
mod life;
mod meter;
pub mod provider;
mod token;

/// Why a part of the sandbox could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file it was given cannot be read or written.
    #[error("{action} {path}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The dotenv file has no such entry.
    #[error("read {path}: it has no entry {name}")]
    NoEntry {
        /// The file.
        path: std::path::PathBuf,
        /// The entry.
        name: String,
    },
    /// The administrator's token is empty.
    #[error("read the administrator's token: it is empty")]
    NoToken,
    /// The provider's address is not one of plain HTTP.
    #[error("use the provider {0}: the sandbox speaks plain http://HOST:PORT only")]
    BadProvider(String),
    /// The address cannot be listened on, or the runtime does not start.
    #[error("serve on {listen}")]
    Serve {
        /// The address.
        listen: String,
        /// Why.
        source: std::io::Error,
    },
}
