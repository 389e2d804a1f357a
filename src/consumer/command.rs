//! A command that is run.

use super::{Consumer, Error};
use crate::yaml::Node;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a command may take, when the inventory does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A command that is run, without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    run: Vec<String>,
    timeout: Duration,
    folder: PathBuf,
}

impl Command {
    /// Reads `{ run, timeout }`; the command runs in `base`.
    pub fn read_spec(node: &Node<'_>, base: &Path) -> Option<Command> {
        let mut fields = node.fields()?;
        let run = fields.required("run").and_then(|node| {
            let run = node.strings();
            if run.is_empty() {
                node.mistake("a command has at least one word");
            }
            (!run.is_empty()).then_some(run)
        });
        let timeout = fields.optional("timeout").map(|node| node.duration()).unwrap_or(Some(TIMEOUT));
        fields.finish();
        Some(Command { run: run?, timeout: timeout?, folder: base.to_owned() })
    }
}

impl Consumer for Command {
    fn describe(&self) -> String {
        format!("the command {}", self.run.join(" "))
    }

    fn restart(&self) -> Result<(), Error> {
        Err(Error::Missing { consumer: self.describe(), why: format!("{:?}", (self.timeout, &self.folder)) })
    }
}
