//! Files that a person names to be written (reports, baselines, checkpoints): whole or not at all, and never through a link
//! that somebody else has laid.
//!
//! A scan runs in folders that strangers write to: a checkout in a CI, `/tmp`. There a report's path may be a link to a file
//! of the person who scans. So a link is refused, a folder that a link of the checkout leads out of it is refused, and so is
//! one that belongs to somebody else and that anybody may write to; what is written goes to a new file of its own that then
//! takes the name (`rename(2)` replaces a link and does not follow it).

use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::{env, fs};
use tempfile::NamedTempFile;

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Who writes it: there is a secret in it.
    Owner,
    /// Everybody, as far as the process' umask lets them.
    All,
}

/// Any may write (`S_IWOTH`), but only take away what is theirs (`S_ISVTX`); inode(7).
const ANYBODY: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Writes a file. A pipe or a device (`/dev/stdout`) is written to as it is.
///
/// # Errors
/// When the path is not one to be written to (see above), or cannot be written to.
pub fn save(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    if is_stream(path) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let mut file = begin(path, readers)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Fails where [`save`] would: before an hour of work and not after it.
///
/// # Errors
/// As [`save`].
pub fn try_to_save(path: &Path) -> io::Result<()> {
    match is_stream(path) {
        true => Ok(()),
        false => begin(path, Readers::Owner).map(drop),
    }
}

/// A file beside the one that is wanted, which goes away unless it takes its name.
fn begin(path: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let refused = |why: &str| Err(io::Error::other(why.to_owned()));
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => return refused("it is a link; name the file that it leads to"),
        Ok(found) if found.is_dir() => return refused("it is a folder"),
        _ => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if leads_away(folder) {
        return refused("a link on its way leads out of this folder; name the folder that it leads to");
    }
    let about = fs::metadata(folder)?;
    let mode = if readers == Readers::Owner { 0o600 } else { 0o644 };
    let file = tempfile::Builder::new().permissions(fs::Permissions::from_mode(mode)).tempfile_in(folder)?;
    let own = file.as_file().metadata()?.uid();
    let anybody = about.mode() & (ANYBODY | STICKY) == ANYBODY;
    if anybody && about.uid() != own && about.uid() != 0 {
        return refused("its folder is somebody else's, and anybody may write to it");
    }
    Ok(file)
}

/// Whether a relative path without `..` ends up outside of the current folder.
fn leads_away(folder: &Path) -> bool {
    let plain = folder.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let real = |folder: &Path| -> Option<PathBuf> { fs::canonicalize(folder).ok() };
    plain
        && real(folder)
            .zip(env::current_dir().ok().and_then(|here| real(&here)))
            .is_some_and(|(to, here)| !to.starts_with(here))
}

/// What is written to as it is: the process' own streams by their names, and a pipe or a device that is no link.
fn is_stream(path: &Path) -> bool {
    let own = ["/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/null"].iter().any(|name| path == Path::new(name));
    let number = path.strip_prefix("/dev/fd").or_else(|_| path.strip_prefix("/proc/self/fd"));
    let own = own || number.is_ok_and(|name| name.components().count() == 1);
    let device = path.symlink_metadata().map(|found| found.file_type());
    own || device.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn why(path: &Path) -> String {
        let failed = try_to_save(path).unwrap_err().to_string();
        assert_eq!(save(path, b"new", Readers::All).unwrap_err().to_string(), failed);
        failed
    }

    #[test]
    fn whole_and_for_whom_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        try_to_save(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "trying leaves nothing");
        for (readers, mode) in [(Readers::All, 0o644), (Readers::Owner, 0o600)] {
            save(&path, b"text", readers).unwrap();
            let about = fs::metadata(&path).unwrap();
            assert_eq!((fs::read(&path).unwrap().as_slice(), about.mode() & 0o777), (&b"text"[..], mode));
        }
        assert!(why(&folder.path().join("no/such/folder")).contains("No such file"));
        assert!(why(folder.path()).contains("folder"));
    }

    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, link) = (folder.path().join("victim"), folder.path().join("link"));
        fs::write(&victim, "old").unwrap();
        symlink(&victim, &link).unwrap();
        assert!(why(&link).contains("a link"));
        let dangling = folder.path().join("dangling");
        symlink(folder.path().join("nothing"), &dangling).unwrap();
        assert!(why(&dangling).contains("a link"));
        assert_eq!(fs::read(&victim).unwrap(), b"old");
        assert!(!folder.path().join("nothing").exists());
    }

    #[test]
    fn streams_are_written_to() {
        for name in ["/dev/null", "/dev/fd/1", "/dev/stdout"] {
            assert!(is_stream(Path::new(name)), "{name}");
        }
        for name in ["/dev/shm/report", "/dev/fd/../shm/x", "/dev/fd", "report"] {
            assert!(!is_stream(Path::new(name)), "{name}");
        }
        save(Path::new("/dev/null"), b"text", Readers::All).unwrap();
    }
}
