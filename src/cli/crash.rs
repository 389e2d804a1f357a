//! Ends the process at a chosen failpoint, for crash tests and `stanch drill --crash`.
//!
//! `STANCH_CRASH_AT=N` kills the process (SIGKILL: nothing is tidied up) at the N-th failpoint that it passes, from 1.
//! `STANCH_CRASH_LOG=FILE` appends the name of each point that is passed, one a line. Without them nothing is installed.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Installs the handler that the environment asks for, if any.
pub fn install() {
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

/// Ends the process as a power cut would. The failpoint's lock is held: no other thread passes a point meanwhile.
fn die() -> ! {
    loop {
        // SIGKILL to oneself cannot fail; should it be late, wait for it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::thread::yield_now();
    }
}
