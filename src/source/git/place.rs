//! Where a repository's files lie.

use super::id::Hash;
use super::object::Objects;
use crate::source::Error;
use crate::text::terminal::printable;
use git2::Repository;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A repository: its folders and its objects.
pub(super) struct Place {
    /// As asked for, printable.
    pub name: String,
    /// Where HEAD and the index lie: `.git`, or `.git/worktrees/<name>` for a linked work tree.
    pub dir: PathBuf,
    /// Where refs and objects lie: the same but for a linked work tree.
    pub common: PathBuf,
    /// The index that git names.
    pub index: PathBuf,
    pub objects: Objects,
}

impl Place {
    /// Finds the repository that holds `path`; without a path the one that the environment is about: `GIT_DIR`, or that of
    /// the current folder.
    pub fn open(path: Option<&Path>) -> Result<Place, Error> {
        let name = printable(path.unwrap_or(Path::new(".")).as_os_str().as_encoded_bytes());
        let no_source = |why: String| Error::NoSource { what: format!("the repository {name}"), why };
        let dir = match path {
            Some(path) => discover(path),
            None => of_environment(),
        };
        let dir = dir.map_err(|error| no_source(error.message().to_owned()))?;
        let common = common(&dir);
        let hash = format(&common).map_err(|why| no_source(why.to_owned()))?;

        let named = path.is_none() || of_environment().is_ok_and(|other| same(&other, &dir));
        let variable = |name: &str| env::var_os(name).filter(|value| named && !value.is_empty());
        let index = variable("GIT_INDEX_FILE").map_or_else(|| dir.join("index"), PathBuf::from);
        let mut folders = vec![common.join("objects")];
        folders.extend(variable("GIT_OBJECT_DIRECTORY").map(PathBuf::from));
        let others = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        folders.extend(env::split_paths(&others).filter(|folder| folder.is_dir()));
        let objects = Objects::open(folders, hash);
        Ok(Place { name, dir, common, index, objects })
    }
}

fn discover(path: &Path) -> Result<PathBuf, git2::Error> {
    Repository::discover_path(path, [] as [&OsStr; 0])
}

fn of_environment() -> Result<PathBuf, git2::Error> {
    match env::var_os("GIT_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => discover(Path::new(&dir)),
        None => discover(Path::new(".")),
    }
}

fn common(dir: &Path) -> PathBuf {
    match fs::read_to_string(dir.join("commondir")) {
        Ok(text) => dir.join(text.trim_end()),
        Err(_) => dir.to_owned(),
    }
}

fn same(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// How objects are named. The way of storing that this reader does not know is said, not misread as an empty repository.
fn format(common: &Path) -> Result<Hash, &'static str> {
    let config = fs::read(common.join("config")).unwrap_or_default().to_ascii_lowercase();
    let says = |key: &str, value: &str| {
        config.split(|&b| b == b'\n').filter_map(|line| std::str::from_utf8(line).ok()).any(|line| {
            line.split_once('=').is_some_and(|(k, v)| k.trim() == key && v.trim().trim_matches('"') == value)
        })
    };
    if says("refstorage", "reftable") {
        return Err("its refs are kept as a reftable, which this version does not read");
    }
    Ok(if says("objectformat", "sha256") { Hash::Sha256 } else { Hash::Sha1 })
}
