//! Credentials that must outlive a crash, sealed in the ledger: the leaked one and the new one, each with its parts.

use crate::ledger::{Error, IncidentId, Ledger};
use crate::provider::KeyId;
use crate::secret::{Credential, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The leaked credential: from the opening of the incident to its close.
pub const LEAKED: &str = "leaked";
/// The new one: from its issue until every store is proven to hold it.
pub const NEW: &str = "new";

/// One incident's sealed credentials.
pub struct Sealed<'a> {
    /// Where they are.
    pub ledger: &'a dyn Ledger,
    /// Whose.
    pub incident: &'a IncidentId,
}

/// A credential, and the provider's id of it when it is known.
#[derive(Debug)]
pub struct Kept {
    /// The provider's id.
    pub key: Option<KeyId>,
    /// The credential.
    pub credential: Credential,
}

impl Sealed<'_> {
    /// Seals a credential under a name, in place of one that was there.
    pub fn put(&self, name: &str, kept: &Kept) -> Result<(), Error> {
        self.ledger.seal(self.incident, name, &pack(kept))
    }

    /// The credential of that name.
    pub fn get(&self, name: &str) -> Result<Option<Kept>, Error> {
        let Some(packed) = self.ledger.unseal(self.incident, name)? else { return Ok(None) };
        unpack(&packed).map(Some).ok_or_else(|| Error::Sealed { what: format!("{name} of {}", self.incident) })
    }

    /// Wipes it.
    pub fn wipe(&self, name: &str) -> Result<(), Error> {
        self.ledger.wipe(self.incident, name)
    }
}

/// One line a part: a tag, a space, base64. `k` the key id, `s` the secret, `p NAME` a part.
#[expect(clippy::disallowed_methods, reason = "what is packed goes into the sealed record and nowhere else")]
fn pack(kept: &Kept) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(room(kept)));
    let mut line = |tag: &str, bytes: &[u8]| {
        let coded = Zeroizing::new(STANDARD.encode(bytes));
        text.push_str(tag);
        text.push(' ');
        text.push_str(&coded);
        text.push('\n');
    };
    if let Some(key) = &kept.key {
        line("k", key.0.as_bytes());
    }
    line("s", kept.credential.secret.expose());
    for (name, part) in &kept.credential.parts {
        line(&format!("p {name}"), part.expose());
    }
    Secret::new(text.as_bytes())
}

/// Room enough that the text never grows: a buffer that moves leaves its old bytes behind.
fn room(kept: &Kept) -> usize {
    let coded = |bytes: usize| bytes.div_ceil(3) * 4 + 3;
    let parts = kept.credential.parts.iter().map(|(name, part)| name.len() + 2 + coded(part.len()));
    coded(kept.credential.secret.len()) + parts.sum::<usize>() + kept.key.as_ref().map_or(0, |key| coded(key.0.len()))
}

#[expect(clippy::disallowed_methods, reason = "takes apart what was unsealed; the parts are secrets again")]
fn unpack(packed: &Secret) -> Option<Kept> {
    let text = std::str::from_utf8(packed.expose()).ok()?;
    let (mut key, mut secret, mut parts) = (None, None, BTreeMap::new());
    for line in text.lines() {
        let (tag, coded) = line.rsplit_once(' ')?;
        let bytes = STANDARD.decode(coded).ok()?;
        match tag.split_once(' ') {
            None if tag == "k" => key = Some(KeyId(String::from_utf8(bytes).ok()?)),
            None if tag == "s" => secret = Some(Arc::new(Secret::new(bytes))),
            Some(("p", name)) => _ = parts.insert(name.to_owned(), Arc::new(Secret::new(bytes))),
            _ => return None,
        }
    }
    Some(Kept { key, credential: Credential { secret: secret?, parts } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_every_part() {
        let mut credential = Credential::new(Secret::new("one\ntwo \0three"));
        credential.parts.insert("key_id".into(), Arc::new(Secret::new("AK 1")));
        let kept = Kept { key: Some(KeyId("key 1".into())), credential };
        let packed = pack(&kept);
        assert!(packed.len() <= room(&kept));
        let back = unpack(&packed).unwrap();
        assert_eq!((back.key, back.credential), (kept.key, kept.credential));
    }

    #[test]
    fn refuses_what_it_did_not_pack() {
        for bad in ["", "s", "s !!!", "x QQ==", "k QQ==\n"] {
            assert!(unpack(&Secret::new(bad)).is_none(), "{bad:?}");
        }
    }
}
