//! How long the program takes from its start to its exit: what a person waits for at every commit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use measure::{Chance, PLAIN, take, text};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn main() {
    if !measure::wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let stanch = env!("CARGO_BIN_EXE_stanch");
    // The first is what starting any process costs here.
    for arguments in
        [&["true"][..], &[stanch, "--version"], &[stanch, "rules", "list"], &[stanch, "staged"], &[stanch, "scan"]]
    {
        let taken = take(Duration::from_secs(5), || {
            let mut command = Command::new(arguments[0]);
            command.args(&arguments[1..]).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(command.status().unwrap().success(), "{arguments:?}");
        });
        let name = if arguments.len() == 1 {
            "true (any process)".into()
        } else {
            format!("stanch {}", arguments[1..].join(" "))
        };
        taken.print(&name);
    }
}

/// A repository of 20 small files, one of them changed and staged.
fn make(folder: &Path) {
    let mut chance = Chance(5);
    let mut write =
        |at: usize| std::fs::write(folder.join(format!("{at}.txt")), text(PLAIN, 2000, &mut chance)).unwrap();
    (0..20).for_each(&mut write);
    git(folder, &["init", "--quiet"]);
    git(folder, &["add", "."]);
    git(folder, &["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "x"]);
    write(7);
    git(folder, &["add", "."]);
}

fn git(folder: &Path, arguments: &[&str]) {
    assert!(Command::new("git").arg("-C").arg(folder).args(arguments).status().unwrap().success(), "git {arguments:?}");
}
