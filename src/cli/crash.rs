//! Ends the process at a chosen failpoint, for crash tests and `stanch drill --crash`.
//!
//! With `STANCH_TETHER` set, it ends also when its standard input closes: a drill's verbs do not outlive the drill.
//!
//! `STANCH_CRASH_AT=N` kills the process (SIGKILL: nothing is tidied up) at the N-th failpoint that it passes, from 1.
//! `STANCH_CRASH_LOG=FILE` appends the name of each point that is passed, one a line. Without them nothing is installed.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// When this variable is set, the process ends with its standard input.
pub const TETHER: &str = "STANCH_TETHER";

/// Installs the handler that the environment asks for, if any.
pub fn install() {
    if std::env::var_os(TETHER).is_some() {
        std::thread::spawn(|| {
            // Whatever comes, it is not for us; what counts is its end.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            die();
        });
    }
    let at: Option<u64> = std::env::var("STANCH_CRASH_AT").ok().and_then(|text| text.parse().ok());
    let log = std::env::var_os("STANCH_CRASH_LOG");
    if at.is_none() && log.is_none() {
        return;
    }
    let log = log.and_then(|path| File::options().create(true).append(true).open(path).ok());
    let state = Mutex::new((0, log));
    stanch::failpoint::install(move |name| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (passed, log) = &mut *state;
        *passed += 1;
        if let Some(log) = log {
            // A crash test that cannot keep its log fails by the missing line.
            let _ = log.write_all(format!("{name}\n").as_bytes());
        }
        if at == Some(*passed) {
            die();
        }
    });
}

/// Ends the process as a power cut would. At a failpoint its lock is held: no other thread passes one meanwhile.
fn die() -> ! {
    loop {
        // SIGKILL to oneself cannot fail; should it be late, wait for it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::thread::yield_now();
    }
}
