//! A signal that is sent to a process.

use super::{Consumer, Error};
use crate::yaml::Node;
use std::path::{Path, PathBuf};

/// A signal that is sent to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    pid_file: PathBuf,
    signal: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Hup,
    Int,
    Term,
    Usr1,
    Usr2,
}

impl Signal {
    /// Reads `{ pid-file, signal }`.
    pub fn read_spec(node: &Node<'_>, base: &Path) -> Option<Signal> {
        let names =
            [("HUP", Name::Hup), ("INT", Name::Int), ("TERM", Name::Term), ("USR1", Name::Usr1), ("USR2", Name::Usr2)];
        let mut fields = node.fields()?;
        let pid_file = fields.required("pid-file").and_then(|node| node.path(base));
        let signal = fields.optional("signal").map(|node| node.one_of(&names)).unwrap_or(Some(Name::Hup));
        fields.finish();
        Some(Signal { pid_file: pid_file?, signal: signal? })
    }
}

impl Consumer for Signal {
    fn describe(&self) -> String {
        format!("SIG{} to the process in {}", format!("{:?}", self.signal).to_uppercase(), self.pid_file.display())
    }

    fn restart(&self) -> Result<(), Error> {
        Err(Error::Missing { consumer: self.describe(), why: "not yet".into() })
    }
}
