//! How long the program takes from its start to its exit: what a person waits for at every commit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use measure::{Chance, PLAIN, take, text};
use std::io::Write;
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
    for (files, cached) in [(5_000, true), (5_000, false), (100_000, true), (100_000, false)] {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = make_large(folder.path(), files, cached);
        let cache = if cached { "" } else { ", no cache-tree" };
        let push = format!("refs/heads/main {new} refs/heads/main {old}\n");
        for (arguments, input) in [(&["staged"][..], ""), (&["hook", "pre-push", "origin", "url"], &push)] {
            if !cached && !input.is_empty() {
                continue;
            }
            let taken = take(Duration::from_secs(3), || {
                let mut command = Command::new(stanch);
                command.args(arguments).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
                let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
                // Who reads nothing may be gone.
                let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
                assert!(child.wait().unwrap().success(), "{arguments:?}");
            });
            taken.print(&format!("stanch {} of {files} files{cache}", arguments[..arguments.len().min(2)].join(" ")));
        }
    }
}

/// A repository without a work tree: so many small files, a second commit that changes one, and one more staged. Gives
/// both commits.
fn make_large(folder: &Path, files: usize, cached: bool) -> [String; 2] {
    let names = ["src", "lib", "core", "util", "net", "model", "view", "test", "api", "data"];
    let name = |at: usize| {
        let inner = at / 20;
        format!("{}/{}{}/{inner}/file{at}.txt", names[inner % 10], names[inner / 10 % 10], inner / 100)
    };
    let mut stream =
        String::from("commit refs/heads/main\ncommitter a <a@example.com> 1700000000 +0000\ndata 4\nbase\n");
    for at in 0..files {
        let text = format!("file {at}\nsecond line\n");
        stream.push_str(&format!("M 100644 inline {}\ndata {}\n{text}\n", name(at), text.len()));
    }
    let text = "changed\nsecond line\n";
    stream.push_str("commit refs/heads/main\ncommitter a <a@example.com> 1700000100 +0000\ndata 4\nnext\n");
    stream.push_str(&format!("M 100644 inline {}\ndata {}\n{text}\n", name(7), text.len()));
    git(folder, &["init", "--quiet", "-b", "main"]);
    feed(folder, &["fast-import", "--quiet"], &stream);
    git(folder, &["update-ref", "refs/remotes/origin/main", "main~1"]);
    let blob = feed(folder, &["hash-object", "-w", "--stdin"], "file 8\nstaged\n");
    git(folder, &["read-tree", "HEAD"]);
    if !cached {
        let lines = feed(folder, &["ls-files", "--stage"], "");
        git(folder, &["read-tree", "--empty"]);
        feed(folder, &["update-index", "--index-info"], &lines);
    }
    git(folder, &["update-index", "--cacheinfo", &format!("100644,{},{}", blob.trim(), name(8))]);
    ["main~1", "main"].map(|commit| feed(folder, &["rev-parse", commit], "").trim().to_owned())
}

/// Runs git with something on standard input.
fn feed(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
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
