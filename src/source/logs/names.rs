//! Names of logs as people write them: files, folders, and patterns that no shell expanded because they were quoted or stand
//! in a unit file.
//!
//! `*` and `?` stay within one name and do not stand for a dot at its start, `**` is any number of folders, as in a shell. A
//! folder is all files in it. Links to files are followed (what Kubernetes keeps in `/var/log/containers` are links), links to
//! folders are not.

use crate::text::glob;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A name that is a file, a folder or a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(PathBuf);

/// What a name stands for.
#[derive(Debug, Default)]
pub struct Found {
    /// Files (and pipes), in the order of their names.
    pub files: Vec<PathBuf>,
    /// Folders that could not be read.
    pub unread: Vec<(PathBuf, io::Error)>,
}

impl Name {
    /// As it was written.
    pub fn new(path: PathBuf) -> Name {
        Name(path)
    }

    /// As it was written.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether what it stands for may change: it is a folder, or a pattern. What exists by this name is itself.
    pub fn is_pattern(&self) -> bool {
        match fs::metadata(&self.0) {
            Ok(found) => found.is_dir(),
            Err(_) => self.0.components().any(|part| is_wild(part.as_os_str())),
        }
    }

    /// Whether it may have stood for this file, which is perhaps there no more.
    pub fn may_be(&self, path: &Path) -> bool {
        let both = [&self.0, path].map(|path| path.as_os_str().as_encoded_bytes());
        match both.map(|path| path.strip_prefix(b"./").unwrap_or(path)) {
            [own, path] if own == path => true,
            [own, path] if self.is_pattern() => path.starts_with(own) || is_like(own, path),
            _ => false,
        }
    }

    /// What it stands for now. A file that is not there is what it stands for, too.
    pub fn expand(&self) -> Found {
        let mut found = Found::default();
        match fs::metadata(&self.0) {
            Ok(meta) if meta.is_dir() => everything(&self.0, &mut found),
            Err(_) if self.is_pattern() => {
                let parts: Vec<Component<'_>> = self.0.components().collect();
                expand(PathBuf::new(), &parts, &mut found);
            }
            _ => found.files.push(self.0.clone()),
        }
        found.files.sort();
        found.files.dedup();
        found
    }
}

/// Whether a path fits a pattern, name by name.
fn is_like(pattern: &[u8], path: &[u8]) -> bool {
    let (name, pattern) = pattern.split_at(pattern.iter().position(|b| *b == b'/').unwrap_or(pattern.len()));
    let (part, path) = path.split_at(path.iter().position(|b| *b == b'/').unwrap_or(path.len()));
    if name == b"**" {
        let rest = pattern.get(1..).unwrap_or_default();
        let mut path = [part, path].concat();
        loop {
            if is_like(rest, &path) {
                return true;
            }
            match path.iter().position(|b| *b == b'/') {
                Some(slash) => drop(path.drain(..=slash)),
                None => return false,
            }
        }
    }
    match (pattern, path) {
        ([], []) => glob::fits(name, part),
        ([_, pattern @ ..], [_, path @ ..]) => glob::fits(name, part) && is_like(pattern, path),
        _ => false,
    }
}

fn is_wild(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().any(|b| matches!(b, b'*' | b'?'))
}

/// Adds what the rest of a pattern stands for below `base`.
fn expand(base: PathBuf, parts: &[Component<'_>], found: &mut Found) {
    let Some((part, rest)) = parts.split_first() else {
        if fs::metadata(&base).is_ok_and(|meta| !meta.is_dir()) {
            found.files.push(base);
        }
        return;
    };
    let name = part.as_os_str();
    if !is_wild(name) {
        return expand(base.join(part), rest, found);
    }
    if name == "**" {
        // No folder, or one more.
        expand(base.clone(), rest, found);
        for (path, kind) in entries(&base, found) {
            if kind.is_dir() && !is_hidden(&path) {
                expand(path, parts, found);
            }
        }
        return;
    }
    for (path, _) in entries(&base, found) {
        let own = path.file_name().unwrap_or_default();
        let shown = !is_hidden(&path) || name.as_encoded_bytes().starts_with(b".");
        if shown && glob::fits(name.as_encoded_bytes(), own.as_encoded_bytes()) {
            expand(path, rest, found);
        }
    }
}

/// Adds every file below a folder.
fn everything(folder: &Path, found: &mut Found) {
    for (path, kind) in entries(folder, found) {
        match kind.is_dir() {
            true => everything(&path, found),
            false if fs::metadata(&path).is_ok_and(|meta| meta.is_file()) => found.files.push(path),
            false => {}
        }
    }
}

/// What lies in a folder; one that is not there has nothing.
fn entries(folder: &Path, found: &mut Found) -> Vec<(PathBuf, fs::FileType)> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let read = fs::read_dir(here).and_then(|entries| {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((folder.join(entry.file_name()), entry.file_type()?))
        };
        entries.map(entry).collect::<io::Result<Vec<_>>>()
    });
    match read {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Vec::new(),
        Err(error) => {
            found.unread.push((here.to_owned(), error));
            Vec::new()
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("pods/a/deep")).unwrap();
        for name in ["app.log", "app.log.1", "b.txt", ".hidden.log", "pods/a/0.log", "pods/a/deep/1.log", "odd*.log"] {
            fs::write(at(name), "x").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = Name::new(at(pattern)).expand();
            assert!(found.unread.is_empty());
            let relative = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
            found.files.iter().map(relative).collect()
        };
        assert_eq!(names("*.log"), ["app.log", "odd*.log"]);
        assert_eq!(names("app.lo?*"), ["app.log", "app.log.1"]);
        assert_eq!(names("odd*.log"), ["odd*.log"], "what exists is itself");
        assert_eq!(names(".*.log"), [".hidden.log"]);
        assert_eq!(names("**/*.log"), ["app.log", "odd*.log", "pods/a/0.log", "pods/a/deep/1.log"]);
        assert_eq!(names("pods/*/*.log"), ["pods/a/0.log"]);
        assert_eq!(names("pods"), ["pods/a/0.log", "pods/a/deep/1.log"]);
        assert_eq!(names("none.log"), ["none.log"]);
        assert!(names("none*.log").is_empty());
        for (name, path, want) in [
            ("a.log", "./a.log", true),
            ("*.log", "a.log", true),
            ("*.log", "deep/a.log", false),
            ("/none/**/*.log", "/none/a/b/c.log", true),
            ("/none/**/*.log", "/none/c.log", true),
            ("/none/**/*.log", "/none/c.txt", false),
            ("/none/*/c.log", "/none/a/b/c.log", false),
        ] {
            assert_eq!(Name::new(name.into()).may_be(Path::new(path)), want, "{name} {path}");
        }
    }
}
