//! `stanch logs --follow` and `--state`: rounds until somebody says stop, each finding told at once.

use super::scanning::{self, Eyes, Options};
use super::{Console, Error, Exit, Globals};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use stanch::report::{self, Format, Report, Tool, flow};
use stanch::scan::follow::{Follow, Followed, State};
use stanch::validate::Judged;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks when the last one saw something new, and at most.
const SOON: Duration = Duration::from_millis(10);
const AT_LAST: Duration = Duration::from_millis(250);
/// How often the state is kept at least, when something is written to the logs.
const KEEP: Duration = Duration::from_secs(1);

/// Runs the verb; without `forever` until all that is there was read.
pub fn run(
    files: Vec<PathBuf>,
    forever: bool,
    state: Option<&Path>,
    options: &Options,
    globals: &Globals,
    console: &Console,
) -> Result<Exit, Error> {
    scanning::make_ready(options, state.as_slice(), console)?;
    let (format, look) = scanning::form(options, console);
    if !flow::flows(format) {
        let hint = "--follow and --state tell findings as they come: use --format text or jsonl";
        return Err(Error::new(format!("write findings one by one as {}", options.format)).hint(hint));
    }
    let stop = signals()?;
    let Eyes { key, detector, how, .. } = scanning::eyes(Path::new("."), options, globals)?;
    let asked = asked(&files);
    let before = state.map(State::load).transpose()?.flatten();
    let mut follow = Follow::new(files, before.as_ref(), key, &detector, &how, Instant::now())?;
    let mut voice = Voice { console, format, look, at: how.at, number: 0, heard: true, failed: None };
    let mut keeper = Keeper { path: state, kept: Instant::now() };
    let (mut pause, mut changed) = (SOON, true);
    loop {
        let told = voice.number;
        let any = follow.round(Instant::now(), &mut |finding| voice.tell(finding));
        changed |= any;
        if changed && (voice.number > told || keeper.is_due()) {
            keeper.keep(&follow)?;
            changed = false;
        }
        if stop.load(Ordering::Relaxed) || !voice.heard || (!any && !forever) {
            break;
        }
        pause = if any { SOON } else { AT_LAST.min(pause * 2) };
        if !any || forever {
            thread::sleep(pause);
        }
    }
    // Who goes on from the state sees the end of a line that is being written.
    let all = !forever || state.is_none();
    let ended = follow.end(all, &mut |finding| voice.tell(finding));
    keeper.keep(&follow)?;
    voice.end(ended, asked)
}

/// Says stop; a second signal ends the program at once.
fn signals() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let register = || -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
        Ok(())
    };
    register().map_err(|error| Error::new(format!("wait for signals: {error}")))?;
    Ok(stop)
}

fn asked(files: &[PathBuf]) -> String {
    match files {
        [file] => format!("log {}", stanch::text::terminal::printable(file.as_os_str().as_encoded_bytes())),
        files => format!("{} logs", files.len()),
    }
}

/// Writes the state down.
struct Keeper<'k> {
    path: Option<&'k Path>,
    kept: Instant,
}

impl Keeper<'_> {
    fn is_due(&self) -> bool {
        self.kept.elapsed() >= KEEP
    }

    fn keep(&mut self, follow: &Follow<'_>) -> Result<(), Error> {
        if let Some(path) = self.path {
            follow.state().save(path)?;
            self.kept = Instant::now();
        }
        Ok(())
    }
}

/// Tells findings as they come.
struct Voice<'v> {
    console: &'v Console,
    format: Format,
    look: report::Options,
    at: jiff::Timestamp,
    /// How many were told.
    number: usize,
    /// Somebody still reads.
    heard: bool,
    failed: Option<io::Error>,
}

impl Voice<'_> {
    fn tell(&mut self, finding: stanch::detect::Finding) {
        self.number += 1;
        let judged = Judged::unasked(finding);
        self.say(&flow::finding(self.number, &judged, self.at, self.format, &self.look));
    }

    fn say(&mut self, bytes: &[u8]) {
        if self.heard {
            match self.console.flow(bytes) {
                Ok(heard) => self.heard = heard,
                Err(error) => (self.heard, self.failed) = (false, Some(error)),
            }
        }
    }

    fn end(mut self, ended: Followed, asked: String) -> Result<Exit, Error> {
        for one in &ended.again {
            self.say(&flow::again(one.fingerprint, &one.rule, one.seen, self.format));
        }
        let Followed { told, places, accounting, skipped, notes, complete, .. } = ended;
        let (at, findings, dropped) = (self.at, Vec::new(), Vec::new());
        let report = Report { tool: Tool::this(), asked, at, findings, skipped, dropped, accounting, complete, notes };
        self.say(&flow::end(&report, told, places, self.format, &self.look));
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        Ok(match (told, complete) {
            (0, true) => Exit::Done,
            (0, false) => Exit::Incomplete,
            _ => Exit::Findings,
        })
    }
}
