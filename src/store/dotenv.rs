//! One entry of a dotenv file.

use super::{Error, Store};
use crate::secret::{Fingerprint, FingerprintKey, Secret};
use crate::yaml::Node;
use std::path::{Path, PathBuf};

/// One entry of a dotenv file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dotenv {
    path: PathBuf,
    name: String,
}

impl Dotenv {
    /// Reads `{ path, name }`.
    pub fn read_spec(node: &Node<'_>, base: &Path) -> Option<Dotenv> {
        let mut fields = node.fields()?;
        let path = fields.required("path").and_then(|node| node.path(base));
        let name = fields.required("name").and_then(|node| {
            let name = node.string()?;
            let fine = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !fine {
                node.mistake("a variable's name is letters, digits and underscores");
            }
            fine.then_some(name)
        });
        fields.finish();
        Some(Dotenv { path: path?, name: name? })
    }
}

impl Store for Dotenv {
    fn describe(&self) -> String {
        format!("dotenv file {}, {}", self.path.display(), self.name)
    }

    fn read(&self) -> Result<Secret, Error> {
        Err(Error::NoEntry { store: self.describe() })
    }

    fn replace(&self, _new: &Secret, _expected: Fingerprint, _key: &FingerprintKey) -> Result<(), Error> {
        Err(Error::NoEntry { store: self.describe() })
    }
}
