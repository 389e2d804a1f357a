//! Other processes of this same program: parts that run beside the drill, and verbs that run to their end.

use crate::cli::Error;
use crate::cli::crash::TETHER;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a part may take to end by itself once its input is closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A part that runs until this is dropped. It ends also when this process ends in any other way: the pipe on its input
/// closes then.
pub struct Part {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Part {
    /// Starts `stanch drill NAME ARGS...` and waits until it says where it listens.
    pub fn start(name: &str, args: &[&OsStr]) -> Result<Part, Error> {
        let mut command = program()?;
        command.args(["drill", name]).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Error::new(format!("start the {name}: {error}")))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = said.get("listening").and_then(Value::as_str).unwrap_or_default().to_owned();
        let part = Part { child, stdin, address };
        match part.address.is_empty() {
            true => Err(Error::new(format!("start the {name}: it ended before it listened"))),
            false => Ok(part),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // It did not hear: it is stopped all the same, and its exit status collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a verb said in the end.
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output as JSON; null when it is none.
    pub json: Value,
    /// Its standard error.
    pub complaint: String,
}

impl Said {
    /// A failure that quotes what the verb complained of.
    pub fn failed(&self, what: &str) -> Error {
        let status = self.status;
        Error::new(format!("{what}: stanch ended with {status}\n{}", self.complaint.trim_end()))
    }
}

/// Runs a verb of this program to its end, in a folder.
pub fn verb(args: &[&OsStr], folder: &Path, environment: &[(&str, &OsStr)]) -> Result<Said, Error> {
    let mut command = program()?;
    command.args(args).envs(environment.iter().copied()).current_dir(folder).env(TETHER, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |error| Error::new(format!("run stanch: {error}"));
    let mut child = command.spawn().map_err(failed)?;
    // Held until the verb has ended: when it closes earlier, the drill is gone and the verb ends too.
    let tether = child.stdin.take();
    let output = child.wait_with_output().map_err(failed)?;
    drop(tether);
    Ok(Said {
        status: output.status,
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// This program, not crashing unless told so anew.
fn program() -> Result<Command, Error> {
    let path = std::env::current_exe().map_err(|error| Error::new(format!("find this program: {error}")))?;
    let mut command = Command::new(path);
    command.env_remove("STANCH_CRASH_AT").env_remove("STANCH_CRASH_LOG");
    Ok(command)
}
