//! Finding the file that nobody named.

use super::{Error, FILE_NAME};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The nearest configuration from `start` (absolute) upward, not beyond the top of its repository.
pub fn upward(start: &Path) -> Result<Option<PathBuf>, Error> {
    let top = start.ancestors().find(|folder| folder.join(".git").exists());
    for folder in start.ancestors() {
        let path = folder.join(FILE_NAME);
        match path.metadata() {
            Ok(meta) if top.is_none() && !ours(&meta) => return Err(Error::Foreign { path }),
            Ok(_) => return Ok(Some(path)),
            // A link to nothing is no absence: somebody meant something by it, and reading it says what is wrong.
            Err(_) if path.symlink_metadata().is_ok() => return Ok(Some(path)),
            Err(_) => {}
        }
        if Some(folder) == top {
            break;
        }
    }
    Ok(None)
}

/// Whether it belongs to the user or to root.
fn ours(meta: &Metadata) -> bool {
    meta.uid() == 0 || meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn not_beyond_the_top_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().join(FILE_NAME);
        let inner = folder.path().join("repo/src/deep");
        fs::create_dir_all(&inner).unwrap();
        fs::write(&outer, "version: 1\n").unwrap();
        assert_eq!(upward(&inner).unwrap(), Some(outer.clone()), "no repository yet");
        fs::create_dir(folder.path().join("repo/.git")).unwrap();
        assert_eq!(upward(&inner).unwrap(), None);
        let own = folder.path().join("repo").join(FILE_NAME);
        fs::write(&own, "version: 1\n").unwrap();
        assert_eq!(upward(&inner).unwrap(), Some(own.clone()));
        fs::remove_file(&own).unwrap();
        std::os::unix::fs::symlink("gone", &own).unwrap();
        assert_eq!(upward(&inner).unwrap(), Some(own), "a link to nothing fails when it is read");
    }
}
