//! The only place that prints.

use super::Globals;
use std::io::{self, IsTerminal, Write};

/// Standard output and error, and what the terminal can show.
#[derive(Debug)]
pub struct Console {
    quiet: bool,
    /// Whether stderr is a terminal that takes colour.
    pub color: bool,
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
        let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let filter = tracing_subscriber::EnvFilter::new(level);
        let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(color);
        // A second subscriber would be a second Console: there is one.
        let _ = logs.try_init();
        Console { quiet: globals.quiet, color }
    }

    /// Writes the result of a verb to standard output. A closed pipe is not a failure.
    pub fn out(&self, bytes: &[u8]) -> io::Result<()> {
        match io::stdout().lock().write_all(bytes) {
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

    /// A failure and what to do about it.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        let (red, plain) = if self.color { ("\x1b[31;1m", "\x1b[0m") } else { ("", "") };
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "{red}stanch: failed to{plain} {text}");
        if let Some(hint) = hint {
            let _ = writeln!(stderr, "  {hint}");
        }
    }
}
