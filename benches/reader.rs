//! How long it takes to read every blob of a repository, with nobody looking at it: a repository that this bench makes, or
//! the `objects` folders named behind `--`. One thread, then all cores; then every twentieth object by its name.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use measure::{Chance, PLAIN, TELLING, take, text};
use stanch::source::git::id::Hash;
use stanch::source::git::pack::{Kind, Run, Seen, Store, Visitor};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Bytes of bases held at most.
const MEMORY: usize = 256 << 20;
const COMMITS: usize = 3000;

struct Nobody;

impl Visitor for Nobody {
    type State = ();

    fn whole(&self, _: &Seen<'_>) {}

    fn delta(&self, _: &Seen<'_>, (): &(), _: usize, _: &[Run]) {}
}

fn main() {
    if !measure::wanted() {
        return;
    }
    let named: Vec<PathBuf> = std::env::args().skip(1).filter(|one| one != "--bench").map(PathBuf::from).collect();
    let folder = tempfile::tempdir().unwrap();
    let folders = if named.is_empty() { vec![make(folder.path())] } else { named };
    let open = || Store::open(&folders, Hash::Sha1);
    for threads in [1, std::thread::available_parallelism().map_or(1, usize::from)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let once = || pool.install(|| open().walk(&[Kind::Blob], MEMORY, &Nobody));
        let walked = once();
        let taken = take(Duration::from_secs(5), || drop(once()));
        taken.print(&format!("{} blobs, {threads} threads", walked.objects));
        taken.print_rate("the same in bytes", usize::try_from(walked.bytes).unwrap());
    }
    let store = open();
    let ids: Vec<_> = (0..store.count()).step_by(20).map(|number| store.id(number)).collect();
    let read = || ids.iter().filter_map(|id| store.read(id).ok()).map(|object| object.bytes.len()).sum::<usize>();
    let bytes = read();
    let taken = take(Duration::from_secs(5), || {
        std::hint::black_box(read());
    });
    taken.print(&format!("{} objects by their names", ids.len()));
    taken.print_rate("the same in bytes", bytes);
}

/// A repository in `folder`, by `git fast-import`: files that change a line at a time. Returns its `objects`.
fn make(folder: &Path) -> PathBuf {
    git(folder, &["init", "--quiet", "--bare"], b"");
    let words: Vec<&str> = PLAIN.iter().chain(TELLING).copied().collect();
    let mut chance = Chance(4);
    let mut files: Vec<Vec<String>> =
        (0..100).map(|_| text(&words, 8000, &mut chance).lines().map(str::to_owned).collect()).collect();
    let mut stream = Vec::new();
    for commit in 0..COMMITS {
        let at = commit % files.len();
        let place = chance.below(files[at].len());
        files[at][place] = text(&words, 100, &mut chance);
        let body = files[at].join("\n");
        write!(stream, "commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n").unwrap();
        write!(stream, "M 100644 inline src/{at}.txt\ndata {}\n{body}\n", body.len()).unwrap();
    }
    git(folder, &["fast-import", "--quiet"], &stream);
    git(folder, &["repack", "-adfq"], b"");
    folder.join("objects")
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) {
    let mut child = Command::new("git").arg("-C").arg(folder).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    assert!(child.wait().unwrap().success(), "git {arguments:?}");
}
