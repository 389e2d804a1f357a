//! Where a repository's files lie.

use super::id::Hash;
use super::object::Objects;
use super::refs::tables::Tables;
use super::regular;
use crate::source::Error;
use crate::text::terminal::printable;
use git2::Repository;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Largest config that is read, in bytes.
pub(super) const LARGEST: u64 = 16 << 20;

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
    /// The refs, when they are kept as tables and not as files.
    pub tables: Option<Tables>,
    /// Only what refs and heads lead to counts: no stash, no log, no index, nothing that nothing leads to.
    pub only_refs: bool,
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
        let (hash, tables) = format(&common).map_err(no_source)?;

        let named = path.is_none() || of_environment().is_ok_and(|other| same(&other, &dir));
        let variable = |name: &str| env::var_os(name).filter(|value| named && !value.is_empty());
        let index = variable("GIT_INDEX_FILE").map_or_else(|| dir.join("index"), PathBuf::from);
        let mut own = vec![common.join("objects")];
        // What is being received lies in a folder of its own until it is accepted (git-receive-pack(1), quarantine).
        let received = ["GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"];
        own.extend(received.iter().filter_map(|name| variable(name)).map(PathBuf::from));
        let others = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let others = paths(others.as_bytes()).into_iter().filter(|folder| folder.is_dir());
        let objects = Objects::open(own, others.collect(), hash);
        Ok(Place { name, dir, common, index, objects, tables, only_refs: false })
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
    match regular::read(&dir.join("commondir"), LARGEST) {
        Ok(text) => dir.join(OsStr::from_bytes(text.trim_ascii_end())),
        Err(_) => dir.to_owned(),
    }
}

/// Whether both are one file or folder.
pub(super) fn same(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// The folders of a list as git writes it: with colons between, and those that hold one in quotes as C has them.
fn paths(list: &[u8]) -> Vec<PathBuf> {
    let (mut paths, mut rest) = (Vec::new(), list);
    while !rest.is_empty() {
        let (path, behind) = match rest.strip_prefix(b"\"").and_then(unquoted) {
            Some((path, behind)) => (path, behind.strip_prefix(b":").unwrap_or(behind)),
            None => {
                let (path, behind) = rest.split_at(rest.iter().position(|&b| b == b':').unwrap_or(rest.len()));
                (path.to_vec(), behind.get(1..).unwrap_or_default())
            }
        };
        rest = behind;
        if !path.is_empty() {
            paths.push(PathBuf::from(OsStr::from_bytes(&path)));
        }
    }
    paths
}

/// What stands before the closing quote, and what behind it.
fn unquoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b'"' => return Some((text, rest)),
            b'\\' => {
                let (&escape, behind) = rest.split_first()?;
                let (byte, digits) = escaped(escape, behind)?;
                text.push(byte);
                rest = behind.get(digits..)?;
            }
            byte => text.push(byte),
        }
    }
}

/// The byte that is meant by what follows a backslash, and how many digits it takes beside the first.
fn escaped(escape: u8, behind: &[u8]) -> Option<(u8, usize)> {
    Some(match escape {
        b'a' => (7, 0),
        b'b' => (8, 0),
        b't' => (b'\t', 0),
        b'n' => (b'\n', 0),
        b'v' => (11, 0),
        b'f' => (12, 0),
        b'r' => (b'\r', 0),
        b'"' | b'\\' => (escape, 0),
        b'0'..=b'3' => {
            let digits = behind.first_chunk::<2>().filter(|digits| digits.iter().all(|b| (b'0'..=b'7').contains(b)))?;
            let number = |digit: u8| digit - b'0';
            (number(escape) << 6 | number(digits[0]) << 3 | number(digits[1]), 2)
        }
        _ => return None,
    })
}

/// How objects are named and refs are kept. A way that this reader does not know is said, not misread as an empty repository.
fn format(common: &Path) -> Result<(Hash, Option<Tables>), String> {
    let extensions = match regular::read(&common.join("config"), LARGEST) {
        Ok(config) => extensions(&config),
        Err(error) if error.kind() == ErrorKind::NotFound => Extensions::default(),
        Err(error) => return Err(format!("its config: {error}")),
    };
    let hash = match extensions.get("objectformat").map(String::as_str) {
        None | Some("sha1") => Hash::Sha1,
        Some("sha256") => Hash::Sha256,
        Some(other) => return Err(format!("its objects are named by `{other}`, which this version does not read")),
    };
    match extensions.get("refstorage").map(String::as_str) {
        None | Some("files") => Ok((hash, None)),
        Some("reftable") => Ok((hash, Some(Tables::new(hash)))),
        Some(other) => Err(format!("its refs are kept as `{other}`, which this version does not read")),
    }
}

/// What a repository must be read by, in small letters, printable.
type Extensions = BTreeMap<String, String>;

/// Reads the section of that name from a config as text: nothing that it names is run or included.
fn extensions(config: &[u8]) -> Extensions {
    let (mut inside, mut found) = (false, Extensions::new());
    for line in config.split(|&b| b == b'\n') {
        let text = printable(line.trim_ascii()).to_ascii_lowercase();
        let mut rest = text.split(['#', ';']).next().unwrap_or_default();
        if let Some((section, behind)) = rest.strip_prefix('[').and_then(|line| line.split_once(']')) {
            inside = section.trim() == "extensions";
            rest = behind;
        }
        if let Some((key, value)) = rest.split_once('=').filter(|_| inside) {
            found.insert(key.trim().to_owned(), value.trim().trim_matches('"').to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_list() {
        let check = |list: &[u8], want: &[&[u8]]| {
            let found: Vec<Vec<u8>> =
                paths(list).into_iter().map(|path| path.into_os_string().into_encoded_bytes()).collect();
            assert_eq!(found, want, "{}", printable(list));
        };
        check(b"", &[]);
        check(b"/a:/b c::/d", &[b"/a", b"/b c", b"/d"]);
        check(br#""/a:b":/c"#, &[b"/a:b", b"/c"]);
        check(br#"/a:"/\"q\"\n\303\251\\""#, &[b"/a", b"/\"q\"\n\xc3\xa9\\"]);
        // What does not end as it began is a name like any other.
        check(br#""/a:/b"#, &[br#""/a"#, b"/b"]);
    }

    #[test]
    fn extensions_are_those_of_their_section() {
        let config = b"[core]\n\tobjectformat = no\n[Extensions]\n\tobjectFormat = SHA256 # by name\n\
            refStorage=\"reftable\"\n[extensions \"x\"]\nrefstorage = no\n[extensions] partialClone = origin ; one line\n";
        let want = [("objectformat", "sha256"), ("partialclone", "origin"), ("refstorage", "reftable")];
        assert_eq!(extensions(config), want.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }
}
