//! Where a secret of the configuration lies: never the value itself, so a configuration file can be shown and kept.

use super::Secret;
use std::path::PathBuf;

/// A place that holds one secret: a variable of the environment or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// A variable of the environment.
    Env(String),
    /// A file; one line end at its end is not part of the secret.
    File(PathBuf),
}

impl SecretRef {
    /// Reads the secret now. Nothing is kept: a file that was changed is read anew each time.
    pub fn read(&self) -> Result<Secret, Error> {
        let bytes = match self {
            SecretRef::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| Error::NoVariable(name.clone()))?;
                value.into_encoded_bytes()
            }
            SecretRef::File(path) => {
                let mut bytes = std::fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
                let kept = without_line_end(&bytes).len();
                bytes.truncate(kept);
                bytes
            }
        };
        let secret = Secret::new(bytes);
        match secret.is_empty() {
            true => Err(Error::Empty(self.describe())),
            false => Ok(secret),
        }
    }

    /// What messages call the place: `the variable TOKEN`, `the file /run/token`.
    pub fn describe(&self) -> String {
        match self {
            SecretRef::Env(name) => format!("the variable {name}"),
            SecretRef::File(path) => format!("the file {}", path.display()),
        }
    }
}

/// Why a secret of the configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variable is not set.
    #[error("read a secret from the variable {0}: it is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("read a secret from {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("read a secret from {0}: it is empty")]
    Empty(String),
}

/// `bytes` without one `\n` or `\r\n` at the end, which editors and `echo` leave there.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (text, want) in [("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc\n")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(SecretRef::File(path.clone()).read().unwrap(), Secret::new(want), "{text:?}");
        }
    }

    #[test]
    fn what_is_missing_or_empty_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let read = |place: SecretRef| place.read().unwrap_err().to_string();
        assert!(read(SecretRef::File(path.clone())).starts_with("read a secret from /"));
        std::fs::write(&path, "\n").unwrap();
        assert!(read(SecretRef::File(path)).ends_with("it is empty"));
        assert!(read(SecretRef::Env("STANCH_TEST_NEVER_SET".into())).ends_with("it is not set"));
    }
}
