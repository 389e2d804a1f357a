//! A push: which range of which repository it brought.
//!
//! Payload: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>, read 2026-11-20.

use super::github::{Error, Named};
use serde::Deserialize;
use stanch::secret::Secret;
use stanch::source::git::history::Without;
use stanch::source::{self, git::History};
use std::path::Path;

/// What a push brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Push {
    /// `owner/name`.
    pub repository: String,
    /// The ref that moved, such as `refs/heads/main`.
    pub reference: String,
    /// Where it stood; `None` when it is new.
    pub before: Option<String>,
    /// Where it stands; `None` when it was deleted.
    pub after: Option<String>,
    /// The repository's main branch, when this is another one.
    pub base: Option<String>,
}

impl Push {
    /// Reads a `push` delivery.
    #[expect(clippy::disallowed_methods, reason = "parses the delivery; commit messages in it are not looked at")]
    pub fn read(body: &Secret) -> Result<Push, Error> {
        #[derive(Deserialize)]
        struct Delivery {
            r#ref: String,
            before: String,
            after: String,
            repository: Repository,
        }
        #[derive(Deserialize)]
        struct Repository {
            #[serde(flatten)]
            named: Named,
            #[serde(default)]
            default_branch: Option<String>,
        }
        let delivery: Delivery = serde_json::from_slice(body.expose())
            .map_err(|_| Error::Unreadable("it is no push with ref, before, after and repository"))?;
        let base = delivery.repository.default_branch.map(|name| format!("refs/heads/{name}"));
        Ok(Push {
            repository: delivery.repository.named.checked()?,
            base: base.filter(|base| *base != delivery.r#ref),
            reference: stanch::text::terminal::printable(delivery.r#ref.as_bytes()),
            before: commit(delivery.before)?,
            after: commit(delivery.after)?,
        })
    }

    /// What it is called.
    pub fn place(&self) -> String {
        format!("push to {} of {}", self.reference, self.repository)
    }

    /// The commits that it brought, as the mirror has them; `None` when it only took some away. A mirror that has not
    /// fetched them yet is an error: later it may have.
    pub fn range(&self, mirror: &Path) -> Result<Option<History>, Error> {
        let Some(after) = &self.after else { return Ok(None) };
        let later = |error: source::Error| Error::Later { place: self.place(), why: error.to_string() };
        let mut without = vec![Without::Revisions(self.before.iter().cloned().collect())];
        without.extend(self.base.iter().map(|base| Without::Revisions(vec![base.clone()])));
        let history = History::open(Some(mirror))
            .and_then(|history| history.pushed(std::slice::from_ref(after), &without))
            .map_err(later)?;
        Ok(Some(history))
    }
}

/// A full object id; all zeroes say that there is none.
fn commit(id: String) -> Result<Option<String>, Error> {
    if !matches!(id.len(), 40 | 64) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::Unreadable("its before and after are no object ids"));
    }
    Ok(id.bytes().any(|byte| byte != b'0').then_some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(before: &str, after: &str) -> Result<Push, Error> {
        Push::read(&Secret::new(format!(
            r#"{{"ref":"refs/heads/main","before":"{before}","after":"{after}","repository":{{"full_name":"octo/app"}}}}"#
        )))
    }

    #[test]
    fn zeroes_say_that_there_is_none() {
        let (some, none) = ("1f".repeat(20), "0".repeat(40));
        let push = read(&some, &none).unwrap();
        assert_eq!((push.before, push.after), (Some(some.clone()), None));
        assert_eq!(read(&none, &some).unwrap().before, None);
    }

    #[test]
    fn what_is_no_object_id_never_reaches_a_repository() {
        for bad in ["", "main", "--help", &"g".repeat(40), &"1f".repeat(21)] {
            assert!(read(bad, &"1f".repeat(20)).is_err(), "{bad}");
        }
    }
}
