//! How bad it is: a table, so that two people come to the same answer.

use crate::provider::Verdict;
use crate::rotate::Reach;
use serde::{Deserialize, Serialize};

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// The table: does it live, who saw it, how much stands on it (a tier of 2 where the inventory says nothing).
pub fn rate(verdict: &Verdict, reach: Reach, tier: Option<u64>) -> Severity {
    let high_tier = tier.unwrap_or(2) <= 1;
    match (verdict, reach, high_tier) {
        (Verdict::Inactive, Reach::Public, _) => Severity::Medium,
        (Verdict::Inactive, _, _) => Severity::Low,
        (Verdict::Active { .. }, Reach::Public, _) => Severity::Critical,
        (Verdict::Active { .. }, _, true) => Severity::High,
        (Verdict::Active { .. }, _, false) => Severity::Medium,
        (Verdict::Unknown { .. }, Reach::Public, _) => Severity::High,
        (Verdict::Unknown { .. }, _, true) => Severity::High,
        (Verdict::Unknown { .. }, _, false) => Severity::Medium,
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_alive_is_the_worst() {
        let active = Verdict::Active { identity: None, scopes: Vec::new() };
        for (verdict, reach, tier, want) in [
            (&active, Reach::Public, Some(3), Severity::Critical),
            (&active, Reach::Private, Some(1), Severity::High),
            (&active, Reach::Unknown, None, Severity::Medium),
            (&Verdict::Inactive, Reach::Public, Some(1), Severity::Medium),
            (&Verdict::Inactive, Reach::Private, Some(1), Severity::Low),
        ] {
            assert_eq!(rate(verdict, reach, tier), want, "{verdict:?} {reach:?} {tier:?}");
        }
    }
}
