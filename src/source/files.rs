//! Files and folders on disk.
//!
//! A folder is walked in the order of names. What `.gitignore` names is left out (unless asked otherwise), `.git` always;
//! hidden files are read, for that is where `.env` lives. `.ignore` files and the person's own global ignore list are not
//! honoured: what a scan reads depends on the repository alone. Symbolic links below a named path are not followed, so
//! nothing outside the tree is read and no loop is walked; sockets, pipes and devices are passed by and counted.
//! What is named itself is read even when it is ignored, is a link, or is a pipe (`<(command)`).

use super::{Error, Item, Provenance, SkipReason, Skipped, Source, parts, stdin};
use crate::text::terminal::printable;
use ignore::{DirEntry, Walk, WalkBuilder};
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
                Root::Special(path) => {
                    sink(Item::Skipped(Skipped::asked(shown(path), SkipReason::Special, "a socket or a device")))
                }
            };
            if !more {
                break;
            }
        }
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

/// Reads the files below a folder.
fn folder(root: &Path, ignored_too: bool, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    for entry in walker(root, ignored_too) {
        let more = match entry {
            Ok(entry) => visit(&entry, sink),
            Err(error) => unreadable(&error, root).is_none_or(|skipped| sink(Item::Skipped(skipped))),
        };
        if !more {
            return false;
        }
    }
    true
}

fn walker(root: &Path, ignored_too: bool) -> Walk {
    WalkBuilder::new(root)
        .standard_filters(false)
        .git_ignore(!ignored_too)
        .git_exclude(!ignored_too)
        .parents(!ignored_too)
        .follow_links(false)
        .sort_by_file_name(|a, b| a.cmp(b))
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .build()
}

/// Reads one entry of a folder, or says what it was.
fn visit(entry: &DirEntry, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    match entry.file_type() {
        _ if entry.depth() == 0 => true,
        Some(kind) if kind.is_dir() => true,
        Some(kind) if kind.is_file() => file(entry.path(), sink),
        kind => {
            let what = shown(entry.path());
            sink(Item::Skipped(Skipped::passed(what, SkipReason::Special, kind_of(kind))))
        }
    }
}

/// Reads one file.
fn file(path: &Path, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    let provenance = Arc::new(Provenance::File { path: bytes_of(path).to_vec() });
    let result = File::open(path).and_then(|mut file| parts::cut(&mut file, &provenance, sink));
    result.unwrap_or_else(|error| sink(Item::Skipped(Skipped::asked(shown(path), SkipReason::Unreadable, error))))
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

/// The path as it is shown and reported: `./` before what lies in the current folder is left out.
fn bytes_of(path: &Path) -> &[u8] {
    path.strip_prefix(".")
        .ok()
        .filter(|rest| !rest.as_os_str().is_empty())
        .unwrap_or(path)
        .as_os_str()
        .as_encoded_bytes()
}

fn shown(path: &Path) -> String {
    printable(bytes_of(path))
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
                        files.insert(name, String::from_utf8(blob.bytes).unwrap());
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
