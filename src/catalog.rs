//! The files under `rules/`: one provider a file, everything known of it in one place.
//!
//! A file has two halves with two readers that do not know each other: `rules` (what its credentials look like, read by
//! [`crate::rule`]) and `api` (how it answers, read by [`crate::provider`]). Here they are only found, embedded or on
//! disk, and their top level is read. A user's file with the same `provider` lies over the built-in one *rule by rule*;
//! its `api`, when it has one, replaces the built-in `api`.
//!
//! The embedded files stand in the program twice: as text, and as the tree that `build.rs` made of it with the reader of
//! this library, so that no YAML is parsed at a start. A test holds the two together.
//!
//! Knows nothing of rules and providers themselves.

use crate::yaml::{Diagnostics, Document, Node, Tree};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// One file's text, not yet parsed.
#[derive(Debug, Clone)]
pub struct File {
    /// What diagnostics call it: `rules/github.yaml` for an embedded one, its path for one on disk.
    pub name: String,
    /// Its text.
    pub text: Cow<'static, str>,
    /// What was made of the text when the program was built.
    digest: Option<&'static Tree>,
}

impl File {
    /// A file of that name and text.
    pub fn new(name: impl Into<String>, text: impl Into<Cow<'static, str>>) -> File {
        File { name: name.into(), text: text.into(), digest: None }
    }

    /// Parses the file, all of it; its top level is then read with [`top`].
    pub fn parse(&self) -> Result<Document, Diagnostics> {
        Document::parse(self.name.clone(), self.text.clone())
    }

    /// The file without its examples, if it is an embedded one: parsed when the program was built. Else as [`File::parse`].
    pub fn digest(&self) -> Result<Document, Diagnostics> {
        match self.digest {
            Some(tree) => Ok(Document::of(self.name.clone(), self.text.clone(), tree)),
            None => self.parse(),
        }
    }
}

/// The top level of a provider's file.
pub struct Top<'d> {
    /// The provider's id: lower-case letters, digits and dashes (`aws-iam`).
    pub provider: String,
    /// The provider's name as people write it (`AWS`).
    pub title: String,
    /// The `rules` list, when there is one.
    pub rules: Option<Node<'d>>,
    /// The `api` mapping, when there is one.
    pub api: Option<Node<'d>>,
}

/// Reads the top level; `None` when it is too broken to go on (the mistakes are in the document).
pub fn top(document: &Document) -> Option<Top<'_>> {
    let mut fields = document.root().fields()?;
    let provider = fields.required("provider").and_then(|node| {
        let id = node.string()?;
        let fine = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fine {
            node.mistake("a provider's id is lower-case letters, digits and dashes");
        }
        fine.then_some(id)
    });
    let title = fields.required("title").and_then(|node| node.string());
    let (rules, api) = (fields.optional("rules"), fields.optional("api"));
    if rules.is_none() && api.is_none() {
        fields.node().mistake("neither `rules` nor `api`: nothing is known here");
    }
    fields.finish();
    Some(Top { provider: provider?, title: title?, rules, api })
}

/// The embedded files, in the order of their names.
pub fn builtin() -> Vec<File> {
    let file = |(name, text, tree): &'static (&str, &str, Tree)| {
        let name = format!("rules/{name}");
        File { name, text: Cow::Borrowed(text), digest: Some(tree) }
    };
    EMBEDDED.iter().map(file).collect()
}

/// What the embedded files with `folders` laid over them are, and which version of this program reads them: 32 hexadecimal
/// digits that change when any of it does.
pub fn digest(folders: &[Vec<File>]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    for file in builtin().iter().chain(folders.iter().flatten()) {
        for text in [file.name.as_str(), &file.text] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The `.yaml` and `.yml` files directly under `folder` (or `folder` itself, when it is a file), in the order of names.
pub fn folder(folder: &Path) -> Result<Vec<File>, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error { path, source }
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    if folder.is_file() {
        paths.push(folder.to_owned());
    } else {
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        Ok(File::new(path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

/// A rules folder or file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read rules from {path}")]
pub struct Error {
    /// The folder or file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_has_a_good_top() {
        for file in builtin() {
            let document = file.parse().unwrap_or_else(|e| panic!("{e}"));
            let provider = top(&document).map(|top| top.provider);
            document.finish(provider).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn every_digest_is_what_the_reader_makes_of_the_text() {
        for file in builtin() {
            let mut read = Tree::parse(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.name));
            read.drop_examples();
            assert_eq!(file.digest, Some(&read), "{}", file.name);
        }
    }

    #[test]
    fn a_mistake_in_a_digest_is_told_at_its_line() {
        let places = |document: &Document| -> Vec<String> {
            let rules = top(document).and_then(|top| top.rules).map(|rules| rules.items()).unwrap_or_default();
            rules.iter().flat_map(Node::entries).map(|(key, node)| node.diagnostic(key).to_string()).collect()
        };
        let file = builtin().into_iter().find(|file| file.name == "rules/github.yaml").unwrap();
        let (digest, mut read) = (places(&file.digest().unwrap()), places(&file.parse().unwrap()));
        read.retain(|place| !place.ends_with(" examples"));
        assert!(digest.len() > 10);
        assert_eq!(digest, read);
    }

    #[test]
    fn a_top_without_anything_is_refused() {
        let file = File::new("x.yaml", "provider: Bad Id\ntitle: x\n");
        let document = file.parse().unwrap();
        let read = top(&document).map(|_| ());
        let found = document.finish(read).unwrap_err().to_string();
        assert!(found.contains("x.yaml:1:11: a provider's id"), "{found}");
        assert!(found.contains("nothing is known here"), "{found}");
    }
}
