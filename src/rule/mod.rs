//! What credentials look like: the `rules` half of the files under `rules/`.
//!
//! A [`Rule`] is keywords that must be near, one bounded pattern, other parts that must lie near, reasons to drop, and
//! examples as recipes ([`example`]) that are its tests. A [`RuleSet`] is the built-in rules with the user's folders laid
//! over them, rule by rule.
//!
//! The window on `regex-automata` and `regex-syntax`: a [`Pattern`] is the only thing that others see of it. Knows nothing of files to scan, of
//! findings or of providers' answers.
//!
//! Invariants: a rule cannot be built wrong (every mistake of a file is told at its line); a pattern that scans text
//! cannot match more than [`compile::LONGEST`] bytes, so that a finding depends on a bounded piece of a file only, and
//! matches in linear time; the built-in rules are trusted at run time because a test reads them as strictly as a user's.

pub mod builtin;
pub mod checksum;
pub mod compile;
pub mod digest;
pub mod example;
pub mod options;
pub mod run;
mod size;

pub use checksum::Checksum;
pub use compile::{Capture, Pattern};
pub use digest::Digest;

use crate::catalog::File;
use crate::yaml::Diagnostics;
use options::Check;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one kind of credential looks like.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique over all files.
    pub id: String,
    /// The provider that issues it; `None` for the rules of `generic`, which belong to nobody.
    pub provider: Option<String>,
    /// The provider's name as people write it.
    pub title: String,
    /// The file that it was read from.
    pub file: String,
    /// What it finds, for a person.
    pub description: String,
    /// Literals of which one must lie near, in lower case.
    pub keywords: Vec<String>,
    /// What it looks like.
    pub pattern: Pattern,
    /// What is known of the pattern before it is compiled.
    pub digest: Cow<'static, Digest>,
    /// Other parts that are looked for near a match.
    pub needs: Vec<Need>,
    /// How sure a match is, before anything raises or lowers it.
    pub confidence: Confidence,
    /// The least Shannon entropy of a secret, in bits a byte.
    pub entropy: Option<f64>,
    /// The checksum that the token carries.
    pub checksum: Option<Checksum>,
    /// Whether a secret whose checksum fails is dropped, not only doubted.
    pub checksum_required: bool,
    /// Words to group and choose by.
    pub tags: Vec<String>,
    /// Reasons to drop a match of this rule.
    pub allow: Allow,
}

/// Another part of the credential, found elsewhere near the match.
#[derive(Debug)]
pub struct Need {
    /// The part's name, such as `key_id`.
    pub part: String,
    /// What it looks like.
    pub pattern: Pattern,
    /// How many lines away it may lie.
    pub lines: usize,
    /// Whether there is no finding without it.
    pub required: bool,
}

/// A rule's own reasons to drop.
#[derive(Debug, Default)]
pub struct Allow {
    /// Secrets.
    pub values: Vec<Pattern>,
    /// Paths.
    pub paths: Vec<Pattern>,
}

/// How sure it is that a finding is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    /// One step less sure.
    pub fn lower(self) -> Confidence {
        match self {
            Confidence::High => Confidence::Medium,
            Confidence::Medium | Confidence::Low => Confidence::Low,
        }
    }

    /// `low`, `medium` or `high`.
    pub fn label(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// All rules in force, in the order of their names.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
}

impl RuleSet {
    /// The built-in rules with `folders` laid over them, the later over the earlier: a rule with the id of one below
    /// replaces it. The user's files are read with every check; all their mistakes are told at once.
    pub fn load(folders: &[Vec<File>]) -> Result<RuleSet, Diagnostics> {
        let mut rules = BTreeMap::new();
        let mut mistakes = Vec::new();
        let mut lay = |files: &[File], check: Check| match options::read(files, check) {
            Ok(layer) => rules.extend(layer.into_iter().map(|rule| (rule.id.clone(), Arc::new(rule)))),
            Err(Diagnostics(found)) => mistakes.extend(found),
        };
        lay(&builtin::files(), Check::Trusted);
        for folder in folders {
            lay(folder, Check::Full);
        }
        match mistakes.is_empty() {
            true => Ok(RuleSet { rules: rules.into_values().collect() }),
            false => Err(Diagnostics(mistakes)),
        }
    }

    /// Only the rules of `files`, read with every check.
    pub fn of(files: &[File]) -> Result<RuleSet, Diagnostics> {
        let mut rules = options::read(files, Check::Full)?;
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(RuleSet { rules: rules.into_iter().map(Arc::new).collect() })
    }

    /// The rules, in the order of their names.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of that name.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}
