//! Running a program of the user's: without a shell, with a limit of time, its last words kept.
//!
//! What it prints goes to a file without a name, not to a pipe, so that a service that it leaves running is not ended by
//! a broken pipe later. Variables of stanch's own (`STANCH_...`) are not handed down. When time is up, the program and
//! all of its process group are killed. Knows nothing of what it runs.

use crate::secret::redact;
use crate::text::terminal;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Bytes of its output that are looked at, from the end.
const TAIL: i64 = 4096;
/// Lines of it that are told.
const LINES: usize = 3;
/// Longest line told, in characters.
const WIDTH: usize = 160;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether with status 0, in time.
    pub good: bool,
    /// How: `ended with 0`, `was killed after 5.0 s`, and its last lines when it ended badly.
    pub how: String,
    /// How long it ran.
    pub took: Duration,
}

/// Runs `argv` in `folder` and waits for its end. An error means that it never ran.
pub fn run(argv: &[String], folder: &Path, timeout: Duration) -> io::Result<Ended> {
    let (program, arguments) = argv.split_first().ok_or_else(|| io::Error::other("there is no program named"))?;
    let output = tempfile::tempfile()?;
    let begun = Instant::now();
    let mut command = Command::new(located(program, folder));
    command.args(arguments).current_dir(folder).process_group(0);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"STANCH_")) {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    let status = wait(&mut child, begun + timeout)?;
    let took = begun.elapsed();
    let good = status.is_some_and(|status| status.success());
    let how = match status {
        Some(status) => said(status),
        None => format!("was killed after {}", crate::text::duration::human(timeout)),
    };
    let how = if good { how } else { format!("{how}{}", last_lines(output)?) };
    Ok(Ended { good, how, took })
}

/// Whether the program of `argv` is there to be run. Runs nothing.
pub fn is_there(argv: &[String], folder: &Path) -> bool {
    let Some(program) = argv.first() else { return false };
    let located = located(program, folder);
    let runs =
        |path: PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    match program.contains('/') {
        true => runs(located),
        false => {
            std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|at| runs(at.join(&located))))
        }
    }
}

/// A program with a slash in its name lies in `folder`; one without is looked for in `PATH`.
fn located(program: &str, folder: &Path) -> PathBuf {
    match program.contains('/') {
        true => folder.join(program),
        false => PathBuf::from(program),
    }
}

/// The program's status, or `None` when it had to be killed.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by now: then there is nothing to kill.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    Ok(None)
}

fn said(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The last lines that it wrote, safe to be shown: `: one | two`.
fn last_lines(mut output: File) -> io::Result<String> {
    let length = i64::try_from(output.metadata()?.len()).unwrap_or(i64::MAX);
    output.seek(SeekFrom::End(-length.min(TAIL)))?;
    let mut tail = Vec::new();
    output.take(TAIL.unsigned_abs()).read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    // The first line of a cut text may begin within a token.
    let whole = if length > TAIL { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let lines: Vec<&str> = whole.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = |line: &&str| terminal::ellipsis(&terminal::printable(redact::scrub_unknown(line).as_bytes()), WIDTH);
    let last: Vec<String> = lines.iter().skip(lines.len().saturating_sub(LINES)).map(shown).collect();
    Ok(if last.is_empty() { String::new() } else { format!(": {}", last.join(" | ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, timeout: Duration) -> Ended {
        let argv = ["sh", "-c", script].map(str::to_owned);
        run(&argv, Path::new("/"), timeout).unwrap()
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_status_is_told_and_the_last_lines_of_a_failure() {
        let good = sh("echo fine", LONG);
        assert_eq!((good.good, good.how.as_str()), (true, "ended with 0"));
        let bad = sh("echo 1; echo 2; echo 3 >&2; printf '4\\033[2J\\n'; exit 7", LONG);
        assert_eq!((bad.good, bad.how.as_str()), (false, "ended with 7: 2 | 3 | 4\\x1b[2J"));
        assert_eq!(sh("kill -9 $$", LONG).how, "was ended by signal 9");
        let token = format!("{}{}", "z9y8x7w6".repeat(3), "v5");
        assert_eq!(sh(&format!("echo bad {token}; exit 1"), LONG).how, "ended with 1: bad …(26)");
    }

    #[test]
    fn when_time_is_up_the_whole_group_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 1; touch {}) & sleep 30", mark.display());
        let killed = sh(&script, Duration::from_millis(200));
        assert_eq!((killed.good, killed.how.as_str()), (false, "was killed after 200 ms"));
        assert!(killed.took < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!mark.exists(), "its child was killed too");
    }

    #[test]
    fn what_it_leaves_running_does_not_hold_us_up() {
        let left = sh("sleep 5 & exit 0", LONG);
        assert!(left.good && left.took < Duration::from_secs(4));
    }

    #[test]
    fn a_program_with_a_slash_lies_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("check.sh");
        std::fs::write(&path, "#!/bin/sh\npwd\nexit 3\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let ended = run(&["./check.sh".to_owned()], folder.path(), LONG).unwrap();
        assert!(ended.how.starts_with("ended with 3"), "{}", ended.how);
        assert!(run(&["./nothing.sh".to_owned()], folder.path(), LONG).is_err());
        assert!(run(&[], folder.path(), LONG).is_err());
    }
}
