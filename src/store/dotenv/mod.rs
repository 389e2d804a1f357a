//! One entry of a dotenv file.
//!
//! Only the entry's value changes; every other byte stays, and so do mode and owner. The new file is written beside the
//! old one, brought to disk, and renamed over it: a reader sees the old file or the new one, never a part. A symbolic
//! link stays one: what it points to is replaced. A crash leaves at most one `.NAME.stanch` of mode 0600, which the next
//! write sweeps.
//!
//! Those who write through stanch take turns by a lock on the folder. Somebody else's change is noticed up to the moment
//! of the rename. Access-control lists and extended attributes are not carried over; a file with several hard links is
//! refused, since the other names would keep the old value.

mod syntax;

use super::{Error, Store};
use crate::failpoint;
use crate::secret::{Fingerprint, FingerprintKey, Secret};
use crate::yaml::Node;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A dotenv file that is longer than this, in bytes, is something else.
const LONGEST: u64 = 1 << 20;
/// Longest wait for another writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One entry of a dotenv file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dotenv {
    path: PathBuf,
    name: String,
}

impl Dotenv {
    /// The entry `name` of the file at `path`.
    pub fn new(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Dotenv { path: path.into(), name: name.into() }
    }

    /// Reads `{ path, name }`.
    pub fn read_spec(node: &Node<'_>, base: &Path) -> Option<Dotenv> {
        let mut fields = node.fields()?;
        let path = fields.required("path").and_then(|node| node.path(base));
        let name = fields.required("name").and_then(|node| {
            let name = node.string()?;
            if !syntax::is_name(name.as_bytes()) {
                node.mistake("a variable's name is letters, digits and underscores");
            }
            Some(name)
        });
        fields.finish();
        Some(Dotenv::new(path?, name?))
    }

    /// The file's bytes, and where the entry's value lies in them.
    fn load(&self, path: &Path) -> Result<(Zeroizing<Vec<u8>>, syntax::Entry), Error> {
        let metadata = fs::metadata(path).map_err(|error| self.unreachable("read", &error))?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(self.unreachable("read", &"it is no file, or longer than 1 MiB"));
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(|error| self.unreachable("read", &error))?);
        let mut found = syntax::entries(&bytes).into_iter().filter(|entry| entry.is_named(&bytes, &self.name));
        let entry = found.next().ok_or_else(|| Error::NoEntry { store: self.describe() })?;
        if let Some(other) = found.next() {
            let why = format!("it has the entry in line {} and in line {}; keep one", entry.line, other.line);
            return Err(self.unreachable("read", &why));
        }
        drop(found);
        Ok((bytes, entry))
    }

    /// The value, decoded.
    fn value(&self, bytes: &[u8], entry: &syntax::Entry) -> Result<Secret, Error> {
        let unclosed = || self.unreachable("read", &format!("the quote in line {} is not closed", entry.line));
        entry.value(bytes).map(Secret::new).ok_or_else(unclosed)
    }

    /// Puts `after` in the place of the file that still holds `before`.
    fn swap(&self, path: &Path, before: &[u8], after: &[u8]) -> io::Result<()> {
        let old = fs::metadata(path)?;
        if old.nlink() > 1 {
            return Err(io::Error::other("it has several hard links, and the others would keep the old value"));
        }
        let beside = beside(path);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written = (|| {
            file.write_all(after)?;
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))
                    .map_err(|error| io::Error::new(error.kind(), format!("its owner cannot be kept: {error}")))?;
            }
            file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
            file.sync_all()?;
            if *Zeroizing::new(fs::read(path)?) != before {
                return Err(io::Error::other("somebody changed it at the same time"));
            }
            fs::rename(&beside, path)
        })();
        if written.is_err() {
            // The error that is told is the one that matters.
            let _ = fs::remove_file(&beside);
        }
        written?;
        File::open(folder(path))?.sync_all()
    }

    fn unreachable(&self, action: &'static str, why: &dyn std::fmt::Display) -> Error {
        Error::Unreachable { action, store: self.describe(), why: why.to_string() }
    }
}

impl Store for Dotenv {
    fn describe(&self) -> String {
        format!("dotenv file {}, {}", self.path.display(), self.name)
    }

    fn read(&self) -> Result<Secret, Error> {
        let (bytes, entry) = self.load(&self.path)?;
        self.value(&bytes, &entry)
    }

    fn replace(&self, new: &Secret, expected: Fingerprint, key: &FingerprintKey) -> Result<(), Error> {
        let failed = |error: io::Error| self.unreachable("write", &error);
        let path = fs::canonicalize(&self.path).map_err(|error| self.unreachable("read", &error))?;
        let _turn = lock(folder(&path)).map_err(failed)?;
        sweep(&beside(&path)).map_err(failed)?;
        let (bytes, entry) = self.load(&path)?;
        let held = self.value(&bytes, &entry)?;
        if held == *new {
            return Ok(());
        }
        let found = key.fingerprint(&held);
        if found != expected {
            return Err(Error::Changed { store: self.describe(), found: found.short(), expected: expected.short() });
        }
        let unfit = |why: &str| Error::Unfit { store: self.describe(), why: why.to_owned() };
        let after = entry.with_value(&bytes, new).map_err(unfit)?;
        failpoint::around("store write", || self.swap(&path, &bytes, &after)).map_err(failed)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Where the new file is written. The name is always the same, so that a crash leaves no more than one.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".stanch");
    path.with_file_name(name)
}

fn sweep(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes the turn among those who write through stanch; held until dropped. A file system without locks has none.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 500),
            Err(TryLockError::WouldBlock) => return Err(io::Error::other("another stanch is writing in its folder")),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "goes on without a lock");
                return Ok(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(text: &str) -> (tempfile::TempDir, Dotenv) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, text).unwrap();
        (folder, Dotenv::new(path, "KEY"))
    }

    fn print(text: &str) -> Fingerprint {
        FingerprintKey::public().fingerprint(&Secret::new(text))
    }

    fn put(store: &Dotenv, new: &str, expected: &str) -> Result<(), Error> {
        store.replace(&Secret::new(new), print(expected), &FingerprintKey::public())
    }

    #[test]
    fn only_the_value_changes() {
        let (folder, store) = world("# top\nA=1\r\nexport KEY = \"old\"  # why\nB='x'\n");
        put(&store, "new", "old").unwrap();
        assert_eq!(store.read().unwrap(), Secret::new("new"));
        let text = fs::read_to_string(&store.path).unwrap();
        assert_eq!(text, "# top\nA=1\r\nexport KEY = \"new\"  # why\nB='x'\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn compare_and_set() {
        let (_folder, store) = world("KEY=old\n");
        let changed = put(&store, "new", "other").unwrap_err();
        assert!(matches!(changed, Error::Changed { .. }), "{changed}");
        put(&store, "new", "old").unwrap();
        put(&store, "new", "old").unwrap();
        assert_eq!(fs::read_to_string(&store.path).unwrap(), "KEY=new\n", "again is success");
    }

    #[test]
    fn mode_and_symbolic_link_stay() {
        let (folder, store) = world("KEY=old\n");
        fs::set_permissions(&store.path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(".env", &link).unwrap();
        put(&Dotenv::new(&link, "KEY"), "new", "old").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&store.path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(&store.path).unwrap(), "KEY=new\n");
    }

    #[test]
    fn what_a_crash_left_is_swept() {
        let (folder, store) = world("KEY=old\n");
        fs::write(beside(&store.path), "KEY=half").unwrap();
        put(&store, "old", "old").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let (folder, store) = world("A=1\n");
        assert!(matches!(store.read(), Err(Error::NoEntry { .. })));
        fs::write(&store.path, "KEY=1\nA=2\nexport KEY='3'\n").unwrap();
        let twice = store.read().unwrap_err().to_string();
        assert!(twice.ends_with("it has the entry in line 1 and in line 3; keep one"), "{twice}");
        fs::write(&store.path, "KEY=\"old\nA=2\n").unwrap();
        assert!(store.read().unwrap_err().to_string().ends_with("the quote in line 1 is not closed"));
        fs::write(&store.path, "KEY=old\n").unwrap();
        assert!(matches!(put(&store, "a\0b", "old"), Err(Error::Unfit { .. })));
        fs::hard_link(&store.path, folder.path().join("other")).unwrap();
        assert!(put(&store, "new", "old").unwrap_err().to_string().contains("hard links"));
        let missing = Dotenv::new(folder.path().join("nowhere"), "KEY");
        assert!(matches!(missing.read(), Err(Error::Unreachable { .. })));
        assert!(matches!(put(&missing, "new", "old"), Err(Error::Unreachable { .. })));
    }
}
