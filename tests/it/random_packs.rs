//! Random repositories, each object stored at random: what the fast engine says of a history is what the plain one says,
//! to the byte, for any number of threads; and the reader of packs gives back what was put in.
//!
//! Contents are made of the fragments that matter (examples of the rules, whole and cut, in base64, UTF-16 and with
//! colours, keys in many lines) and changed as people and machines change files. Each is kept as a delta of the one that
//! it was made from, with the very copies that made it: out of order, tiny, twice, cut anywhere. `STANCH_RANDOM_PACKS`
//! says how many repositories there are (the tests make a few), `STANCH_RANDOM_SEED` with which to begin.

use crate::packs::{Chance, Kind, Objects, Op};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use stanch::catalog;
use stanch::detect::{Confidence, Detector};
use stanch::report::{self, Format, Report, Tool};
use stanch::rule::RuleSet;
use stanch::rule::example::Recipe;
use stanch::scan::{self, Engine};
use stanch::secret::FingerprintKey;
use stanch::source::git::History;
use stanch::source::git::id::{Hash, Id};
use stanch::source::git::pack::{Run, Seen, Store, Visitor};
use stanch::validate::Judged;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Repositories in a usual run of the tests.
const FEW: u64 = 6;
/// Bytes that a content made of others may have.
const LARGEST: usize = 400_000;

#[test]
fn engines_and_threads_say_the_same_of_random_packs() {
    let number = |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (first, count) = (number("STANCH_RANDOM_SEED", 1), number("STANCH_RANDOM_PACKS", FEW));
    let (rules, key) = (Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let (plain, fast) = (Detector::plain(Arc::clone(&rules), Arc::clone(&key)), Detector::new(rules, key));
    let fragments = fragments();
    let mut found = 0;
    for seed in first..first + count {
        let folder = tempfile::tempdir().unwrap();
        let made = Maker::new(seed, &fragments).make(folder.path());
        check_store(folder.path(), &made, seed);
        let (full, findings) = report(folder.path(), &plain, Engine::Full, 2);
        found += findings;
        for threads in [1, 2, 7] {
            let delta = report(folder.path(), &fast, Engine::Delta, threads).0;
            assert!(full == delta, "seed {seed}, {threads} threads: {}", first_difference(&full, &delta));
        }
    }
    assert!(found as u64 > count, "{found} findings in {count} repositories: these packs say nothing");
}

/// The report of a history without its times, and how many findings it has.
fn report(folder: &Path, detector: &Detector, engine: Engine, threads: usize) -> (String, usize) {
    let options = scan::Options { threads, engine, least: Confidence::Low, ..scan::Options::at(Timestamp::UNIX_EPOCH) };
    let source = Box::new(History::open(Some(folder)).unwrap());
    let scan = scan::scan(source, detector, &options, &()).unwrap();
    let (asked, count) = (scan.asked, scan.findings.len());
    let findings = scan.findings.into_iter().map(Judged::unasked).collect();
    let accounting = report::Accounting { elapsed: Duration::ZERO, ..scan.accounting };
    let (dropped, notes, skipped, complete) = (scan.dropped, scan.notes, scan.skipped, scan.complete);
    let (tool, at) = (Tool::this(), Timestamp::UNIX_EPOCH);
    let report = Report { tool, asked, at, findings, skipped, dropped, accounting, complete, notes };
    let options = report::Options { explain: true, ..report::Options::default() };
    (String::from_utf8(report::write(&report, Format::Json, &options)).unwrap(), count)
}

fn first_difference(one: &str, other: &str) -> String {
    let at = one.lines().zip(other.lines()).position(|(a, b)| a != b).unwrap_or_default();
    let around = |text: &str| text.lines().skip(at.saturating_sub(12)).take(20).collect::<Vec<_>>().join("\n");
    format!("line {at}\n--- full\n{}\n--- delta\n{}", around(one), around(other))
}

/// Every object of the repository is read as it was made, by a walk and by its name.
fn check_store(folder: &Path, made: &Objects, seed: u64) {
    struct Collect(Mutex<HashMap<u32, Vec<u8>>>);
    impl Visitor for Collect {
        type State = Vec<u8>;
        fn whole(&self, object: &Seen<'_>) -> Vec<u8> {
            if object.first {
                self.0.lock().unwrap().insert(object.number, object.bytes.to_vec());
            }
            object.bytes.to_vec()
        }
        fn delta(&self, object: &Seen<'_>, base: &Vec<u8>, base_len: usize, runs: &[Run]) -> Vec<u8> {
            assert_eq!(base.len(), base_len);
            for run in runs {
                assert_eq!(base[run.base..run.base + run.len], object.bytes[run.at..run.at + run.len]);
            }
            self.whole(object)
        }
    }
    use stanch::source::git::pack::Kind::{Blob, Commit, Tag, Tree};
    let store = Store::open(&[folder.join("objects")], Hash::Sha1);
    assert_eq!(store.problems(), [], "seed {seed}");
    let collect = Collect(Mutex::default());
    let walked = store.walk(&[Commit, Tree, Blob, Tag], 1 << 20, &collect);
    assert_eq!(walked.problems, [], "seed {seed}");
    let seen = collect.0.into_inner().unwrap();
    let mut missing = 0;
    for at in 0..made.all.len() {
        let id: Id = made.hex(at).parse().unwrap();
        let Some(number) = store.number(&id) else {
            missing += 1;
            continue;
        };
        assert!(seen[&number] == made.all[at].bytes, "seed {seed}: {id} in a walk");
        assert!(store.read(&id).unwrap().bytes == made.all[at].bytes, "seed {seed}: {id} alone");
    }
    assert!(missing <= 2 && seen.len() + missing == made.all.len(), "seed {seed}: {missing} missing");
}

/// What contents are made of: what the rules' examples make.
fn fragments() -> Vec<Vec<u8>> {
    let mut fragments = Vec::new();
    for file in catalog::builtin() {
        let document = file.parse().unwrap();
        for rule in catalog::top(&document).unwrap().rules.unwrap().items() {
            let mut examples = rule.fields().unwrap().required("examples").unwrap().fields().unwrap();
            for (seed, text) in
                ["match", "no-match"].into_iter().flat_map(|key| examples.required(key).unwrap().strings()).enumerate()
            {
                fragments.push(Recipe::parse(&text).unwrap().make(seed as u64).into_bytes());
            }
        }
    }
    fragments
}

struct Maker<'f> {
    chance: Chance,
    fragments: &'f [Vec<u8>],
    objects: Objects,
    blobs: Vec<usize>,
    /// The last version of each tree, by its path.
    trees: HashMap<Vec<u8>, usize>,
}

/// What lies where: blobs (or a submodule's commit) with their modes.
type Files = BTreeMap<Vec<u8>, (&'static str, usize)>;

impl Maker<'_> {
    fn new(seed: u64, fragments: &[Vec<u8>]) -> Maker<'_> {
        let (objects, blobs, trees) = (Objects::default(), Vec::new(), HashMap::new());
        Maker { chance: Chance(seed), fragments, objects, blobs, trees }
    }

    /// Writes a bare repository.
    fn make(mut self, folder: &Path) -> Objects {
        let mut commits: Vec<(usize, Files)> = Vec::new();
        let mut clock = 1_700_000_000;
        for _ in 0..3 + self.chance.below(12) {
            let mut parents: BTreeSet<usize> = BTreeSet::new();
            for _ in 0..if self.chance.once_in(4) { 2 } else { 1 } {
                let back = if self.chance.once_in(3) { 4 } else { 1 };
                parents.extend(
                    (!commits.is_empty()).then(|| commits.len() - 1 - self.chance.below(back.min(commits.len()))),
                );
            }
            let mut files = parents.last().map(|&at| commits[at].1.clone()).unwrap_or_default();
            for _ in 0..1 + self.chance.below(5) {
                self.change(&mut files);
            }
            let tree = self.tree(b"", &files);
            // Clocks go wrong.
            clock += if self.chance.once_in(8) { -5000 } else { 60 };
            let mut text = format!("tree {}\n", self.objects.hex(tree));
            for parent in parents {
                text += &format!("parent {}\n", self.objects.hex(commits[parent].0));
            }
            text += &format!("author A <a@example.com> {clock} +0000\ncommitter B <b@example.com> {clock} +0100\n\n");
            let message = if self.chance.once_in(5) { self.text(2) } else { b"x\n".to_vec() };
            let bytes = [text.as_bytes(), &message].concat();
            let commit = match commits.last() {
                Some(last) if self.chance.once_in(2) => self.objects.edit(last.0, bytes),
                _ => self.objects.add(Kind::Commit, bytes),
            };
            commits.push((commit, files));
        }
        self.write_refs(folder, &commits);
        self.write_objects(folder);
        self.objects
    }

    /// A file comes, changes, moves, goes, or lies twice.
    fn change(&mut self, files: &mut Files) {
        let names: Vec<Vec<u8>> = files.keys().cloned().collect();
        let name = (!names.is_empty()).then(|| self.chance.of(&names).clone());
        match (self.chance.below(10), name) {
            (0 | 1, _) | (_, None) => {
                let blob = self.fresh();
                files.insert(self.path(), ("100644", blob));
            }
            (2, Some(name)) => {
                let file = files.remove(&name).unwrap();
                files.insert(self.path(), file);
            }
            (3, Some(name)) => {
                let file = files[&name];
                files.insert(self.path(), file);
            }
            (4, Some(name)) => {
                files.remove(&name);
            }
            (5, Some(_)) => {
                let old = *self.chance.of(&self.blobs);
                files.insert(self.path(), ("100755", old));
            }
            (_, Some(name)) => {
                let old = files[&name].1;
                let blob = self.changed(old);
                files.insert(name, ("100644", blob));
            }
        }
    }

    /// A path that no folder can have.
    fn path(&mut self) -> Vec<u8> {
        let folder = *self.chance.of(&["", "a/", "src/", "src/deep/", "src-x/", "b/c/d/", "node_modules/x/"]);
        let name =
            *self.chance.of(&["one.txt", "two.env", "three.py", "four.json", "\u{fc}.md", "five.lock", "six.pem"]);
        format!("{folder}{name}").into_bytes()
    }

    /// A new content.
    fn fresh(&mut self) -> usize {
        let pieces = self.chance.below(12);
        let bytes = self.text(pieces);
        let blob = self.objects.add(Kind::Blob, bytes);
        self.blobs.push(blob);
        blob
    }

    /// Some fragments, in one of the dresses of text.
    fn text(&mut self, pieces: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let joint = *self.chance.of(&["\n", "\n\n", "\r\n", "", " ", "\n    # "]);
        for _ in 0..pieces {
            text.extend(self.fragment());
            text.extend(joint.as_bytes());
            if self.chance.once_in(3) {
                let filler =
                    *self.chance.of(&["let count = index + 1;\n", "password ", "= ", "key: ", "token", "\u{fc}"]);
                text.extend(filler.repeat(1 + self.chance.below(30)).into_bytes());
            }
        }
        match self.chance.below(16) {
            0 => [&b"\xff\xfe"[..], &wide(&text, u16::to_le_bytes)].concat(),
            1 => [&b"\xfe\xff"[..], &wide(&text, u16::to_be_bytes)].concat(),
            2 => STANDARD.encode(&text).into_bytes(),
            3 => [&b"\x7fELF\0\0"[..], &text].concat(),
            4 => [&b"\xef\xbb\xbf"[..], &text].concat(),
            5 if pieces > 0 => text.repeat(1 + self.chance.below(8)),
            6 => b"x".repeat(self.chance.below(70_000)).into_iter().chain(text).collect(),
            _ => text,
        }
    }

    fn fragment(&mut self) -> Vec<u8> {
        let whole = self.chance.of(self.fragments).clone();
        match self.chance.below(12) {
            0 => whole[..self.chance.below(whole.len() + 1)].to_vec(),
            1 => whole[self.chance.below(whole.len() + 1)..].to_vec(),
            2 => STANDARD.encode(&whole).into_bytes(),
            3 => STANDARD.encode(STANDARD.encode(&whole)).into_bytes(),
            4 => whole.chunks(1 + self.chance.below(20)).collect::<Vec<_>>().join(&b"\x1b[0m"[..]),
            5 => wide(&whole, u16::to_le_bytes),
            _ => whole,
        }
    }

    /// Another version of a content: made of pieces of one that is there, most often of that one.
    fn changed(&mut self, old: usize) -> usize {
        let base = if self.chance.once_in(6) { *self.chance.of(&self.blobs) } else { old };
        let size = self.objects.all[base].bytes.len();
        let mut ops = Vec::new();
        let copy = |from: usize, to: usize| Op::Copy { at: from, len: to - from };
        match self.chance.below(8) {
            // As people change a file: a piece is put in, taken out or replaced.
            0..=3 => {
                let cut = self.chance.below(size + 1);
                let gone = if self.chance.once_in(2) { 0 } else { self.chance.below((size - cut).min(200) + 1) };
                let pieces = self.chance.below(3);
                ops = vec![copy(0, cut), Op::Insert(self.text(pieces)), copy(cut + gone, size)];
            }
            // One byte is another.
            4 if size > 0 => {
                let cut = self.chance.below(size);
                ops = vec![copy(0, cut), Op::Insert(vec![*self.chance.of(b"aZ0=+\n\0\"")]), copy(cut + 1, size)];
            }
            // Put in front, or behind.
            5 => {
                ops = vec![Op::Insert(self.fragment()), copy(0, size), Op::Insert(self.fragment())];
            }
            // All twice.
            6 => ops = vec![copy(0, size), copy(0, size)],
            // Pieces of any size, in any order.
            _ => {
                let longest = *self.chance.of(&[5, 40, 64, 65, 200, 2000, 100_000]);
                for _ in 0..self.chance.below(30) {
                    let from = self.chance.below(size + 1);
                    ops.push(copy(from, from + self.chance.below((size - from).min(longest) + 1)));
                    if self.chance.once_in(4) {
                        ops.push(Op::Insert(self.fragment()));
                    }
                }
            }
        }
        let large = ops.iter().map(|op| if let Op::Copy { len, .. } = op { *len } else { 0 }).sum::<usize>() > LARGEST;
        let blob = if large { self.fresh() } else { self.objects.derive(base, ops) };
        self.blobs.push(blob);
        blob
    }

    /// The tree of `files`, whose paths all begin with `folder`.
    fn tree(&mut self, folder: &[u8], files: &Files) -> usize {
        let mut entries: BTreeMap<Vec<u8>, (&str, Vec<u8>, usize)> = BTreeMap::new();
        let mut inner: BTreeMap<Vec<u8>, Files> = BTreeMap::new();
        for (path, file) in files {
            match path.iter().position(|&byte| byte == b'/') {
                Some(end) => {
                    inner.entry(path[..end].to_vec()).or_default().insert(path[end + 1..].to_vec(), *file);
                }
                None => {
                    entries.insert(path.clone(), (file.0, path.clone(), file.1));
                }
            }
        }
        for (name, files) in inner {
            let tree = self.tree(&[folder, &name, b"/"].concat(), &files);
            // Folders stand in their order as if their names ended with a slash.
            entries.insert([&name[..], b"/"].concat(), ("40000", name, tree));
        }
        let mut bytes = Vec::new();
        for (mode, name, at) in entries.into_values() {
            bytes.extend([mode.as_bytes(), b" ", &name, b"\0", &self.objects.all[at].id].concat());
        }
        let tree = match self.trees.get(folder) {
            Some(&last) => self.objects.edit(last, bytes),
            None => self.objects.add(Kind::Tree, bytes),
        };
        self.trees.insert(folder.to_vec(), tree);
        tree
    }

    /// Branches, tags with a message or without, and some commits that nothing leads to.
    fn write_refs(&mut self, folder: &Path, commits: &[(usize, Files)]) {
        let mut refs = format!("{} refs/heads/main\n", self.objects.hex(commits[commits.len() - 1].0));
        for number in 0..self.chance.below(4) {
            let commit = self.chance.of(commits).0;
            refs += &format!("{} refs/heads/branch-{number}\n", self.objects.hex(commit));
        }
        for number in 0..self.chance.below(3) {
            let commit = self.chance.of(commits).0;
            let name = format!("object {}\ntype commit\ntag v{number}\n", self.objects.hex(commit));
            let text = [name.as_bytes(), b"tagger A <a@example.com> 1700000000 +0000\n\n", &self.text(1)].concat();
            let tag = self.objects.add(Kind::Tag, text);
            refs += &format!("{} refs/tags/v{number}\n", self.objects.hex(tag));
        }
        fs::create_dir_all(folder.join("refs")).unwrap();
        fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(folder.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n").unwrap();
        fs::write(folder.join("packed-refs"), refs).unwrap();
    }

    /// Each object goes to one or more of: three packs, one of them in an alternate; the loose ones.
    fn write_objects(&mut self, folder: &Path) {
        let (objects, other) = (folder.join("objects"), folder.join("elsewhere/objects"));
        let mut places = [const { Vec::new() }; 4];
        let used = 1 + self.chance.below(4);
        let order = {
            let mut order = [0, 1, 2, 3];
            self.chance.shuffle(&mut order);
            order
        };
        let mut lost = if self.chance.once_in(10) { 1 + self.chance.below(2) } else { 0 };
        for at in 0..self.objects.all.len() {
            if lost > 0 && self.objects.all[at].kind == Kind::Blob && self.chance.once_in(5) {
                lost -= 1;
                continue;
            }
            for _ in 0..if self.chance.once_in(6) { 2 } else { 1 } {
                // Most lie together, for only there one can be a delta of the other.
                let place = if self.chance.once_in(5) { self.chance.below(used) } else { 0 };
                places[order[place]].push(at);
            }
        }
        fs::create_dir_all(objects.join("info")).unwrap();
        for (number, members) in places.iter_mut().enumerate().filter(|(_, members)| !members.is_empty()) {
            members.dedup();
            match number {
                0 | 1 => self.objects.write_pack(&objects, members, &mut self.chance),
                2 => {
                    self.objects.write_pack(&other, members, &mut self.chance);
                    fs::write(objects.join("info/alternates"), "../elsewhere/objects\n").unwrap();
                }
                _ => self.objects.write_loose(&objects, members),
            }
        }
    }
}

/// ASCII in two bytes a character.
fn wide(text: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.iter().flat_map(|&byte| order(u16::from(byte))).collect()
}
