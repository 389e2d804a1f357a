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
            Ok(meta) if meta.is_file() => return Ok(Some(path)),
            _ => {}
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
        assert_eq!(upward(&inner).unwrap(), Some(own));
    }
}
