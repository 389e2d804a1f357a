//! What lies in a repository and nothing leads to: of a branch that was deleted, of a commit that was amended long ago.

use super::id::Id;
use super::object::{Absent, Objects, Text};
use super::pack;
use crate::source::Commit;

/// An object that may hold a secret.
pub(super) enum LooseEnd {
    /// The bytes of a file.
    Blob(Vec<u8>),
    /// The text of a commit, or of a tag.
    Message(Text, Option<Commit>),
}

/// Reads an object, whatever it is; of a tree there is nothing to read, for what it names is here or is not.
pub(super) fn read(objects: &Objects, id: Id) -> Result<Option<LooseEnd>, Absent> {
    Ok(match objects.kind(id)? {
        pack::Kind::Blob => Some(LooseEnd::Blob(objects.blob(id)?)),
        pack::Kind::Commit => {
            let (commit, text) = objects.commit(id)?;
            Some(LooseEnd::Message(text, Some(commit)))
        }
        pack::Kind::Tag => Some(LooseEnd::Message(objects.message(id)?, None)),
        _ => None,
    })
}
