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

/// The provider's id of the leaked key, and how many keys there are; `None` for what the provider does not know or cannot
/// say. An answer that only stays out is an error: without the key's id the plan would call a person for what can be done.
/// So is an administrator's credential that cannot be read or is refused, unless the kill is not to wait for it.
pub fn keys(
    hands: &Hands,
    clock: &dyn Clock,
    credential: Option<&Credential>,
    fallback: Option<&KeyId>,
    wait: bool,
) -> Result<(Option<KeyId>, Option<u64>), Error> {
    let Some(provider) = &hands.provider else { return Ok((fallback.cloned(), None)) };
    let can = provider.profile().can;
    let known = match credential.filter(|_| can.identify) {
        Some(credential) => ask(clock, |error| wait && unadministered(error), || provider.identify(credential))?,
        None => None,
    };
    // The list is asked for with the administrator's credential alone: a refusal is about that, not about the leaked key.
    let fatal = |error: &provider::Error| wait && (unadministered(error) || unauthorised(error));
    let keys = if can.list { ask(clock, fatal, || provider.list())? } else { None };
    Ok((known.or_else(|| fallback.cloned()), keys.map(|keys| keys.len() as u64)))
}

fn unadministered(error: &provider::Error) -> bool {
    matches!(error, provider::Error::NoAdmin { .. })
}

fn unauthorised(error: &provider::Error) -> bool {
    matches!(error, provider::Error::Refused { status, .. } if status == "401")
}

/// Asks again when only the answer is missing.
fn ask<T>(
    clock: &dyn Clock,
    fatal: impl Fn(&provider::Error) -> bool,
    mut question: impl FnMut() -> Result<T, provider::Error>,
) -> Result<Option<T>, Error> {
    for again in 1..=TRIES {
        let wait = match question() {
            Ok(answer) => return Ok(Some(answer)),
            Err(error @ (provider::Error::TryAgain { .. } | provider::Error::Lost { .. })) if again == TRIES => {
                return Err(Error::Provider(error));
            }
            Err(provider::Error::TryAgain { after, .. }) => after.unwrap_or(PAUSE).min(LONGEST_PAUSE),
            Err(provider::Error::Lost { .. }) => PAUSE,
            Err(error) if fatal(&error) => return Err(Error::Provider(error)),
            Err(_) => return Ok(None),
        };
        clock.sleep(wait);
    }
    Ok(None)
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
