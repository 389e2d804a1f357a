//! Requests and answers whose sensitive parts are secrets by type, and the trait that carries them.
//!
//! A [`Request`] is made from a template; its `label` is the template's own text, so a log line can name the request
//! without ever holding a value. A [`Transport`] sends it: [`client`] over the network, [`canned`] from recorded
//! exchanges in tests.
//!
//! Knows no provider: what an answer means is said elsewhere. Redirects are refused and private addresses too, unless
//! named: a leaked credential must not decide where it is sent.

pub mod canned;
pub mod client;
pub mod template;

pub use client::Client;

use crate::secret::Secret;
use crate::text::percent;
use std::time::Duration;

/// One request, ready to be sent. Not `Clone`, not `Serialize`: it holds secrets.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// The whole URL. A secret, because some APIs take the token in the path.
    pub url: Secret,
    /// Header names in clear, values as secrets.
    pub headers: Vec<(String, Secret)>,
    /// The body as sent.
    pub body: Option<Secret>,
    /// What logs and errors call it: method and the URL's template, such as `GET https://api.github.com/user`.
    pub label: String,
    /// Longest wait for the whole exchange, such as [`TIMEOUT`].
    pub timeout: Duration,
    /// Whether the configuration named this host itself, so that it may lie on this machine or in a private network, and
    /// be spoken to without TLS. Never set for a host that came from anywhere else.
    pub allow_private: bool,
}

impl Request {
    /// Adds `name=value` to the URL's query, percent-encoded.
    #[expect(clippy::disallowed_methods, reason = "rewrites the URL, which stays a secret")]
    pub fn add_query(&mut self, name: &str, value: &str) {
        let mut url = self.url.expose().to_vec();
        url.push(if url.contains(&b'?') { b'&' } else { b'?' });
        url.extend_from_slice(percent::encode(name.as_bytes(), b"").as_bytes());
        url.push(b'=');
        url.extend_from_slice(percent::encode(value.as_bytes(), b"").as_bytes());
        self.url = Secret::new(url);
    }
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case with their values, in order. May echo a secret: never shown raw.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_BODY`] bytes. May hold a new credential.
    pub body: Secret,
}

/// Answers longer than this are cut off with an error, in bytes: the largest useful one (a key list) is far smaller.
pub const MAX_BODY: usize = 4 << 20;

/// The usual longest wait for a whole exchange.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends requests. One implementation talks to the network; tests bring others.
pub trait Transport: Send + Sync {
    /// Sends `request` once: nothing is retried here, since only the caller knows whether a second try is safe.
    fn send(&self, request: &Request) -> Result<Response, Error>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was sent: no connection, a refused address, a bad URL. Trying again is safe.
    #[error("send {label}: {why}")]
    NotSent {
        /// The request's label.
        label: String,
        /// The cause, without any value of the request.
        why: String,
    },
    /// It was sent, or may have been, and no whole answer came back: the other side may have acted.
    #[error("read the answer to {label}: {why}")]
    Lost {
        /// The request's label.
        label: String,
        /// The cause, without any value of the request.
        why: String,
    },
}

impl Error {
    /// Whether the other side may have done what was asked.
    pub fn may_have_acted(&self) -> bool {
        matches!(self, Error::Lost { .. })
    }
}
