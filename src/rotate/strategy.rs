//! Overlap or contain: the choice, and the reasons for it as sentences.

use super::survey::Facts;
use crate::inventory::Wanted;
use crate::provider::{Overlap, Verdict};
use serde::{Deserialize, Serialize};

/// The two orders in which a leaked key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// First the new key everywhere, then the kill: nobody is cut off.
    Overlap,
    /// First the kill: the leak ends now, and the service waits for the new key.
    Contain,
}

/// Who may have seen the leaked value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Anybody.
    Public,
    /// A closed circle.
    Private,
    /// Nobody told.
    #[default]
    Unknown,
}

impl std::fmt::Display for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Strategy::Overlap => "overlap",
            Strategy::Contain => "contain",
        })
    }
}

/// Chooses. The sentences come back in the order of their weight; `Err` says why what was asked for cannot be.
pub fn choose(facts: &Facts, asked: Wanted) -> Result<(Strategy, Vec<String>), String> {
    let obstacle = obstacle(facts);
    match asked {
        Wanted::Contain => Ok((Strategy::Contain, vec!["Contain was asked for.".into()])),
        Wanted::Overlap => match obstacle {
            Some(why) => Err(why),
            None => Ok((Strategy::Overlap, vec!["Overlap was asked for.".into()])),
        },
        Wanted::Auto => Ok(weigh(facts, obstacle)),
    }
}

fn weigh(facts: &Facts, obstacle: Option<String>) -> (Strategy, Vec<String>) {
    if let Some(why) = obstacle {
        return (Strategy::Contain, vec![why]);
    }
    let entry = facts.entry.as_ref();
    match (entry.map(|entry| entry.strategy).unwrap_or_default(), facts.reach) {
        (Wanted::Contain, _) => (Strategy::Contain, vec!["The inventory's policy says to contain.".into()]),
        (Wanted::Overlap, _) => (Strategy::Overlap, vec!["The inventory's policy says to overlap.".into()]),
        (Wanted::Auto, Reach::Public) => (Strategy::Contain, public(facts)),
        (Wanted::Auto, reach) => (Strategy::Overlap, overlap(facts, reach)),
    }
}

/// Why overlap is impossible or senseless, if it is.
fn obstacle(facts: &Facts) -> Option<String> {
    let title = &facts.title;
    let Some(entry) = &facts.entry else {
        return Some("No entry of the inventory holds this credential, so nobody is known to use it.".into());
    };
    if facts.verdict == Verdict::Inactive {
        return Some(format!("{title} refuses the key already: there is nothing left to keep alive."));
    }
    if entry.stores.is_empty() {
        return Some(format!("The inventory names no store for {}: there is nowhere to bring a new key to.", entry.id));
    }
    let Some(profile) = &facts.profile else {
        return Some(format!("How {title} issues keys is not described, so two cannot be made to live at once."));
    };
    if profile.overlap == Overlap::None {
        return Some(format!("{title} ends the old key when it issues a new one, so the two cannot overlap."));
    }
    if !entry.overlap {
        return Some("The inventory's policy forbids an overlap.".into());
    }
    match (profile.limit, facts.keys) {
        (Some(limit), Some(keys)) if keys >= limit => Some(format!(
            "{title} allows {limit} keys and has {keys}: there is no room for another beside the old one."
        )),
        _ => None,
    }
}

fn public(facts: &Facts) -> Vec<String> {
    let live = match &facts.verdict {
        Verdict::Active { .. } => "and it works",
        _ => "and it may work",
    };
    let mut reasons =
        vec![format!("The key lies where anybody can read it, {live}: each minute counts more than an interruption.")];
    if let Some(tier) = facts.entry.as_ref().and_then(|entry| entry.tier) {
        reasons.push(format!("What it opens is of tier {tier}."));
    }
    reasons
}

fn overlap(facts: &Facts, reach: Reach) -> Vec<String> {
    let who = match reach {
        Reach::Private => "The leak is private",
        _ => "Nothing says that the leak is public",
    };
    let mut reasons =
        vec![format!("{who}, and {} can hold two keys at once: nobody needs to be cut off.", facts.title)];
    if let Verdict::Unknown { why } = &facts.verdict {
        reasons.push(format!("Whether the key still works could not be learned ({why}); it is taken to."));
    }
    reasons
}
