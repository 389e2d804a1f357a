//! Telling a consumer to take up what its store holds now. At least once: after a crash it is told again.

use super::{Receipt, Rotation, again, gone};
use crate::consumer::{Consumer, Error};
use crate::workflow::action::Failure;

/// Tells one.
pub(super) fn run(rotation: &Rotation<'_>, name: &str) -> Result<Receipt, Failure> {
    let told = meant(rotation, name)?;
    for consumer in &told {
        // The step's label names the consumer already.
        consumer.restart().map_err(|error| match error {
            Error::Failed { why, .. } | Error::Missing { why, .. } => again(why),
        })?;
    }
    let told: Vec<String> = told.iter().map(|consumer| consumer.describe()).collect();
    Ok(Receipt::Restarted { consumer: told.join(", ") })
}

/// Tells all of the plan, and waits a little for the probes to find the service well; for undoing. A probe that stays
/// unhappy stops nothing here: the old value is back, which is all that undoing can do.
pub(super) fn all(rotation: &Rotation<'_>) -> Result<(), Failure> {
    for name in rotation.plan.consumers() {
        for consumer in meant(rotation, name)? {
            consumer.restart().map_err(|error| again(error.to_string()))?;
        }
    }
    let facts = rotation.facts(rotation.plan.old.as_ref(), None);
    for look in &rotation.hands.probes {
        rotation.poll(look.within, rotation.every(), || look.probe.look(&facts).good.then_some(()));
    }
    Ok(())
}

/// The consumer of that name. Where the inventory no longer has it, those that stand there now and not in the plan: a
/// person put right what was wrong with it.
fn meant<'r>(rotation: &'r Rotation<'_>, name: &str) -> Result<Vec<&'r dyn Consumer>, Failure> {
    let all = || rotation.hands.consumers.iter().map(|consumer| &**consumer);
    if let Some(named) = all().find(|consumer| consumer.describe() == name) {
        return Ok(vec![named]);
    }
    let new: Vec<_> = all().filter(|one| rotation.plan.consumers().all(|name| name != one.describe())).collect();
    if new.is_empty() { Err(gone("consumer", name)) } else { Ok(new) }
}
