//! What a step leaves in the journal when it is done: references only, never a secret.

use crate::provider::KeyId;
use crate::secret::Fingerprint;
use crate::workflow::action::Receipts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The result of a step, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "receipt", rename_all = "kebab-case")]
pub enum Receipt {
    /// There is a new key, and its secret is sealed.
    Issued {
        /// The provider's id of it, when it is known.
        key: Option<KeyId>,
        /// Its secret's name.
        fingerprint: Fingerprint,
        /// Its secret, as it may be shown.
        redacted: String,
        /// The label it was made with; `None` when a person made it.
        label: Option<String>,
    },
    /// The new key works at its provider.
    Verified {
        /// Whose it is, as the provider says.
        identity: Option<String>,
        /// What it may do.
        scopes: Vec<String>,
        /// How often was asked.
        asked: u32,
    },
    /// A store holds the new value.
    Deployed {
        /// Which store.
        store: String,
        /// What it held before.
        from: Fingerprint,
        /// What it holds now.
        to: Fingerprint,
    },
    /// A consumer was told.
    Restarted {
        /// Which.
        consumer: String,
    },
    /// A probe saw what it should.
    Probed {
        /// Which.
        probe: String,
        /// What it saw.
        seen: String,
        /// How often it looked.
        looks: u32,
    },
    /// The old key is no longer used, or a person said to go on all the same.
    Quiet {
        /// Its last use that the provider knows of.
        last_used: Option<Timestamp>,
        /// How long it was watched, in milliseconds.
        watched_ms: u64,
        /// A person's word stands in for the quiet.
        waived: bool,
    },
    /// The new secret is no longer kept here.
    Forgotten,
    /// The old key is switched off.
    Disabled {
        /// Which.
        key: KeyId,
    },
    /// The old key is ended for good.
    Revoked {
        /// Which, when its id is known.
        key: Option<KeyId>,
        /// By possession: with nothing but the leaked value.
        by_possession: bool,
        /// Labelled keys that unfinished tries had left behind, swept with it.
        swept: Vec<KeyId>,
    },
    /// A person ended it.
    KilledByHand,
    /// The old value is refused: the proof of the kill.
    Refused {
        /// The first refusal that no acceptance followed.
        at: Timestamp,
        /// How often was asked.
        asked: u32,
        /// Milliseconds of asking until then.
        took_ms: u64,
    },
}

impl Receipt {
    /// As the workflow keeps it.
    pub fn to_value(&self) -> Value {
        // A receipt is plain data: no map with odd keys, nothing that refuses to be written.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Back from the journal; `None` for what an older or newer stanch may have written.
    pub fn read(value: &Value) -> Option<Receipt> {
        Receipt::deserialize(value).ok()
    }
}

/// The new key among the receipts: its id, when known, and its fingerprint.
pub(super) fn issued(receipts: &Receipts) -> Option<(Option<KeyId>, Fingerprint)> {
    receipts.values().filter_map(Receipt::read).find_map(|receipt| match receipt {
        Receipt::Issued { key, fingerprint, .. } => Some((key, fingerprint)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let receipt = Receipt::Revoked { key: Some(KeyId("key_1".into())), by_possession: false, swept: Vec::new() };
        assert_eq!(Receipt::read(&receipt.to_value()), Some(receipt));
        assert_eq!(Receipt::read(&serde_json::json!({"receipt": "from-the-future"})), None);
    }
}
