//! The drill's repository: a small service's history, in which a key was committed and taken out again.
//!
//! Made by the machine's own `git`, so that what is read later was written by somebody else.

use crate::cli::Error;
use jiff::{SignedDuration, Timestamp};
use stanch::secret::Secret;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

/// Commits in all.
const COMMITS: usize = 24;
/// How many commits ago the key came in. It was taken out two commits later, and so it is in no file any more.
const LEAKED: usize = 8;
/// Those who wrote it.
const AUTHORS: [(&str, &str); 3] =
    [("Ada Moreau", "ada@example.com"), ("Tomas Lind", "tomas@example.com"), ("Wei Chen", "wei@example.com")];
/// What they wrote, over and over.
const WORK: [&str; 6] = [
    "Round totals half to even",
    "Retry the ledger export once",
    "Say which currency an invoice is in",
    "Paginate the list of payouts",
    "Drop the old tax table",
    "Log the request id",
];

/// Makes the repository with `secret` in its history; the last commit is an hour old.
pub fn make(folder: &Path, secret: &Secret) -> Result<(), Error> {
    git(folder, &["init", "--quiet", "."], b"")?;
    let stream = history(secret, Timestamp::now())?;
    git(folder, &["fast-import", "--quiet"], stream.as_bytes())?;
    git(folder, &["symbolic-ref", "HEAD", "refs/heads/main"], b"")?;
    git(folder, &["reset", "--quiet", "--hard"], b"")
}

/// The history as a stream for `git fast-import`.
fn history(secret: &Secret, now: Timestamp) -> Result<Zeroizing<String>, Error> {
    let mut stream = Zeroizing::new(String::new());
    for number in 0..COMMITS {
        let ago = i64::try_from(COMMITS - 1 - number).unwrap_or(0);
        let at = now.saturating_sub(SignedDuration::from_hours(1 + 23 * ago))?;
        let commit = Commit::of(number, secret);
        let (name, address) = AUTHORS.get(number % AUTHORS.len()).copied().unwrap_or(("Nobody", "nobody@example.com"));
        let (seconds, message) = (at.as_second(), commit.message);
        write!(stream, "commit refs/heads/main\ncommitter {name} <{address}> {seconds} +0000\n")?;
        write!(stream, "data {}\n{message}\n", message.len())?;
        for (path, text) in &commit.files {
            write!(stream, "M 100644 inline {path}\ndata {}\n{}\n", text.len(), text.as_str())?;
        }
        stream.push('\n');
    }
    Ok(stream)
}

struct Commit {
    message: String,
    files: Vec<(&'static str, Zeroizing<String>)>,
}

impl Commit {
    #[expect(clippy::disallowed_methods, reason = "leaks the drill's own key into the drill's own repository")]
    fn of(number: usize, secret: &Secret) -> Commit {
        let settings = |key: &str| Zeroizing::new(format!("PORT=8080\nREGION=eu-west\nSANDBOX_KEY={key}\n"));
        let (message, path, text) = match COMMITS - 1 - number {
            LEAKED => {
                let key = Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned());
                ("Deploy settings for staging".to_owned(), "deploy/staging.env", settings(&key))
            }
            ago if ago == LEAKED - 2 => {
                ("Take the key from the environment".to_owned(), "deploy/staging.env", settings("${SANDBOX_KEY}"))
            }
            _ => {
                let work = WORK.get(number % WORK.len()).copied().unwrap_or("Tidy up");
                let lines: String = WORK.iter().take(1 + number % 6).map(|line| format!("// {line}\n")).collect();
                (
                    work.to_owned(),
                    "src/payments.rs",
                    Zeroizing::new(format!("{lines}pub const REVISION: u32 = {number};\n")),
                )
            }
        };
        Commit { message, files: vec![(path, text)] }
    }
}

/// Runs git in the folder, away from anybody's configuration.
fn git(folder: &Path, args: &[&str], input: &[u8]) -> Result<(), Error> {
    let missing = |error| {
        Error::new(format!("make the drill's repository with git: {error}")).hint("The drill needs `git` on the PATH.")
    };
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(missing)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).map_err(missing)?;
    }
    let output = child.wait_with_output().map_err(missing)?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Error::new(format!("make the drill's repository: git {}: {}", args.join(" "), said.trim_end())))
        }
    }
}
