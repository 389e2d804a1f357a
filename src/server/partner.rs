//! The public keys of GitHub's secret scanning partner programme, as GitHub publishes them: fetched when first needed and
//! when a post names one that is not known, but not more often than once in a while, whoever asks.

use super::signature::PartnerKey;
use serde::Deserialize;
use stanch::config::Partner;
use stanch::http::{self, Request, Transport};
use stanch::secret::Secret;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two fetches: a stranger's made-up key ids must not become our requests.
const REFETCH: Duration = Duration::from_secs(60);

/// The keys that are known, and how to learn of more.
pub struct PartnerKeys {
    transport: Arc<dyn Transport>,
    place: Partner,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, PartnerKey>,
    fetched: Option<Instant>,
}

/// Why it cannot be said whether there is such a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// GitHub cannot be asked now.
    #[error("fetch the partner programme's keys: {0}")]
    Unreachable(String),
}

impl PartnerKeys {
    /// The keys that lie where the configuration says.
    pub fn new(transport: Arc<dyn Transport>, place: Partner) -> PartnerKeys {
        PartnerKeys { transport, place, known: Mutex::default() }
    }

    /// The key of that id, if there is one. Blocks while it is fetched; others wait for the same fetch.
    pub fn find(&self, id: &str, now: Instant) -> Result<Option<PartnerKey>, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.keys.get(id) {
            return Ok(Some(key.clone()));
        }
        if known.fetched.is_some_and(|at| now.duration_since(at) < REFETCH) {
            return Ok(None);
        }
        known.fetched = Some(now);
        match self.fetch() {
            Ok(keys) => known.keys = keys,
            Err(error) if known.keys.is_empty() => {
                // Nothing was learned: the next post may ask again.
                known.fetched = None;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        Ok(known.keys.get(id).cloned())
    }

    fn fetch(&self) -> Result<BTreeMap<String, PartnerKey>, Error> {
        let unreachable = |why: String| Error::Unreachable(why);
        let request = Request {
            method: "GET".to_owned(),
            url: Secret::new(self.place.keys_url.as_str()),
            headers: super::github::headers(None),
            body: None,
            label: format!("GET {}", self.place.keys_url),
            timeout: http::TIMEOUT,
            allow_private: self.place.allow_private,
        };
        let response = self.transport.send(&request).map_err(|error| unreachable(error.to_string()))?;
        if response.status != 200 {
            return Err(unreachable(format!("the answer is {}", response.status)));
        }
        keys(&response.body).ok_or_else(|| unreachable("the answer is no list of keys".to_owned()))
    }
}

#[expect(clippy::disallowed_methods, reason = "a list of public keys")]
fn keys(body: &Secret) -> Option<BTreeMap<String, PartnerKey>> {
    #[derive(Deserialize)]
    struct List {
        public_keys: Vec<Published>,
    }
    #[derive(Deserialize)]
    struct Published {
        key_identifier: String,
        key: String,
    }
    let list: List = serde_json::from_slice(body.expose()).ok()?;
    let usable = |key: Published| Some((key.key_identifier, PartnerKey::from_pem(&key.key)?));
    Some(list.public_keys.into_iter().filter_map(usable).collect())
}
