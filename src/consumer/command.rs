//! A command that makes a service take up the new value: `systemctl restart app`.

use super::{Consumer, Error};
use crate::yaml::Node;
use crate::{failpoint, process};
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
            if run.first().is_none_or(String::is_empty) {
                node.mistake("a command is a list of its program and its arguments");
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
        format!("the command `{}`", self.run.join(" "))
    }

    fn ready(&self) -> Result<(), Error> {
        let missing = || Error::Missing { consumer: self.describe(), why: "there is no such program".into() };
        process::is_there(&self.run, &self.folder).then_some(()).ok_or_else(missing)
    }

    fn restart(&self) -> Result<(), Error> {
        let ran = failpoint::around("consumer command", || process::run(&self.run, &self.folder, self.timeout));
        match ran {
            Ok(ended) if ended.good => Ok(()),
            Ok(ended) => Err(Error::Failed { consumer: self.describe(), why: format!("it {}", ended.how) }),
            Err(error) => Err(Error::Missing { consumer: self.describe(), why: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::Spec;
    use crate::yaml::Document;

    fn restart(yaml: &str) -> Result<(), String> {
        let document = Document::parse("c.yaml", yaml).unwrap();
        let spec = Spec::read(&document.root(), Path::new("/"));
        let spec = document.finish(spec).map_err(|mistakes| mistakes.to_string())?;
        spec.open().restart().map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_is_run_without_a_shell() {
        assert_eq!(restart("command: { run: [test, '$HOME', =, '$HOME'] }"), Ok(()));
        let failed = restart("command: { run: [sh, -c, 'echo no; exit 2'] }").unwrap_err();
        assert_eq!(failed, "restart by the command `sh -c echo no; exit 2`: it ended with 2: no");
        let slow = restart("command: { run: [sleep, '30'], timeout: 50ms }").unwrap_err();
        assert!(slow.ends_with("it was killed after 50 ms"), "{slow}");
        assert!(restart("command: { run: [/no/such/program] }").unwrap_err().contains("No such file"));
    }

    #[test]
    fn a_program_that_is_not_there_is_noticed_without_running_it() {
        let ready = |program: &str| {
            let command = Command { run: vec![program.into()], timeout: TIMEOUT, folder: "/bin".into() };
            command.ready().map_err(|error| error.to_string())
        };
        assert_eq!((ready("sh"), ready("./sh"), ready("/bin/sh")), (Ok(()), Ok(()), Ok(())));
        for missing in ["no-such-program", "./no-such-program", "/etc/passwd", "/bin"] {
            let said = ready(missing).unwrap_err();
            assert_eq!(said, format!("restart by the command `{missing}`: there is no such program"));
        }
    }

    #[test]
    fn mistakes_are_said() {
        for (yaml, want) in [
            ("command: { run: [] }", "a command is a list"),
            ("command: { run: systemctl }", "expected a list"),
            ("command: { }", "`run` is missing"),
            ("commnd: { run: [a] }", "did you mean `command`?"),
            ("{}", "expected exactly one of: command, signal"),
        ] {
            let found = restart(yaml).unwrap_err();
            assert!(found.contains(want), "{yaml}: {found}");
        }
    }
}
