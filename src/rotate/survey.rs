//! Looking at the world before a plan is made, changing nothing: who knows the key, who holds it, how many there are.

use super::Hands;
use super::strategy::Reach;
use crate::inventory::Wanted;
use crate::provider::{self, KeyId, Profile, Verdict};
use crate::secret::{Credential, Fingerprint, FingerprintKey};
use crate::workflow::clock::Clock;
use std::time::Duration;

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The provider's id, or the rule's where no provider is known.
    pub provider: String,
    /// Its name as people write it.
    pub title: String,
    /// What it can do, when it is described.
    pub profile: Option<Profile>,
    /// Whether the leaked key lives.
    pub verdict: Verdict,
    /// Who may have seen it.
    pub reach: Reach,
    /// The leaked value's name.
    pub leaked: Fingerprint,
    /// The leaked value as it may be shown.
    pub redacted: String,
    /// The provider's id of the leaked key, when it could be learned.
    pub old: Option<KeyId>,
    /// Why it could not, when the provider was asked.
    pub unknown: Option<String>,
    /// How many keys there are, when the provider lists them.
    pub keys: Option<u64>,
    /// What the inventory says of it.
    pub entry: Option<Known>,
}

/// What the inventory says, and what its places hold.
#[derive(Debug, Clone)]
pub struct Known {
    /// The inventory's id.
    pub id: String,
    /// 1 is what the house stands on.
    pub tier: Option<u64>,
    /// The policy's strategy.
    pub strategy: Wanted,
    /// Whether the policy allows two keys at once.
    pub overlap: bool,
    /// How long the old key must be quiet before it is killed.
    pub quiet: Duration,
    /// How long a disabled key is kept before it is deleted.
    pub grace: Duration,
    /// The stores, and whether each holds the leaked value.
    pub stores: Vec<(String, bool)>,
    /// The consumers.
    pub consumers: Vec<String>,
    /// The probes.
    pub probes: Vec<String>,
}

/// Why the world could not be surveyed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A store cannot be read: better learned now than after a kill.
    #[error("look at the stores: {0}")]
    Store(#[from] crate::store::Error),
    /// The provider did not answer about the key.
    #[error("ask about the key: {0}")]
    Provider(#[from] provider::Error),
}

/// What the provider says of the leaked key; `None` for what it does not know or cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Its id.
    pub old: Option<KeyId>,
    /// Why the id is not known, when the provider was asked.
    pub unknown: Option<String>,
    /// How many keys there are.
    pub count: Option<u64>,
}

/// Asks about the leaked key. An answer that only stays out is an error: without the key's id the plan would call a person
/// for what can be done. So is an administrator's credential that cannot be read or is refused, unless the kill is not to
/// `wait` for it.
pub fn keys(
    hands: &Hands,
    clock: &dyn Clock,
    credential: Option<&Credential>,
    fallback: Option<&KeyId>,
    wait: bool,
) -> Result<Keys, Error> {
    let mut keys = Keys { old: fallback.cloned(), unknown: None, count: None };
    let Some(provider) = &hands.provider else { return Ok(keys) };
    let can = provider.profile().can;
    if let Some(credential) = credential.filter(|_| can.identify) {
        match ask(clock, |error| wait && unadministered(error), || provider.identify(credential))? {
            Ok(known) => keys.old = Some(known),
            Err(why) => keys.unknown = keys.old.is_none().then(|| why.to_string()),
        }
    }
    // The list is asked for with the administrator's credential alone: a refusal is about that, not about the leaked key.
    let fatal = |error: &provider::Error| wait && (unadministered(error) || unauthorised(error));
    if can.list {
        keys.count = ask(clock, fatal, || provider.list())?.ok().map(|all| all.len() as u64);
    }
    Ok(keys)
}

fn unadministered(error: &provider::Error) -> bool {
    matches!(error, provider::Error::NoAdmin { .. })
}

fn unauthorised(error: &provider::Error) -> bool {
    matches!(error, provider::Error::Refused { status, .. } if status == "401")
}

/// Asks again when only the answer is missing. The inner error is the provider's last word.
fn ask<T>(
    clock: &dyn Clock,
    fatal: impl Fn(&provider::Error) -> bool,
    mut question: impl FnMut() -> Result<T, provider::Error>,
) -> Result<Result<T, provider::Error>, Error> {
    let mut tries = 1;
    loop {
        let wait = match question() {
            Err(provider::Error::TryAgain { after, .. }) if tries < TRIES => after.unwrap_or(PAUSE).min(LONGEST_PAUSE),
            Err(provider::Error::Lost { .. }) if tries < TRIES => PAUSE,
            Err(error @ (provider::Error::TryAgain { .. } | provider::Error::Lost { .. })) => {
                return Err(Error::Provider(error));
            }
            Err(error) if fatal(&error) => return Err(Error::Provider(error)),
            said => return Ok(said),
        };
        clock.sleep(wait);
        tries += 1;
    }
}

/// How often a question is asked.
const TRIES: usize = 4;
/// The wait before it is asked again, where the provider names none, and the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Each store, and whether it holds the leaked value. With `wait` a store that cannot be read is an error, better learned
/// now than in the middle; without it, since the kill must not wait, it is taken to hold the value.
pub fn stores(
    hands: &Hands,
    leaked: Fingerprint,
    key: &FingerprintKey,
    wait: bool,
) -> Result<Vec<(String, bool)>, Error> {
    let mut held = Vec::new();
    for store in &hands.stores {
        let holds = match store.read() {
            Ok(value) => key.fingerprint(&value) == leaked,
            Err(error) if wait => return Err(Error::Store(error)),
            Err(_) => true,
        };
        held.push((store.describe(), holds));
    }
    Ok(held)
}
