//! A command whose status is the evidence.

use super::{Evidence, Probe};
use crate::text::duration;
use crate::yaml::Fields;
use crate::{failpoint, process};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command may take, when the inventory does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A command that ends with 0 when all is well. Facts fill `{{ name }}` in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    run: Vec<String>,
    timeout: Duration,
    folder: PathBuf,
}

impl Command {
    /// Reads `{ run, timeout }`; the command runs in `base`.
    pub fn read_spec(fields: &mut Fields<'_>, base: &Path) -> Option<Command> {
        let run = fields.required("run").and_then(|node| {
            let run: Vec<String> = node.items().iter().filter_map(super::text).collect();
            if run.first().is_none_or(String::is_empty) {
                node.mistake("a command is a list of its program and its arguments");
            }
            (!run.is_empty()).then_some(run)
        });
        let timeout = fields.optional("timeout").map(|node| node.duration()).unwrap_or(Some(TIMEOUT));
        Some(Command { run: run?, timeout: timeout?, folder: base.to_owned() })
    }
}

impl Probe for Command {
    fn describe(&self) -> String {
        format!("the command `{}` ends with 0", self.run.join(" "))
    }

    fn look(&self, facts: &BTreeMap<String, String>) -> Evidence {
        let run: Vec<String> = self.run.iter().map(|word| super::filled(word, facts)).collect();
        let ran = failpoint::around("probe command", || process::run(&run, &self.folder, self.timeout));
        match ran {
            Ok(ended) => {
                Evidence { good: ended.good, seen: format!("{} in {}", ended.how, duration::human(ended.took)) }
            }
            Err(error) => Evidence { good: false, seen: format!("it could not be run: {error}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Spec;
    use crate::yaml::Document;

    #[test]
    fn the_status_is_the_evidence() {
        let look = |yaml: &str| {
            let document = Document::parse("p.yaml", yaml).unwrap();
            let spec = Spec::read(&document.root(), Path::new("/"));
            let spec = document.finish(spec).unwrap_or_else(|mistakes| panic!("{mistakes}"));
            assert_eq!(spec.within(), Duration::from_secs(2));
            spec.open().look(&BTreeMap::from([("new_key".to_owned(), "key_2".to_owned())]))
        };
        let good = look("command: { run: [test, key_2, =, '{{ new_key }}'], within: 2s }");
        assert!(good.good && good.seen.starts_with("ended with 0 in "), "{}", good.seen);
        let bad = look("command: { run: [sh, -c, 'echo down; exit 1'], within: 2s }");
        assert!(!bad.good && bad.seen.starts_with("ended with 1: down in "), "{}", bad.seen);
        let missing = look("command: { run: [/no/such], within: 2s }");
        assert!(!missing.good && missing.seen.starts_with("it could not be run: "), "{}", missing.seen);
    }
}
