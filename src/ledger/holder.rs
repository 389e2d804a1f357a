//! Who holds a lease or a delivery, and whether that process still lives.
//!
//! A process number alone names nobody: numbers come again. So a holder is its machine, the machine's boot, its space of
//! process numbers (a container has its own), the number, and the time that process started. Only within the same boot
//! and space can anybody look whether it lives; elsewhere a holder is believed until its time is over.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;

/// One process on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    host: String,
    boot: String,
    /// The space in which `pid` is counted.
    space: String,
    pid: u32,
    /// Start of the process, in clock ticks since boot (`/proc/<pid>/stat`, field 22).
    started: String,
}

/// What is known of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs on this machine.
    Lives,
    /// It ran on this machine and is gone.
    Gone,
    /// It is, or was, somewhere else.
    Elsewhere,
}

impl Holder {
    /// This process.
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
        let pid = std::process::id();
        Holder {
            host: read("/proc/sys/kernel/hostname"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            space,
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Whether it still lives, seen from this process.
    pub fn life(&self) -> Life {
        let this = Holder::this();
        let same = (&self.host, &self.boot, &self.space) == (&this.host, &this.boot, &this.space);
        if !same || self.boot.is_empty() {
            return Life::Elsewhere;
        }
        match started(self.pid) {
            Some(started) if started == self.started => Life::Lives,
            _ => Life::Gone,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// When a living process started; none when there is no such process, or only its remains (a zombie).
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, field 2, is in parentheses and may hold anything, also parentheses and spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
impl Holder {
    /// A process of this machine that is gone.
    pub(super) fn gone() -> Self {
        Holder { started: "0".into(), ..Holder::this() }
    }

    /// A process of another machine.
    pub(super) fn elsewhere() -> Self {
        Holder { host: "elsewhere".into(), ..Holder::this() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives() {
        assert_eq!(Holder::this().life(), Life::Lives);
        assert!(!Holder::this().started.is_empty());
    }

    #[test]
    fn a_number_that_came_again_is_another_process() {
        assert_eq!(Holder::gone().life(), Life::Gone);
    }

    #[test]
    fn a_killed_child_is_gone_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let holder = Holder { pid, started: started(pid).unwrap(), ..Holder::this() };
        assert_eq!(holder.life(), Life::Lives);
        child.kill().unwrap();
        while holder.life() == Life::Lives {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(holder.life(), Life::Gone);
        child.wait().unwrap();
        assert_eq!(holder.life(), Life::Gone);
    }

    #[test]
    fn of_another_machine_or_boot_nothing_is_known() {
        assert_eq!(Holder::elsewhere().life(), Life::Elsewhere);
        assert_eq!(Holder { boot: "x".into(), ..Holder::this() }.life(), Life::Elsewhere);
    }
}
