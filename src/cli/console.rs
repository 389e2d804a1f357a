//! The only place that prints. Standard output carries results, standard error everything for the person: what is going
//! on, questions, failures. Nothing but results goes into a pipe, and no colour, bar or question where no terminal is.

use super::Globals;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use rustix::termios::tcgetwinsize;
use stanch::text::terminal::printable;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Columns where nobody says how many there are.
const WIDTH: usize = 80;
/// How often a bar is drawn anew while nothing changes.
const TICK: Duration = Duration::from_millis(200);

/// Standard output and error, and what the terminal can show.
#[derive(Debug)]
pub struct Console {
    quiet: bool,
    /// Whether stderr is a terminal that takes colour.
    pub color: bool,
    /// Whether stdout is a terminal that takes colour.
    pub out_color: bool,
}

impl Console {
    /// Looks at the terminal, and sets up logging for `-v`.
    pub fn new(globals: &Globals) -> Console {
        let level = match globals.verbose {
            0 => "off",
            1 => "stanch=info",
            2 => "stanch=debug",
            _ => "stanch=trace",
        };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = io::stderr().is_terminal() && !plain;
        let filter = tracing_subscriber::EnvFilter::new(level);
        let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(color);
        // A second subscriber would be a second Console: there is one.
        let _ = logs.try_init();
        Console { quiet: globals.quiet, color, out_color: io::stdout().is_terminal() && !plain }
    }

    /// Columns of the terminal that results go to.
    pub fn width(&self) -> usize {
        let asked = || std::env::var("COLUMNS").ok()?.parse().ok();
        let terminal = || tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        terminal().filter(|&columns| columns > 0).or_else(asked).unwrap_or(WIDTH)
    }

    /// Whether somebody is there to be asked.
    pub fn interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Writes the result of a verb to standard output. A closed pipe is not a failure.
    pub fn out(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// A line for the person, on standard error, unless `--quiet`.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            // Nobody to tell when stderr is gone.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Something that is not as it should be and does not stop us; said also with `--quiet`.
    pub fn warn(&self, text: &str) {
        let (yellow, plain) = if self.color { ("\x1b[33;1m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(io::stderr().lock(), "{yellow}stanch: note:{plain} {}", printable(text.as_bytes()));
    }

    /// Asks for a yes; `None` when nobody is there to be asked. Only `y` and `yes` are a yes.
    pub fn confirm(&self, question: &str) -> io::Result<Option<bool>> {
        if !self.interactive() {
            return Ok(None);
        }
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// A bar for long work: drawn on a terminal only, gone when it is dropped.
    pub fn progress(&self, what: &str) -> Bar {
        let shown = !self.quiet && io::stderr().is_terminal();
        let bar = if shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let read = Arc::new(AtomicU64::new(0));
        bar.set_message(what.to_owned());
        bar.set_style(style("{spinner} {msg}: {read}", &read));
        if shown {
            bar.enable_steady_tick(TICK);
        }
        Bar { bar, read }
    }

    /// A failure and what to do about it.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        let (red, plain) = if self.color { ("\x1b[31;1m", "\x1b[0m") } else { ("", "") };
        let mut stderr = io::stderr().lock();
        // A path in it may hold anything: each line is made safe by itself.
        let mut lines = text.lines().chain(hint).map(|line| printable(line.as_bytes()));
        let _ = writeln!(stderr, "{red}stanch: failed to{plain} {}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(stderr, "  {line}");
        }
    }
}

/// How far it is.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
}

impl stanch::scan::Progress for Bar {
    fn commits(&self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style("{msg} {wide_bar} {pos}/{len} commits, {read}", &self.read));
    }

    fn commit(&self) {
        self.bar.inc(1);
    }

    fn blob(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line of that form, in which `{read}` is the megabytes read.
fn style(form: &str, read: &Arc<AtomicU64>) -> ProgressStyle {
    let read = read.clone();
    let megabytes = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A bar that cannot be written is no bar.
        let _ = write!(out, "{:.1} MB", read.load(Ordering::Relaxed) as f64 / 1e6);
    };
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("read", megabytes)
}
