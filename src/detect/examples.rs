//! The examples of rules, run through the whole detector: they are the rules' tests.

use super::{Detector, merge};
use crate::catalog::File;
use crate::rule::example::{Recipe, seed};
use crate::rule::options;
use crate::source::{Blob, Provenance};
use crate::yaml::{Diagnostic, Diagnostics};
use std::sync::Arc;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Examples that were run.
    pub run: usize,
    /// Those that did not end as they should, at their places.
    pub failed: Vec<Diagnostic>,
}

/// Runs the examples of every rule of `files`. The detector has these rules; others may stand beside them.
pub fn run(files: &[File], detector: &Detector) -> Result<Outcome, Diagnostics> {
    let mut outcome = Outcome::default();
    for file in files {
        let document = file.parse()?;
        for example in options::examples(&document) {
            // A rule that another file laid over is tested there.
            if detector.rules().get(&example.rule).is_none_or(|rule| rule.file != file.name) {
                continue;
            }
            outcome.run += 1;
            let wrong = match Recipe::parse(example.recipe) {
                Err(error) => Some(error.to_string()),
                Ok(recipe) => {
                    let text = recipe.make(seed(&example.rule, example.matches, example.index));
                    wrong(detector, &example.rule, example.matches, text)
                }
            };
            if let Some(wrong) = wrong {
                example.node.mistake(wrong);
            }
        }
        if let Err(Diagnostics(found)) = document.finish(Some(())) {
            outcome.failed.extend(found);
        }
    }
    Ok(outcome)
}

/// What is wrong with what `rule` makes of `text`, if anything is.
fn wrong(detector: &Detector, rule: &str, matches: bool, text: String) -> Option<String> {
    let hits = detector.scan(&Blob::whole(text.into_bytes(), Arc::new(Provenance::Stdin)));
    let merged = merge(hits);
    let found = merged.findings.iter().any(|finding| finding.rule == rule);
    if found == matches {
        return None;
    }
    if found {
        return Some(format!("{rule} finds something here and should not"));
    }
    let dropped = merged.dropped.iter().find(|dropped| dropped.rule == rule);
    Some(match dropped {
        Some(dropped) => format!("{rule} drops this and should find it: {}", dropped.reason),
        None => format!("{rule} does not match this and should"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::rule::RuleSet;
    use crate::secret::FingerprintKey;

    #[test]
    fn the_built_in_rules_keep_their_examples() {
        let files = catalog::builtin();
        let rules = RuleSet::load(&[]).unwrap_or_else(|e| panic!("\n{e}"));
        let detector = Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()));
        let outcome = run(&files, &detector).unwrap_or_else(|e| panic!("\n{e}"));
        assert!(outcome.run > 0);
        assert!(outcome.failed.is_empty(), "\n{}", Diagnostics(outcome.failed));
    }

    #[test]
    fn an_example_that_fails_is_told_at_its_line() {
        let text = "\
provider: x
title: X
rules:
  - id: x-key
    description: X key
    keywords: [\"x_key_\"]
    pattern: '\\bx_key_[0-9a-f]{16}\\b'
    examples:
      match:
        - 'x_key_{{ hex(16) }}'
        - 'x_key_{{ hex(15) }}'
        - 'x_key_{{ repeat(\"0\", 16) }}'
      no-match: ['x_key_{{ hex(16) }}']
";
        let files = [File::new("x.yaml", text)];
        let rules = RuleSet::of(&files).unwrap();
        let detector = Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()));
        let outcome = run(&files, &detector).unwrap();
        let found = Diagnostics(outcome.failed).to_string();
        let want = [
            "x.yaml:11:11: x-key does not match this and should",
            "x.yaml:12:11: x-key drops this and should find it: the same few characters over and over",
            "x.yaml:13:18: x-key finds something here and should not",
        ];
        assert_eq!(found.lines().collect::<Vec<_>>(), want);
        assert_eq!(outcome.run, 4);
    }
}
