//! Making the new key: the one act that must not be done twice blindly.

use super::receipt::issued;
use super::sealed::{Kept, NEW};
use super::{Receipt, Rotation, failure, ledger, refused};
use crate::provider::{Error, IssueRequest, KeyId, KeyInfo};
use crate::secret::redact;
use crate::workflow::action::{Failure, Receipts};
use std::time::Duration;

/// Longest wait for a key to appear in the provider's list after an answer was lost.
const LONGEST_SETTLE: Duration = Duration::from_secs(20);

/// Makes it, and seals its secret before anything else: that was the only time it is seen.
pub(super) fn run(rotation: &mut Rotation<'_>) -> Result<Receipt, Failure> {
    rotation.issues += 1;
    let label = format!("{}{}", rotation.label_prefix(), rotation.issues);
    let like = rotation.plan.old.clone();
    let request = IssueRequest { label: label.clone(), like, with: rotation.hands.with.clone() };
    let issued = rotation.provider()?.issue(&request).map_err(failure)?;
    let kept = Kept { key: Some(issued.key), credential: issued.credential };
    rotation.sealed().put(NEW, &kept).map_err(ledger)?;
    Ok(receipt(rotation, &kept, Some(label)))
}

/// Takes the key that a person made and handed in, or asks for it.
pub(super) fn by_hand(rotation: &Rotation<'_>) -> Result<Receipt, Failure> {
    match rotation.sealed().get(NEW).map_err(ledger)? {
        Some(kept) => Ok(receipt(rotation, &kept, None)),
        None => Err(Failure::Person {
            why: format!("{} issues no keys by API", rotation.plan.title),
            instructions: format!(
                "Make a new key with the rights of the old one{}, then hand it in on standard input: \
                 stanch incident resume {} --new-secret -",
                rotation.plan.by_hand.as_ref().map(|place| format!(" ({place})")).unwrap_or_default(),
                rotation.incident
            ),
        }),
    }
}

/// After a crash or a lost answer: the key whose secret we hold is ours; every other one with our label is swept.
pub(super) fn look(rotation: &Rotation<'_>) -> Result<Option<Receipt>, Failure> {
    let kept = rotation.sealed().get(NEW).map_err(ledger)?;
    let provider = rotation.provider()?;
    if !provider.profile().can.list {
        return match kept {
            Some(kept) => Ok(Some(receipt(rotation, &kept, None))),
            None => Err(unseen(rotation)),
        };
    }
    if kept.is_none() {
        // The lost request may still be on its way through the provider.
        rotation.clock.sleep(rotation.plan.settle.min(LONGEST_SETTLE));
    }
    let keys = labelled(rotation)?;
    let mine = kept.filter(|kept| keys.iter().any(|key| Some(&key.id) == kept.key.as_ref()));
    sweep_but(rotation, mine.as_ref().and_then(|kept| kept.key.as_ref()))?;
    match mine {
        Some(kept) => {
            let label = keys.into_iter().find(|key| Some(&key.id) == kept.key.as_ref()).and_then(|key| key.label);
            Ok(Some(receipt(rotation, &kept, label)))
        }
        None => {
            rotation.sealed().wipe(NEW).map_err(ledger)?;
            Ok(None)
        }
    }
}

/// Revokes every key of this incident. The stores have their old values back by now: undo runs backwards.
pub(super) fn undo(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<(), Failure> {
    let provider = rotation.provider()?;
    if provider.profile().can.list {
        sweep_but(rotation, None)?;
    } else {
        let sealed = rotation.sealed().get(NEW).map_err(ledger)?.and_then(|kept| kept.key);
        match issued(receipts).and_then(|(key, _)| key).or(sealed) {
            Some(key) => provider.revoke(Some(&key), None).map_err(failure)?,
            None => return Err(unseen(rotation)),
        }
    }
    rotation.sealed().wipe(NEW).map_err(ledger)
}

/// Revokes the keys that carry this incident's label, except `keep`; says which.
pub(super) fn sweep_but(rotation: &Rotation<'_>, keep: Option<&KeyId>) -> Result<Vec<KeyId>, Failure> {
    let provider = rotation.provider()?;
    let mut swept = Vec::new();
    for key in labelled(rotation)? {
        if Some(&key.id) != keep && Some(&key.id) != rotation.plan.old.as_ref() {
            provider.revoke(Some(&key.id), None).map_err(failure)?;
            swept.push(key.id);
        }
    }
    Ok(swept)
}

fn labelled(rotation: &Rotation<'_>) -> Result<Vec<KeyInfo>, Failure> {
    let prefix = rotation.label_prefix();
    let ours = |key: &KeyInfo| key.label.as_ref().is_some_and(|label| label.starts_with(&prefix));
    let keys = rotation.provider()?.list().map_err(|error| match error {
        // A list changes nothing: a lost answer is worth another question.
        Error::Lost { .. } | Error::Misanswered { .. } => Failure::TryAgain { why: error.to_string(), after: None },
        error => failure(error),
    })?;
    Ok(keys.into_iter().filter(ours).collect())
}

fn receipt(rotation: &Rotation<'_>, kept: &Kept, label: Option<String>) -> Receipt {
    let secret = &kept.credential.secret;
    let fingerprint = rotation.key.fingerprint(secret);
    Receipt::Issued { key: kept.key.clone(), fingerprint, redacted: redact::mask(secret), label }
}

/// Nobody can say whether the key was made, except a person.
fn unseen(rotation: &Rotation<'_>) -> Failure {
    Failure::Person {
        why: format!("the answer of {} was lost, and its keys cannot be listed", rotation.plan.title),
        instructions: format!(
            "Look at {} for a key labelled {}*, delete it, then resume.",
            rotation.plan.by_hand.as_deref().unwrap_or(&rotation.plan.title),
            rotation.label_prefix()
        ),
    }
}

/// The new credential, which a step before has sealed.
pub(super) fn new(rotation: &Rotation<'_>) -> Result<Kept, Failure> {
    let kept = rotation.sealed().get(NEW).map_err(ledger)?;
    kept.ok_or_else(|| refused("the new secret is no longer kept: it was wiped after every store held it"))
}
