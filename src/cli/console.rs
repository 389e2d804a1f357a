//! The only place that prints. Standard output carries results, standard error everything for the person: what is going
//! on, questions, failures. Nothing but results goes into a pipe, and no colour, bar or question where no terminal is.

use super::Globals;
use super::progress::Bar;
use stanch::text::terminal::printable;
use std::io::{self, BufRead, IsTerminal, Write};

/// Standard output and error, and what the terminal can show.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    quiet: bool,
    plain: bool,
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
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = io::stderr().is_terminal() && !plain;
        let filter = tracing_subscriber::EnvFilter::new(level);
        let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
        // A second subscriber would be a second Console: there is one.
        let _ = logs.try_init();
        Console { quiet: globals.quiet, plain, color }
    }

    /// Whether a person reads standard output.
    pub fn shows(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether progress may be drawn on standard error.
    pub fn draws(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether standard output is a terminal that takes colour.
    pub fn paints(&self) -> bool {
        self.shows() && !self.plain
    }

    /// Columns of standard output, when it is a terminal.
    pub fn width(&self) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
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
            Err(error) => Err(io::Error::new(error.kind(), format!("write to standard output: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a part of the result at once; whether somebody still reads.
    pub fn flow(&self, bytes: &[u8]) -> io::Result<bool> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(io::Error::new(error.kind(), format!("write to standard output: {error}"))),
            Ok(()) => Ok(true),
        }
    }

    /// A line for the person, on standard error, unless `--quiet`.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            // Nobody to tell when stderr is gone.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// What a person must read even with `--quiet`: why a hook stopped git.
    pub fn insist(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
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
        Bar::new(what, self.draws())
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
