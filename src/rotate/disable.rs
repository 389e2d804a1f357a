//! Switching the old key off: the kill that a person may still take back at the provider.

use super::{Receipt, Rotation, failure, guard, refused};
use crate::provider::KeyId;
use crate::workflow::action::{Failure, Receipts};

/// Disables it.
pub(super) fn run(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<Receipt, Failure> {
    guard::check(rotation, receipts)?;
    let key = old(rotation)?;
    rotation.provider()?.disable(key).map_err(failure)?;
    Ok(Receipt::Disabled { key: key.clone() })
}

/// Whether the provider shows it as switched off.
pub(super) fn look(rotation: &Rotation<'_>) -> Result<Option<Receipt>, Failure> {
    let (provider, key) = (rotation.provider()?, old(rotation)?);
    if !provider.profile().can.list {
        return Ok(None);
    }
    // An answer that is missing says nothing: disabling twice is as good as once.
    let Ok(keys) = provider.list() else { return Ok(None) };
    let off = keys.iter().any(|info| info.id == *key && !info.enabled);
    Ok(off.then(|| Receipt::Disabled { key: key.clone() }))
}

fn old<'r>(rotation: &'r Rotation<'_>) -> Result<&'r KeyId, Failure> {
    rotation.plan.old.as_ref().ok_or_else(|| refused("the provider's id of the leaked key is not known"))
}
