//! How files come to whoever looks: every byte once, at its place, whatever the threads, and in bounded memory.

use crate::world::{World, token};
use proptest::prelude::*;
use stanch::source::files::Files;
use stanch::source::logs::Logs;
use stanch::source::{Blob, Crew, Item, SkipReason, Skipped, Source};
use stanch::text::lines::{self, Position};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// More than a part and what comes whole.
const BIG: usize = 2_300_000;

/// Notes down what is its to report.
struct Notes {
    threads: usize,
    number: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    placed: Mutex<BTreeMap<u64, Position>>,
    skipped: Mutex<Vec<(u64, Skipped)>>,
    /// Done at the first look.
    first: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

struct Seen {
    number: u64,
    path: Vec<u8>,
    offset: u64,
    position: Position,
    own: Vec<u8>,
}

impl Notes {
    fn new(threads: usize) -> Notes {
        Notes {
            threads,
            number: AtomicU64::new(0),
            seen: Mutex::default(),
            placed: Mutex::default(),
            skipped: Mutex::default(),
            first: Mutex::default(),
        }
    }

    /// Every file, of its parts, each of which lies where it says.
    fn files(self) -> (BTreeMap<String, Vec<u8>>, Vec<Skipped>) {
        let (mut seen, placed) = (self.seen.into_inner().unwrap(), self.placed.into_inner().unwrap());
        seen.sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for one in seen {
            let name = String::from_utf8(one.path).unwrap();
            let name = name.rsplit_once("/tree/").map_or(&*name, |(_, name)| name).to_owned();
            let file = files.entry(name).or_default();
            assert_eq!(one.offset, file.len() as u64, "each byte has one owner");
            let position = placed.get(&one.number).map_or(one.position, |first| one.position.within(*first));
            assert_eq!(position, lines::position(file, file.len()));
            file.extend(one.own);
        }
        let mut skipped: Vec<Skipped> = self.skipped.into_inner().unwrap().into_iter().map(|(_, one)| one).collect();
        skipped.sort();
        (files, skipped)
    }
}

impl Crew for Notes {
    fn threads(&self) -> usize {
        self.threads
    }

    fn memory(&self) -> usize {
        64 << 20
    }

    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn look(&self, number: u64, blob: &Blob) -> bool {
        self.seen.lock().unwrap().push(Seen {
            number,
            path: blob.provenance.raw_path().to_vec(),
            offset: blob.offset + blob.own.start as u64,
            position: blob.position(blob.own.start),
            own: blob.bytes[blob.own.clone()].to_vec(),
        });
        if let Some(first) = self.first.lock().unwrap().take() {
            first();
        }
        true
    }

    fn placed(&self, number: u64, first: Position) {
        self.placed.lock().unwrap().insert(number, first);
    }

    fn skip(&self, order: u64, skipped: Skipped) {
        self.skipped.lock().unwrap().push((order, skipped));
    }

    fn commits(&self, _: u64) {}

    fn commit(&self) {}

    fn stopped(&self) -> bool {
        false
    }
}

fn read(mut source: impl Source, threads: usize) -> (BTreeMap<String, Vec<u8>>, Vec<Skipped>) {
    let notes = Notes::new(threads);
    source.read(&notes).unwrap();
    notes.files()
}

/// The same, one after another.
fn walk(mut source: impl Source) -> (BTreeMap<String, Vec<u8>>, Vec<Skipped>) {
    let notes = Notes::new(1);
    let mut sink = |item| {
        match item {
            Item::Blob(blob) => drop(notes.look(notes.number(), &blob)),
            Item::Skipped(one) => notes.skip(0, one),
            Item::Commit | Item::Commits(_) => {}
        }
        true
    };
    source.walk(&mut sink).unwrap();
    notes.files()
}

/// Lines of all lengths, also longer than a part.
fn text(seed: usize, bytes: usize) -> Vec<u8> {
    let line = 1 + seed * 7919 % 3000;
    (0..bytes)
        .map(|at| if at % line == line / 2 && !seed.is_multiple_of(3) { b'\n' } else { b'a' + (at % 26) as u8 })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_is_read_whole_by_any_number_of_threads(
        files in prop::collection::vec((0usize..40, prop_oneof![12 => 0usize..3000, 1 => BIG - 200_000..BIG * 2]), 0..90),
    ) {
        let world = World::new();
        std::fs::create_dir(world.path("tree")).unwrap();
        for (at, (folder, bytes)) in files.iter().enumerate() {
            let under = ["", "a/", "a-b/", "a/b/", ".hidden/", "c/d/e/"][folder % 6];
            world.write(&format!("tree/{under}{at}"), text(at, *bytes));
        }
        let tree = world.path("tree");
        let files = || Files::new(std::slice::from_ref(&tree), false).unwrap();
        let walked = walk(files());
        for threads in [1, 2, 7] {
            prop_assert!(read(files(), threads) == walked, "{threads} threads");
        }
    }
}

#[test]
fn named_files_and_logs_are_read_as_a_tree_is() {
    let world = World::new();
    let named: Vec<PathBuf> = (0..50).map(|at| world.path(&format!("tree/{at}"))).collect();
    for (at, path) in named.iter().enumerate() {
        world.write(path.to_str().unwrap(), text(at, if at % 10 == 4 { 2 * BIG + at } else { at * 100 }));
    }
    for threads in [1, 2, 7] {
        let walked = walk(Files::new(&named, false).unwrap());
        assert_eq!(walked.0.len(), 50);
        assert!(read(Files::new(&named, false).unwrap(), threads) == walked);
        let mut logs = read(Logs::new(named.clone(), None).unwrap(), threads);
        assert!(logs == walk(Logs::new(named.clone(), None).unwrap()));
        // Logs are called as they were named.
        logs.0 = logs.0.into_iter().map(|(name, bytes)| (name.rsplit('/').next().unwrap().to_owned(), bytes)).collect();
        assert!(logs == walked);
    }
}

#[test]
fn a_file_that_changes_while_it_is_read() {
    for (length, told) in [(4 * BIG, 0), (BIG, 1), (0, 1)] {
        let world = World::new();
        let before = text(1, 3 * BIG);
        world.write("tree/a.log", &before);
        let path = world.path("tree/a.log");
        let notes = Notes::new(1);
        let changed = path.clone();
        let change =
            move || std::fs::File::options().write(true).open(changed).unwrap().set_len(length as u64).unwrap();
        *notes.first.lock().unwrap() = Some(Box::new(change));
        Logs::new(vec![path], None).unwrap().read(&notes).unwrap();
        let (files, skipped) = notes.files();
        let read = files.into_values().next().unwrap();
        assert!(before.starts_with(&read), "what was there is read");
        assert_eq!(read.len() == before.len(), told == 0, "of {length}: {}", read.len());
        assert_eq!(skipped.len(), told);
        assert!(skipped.iter().all(|one| one.asked && one.why == SkipReason::Unreadable));
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_loops() {
    let world = World::new();
    world.write("tree/a", "a");
    std::os::unix::fs::symlink(".", world.path("tree/loop")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(world.path("tree/pipe")).status().unwrap().success());
    let tree = world.path("tree");
    for threads in [1, 2] {
        let (files, skipped) = read(Files::new(std::slice::from_ref(&tree), false).unwrap(), threads);
        assert_eq!(files.into_keys().collect::<Vec<_>>(), ["a"]);
        let special = |one: &Skipped| one.why == SkipReason::Special && !one.asked;
        // The loop leads to what is read where it lies.
        assert!(skipped.len() == 1 && skipped.iter().all(special), "{skipped:?}");
        let (pipe, sent) = (world.path("tree/pipe"), text(1, 3 * BIG));
        let writer = {
            let (pipe, sent) = (pipe.clone(), sent.clone());
            std::thread::spawn(move || std::fs::write(pipe, sent))
        };
        assert!(
            read(Files::new(std::slice::from_ref(&pipe), false).unwrap(), threads).0["pipe"] == sent,
            "named, it is read"
        );
        writer.join().unwrap().unwrap();
        let writer = {
            let (pipe, sent) = (pipe.clone(), sent.clone());
            std::thread::spawn(move || std::fs::write(pipe, sent))
        };
        assert!(read(Logs::new(vec![pipe], None).unwrap(), threads).0.into_values().next().unwrap() == sent);
        writer.join().unwrap().unwrap();
    }
}

#[test]
fn holes_and_long_lines() {
    let world = World::new();
    world.write("tree/sparse", format!("SANDBOX_KEY={}\n", token(1)));
    let sparse = std::fs::File::options().write(true).open(world.path("tree/sparse")).unwrap();
    sparse.set_len(32 << 20).unwrap();
    let mut line = vec![b'.'; 9 << 20];
    line.extend(format!(" SANDBOX_KEY={}\n\nSANDBOX_KEY={}\n", token(2), token(3)).into_bytes());
    world.write("tree/line", &line);
    let one = world.stanch(&["scan", "tree", "--format", "json", "--threads", "1"]).json();
    for threads in ["2", "7"] {
        let other = world.stanch(&["scan", "tree", "--format", "json", "--threads", threads]).json();
        assert_eq!(one["findings"], other["findings"]);
    }
    let places: Vec<String> = one["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let place = &finding["occurrences"][0];
            format!("{}:{}:{}", place["path"].as_str().unwrap(), place["start"]["line"], place["start"]["column"])
        })
        .collect();
    assert_eq!(places, [format!("tree/line:1:{}", (9 << 20) + 14), "tree/line:3:13".into(), "tree/sparse:1:13".into()]);
}

/// The kernel refuses what is more: the program would end.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_whatever_is_read() {
    let world = World::new();
    world.write("tree/.keep", "");
    let file = |name: &str, length| {
        std::fs::File::create(world.path(name)).unwrap().set_len(length).unwrap();
    };
    file("tree/zeros", 200 << 20);
    let line = [vec![b'.'; 5 << 20], format!(" SANDBOX_KEY={}", token(2)).into_bytes()].concat();
    world.write("tree/line", &line);
    let bounded = |what: &str| {
        let script = format!("ulimit -d 100000; {what}");
        let ended = world.command("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{what}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    let stanch = env!("CARGO_BIN_EXE_stanch");
    bounded(&format!("{stanch} scan tree"));
    bounded(&format!("{stanch} logs tree/line tree/zeros"));
    bounded(&format!("cat tree/zeros tree/line | {stanch} logs"));
    bounded(&format!("cat tree/line | gzip -1 | {stanch} logs --threads 4"));
}
