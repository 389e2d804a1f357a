//! Ending the old key for good, and sweeping what unfinished tries left behind.

use super::receipt::issued;
use super::sealed::LEAKED;
use super::{Receipt, Rotation, failure, guard, issue, ledger};
use crate::provider::Verdict;
use crate::workflow::action::{Failure, Receipts};

/// Revokes it: by its id where that is known, else by possession of the leaked value. "Not there" is revoked.
pub(super) fn run(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<Receipt, Failure> {
    guard::check(rotation, receipts)?;
    let provider = rotation.provider()?;
    let leaked = rotation.sealed().get(LEAKED).map_err(ledger)?.map(|kept| kept.credential);
    provider.revoke(rotation.plan.old.as_ref(), leaked.as_ref()).map_err(failure)?;
    let swept = match (issued(receipts), provider.profile().can.list) {
        (Some((Some(new), _)), true) => issue::sweep_but(rotation, Some(&new))?,
        _ => Vec::new(),
    };
    let by_possession = rotation.plan.old.is_none();
    Ok(Receipt::Revoked { key: rotation.plan.old.clone(), by_possession, swept })
}

/// A person must end it; it is done when the provider refuses the old value, or when they say so and nobody can ask.
pub(super) fn by_hand(rotation: &Rotation<'_>, waived: bool) -> Result<Receipt, Failure> {
    let refused = match (&rotation.hands.provider, rotation.sealed().get(LEAKED).map_err(ledger)?) {
        (Some(provider), Some(kept)) => Some(provider.validate(&kept.credential)),
        _ => None,
    };
    match refused {
        Some(Verdict::Inactive) => Ok(Receipt::KilledByHand),
        Some(Verdict::Unknown { .. }) | None if waived => Ok(Receipt::KilledByHand),
        _ => Err(Failure::Person {
            why: format!("{} cannot be made to end this key from here", rotation.plan.title),
            instructions: format!(
                "Revoke the key {}{}, then: stanch incident resume {}",
                rotation.plan.old.as_ref().map_or_else(|| rotation.plan.redacted.clone(), |key| key.0.clone()),
                rotation.plan.by_hand.as_ref().map(|place| format!(" ({place})")).unwrap_or_default(),
                rotation.incident
            ),
        }),
    }
}
