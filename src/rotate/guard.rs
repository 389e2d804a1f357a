//! What must be so before a key is killed.

use super::receipt::issued;
use super::{Rotation, Strategy, again, refused};
use crate::workflow::action::{Failure, Receipts};

/// Refuses a kill that would cut off the responder itself, the new key, or a store that still names the old one.
pub(super) fn check(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<(), Failure> {
    let plan = rotation.plan;
    if rotation.hands.admins.contains(&plan.leaked) {
        return Err(refused(
            "it is the administrator's credential that stanch itself works with; give stanch another one first",
        ));
    }
    let new = issued(receipts).and_then(|(key, _)| key);
    if let Some(old) = plan.old.as_ref().filter(|old| new.as_ref() == Some(old)) {
        return Err(refused(format!("{} is the new key", old.0)));
    }
    let must_be_out = plan.strategy == Strategy::Overlap || issued(receipts).is_some();
    for name in plan.stores().filter(|_| must_be_out) {
        let held = rotation.store(name)?.read().map_err(|error| again(error.to_string()))?;
        if rotation.key.fingerprint(&held) == plan.leaked {
            return Err(refused(format!("{name} holds the old value again; somebody put it back")));
        }
    }
    Ok(())
}
