//! Files and folders on disk.
//!
//! A folder is walked in the order of names. What `.gitignore` names is left out (unless asked otherwise), `.git` always;
//! hidden files are read, for that is where `.env` lives. `.ignore` files and the person's own global ignore list are not
//! honoured: what a scan reads depends on the repository alone. Symbolic links below a named path are not followed, so
//! nothing outside the tree is read and no loop is walked; sockets, pipes and devices are passed by and counted.
//! What is named itself is read even when it is ignored, is a link, or is a pipe (`<(command)`).
//!
//! A folder of a few files is read by the calling thread ([`Source::read`]); a bigger one is walked by all threads, and each
//! reads what it comes to into a buffer of its own. Big files are noted down meanwhile and read in parts at the end, by all.

use super::crew::{self, Crew, ENOUGH, Hand, How};
use super::file::{self, Reader, bytes_of, shown};
use super::{Blob, Bytes, Error, Item, Provenance, SkipReason, Skipped, Source, parts, stdin};
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::cell::RefCell;
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Big files of one folder that are noted down; of more, each is read by the thread that comes to it.
const NOTED: usize = 4096;

/// Files and folders, in the order given; `-` is standard input.
pub struct Files {
    roots: Vec<Root>,
    ignored_too: bool,
}

/// What was named.
enum Root {
    Stdin,
    Folder(PathBuf),
    File(PathBuf),
    Special(PathBuf),
}

impl Files {
    /// Fails when one of the paths is not there. `ignored_too` reads what `.gitignore` names as well.
    pub fn new(paths: &[PathBuf], ignored_too: bool) -> Result<Files, Error> {
        let roots = paths.iter().map(|path| Root::new(path)).collect::<Result<_, _>>()?;
        Ok(Files { roots, ignored_too })
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
        for root in &self.roots {
            let more = match root {
                Root::Stdin => stdin::stream(&mut io::stdin().lock(), sink),
                Root::Folder(path) => folder(path, self.ignored_too, sink),
                Root::File(path) => file(path, sink),
                Root::Special(path) => sink(Item::Skipped(special(path))),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn read(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        let (noted, mut named) = (Noted::default(), Vec::new());
        for (order, root) in (0..).zip(&self.roots) {
            match root {
                Root::Folder(path) => Tree { path, ignored_too: self.ignored_too, order, crew, noted: &noted }.read(),
                Root::Stdin | Root::File(_) | Root::Special(_) => named.push((order, root)),
            }
        }
        let many = named.len() > ENOUGH;
        crew::run(crew, How::few(crew, many), named.into_iter(), |hand, (order, root)| match root {
            Root::File(path) => ByHand { hand, order, noted: &noted, give: !many }.file(path),
            Root::Stdin => stdin::read(hand, order),
            Root::Special(path) | Root::Folder(path) => crew.skip(order, special(path)),
        });
        let big = noted.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let parts = big.iter().filter_map(|(order, path)| file::parts(crew, *order, path)).flatten();
        crew::run(crew, How::few(crew, !big.is_empty()), parts, |hand, part| part.read(hand));
        Ok(())
    }
}

impl Root {
    fn new(path: &Path) -> Result<Root, Error> {
        if path.as_os_str() == "-" {
            return Ok(Root::Stdin);
        }
        let found =
            fs::metadata(path).map_err(|error| Error::NoSource { what: shown(path), why: error.to_string() })?;
        Ok(match found {
            found if found.is_dir() => Root::Folder(path.to_owned()),
            found if found.is_file() || is_pipe(&found) => Root::File(path.to_owned()),
            _ => Root::Special(path.to_owned()),
        })
    }

    fn describe(&self) -> String {
        match self {
            Root::Stdin => "standard input".into(),
            Root::Folder(path) | Root::File(path) | Root::Special(path) => shown(path),
        }
    }
}

/// Big files that wait to be read in parts, with the order of what was named.
#[derive(Default)]
struct Noted(Mutex<Vec<(u64, PathBuf)>>);

impl Noted {
    fn add(&self, order: u64, path: &Path) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = noted.len() < NOTED;
        if room {
            noted.push((order, path.to_owned()));
        }
        room
    }
}

/// A folder that is read.
struct Tree<'t> {
    path: &'t Path,
    ignored_too: bool,
    order: u64,
    crew: &'t dyn Crew,
    noted: &'t Noted,
}

impl Tree<'_> {
    fn read(&self) {
        let mut walk = walker(self.path, self.ignored_too).build();
        let first: Vec<_> = walk.by_ref().take(ENOUGH + 1).collect();
        let (crew, order, noted) = (self.crew, self.order, self.noted);
        if first.len() <= ENOUGH {
            let read = |hand: &Hand<'_>, entry| self.entry(&ByHand { hand, order, noted, give: true }, entry);
            crew::run(crew, How::few(crew, false), first.into_iter(), read);
        } else if crew.threads() == 1 {
            let alone = Alone { order, crew, noted, spare: RefCell::default() };
            first.into_iter().chain(walk).take_while(|_| !crew.stopped()).for_each(|entry| self.entry(&alone, entry));
        } else {
            drop((first, walk));
            walker(self.path, self.ignored_too).threads(crew.threads()).build_parallel().run(|| {
                let alone = Alone { order, crew, noted, spare: RefCell::default() };
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
            Ok(entry) => match what(&entry) {
                What::File => return reader.file(entry.path()),
                What::Nothing => None,
                What::Skipped(one) => Some(one),
            },
            Err(error) => unreadable(&error, self.path),
        };
        skipped.into_iter().for_each(|one| self.crew.skip(self.order, one));
    }
}

/// A thread of a pool, which gives away what it read, or looks at it.
struct ByHand<'h> {
    hand: &'h Hand<'h>,
    order: u64,
    noted: &'h Noted,
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

    fn note(&self, path: &Path) -> bool {
        self.noted.add(self.order, path)
    }
}

/// A thread of the walker, with buffers of its own.
struct Alone<'a> {
    order: u64,
    crew: &'a dyn Crew,
    noted: &'a Noted,
    spare: RefCell<Vec<Bytes>>,
}

impl Reader for Alone<'_> {
    fn crew(&self) -> &dyn Crew {
        self.crew
    }

    fn order(&self) -> u64 {
        self.order
    }

    fn spare(&self) -> Bytes {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    fn look(&self, blob: Blob) {
        self.crew.look(self.crew.number(), &blob);
        self.spare.borrow_mut().push(blob.bytes);
    }

    fn note(&self, path: &Path) -> bool {
        self.noted.add(self.order, path)
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

fn what(entry: &DirEntry) -> What {
    match entry.file_type() {
        _ if entry.depth() == 0 => What::Nothing,
        Some(kind) if kind.is_dir() => What::Nothing,
        Some(kind) if kind.is_file() => What::File,
        kind => What::Skipped(Skipped::passed(shown(entry.path()), SkipReason::Special, kind_of(kind))),
    }
}

/// Reads the files below a folder, one after another, in the order of names.
fn folder(root: &Path, ignored_too: bool, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    walker(root, ignored_too).sort_by_file_name(|a, b| a.cmp(b)).build().all(|entry| {
        let skipped = match entry {
            Ok(entry) => match what(&entry) {
                What::File => return file(entry.path(), sink),
                What::Nothing => None,
                What::Skipped(one) => Some(one),
            },
            Err(error) => unreadable(&error, root),
        };
        skipped.is_none_or(|one| sink(Item::Skipped(one)))
    })
}

/// Reads one file.
fn file(path: &Path, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    let provenance = Arc::new(Provenance::File { path: bytes_of(path).to_vec() });
    let mut give = |blob| sink(Item::Blob(blob));
    let result = File::open(path).and_then(|mut file| parts::cut(&mut file, &provenance, &Bytes::default, &mut give));
    result.unwrap_or_else(|error| sink(Item::Skipped(Skipped::asked(shown(path), SkipReason::Unreadable, error))))
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

fn kind_of(kind: Option<FileType>) -> &'static str {
    match kind {
        Some(kind) if kind.is_symlink() => "a symbolic link, not followed",
        _ => "a pipe, a socket or a device",
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
