//! A command that says whether all is well.

use super::{Evidence, Probe};
use crate::yaml::Fields;
use std::collections::BTreeMap;
use std::path::Path;

/// A command whose status is the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    run: Vec<String>,
}

impl Command {
    /// Reads `{ run, timeout }`; the command runs in `base`.
    pub fn read_spec(fields: &mut Fields<'_>, _base: &Path) -> Option<Command> {
        let run = fields.required("run").map(|node| node.strings());
        let _ = fields.optional("timeout");
        Some(Command { run: run? })
    }
}

impl Probe for Command {
    fn describe(&self) -> String {
        format!("the command {} ends well", self.run.join(" "))
    }

    fn look(&self, _facts: &BTreeMap<String, String>) -> Evidence {
        Evidence { good: false, seen: "not yet".into() }
    }
}
