//! The rules that come with the program.

use super::digest::Digest;
use crate::catalog::{self, File};

/// Written by `build.rs`.
mod digests {
    use crate::rule::digest::{Class as Set, Digest, Gate, Gram, Lead, Op::*, Program, Starts};
    use std::borrow::Cow;

    include!(concat!(env!("OUT_DIR"), "/digests.rs"));
}

/// The embedded files that are read as rules.
pub fn files() -> Vec<File> {
    catalog::builtin()
}

/// What was made of the pattern of the rule of that name when the program was built.
pub fn digest(id: &str) -> Option<&'static Digest> {
    let at = digests::DIGESTS.binary_search_by(|(rule, _)| (*rule).cmp(id)).ok()?;
    digests::DIGESTS.get(at).map(|(_, digest)| digest)
}

#[cfg(test)]
mod tests {
    use super::super::options::{self, Check};
    use super::*;

    #[test]
    fn the_built_in_rules_hold_what_a_users_must() {
        let rules = options::read(&files(), Check::Full).unwrap_or_else(|e| panic!("\n{e}"));
        assert!(!rules.is_empty());
    }

    #[test]
    fn each_built_in_rule_has_its_digest() {
        for rule in options::read(&files(), Check::Full).unwrap() {
            assert_eq!(digest(&rule.id), Some(&*rule.digest), "{}", rule.id);
        }
    }

    #[test]
    fn most_built_in_rules_need_no_regular_expression() {
        let rules = options::read(&files(), Check::Trusted).unwrap();
        let whole = rules.iter().filter(|rule| rule.digest.program.whole).count();
        assert!(whole + 8 >= rules.len(), "{whole} of {}", rules.len());
    }
}
