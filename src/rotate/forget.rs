//! Wiping the new secret from the ledger, once every store is proven to hold it.

use super::receipt::issued;
use super::sealed::NEW;
use super::{Receipt, Rotation, again, ledger, refused};
use crate::workflow::action::{Failure, Receipts};

/// Looks into each store of the plan first: what is wiped here is nowhere else if a store does not hold it.
pub(super) fn run(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<Receipt, Failure> {
    let (_, new) = issued(receipts).ok_or_else(|| refused("no new key was recorded"))?;
    for name in rotation.plan.stores() {
        let held = rotation.store(name)?.read().map_err(|error| again(error.to_string()))?;
        if rotation.key.fingerprint(&held) != new {
            return Err(refused(format!("{name} no longer holds the new value; somebody changed it")));
        }
    }
    rotation.sealed().wipe(NEW).map_err(ledger)?;
    Ok(Receipt::Forgotten)
}
