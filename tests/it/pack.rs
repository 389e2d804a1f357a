//! The reader against real git: repositories that git made in all its ways are read as git itself reads them.

use stanch::source::git::id::{Hash, Id};
use stanch::source::git::pack::{Kind, Run, SHORTEST_RUN, Seen, Store, Visitor};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

const ALL: [Kind; 4] = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];

/// Everything by name, as seen.
type Objects = BTreeMap<Id, (Kind, Vec<u8>)>;

/// Remembers all it sees, and checks what it is told about copied bytes.
struct Collect<'s> {
    store: &'s Store,
    seen: Mutex<Objects>,
}

impl Collect<'_> {
    fn add(&self, object: &Seen<'_>) -> Vec<u8> {
        if object.first {
            let old =
                self.seen.lock().unwrap().insert(self.store.id(object.number), (object.kind, object.bytes.to_vec()));
            assert!(old.is_none(), "{} twice", self.store.id(object.number));
        }
        object.bytes.to_vec()
    }
}

impl Visitor for Collect<'_> {
    type State = Vec<u8>;

    fn whole(&self, object: &Seen<'_>) -> Vec<u8> {
        self.add(object)
    }

    fn delta(&self, object: &Seen<'_>, base: &Vec<u8>, base_len: usize, runs: &[Run]) -> Vec<u8> {
        assert_eq!(base.len(), base_len);
        let mut last = 0;
        for run in runs {
            assert!(run.len >= SHORTEST_RUN && run.at >= last);
            assert_eq!(base[run.base..run.base + run.len], object.bytes[run.at..run.at + run.len]);
            last = run.at + run.len;
        }
        self.add(object)
    }
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_AUTHOR_NAME", "A").env("GIT_AUTHOR_EMAIL", "a@example.com");
    command.env("GIT_COMMITTER_NAME", "A").env("GIT_COMMITTER_EMAIL", "a@example.com");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

/// What git reads.
fn by_git(folder: &Path) -> Objects {
    let out = git(folder, &["cat-file", "--batch-all-objects", "--batch"], b"");
    let (mut objects, mut rest) = (Objects::new(), out.as_slice());
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == b'\n').unwrap();
        let line = String::from_utf8(rest[..end].to_vec()).unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let size: usize = words[2].parse().unwrap();
        let kind = match words[1] {
            "commit" => Kind::Commit,
            "tree" => Kind::Tree,
            "blob" => Kind::Blob,
            _ => Kind::Tag,
        };
        objects.insert(words[0].parse().unwrap(), (kind, rest[end + 1..end + 1 + size].to_vec()));
        rest = &rest[end + size + 2..];
    }
    objects
}

/// What a walk sees, with so many threads.
fn by_walk(store: &Store, kinds: &[Kind], threads: usize) -> Objects {
    let collect = Collect { store, seen: Mutex::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let walked = pool.install(|| store.walk(kinds, 64 << 20, &collect));
    let seen = collect.seen.into_inner().unwrap();
    assert_eq!(walked.problems, []);
    assert_eq!(walked.objects, seen.len() as u64);
    assert_eq!(walked.bytes, seen.values().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    seen
}

/// Reads a repository in every way there is, each as git does.
fn check(folder: &Path, hash: Hash) {
    let objects = by_git(folder);
    let path =
        ["objects", ".git/objects"].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir()).unwrap();
    let store = Store::open(&[path], hash);
    assert_eq!(store.problems(), []);
    for threads in [1, 2, 7] {
        assert!(by_walk(&store, &ALL, threads) == objects, "{threads} threads");
    }
    let blobs: Objects = objects.clone().into_iter().filter(|(_, (kind, _))| *kind == Kind::Blob).collect();
    assert!(by_walk(&store, &[Kind::Blob], 2) == blobs);
    for (id, (kind, bytes)) in &objects {
        let read = store.read(id).unwrap();
        assert!((read.kind, &read.bytes) == (*kind, bytes));
        assert_eq!(store.header(id).unwrap(), (*kind, bytes.len() as u64));
        assert_eq!(store.id(store.number(id).unwrap()), *id);
        assert!(store.has(id) && store.number(id).unwrap() < store.count());
        assert_eq!(store.by_prefix(&id.to_string()), Some(*id));
    }
    let mut other = Id::nothing(hash);
    assert!(!store.has(&other) && store.read(&other).is_err() && store.number(&other).is_none());
    other = store.id(u32::MAX);
    assert_eq!(other, Id::nothing(hash));
}

/// A stream for `git fast-import`: files that change a little, again and again.
fn stream(commits: usize, files: usize, seed: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut lines: Vec<Vec<usize>> = (0..files).map(|at| (0..200).map(|line| line * 31 + at).collect()).collect();
    for commit in 0..commits {
        let at = (commit * 7 + seed) % files;
        let place = (commit * 13 + seed) % lines[at].len();
        lines[at][place] = commit * 1000 + seed;
        if commit % 5 == 0 {
            lines[at].insert(place / 2, commit + 5_000_000);
        }
        let body: String = lines[at].iter().map(|line| format!("line {line} of a file\n")).collect();
        let from = if commit == 0 && seed > 0 { "from refs/heads/main^0\n" } else { "" };
        let when = 1_700_000_000 + seed * 1000 + commit;
        write!(out, "commit refs/heads/main\ncommitter A <a@example.com> {when} +0000\ndata 1\nx\n{from}").unwrap();
        write!(out, "M 100644 inline src/{at}.txt\ndata {}\n{body}\n", body.len()).unwrap();
    }
    write!(out, "tag v{seed}\nfrom refs/heads/main\ntagger A <a@example.com> 1700000000 +0000\ndata 4\nabc\n\n")
        .unwrap();
    out
}

fn repository(folder: &Path, hash: Hash, commits: usize) {
    let format = if hash == Hash::Sha256 { "--object-format=sha256" } else { "--object-format=sha1" };
    git(folder, &["init", "--quiet", "--bare", format, "-b", "main"], b"");
    git(folder, &["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"], &stream(commits, 5, 0));
}

#[test]
fn one_pack_is_read_as_git_reads_it() {
    for hash in [Hash::Sha1, Hash::Sha256] {
        for settings in [
            &["repack", "-adfq"][..],
            &["repack", "-adfq", "--depth=4095", "--window=3"],
            &["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"],
            &["-c", "pack.indexVersion=1", "repack", "-adfq"],
            &["repack", "-adfq", "--depth=0"],
        ] {
            let folder = tempfile::tempdir().unwrap();
            repository(folder.path(), hash, 120);
            git(folder.path(), settings, b"");
            check(folder.path(), hash);
            // Once more with offsets of 64 bits from the 256th byte on.
            let packs = std::fs::read_dir(folder.path().join("objects/pack")).unwrap();
            let pack = packs.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "pack");
            let pack = pack.unwrap().to_str().unwrap().to_owned();
            std::fs::remove_file(pack.replace(".pack", ".idx")).unwrap();
            git(folder.path(), &["index-pack", "--index-version=2,0x100", &pack], b"");
            check(folder.path(), hash);
        }
    }
}

#[test]
fn several_packs_loose_objects_and_alternates_are_read_as_one() {
    for hash in [Hash::Sha1, Hash::Sha256] {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::create_dir_all(&one).unwrap();
        repository(&one, hash, 60);
        git(&one, &["repack", "-dq"], b"");
        git(&one, &["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"], &stream(40, 5, 3));
        git(&one, &["-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"], &stream(30, 5, 4));
        check(&one, hash);
        // Everything once more in one pack beside the others.
        git(&one, &["repack", "-aq"], b"");
        check(&one, hash);
        git(folder.path(), &["clone", "-q", "--shared", "one", "two"], b"");
        std::fs::write(two.join("new"), "new\n").unwrap();
        git(&two, &["add", "new"], b"");
        git(&two, &["commit", "-qm", "new"], b"");
        check(&two, hash);
        git(&one, &["multi-pack-index", "write"], b"");
        check(&one, hash);
        // One that is old, then one that is broken: the packs have indexes of their own.
        git(&one, &["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"], &stream(20, 5, 7));
        check(&one, hash);
        let midx = one.join("objects/pack/multi-pack-index");
        let bytes = std::fs::read(&midx).unwrap();
        let objects = by_git(&one);
        for turn in 0..40 {
            let mut broken = bytes.clone();
            broken[turn * 37 % bytes.len().min(2000)] ^= 1 << (turn % 8);
            broken.truncate(if turn % 4 == 0 { bytes.len() * turn / 40 } else { bytes.len() });
            let _ = std::fs::remove_file(&midx);
            std::fs::write(&midx, broken).unwrap();
            let store = Store::open(&[one.join("objects")], hash);
            assert!(store.problems().iter().all(|problem| !problem.asked));
            assert!(by_walk(&store, &ALL, 1) == objects);
            assert!(objects.keys().all(|id| store.has(id) && store.id(store.number(id).unwrap()) == *id));
        }
    }
}

/// One pack with its index.
fn files_of(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let packs = std::fs::read_dir(folder.join("objects/pack")).unwrap();
    let pack = packs.map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "pack").unwrap();
    (std::fs::read(&pack).unwrap(), std::fs::read(pack.with_extension("idx")).unwrap())
}

#[test]
fn little_memory_changes_nothing_but_the_time() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path(), Hash::Sha1, 150);
    git(folder.path(), &["repack", "-adfq", "--depth=200", "--window=30"], b"");
    let objects = by_git(folder.path());
    let store = Store::open(&[folder.path().join("objects")], Hash::Sha1);
    for threads in [1, 4] {
        let collect = Collect { store: &store, seen: Mutex::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let walked = pool.install(|| store.walk(&ALL, 0, &collect));
        assert_eq!(walked.problems, []);
        assert!(collect.seen.into_inner().unwrap() == objects);
    }
}

/// A byte that flipped anywhere, in the pack or in its index: each object is as it was, or it is told.
#[test]
fn damage_is_told() {
    for settings in [&["repack", "-adfq"][..], &["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"]] {
        let folder = tempfile::tempdir().unwrap();
        repository(folder.path(), Hash::Sha1, 12);
        git(folder.path(), settings, b"");
        let objects = by_git(folder.path());
        let (pack, idx) = files_of(folder.path());
        let (fan, names) = (8 + 4 * 256, 8 + 4 * 256 + 20 * objects.len());
        for turn in 0..600usize {
            let (mut pack, mut idx) = (pack.clone(), idx.clone());
            let in_pack = turn % 3 != 0;
            let damaged = if in_pack { &mut pack } else { &mut idx };
            let at = (turn * 7919) % damaged.len();
            damaged[at] ^= 1 << (turn % 8);
            let store = Store::of_memory(vec![(pack, idx)], Hash::Sha1);
            if !store.problems().is_empty() {
                continue;
            }
            let collect = Collect { store: &store, seen: Mutex::default() };
            let walked = store.walk(&ALL, 1 << 20, &collect);
            let seen = collect.seen.into_inner().unwrap();
            let told: Vec<Id> = walked.problems.iter().map(|(number, _)| store.id(*number)).collect();
            // A name that is not its object's shows when the object is asked for by its name.
            let misnamed = !in_pack && at < names;
            for (id, object) in &objects {
                match seen.get(id) {
                    Some(same) => assert!(same == object || misnamed, "turn {turn}: {id} is another"),
                    None => assert!(told.contains(id) || misnamed && (at < fan || !store.has(id)), "turn {turn}: {id}"),
                }
                let _ = (store.read(id), store.header(id));
            }
        }
    }
}

/// `git repack` and `git gc` meanwhile: what was there is read.
#[test]
fn packs_may_be_replaced_while_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path(), Hash::Sha1, 60);
    git(folder.path(), &["-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"], &stream(30, 5, 4));
    let objects = by_git(folder.path());
    let (done, ended) = (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (turn, depth) in [5, 50, 2, 20].into_iter().enumerate() {
                match turn % 2 {
                    0 => git(folder.path(), &["repack", "-adfq", &format!("--depth={depth}")], b""),
                    _ => git(folder.path(), &["gc", "-q", "--prune=now"], b""),
                };
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        while !ended.load(std::sync::atomic::Ordering::SeqCst) {
            ended.store(done.load(std::sync::atomic::Ordering::SeqCst), std::sync::atomic::Ordering::SeqCst);
            let store = Store::open(&[folder.path().join("objects")], Hash::Sha1);
            for (id, (kind, bytes)) in objects.iter().step_by(3) {
                let read = store.read(id).unwrap();
                assert!((read.kind, &read.bytes) == (*kind, bytes));
            }
            assert!(by_walk(&store, &ALL, 2) == objects);
        }
    });
    // A store that was opened before everything went elsewhere.
    let store = Store::open(&[folder.path().join("objects")], Hash::Sha1);
    git(folder.path(), &["-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"], &stream(3, 5, 9));
    git(folder.path(), &["repack", "-adfq"], b"");
    for (id, (kind, bytes)) in by_git(folder.path()) {
        assert!(store.has(&id));
        assert_eq!((store.header(&id).unwrap().0, store.read(&id).unwrap().bytes), (kind, bytes));
    }
}

/// What git would show in an object's place is not what is stored.
#[test]
fn replace_refs_and_grafts_hide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    repository(folder.path(), Hash::Sha1, 10);
    let objects = by_git(folder.path());
    let head = String::from_utf8(git(folder.path(), &["rev-parse", "main"], b"")).unwrap();
    git(folder.path(), &["replace", head.trim(), "main~3"], b"");
    std::fs::create_dir_all(folder.path().join("info")).unwrap();
    std::fs::write(folder.path().join("info/grafts"), &head).unwrap();
    let store = Store::open(&[folder.path().join("objects")], Hash::Sha1);
    assert!(by_walk(&store, &ALL, 1) == objects);
    assert_eq!(store.read(&head.trim().parse().unwrap()).unwrap().bytes, objects[&head.trim().parse().unwrap()].1);
}
