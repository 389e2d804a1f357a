//! Telling a consumer to take up what its store holds now. At least once: after a crash it is told again.

use super::{Receipt, Rotation, again, gone};
use crate::workflow::action::Failure;

/// Tells one.
pub(super) fn run(rotation: &Rotation<'_>, name: &str) -> Result<Receipt, Failure> {
    let consumer = rotation.hands.consumers.iter().find(|consumer| consumer.describe() == name);
    let consumer = consumer.ok_or_else(|| gone("consumer", name))?;
    consumer.restart().map_err(|error| again(error.to_string()))?;
    Ok(Receipt::Restarted { consumer: name.to_owned() })
}

/// Tells all of the plan, and waits a little for the probes to find the service well; for undoing. A probe that stays
/// unhappy stops nothing here: the old value is back, which is all that undoing can do.
pub(super) fn all(rotation: &Rotation<'_>) -> Result<(), Failure> {
    for name in rotation.plan.consumers() {
        run(rotation, name)?;
    }
    let facts = rotation.facts(rotation.plan.old.as_ref(), None);
    for look in &rotation.hands.probes {
        rotation.poll(look.within, rotation.every(), || look.probe.look(&facts).good.then_some(()));
    }
    Ok(())
}
