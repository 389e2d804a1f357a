//! A signal that makes a running process take up the new value: `HUP` to the one in a pid file.
//!
//! Numbers of processes are given out again, and a signal that nobody waits for ends most programs; so a pid file that
//! is older than the process of its number is taken for a stale one, and nothing is sent.

use super::{Consumer, Error};
use crate::failpoint;
use crate::yaml::{Fields, Node};
use rustix::process::{Pid, Signal as Number, kill_process, test_kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much older than its process a pid file may be: the clocks of the two differ by a tick and a rounding.
const SLACK: Duration = Duration::from_secs(3);
/// Ticks a second in `/proc/<pid>/stat` (proc(5): `USER_HZ`, 100 on every Linux).
const TICKS: u64 = 100;

const SIGNALS: &[(&str, Number)] = &[
    ("HUP", Number::HUP),
    ("INT", Number::INT),
    ("TERM", Number::TERM),
    ("USR1", Number::USR1),
    ("USR2", Number::USR2),
];

/// A signal that is sent to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    target: Target,
    name: &'static str,
    signal: Number,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    PidFile(PathBuf),
    Pid(Pid),
}

impl Signal {
    /// Reads `{ pid-file, signal }` or `{ pid, signal }`.
    pub fn read_spec(node: &Node<'_>, base: &Path) -> Option<Signal> {
        let mut fields = node.fields()?;
        let target = read_target(&mut fields, base);
        let words: Vec<_> = SIGNALS.iter().map(|&(name, signal)| (name, (name, signal))).collect();
        let signal = fields.optional("signal").map(|node| node.one_of(&words)).unwrap_or(Some(("HUP", Number::HUP)));
        fields.finish();
        let (name, signal) = signal?;
        Some(Signal { target: target?, name, signal })
    }

    fn pid(&self) -> Result<Pid, String> {
        let path = match &self.target {
            Target::Pid(pid) => return Ok(*pid),
            Target::PidFile(path) => path,
        };
        let text = fs::read_to_string(path).map_err(|error| format!("the pid file cannot be read: {error}"))?;
        let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
        let pid = number.and_then(pid).ok_or("the pid file holds no process number")?;
        let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        match started(pid).zip(written) {
            Some((started, written)) if started > written + SLACK => {
                Err(format!("the pid file is stale: process {pid} started after it was written"))
            }
            _ => Ok(pid),
        }
    }
}

impl Consumer for Signal {
    fn describe(&self) -> String {
        match &self.target {
            Target::PidFile(path) => format!("SIG{} to the process in {}", self.name, path.display()),
            Target::Pid(pid) => format!("SIG{} to process {pid}", self.name),
        }
    }

    fn restart(&self) -> Result<(), Error> {
        let missing = |why: String| Error::Missing { consumer: self.describe(), why };
        let pid = self.pid().map_err(missing)?;
        test_kill_process(pid).map_err(|error| missing(format!("process {pid}: {error}")))?;
        let sent = failpoint::around("consumer signal", || kill_process(pid, self.signal));
        sent.map_err(|error| Error::Failed { consumer: self.describe(), why: error.to_string() })
    }
}

fn read_target(fields: &mut Fields<'_>, base: &Path) -> Option<Target> {
    let file = fields.optional("pid-file").map(|node| node.path(base).map(Target::PidFile));
    let number = fields.optional("pid").map(|node| {
        let number = i32::try_from(node.u64()?).ok().and_then(pid);
        if number.is_none() {
            node.mistake("a process number is greater than 1");
        }
        number.map(Target::Pid)
    });
    match (file, number) {
        (Some(target), None) | (None, Some(target)) => target,
        _ => {
            fields.node().mistake("expected either `pid-file` or `pid`");
            None
        }
    }
}

/// A process that may be sent a signal: 0 and below are groups, 1 is the machine's own.
fn pid(number: i32) -> Option<Pid> {
    if number > 1 { Pid::from_raw(number) } else { None }
}

/// When a process started, where the kernel says so: the 22nd field of its `stat` counts ticks since the machine's start.
fn started(pid: Pid) -> Option<SystemTime> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, after) = stat.rsplit_once(')')?;
    let ticks: u64 = after.split_whitespace().nth(19)?.parse().ok()?;
    let kernel = fs::read_to_string("/proc/stat").ok()?;
    let boot = kernel.lines().find_map(|line| line.strip_prefix("btime "))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(boot.trim().parse::<u64>().ok()? + ticks / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumer::Spec;
    use crate::yaml::Document;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    fn read(yaml: &str, base: &Path) -> Result<Spec, String> {
        let document = Document::parse("c.yaml", yaml).unwrap();
        let spec = Spec::read(&document.root(), base);
        document.finish(spec).map_err(|mistakes| mistakes.to_string())
    }

    fn restart(base: &Path) -> Result<(), String> {
        let spec = read("signal: { pid-file: app.pid, signal: USR1 }", base).unwrap();
        spec.open().restart().map_err(|error| error.to_string())
    }

    #[test]
    fn the_process_in_the_file_gets_the_signal() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        fs::write(folder.path().join("app.pid"), format!("{}\n", child.id())).unwrap();
        restart(folder.path()).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Number::USR1.as_raw()));
        assert!(restart(folder.path()).is_err(), "there is nobody any more");
    }

    #[test]
    fn a_stale_file_harms_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let path = folder.path().join("app.pid");
        fs::write(&path, child.id().to_string()).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        assert!(restart(folder.path()).unwrap_err().contains("stale"));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_is_no_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(restart(folder.path()).unwrap_err().contains("cannot be read"));
        for bad in ["", "0", "1", "-1", "x", "99999999999"] {
            fs::write(folder.path().join("app.pid"), bad).unwrap();
            assert!(restart(folder.path()).unwrap_err().contains("no process number"), "{bad}");
        }
        for (yaml, want) in [
            ("signal: { pid: 1 }", "greater than 1"),
            ("signal: { pid: 7, pid-file: x }", "either"),
            ("signal: { pid: 7, signal: KILL }", "expected one of: HUP, INT"),
        ] {
            assert!(read(yaml, folder.path()).unwrap_err().contains(want), "{yaml}");
        }
    }
}
