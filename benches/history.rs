//! How long a history takes, every blob once: 2 000 commits that each change one of 200 files of about 8 KB, packed by git
//! as it packs any repository. One thread, all cores, and the plain engine that reads and looks at every blob whole.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use jiff::Timestamp;
use measure::{Chance, PLAIN, TELLING, take, text};
use stanch::detect::Detector;
use stanch::rule::RuleSet;
use stanch::scan::{self, Engine, Scan};
use stanch::secret::FingerprintKey;
use stanch::source::git::History;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const COMMITS: usize = 2000;
const FILES: usize = 200;
/// Bytes of a file.
const FILE: usize = 8000;

fn main() {
    if !measure::wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let (rules, key) = (Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let (fast, plain) = (Detector::new(Arc::clone(&rules), Arc::clone(&key)), Detector::plain(rules, key));
    for (name, engine, detector, threads) in [
        ("one thread", Engine::Delta, &fast, 1),
        ("all cores", Engine::Delta, &fast, 0),
        ("the plain engine, all cores", Engine::Full, &plain, 0),
    ] {
        let options = scan::Options { threads, engine, ..scan::Options::at(Timestamp::UNIX_EPOCH) };
        let once = || -> Scan {
            let source = History::open(Some(folder.path())).unwrap();
            scan::scan(Box::new(source), detector, &options, &()).unwrap()
        };
        let read = once().accounting;
        // A message is looked at as well.
        assert_eq!((read.commits, read.blobs), (COMMITS as u64, 2 * COMMITS as u64));
        let taken = take(Duration::from_secs(10), || drop(once()));
        taken.print(&format!("{} commits, {name}", read.commits));
        taken.print_rate(&format!("the same in bytes, {name}"), usize::try_from(read.bytes).unwrap());
    }
}

/// A repository in `folder`, by `git fast-import`.
fn make(folder: &Path) {
    git(folder, &["init", "--quiet", "--bare"], b"");
    let words: Vec<&str> = PLAIN.iter().chain(TELLING).copied().collect();
    let mut chance = Chance(4);
    let mut files: Vec<Vec<String>> = Vec::new();
    let mut stream = Vec::new();
    for commit in 0..COMMITS {
        let at = commit % FILES;
        if at == files.len() {
            files.push(text(&words, FILE, &mut chance).lines().map(str::to_owned).collect());
        } else {
            // A change as people make them: a few lines at one place.
            let place = chance.below(files[at].len());
            files[at][place] = text(&words, 100, &mut chance);
        }
        let body = files[at].join("\n");
        let when = 1_700_000_000 + commit;
        write!(stream, "commit refs/heads/main\ncommitter A <a@example.com> {when} +0000\ndata 1\nx\n").unwrap();
        write!(stream, "M 100644 inline src/{at}.txt\ndata {}\n{body}\n", body.len()).unwrap();
    }
    git(folder, &["fast-import", "--quiet"], &stream);
    git(folder, &["repack", "-adfq"], b"");
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) {
    let mut child = Command::new("git").arg("-C").arg(folder).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    assert!(child.wait().unwrap().success(), "git {arguments:?}");
}
