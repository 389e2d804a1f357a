//! What is done by itself when a leak is reported from outside, and what waits for a person.
//!
//! A list of cases, read from the top: the first that fits decides. What no case fits is recorded and nothing more, so
//! that an empty list rotates nothing by itself.

use super::Entry;
use crate::yaml::Node;

/// The `respond` list of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses {
    /// The cases, in order.
    pub cases: Vec<Case>,
}

impl Responses {
    /// What to do about a leaked credential of `provider`, with its entry when it is one of ours.
    pub fn action(&self, provider: Option<&str>, entry: Option<&Entry>) -> Action {
        let fitting = self.cases.iter().find(|case| case.when.fits(provider, entry));
        fitting.map_or(Action::Record, |case| case.action)
    }
}

/// One case: when it holds, and what is done then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// When it holds.
    pub when: Match,
    /// What is done.
    pub action: Action,
}

/// What is done about a reported leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is rotated at once.
    Respond,
    /// An incident is opened and planned; it runs when a person approves it.
    Approve,
    /// An incident is put on record; nothing is done to the credential.
    Record,
}

/// The words for [`Action`].
pub const ACTIONS: &[(&str, Action)] =
    &[("respond", Action::Respond), ("approve", Action::Approve), ("record", Action::Record)];

/// What a credential must be for a case to hold: everything that is named. Nothing named holds always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Who issued it.
    pub provider: Option<String>,
    /// The inventory id.
    pub credential: Option<String>,
    /// Where it is used.
    pub environment: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How much hangs on it.
    pub tier: Option<u64>,
}

impl Match {
    /// Whether all that is named is so. What only an entry can say does not fit a credential that has none.
    pub fn fits(&self, provider: Option<&str>, entry: Option<&Entry>) -> bool {
        let same = |want: &Option<String>, have: Option<&str>| want.is_none() || want.as_deref() == have;
        let provider = provider.or(entry.map(|entry| entry.provider.as_str()));
        same(&self.provider, provider)
            && same(&self.credential, entry.map(|entry| entry.id.as_str()))
            && same(&self.environment, entry.and_then(|entry| entry.environment.as_deref()))
            && same(&self.owner, entry.and_then(|entry| entry.owner.as_deref()))
            && (self.tier.is_none() || self.tier == entry.and_then(|entry| entry.tier))
    }
}

impl Case {
    /// Reads `{ match: { ... }, action }`.
    pub fn read(node: &Node<'_>) -> Option<Case> {
        let mut fields = node.fields()?;
        let when = fields.optional("match").map(|node| Match::read(&node));
        let action = fields.required("action").and_then(|node| node.one_of(ACTIONS));
        fields.finish();
        Some(Case { when: when.unwrap_or(Some(Match::default()))?, action: action? })
    }
}

impl Match {
    fn read(node: &Node<'_>) -> Option<Match> {
        let mut fields = node.fields()?;
        let mut text = |key| fields.optional(key).and_then(|node| node.string());
        let (provider, credential) = (text("provider"), text("credential"));
        let (environment, owner) = (text("environment"), text("owner"));
        let tier = fields.optional("tier").and_then(|node| node.u64());
        fields.finish();
        Some(Match { provider, credential, environment, owner, tier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Policy;

    fn entry(environment: &str) -> Entry {
        Entry {
            id: "pay".into(),
            provider: "sandbox".into(),
            environment: Some(environment.into()),
            owner: None,
            tier: Some(1),
            key: None,
            issue: Default::default(),
            stores: Vec::new(),
            consumers: Vec::new(),
            probes: Vec::new(),
            policy: Policy::default(),
        }
    }

    #[test]
    fn the_first_case_that_fits_decides() {
        let when = Match { environment: Some("production".into()), ..Match::default() };
        let responses = Responses {
            cases: vec![
                Case { when: Match { provider: Some("sandbox".into()), ..when }, action: Action::Respond },
                Case { when: Match { tier: Some(1), ..Match::default() }, action: Action::Approve },
            ],
        };
        assert_eq!(responses.action(Some("sandbox"), Some(&entry("production"))), Action::Respond);
        assert_eq!(responses.action(Some("sandbox"), Some(&entry("staging"))), Action::Approve);
        assert_eq!(responses.action(Some("sandbox"), None), Action::Record, "no entry, no environment to fit");
        assert_eq!(Responses::default().action(Some("sandbox"), Some(&entry("production"))), Action::Record);
    }
}
