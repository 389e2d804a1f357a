//! The rules that come with the program.

use crate::catalog::{self, File};

/// The embedded files that are read as rules.
pub fn files() -> Vec<File> {
    catalog::builtin()
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
}
