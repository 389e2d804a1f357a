//! Files and folders on disk.
//!
//! A folder is walked in the order of names. What `.gitignore` names is left out (unless asked otherwise), `.git` always;
//! hidden files are read, for that is where `.env` lives. `.ignore` files and the person's own global ignore list are not
//! honoured: what a scan reads depends on the repository alone. Symbolic links below a named path are not followed: what
//! one leads to within the tree is read where it lies, nothing outside is read, no loop is walked. Sockets, pipes and
//! devices are passed by and counted. What is named itself is read even when it is ignored, is a link, or is a pipe
//! (`<(command)`). What others lie in is opened ([`super::archive`]).
//!
//! A folder of a few files is read by the calling thread ([`Source::read`]); a bigger one is walked by all threads, and each
//! reads what it comes to into a buffer of its own. Big files are noted down meanwhile and read in parts at the end, by all;
//! so are archives.

use super::archive::{Archives, Each, Limits, Sink};
use super::crew::{self, Crew, ENOUGH, Hand, How};
use super::file::{self, Later, Reader, Through, provenance, shown};
use super::ranges::Part;
use super::{Blob, Bytes, Error, Item, SkipReason, Skipped, Source, parts, stdin};
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::cell::RefCell;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Big files and archives that are noted down; of more, each is read by the thread that comes to it.
const NOTED: usize = 4096;

/// Files and folders, in the order given; `-` is standard input.
pub struct Files {
    roots: Vec<Root>,
    ignored_too: bool,
    archives: Option<Archives>,
}

/// What was named.
enum Root {
    Stdin,
    Folder(PathBuf),
    File(PathBuf),
    Special(PathBuf),
    /// Not there, with the reason.
    Absent(PathBuf, String),
}

impl Files {
    /// Fails when one of the paths is not there. `ignored_too` reads what `.gitignore` names as well. Archives are opened.
    pub fn new(paths: &[PathBuf], ignored_too: bool) -> Result<Files, Error> {
        let roots = paths.iter().map(|path| match Root::new(path) {
            Root::Absent(path, why) => Err(Error::NoSource { what: shown(&path), why }),
            root => Ok(root),
        });
        let archives = Some(Archives::new(Limits::default()));
        Ok(Files { roots: roots.collect::<Result<_, _>>()?, ignored_too, archives })
    }

    /// Reads these as well; one that is not there is told as [`SkipReason::Absent`]. Here `-` is a file of that name.
    pub fn and(mut self, listed: impl IntoIterator<Item = PathBuf>) -> Files {
        self.roots.extend(listed.into_iter().map(|path| Root::on_disk(&path)));
        self
    }

    /// How far archives are opened; not at all without limits: then they are read as they are.
    pub fn archives(self, limits: Option<Limits>) -> Files {
        Files { archives: limits.map(Archives::new), ..self }
    }
}

impl Source for Files {
    fn describe(&self) -> String {
        match self.roots.as_slice() {
            [root] => root.describe(),
            roots => format!("{} paths", roots.len()),
        }
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        let one = OneByOne { each: Each::new(sink), archives: self.archives.as_ref() };
        for root in self.roots.iter().take_while(|_| one.each.more()) {
            match root {
                Root::Stdin => stdin::read(self.archives.as_ref(), &one.each),
                Root::Folder(path) => one.folder(path, self.ignored_too),
                Root::File(path) => one.file(path),
                Root::Special(path) => one.each.skip(special(path)),
                Root::Absent(path, why) => one.each.skip(absent(path, why)),
            }
        }
        Ok(())
    }

    fn read(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        let common = Common { crew, archives: self.archives.as_ref(), noted: Mutex::default() };
        let mut named = Vec::new();
        for (order, root) in (0..).zip(&self.roots) {
            match root {
                Root::Folder(path) => Tree { path, ignored_too: self.ignored_too, order, common: &common }.read(),
                _ => named.push((order, root)),
            }
        }
        let many = named.len() > ENOUGH;
        crew::run(crew, How::few(crew, many), named.into_iter(), |hand, (order, root)| {
            let reader = ByHand { hand, order, common: &common, give: !many };
            match root {
                Root::File(path) => reader.file(path),
                Root::Stdin => stdin::read(common.archives, &Through(&ByHand { give: true, ..reader })),
                Root::Special(path) | Root::Folder(path) => crew.skip(order, special(path)),
                Root::Absent(path, why) => crew.skip(order, absent(path, why)),
            }
        });
        common.late();
        Ok(())
    }
}

impl Root {
    fn new(path: &Path) -> Root {
        if path.as_os_str() == "-" { Root::Stdin } else { Root::on_disk(path) }
    }

    fn on_disk(path: &Path) -> Root {
        let path = path.to_owned();
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => Root::Folder(path),
            Ok(found) if found.is_file() || is_pipe(&found) => Root::File(path),
            Ok(_) => Root::Special(path),
            Err(error) => Root::Absent(path, error.to_string()),
        }
    }

    fn describe(&self) -> String {
        match self {
            Root::Stdin => "standard input".into(),
            Root::Folder(path) | Root::File(path) | Root::Special(path) | Root::Absent(path, _) => shown(path),
        }
    }
}

/// What all threads share.
struct Common<'c> {
    crew: &'c dyn Crew,
    archives: Option<&'c Archives>,
    /// What waits to be read by all threads, with the order of what was named.
    noted: Mutex<Vec<(u64, PathBuf, Later)>>,
}

/// What is done at the end.
enum Late {
    Part(Part),
    Archive(u64, PathBuf),
}

impl Common<'_> {
    fn note(&self, order: u64, path: &Path, later: Later) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let room = noted.len() < NOTED;
        if room {
            noted.push((order, path.to_owned(), later));
        }
        room
    }

    /// Reads what was noted down: big files in parts, archives one by each thread, which gives away what it unpacks.
    fn late(&self) {
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let worth = !noted.is_empty();
        let tasks = noted.into_iter().flat_map(|(order, path, later)| -> Box<dyn Iterator<Item = Late> + Send> {
            match later {
                Later::Big => Box::new(file::parts(self.crew, order, &path).into_iter().flatten().map(Late::Part)),
                Later::Archive => Box::new(std::iter::once(Late::Archive(order, path))),
            }
        });
        crew::run(self.crew, How::few(self.crew, worth), tasks, |hand, late| match late {
            Late::Part(part) => part.read(hand),
            Late::Archive(order, path) => ByHand { hand, order, common: self, give: true }.opened(&path),
        });
    }
}

/// A folder that is read.
struct Tree<'t> {
    path: &'t Path,
    ignored_too: bool,
    order: u64,
    common: &'t Common<'t>,
}

impl Tree<'_> {
    fn read(&self) {
        let mut walk = walker(self.path, self.ignored_too).build();
        let first: Vec<_> = walk.by_ref().take(ENOUGH + 1).collect();
        let (crew, order, common) = (self.common.crew, self.order, self.common);
        if first.len() <= ENOUGH {
            let read = |hand: &Hand<'_>, entry| self.entry(&ByHand { hand, order, common, give: true }, entry);
            crew::run(crew, How::few(crew, false), first.into_iter(), read);
        } else if crew.threads() == 1 {
            let alone = Alone { order, common, spare: RefCell::default() };
            first.into_iter().chain(walk).take_while(|_| !crew.stopped()).for_each(|entry| self.entry(&alone, entry));
        } else {
            drop((first, walk));
            walker(self.path, self.ignored_too).threads(crew.threads()).build_parallel().run(|| {
                let alone = Alone { order, common, spare: RefCell::default() };
                Box::new(move |entry| {
                    self.entry(&alone, entry);
                    if crew.stopped() { WalkState::Quit } else { WalkState::Continue }
                })
            });
        }
    }

    /// Reads what the walk came to.
    fn entry(&self, reader: &dyn Reader, entry: Result<DirEntry, ignore::Error>) {
        let skipped = match entry {
            Ok(entry) => match what(&entry, self.path) {
                What::File => return reader.file(entry.path()),
                What::Nothing => None,
                What::Skipped(one) => Some(one),
            },
            Err(error) => unreadable(&error, self.path),
        };
        skipped.into_iter().for_each(|one| self.common.crew.skip(self.order, one));
    }
}

/// A thread of a pool, which gives away what it read, or looks at it.
struct ByHand<'h> {
    hand: &'h Hand<'h>,
    order: u64,
    common: &'h Common<'h>,
    give: bool,
}

impl Reader for ByHand<'_> {
    fn crew(&self) -> &dyn Crew {
        self.hand.crew()
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn spare(&self) -> Bytes {
        self.hand.buffer()
    }

    fn look(&self, blob: Blob) {
        match self.give {
            true => self.hand.give(blob),
            false => drop(self.hand.look(blob)),
        }
    }

    fn note(&self, path: &Path, later: Later) -> bool {
        self.common.note(self.order, path, later)
    }

    fn archives(&self) -> Option<&Archives> {
        self.common.archives
    }
}

/// A thread of the walker, with buffers of its own.
struct Alone<'a> {
    order: u64,
    common: &'a Common<'a>,
    spare: RefCell<Vec<Bytes>>,
}

impl Reader for Alone<'_> {
    fn crew(&self) -> &dyn Crew {
        self.common.crew
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn spare(&self) -> Bytes {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    fn look(&self, blob: Blob) {
        let crew = self.common.crew;
        crew.look(crew.number(), &blob);
        self.spare.borrow_mut().push(blob.bytes);
    }

    fn note(&self, path: &Path, later: Later) -> bool {
        self.common.note(self.order, path, later)
    }

    fn archives(&self) -> Option<&Archives> {
        self.common.archives
    }
}

fn walker(root: &Path, ignored_too: bool) -> WalkBuilder {
    let mut walker = WalkBuilder::new(root);
    walker
        .standard_filters(false)
        .git_ignore(!ignored_too)
        .git_exclude(!ignored_too)
        .parents(!ignored_too)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
    walker
}

/// What an entry of a folder is to a scan.
enum What {
    File,
    Nothing,
    Skipped(Skipped),
}

fn what(entry: &DirEntry, root: &Path) -> What {
    match entry.file_type() {
        _ if entry.depth() == 0 => What::Nothing,
        Some(kind) if kind.is_dir() => What::Nothing,
        Some(kind) if kind.is_file() => What::File,
        Some(kind) if kind.is_symlink() => link(entry.path(), root),
        _ => What::Skipped(passed(entry.path(), "a pipe, a socket or a device")),
    }
}

/// A link into the tree leads to what is read where it lies; others are not followed.
fn link(path: &Path, root: &Path) -> What {
    match (fs::canonicalize(path), fs::canonicalize(root)) {
        (Ok(target), Ok(root)) if target.starts_with(&root) => What::Nothing,
        (Ok(_), _) => What::Skipped(passed(path, "a symbolic link out of the tree, not followed")),
        (Err(_), _) => What::Skipped(passed(path, "a symbolic link that leads nowhere")),
    }
}

fn passed(path: &Path, what: &str) -> Skipped {
    Skipped::passed(shown(path), SkipReason::Special, what)
}

/// Hands over one after another.
struct OneByOne<'o> {
    each: Each<'o>,
    archives: Option<&'o Archives>,
}

impl OneByOne<'_> {
    /// Reads the files below a folder, in the order of names.
    fn folder(&self, root: &Path, ignored_too: bool) {
        let entries = walker(root, ignored_too).sort_by_file_name(|a, b| a.cmp(b)).build();
        for entry in entries.take_while(|_| self.each.more()) {
            let skipped = match entry {
                Ok(entry) => match what(&entry, root) {
                    What::File => {
                        self.file(entry.path());
                        None
                    }
                    What::Nothing => None,
                    What::Skipped(one) => Some(one),
                },
                Err(error) => unreadable(&error, root),
            };
            skipped.into_iter().for_each(|one| self.each.skip(one));
        }
    }

    /// Reads one file.
    fn file(&self, path: &Path) {
        let result = File::open(path).and_then(|file| {
            let sought = Some(&file).filter(|file| file.metadata().is_ok_and(|found| found.is_file()));
            match self.archives {
                Some(archives) => archives.read(archives.provenance(path, &self.each), &mut &file, sought, &self.each),
                None => {
                    let give = &mut |blob| self.each.look(blob);
                    parts::cut(&mut &file, &Arc::new(provenance(path)), &Bytes::default, give)?;
                }
            }
            Ok(())
        });
        if let Err(error) = result {
            self.each.skip(Skipped::asked(shown(path), SkipReason::Unreadable, error));
        }
    }
}

fn absent(path: &Path, why: &str) -> Skipped {
    Skipped::asked(shown(path), SkipReason::Absent, why)
}

fn special(path: &Path) -> Skipped {
    Skipped::asked(shown(path), SkipReason::Special, "a socket or a device")
}

/// What the walker could not enter; `None` for a mistake in a `.gitignore`, which hides nothing.
fn unreadable(error: &ignore::Error, root: &Path) -> Option<Skipped> {
    let cause = error.io_error()?;
    let what = path_of(error).unwrap_or(root);
    Some(Skipped::asked(shown(what), SkipReason::Unreadable, cause))
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

#[cfg(unix)]
fn is_pipe(found: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read(paths: &[PathBuf], ignored_too: bool) -> (BTreeMap<String, String>, Vec<Skipped>) {
        let (mut files, mut skipped) = (BTreeMap::new(), Vec::new());
        Files::new(paths, ignored_too)
            .unwrap()
            .walk(&mut |item| {
                match item {
                    Item::Blob(blob) => {
                        let name = blob.provenance.path().rsplit('/').next().unwrap().to_owned();
                        files.insert(name, String::from_utf8(blob.bytes.into()).unwrap());
                    }
                    Item::Skipped(one) => skipped.push(one),
                    Item::Commit | Item::Commits(_) => {}
                }
                true
            })
            .unwrap();
        (files, skipped)
    }

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in [".git", "sub/deep"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for (name, text) in [
            (".git/config", "not read"),
            (".gitignore", "ignored.txt\n"),
            (".ignore", "a.txt\n"),
            (".env", "hidden"),
            ("a.txt", "a"),
            ("ignored.txt", "ignored"),
            ("sub/deep/b.txt", "b"),
        ] {
            fs::write(at(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn hidden_files_are_read_and_ignored_ones_on_request() {
        let dir = tree();
        let names = |ignored_too| read(&[dir.path().to_owned()], ignored_too).0.into_keys().collect::<Vec<_>>();
        assert_eq!(names(false), [".env", ".gitignore", ".ignore", "a.txt", "b.txt"]);
        assert_eq!(names(true), [".env", ".gitignore", ".ignore", "a.txt", "b.txt", "ignored.txt"]);
        assert_eq!(read(&[dir.path().join("ignored.txt")], false).0.len(), 1, "what is named is read");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_named_ones_are() {
        use std::os::unix::fs::symlink;
        let (dir, outside) = (tree(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("far.txt"), "far").unwrap();
        symlink(outside.path(), dir.path().join("link")).unwrap();
        let (files, skipped) = read(&[dir.path().to_owned()], false);
        assert!(!files.contains_key("far.txt"));
        assert_eq!(skipped.len(), 1);
        assert!(!skipped[0].asked);
        assert_eq!(read(&[dir.path().join("link")], false).0["far.txt"], "far");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(matches!(Files::new(&["no/such/file".into()], false), Err(Error::NoSource { .. })));
    }
}
