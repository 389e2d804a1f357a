//! A push: which range of which repository it brought.
//!
//! Payload: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>, read 2026-11-20.

use super::github::{Error, Named};
use serde::Deserialize;
use stanch::secret::Secret;

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
            repository: Named,
        }
        let delivery: Delivery = serde_json::from_slice(body.expose())
            .map_err(|_| Error::Unreadable("it is no push with ref, before, after and repository"))?;
        Ok(Push {
            repository: delivery.repository.checked()?,
            reference: stanch::text::terminal::printable(delivery.r#ref.as_bytes()),
            before: commit(delivery.before)?,
            after: commit(delivery.after)?,
        })
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
