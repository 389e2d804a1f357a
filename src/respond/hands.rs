//! From the inventory and the registry to what a rotation works on and what a plan is made of.

use super::case::Case;
use super::{Error, Responder};
use crate::inventory::{Entry, Wanted};
use crate::provider::Verdict;
use crate::rotate::sealed::{LEAKED, Sealed};
use crate::rotate::survey::{self, Facts, Known};
use crate::rotate::{Hands, Look};
use crate::secret::Fingerprint;

impl Responder {
    /// Opens what the entry names. Nothing is touched yet.
    pub(super) fn hands(&self, entry: Option<&Entry>, provider: Option<&str>) -> Hands {
        let provider = entry.map(|entry| entry.provider.as_str()).or(provider);
        // An administrator's credential that cannot be read cannot be used either, so it cannot be the leaked one's killer.
        let admins = self.admins.iter().filter_map(|place| place.read().ok());
        let admins = admins.map(|secret| self.key.fingerprint(&secret)).collect();
        let provider = provider.and_then(|id| self.registry.get(id));
        let Some(entry) = entry else { return Hands { provider, admins, ..Hands::default() } };
        Hands {
            provider,
            admins,
            stores: entry.stores.iter().map(|spec| spec.open()).collect(),
            consumers: entry.consumers.iter().map(|spec| spec.open()).collect(),
            probes: entry.probes.iter().map(|spec| Look { probe: spec.open(), within: spec.within() }).collect(),
            with: entry.issue.clone(),
        }
    }

    /// What the plan is made of.
    pub(super) fn facts(
        &self,
        case: &Case<'_>,
        entry: Option<&Entry>,
        hands: &Hands,
        verdict: Verdict,
        wanted: Wanted,
    ) -> Result<Facts, Error> {
        let opened = &case.story.opened;
        let leaked = Sealed { ledger: &*self.ledger, incident: &case.id }.get(LEAKED)?.map(|kept| kept.credential);
        let (named, wait) = (entry.and_then(|entry| entry.key.as_ref()), wanted != Wanted::Contain);
        let keys = survey::keys(hands, &*self.clock, leaked.as_ref(), named, wait)?;
        let profile = hands.provider.as_ref().map(|provider| provider.profile().clone());
        let provider = entry.map(|entry| entry.provider.clone()).or_else(|| opened.provider.clone());
        let provider = provider.or_else(|| opened.rule.clone()).unwrap_or_else(|| "an unknown provider".into());
        let known = entry.map(|entry| self.known(entry, hands, opened.fingerprint, wanted)).transpose()?;
        Ok(Facts {
            title: profile.as_ref().map_or_else(|| provider.clone(), |profile| profile.title.clone()),
            provider,
            profile,
            verdict,
            reach: opened.reach,
            leaked: opened.fingerprint,
            redacted: opened.redacted.clone(),
            old: keys.old,
            unknown: keys.unknown,
            keys: keys.count,
            entry: known,
        })
    }

    fn known(&self, entry: &Entry, hands: &Hands, leaked: Fingerprint, wanted: Wanted) -> Result<Known, Error> {
        if wanted != Wanted::Contain {
            // Nothing holds up a kill that was asked for; otherwise a restart that cannot work stops us here.
            hands.consumers.iter().try_for_each(|consumer| consumer.ready())?;
        }
        Ok(Known {
            id: entry.id.clone(),
            tier: entry.tier,
            strategy: entry.policy.strategy,
            overlap: entry.policy.overlap,
            quiet: entry.policy.quiet,
            grace: entry.policy.grace,
            stores: survey::stores(hands, leaked, &self.key, wanted != Wanted::Contain)?,
            consumers: hands.consumers.iter().map(|consumer| consumer.describe()).collect(),
            probes: hands.probes.iter().map(|look| look.probe.describe()).collect(),
        })
    }
}
