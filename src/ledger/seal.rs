//! Sealing secrets at rest: XChaCha20-Poly1305 under one key of 32 bytes.
//!
//! Each sealed record has its own random nonce of 24 bytes before it, and is bound to its place (table, owner, name) as
//! associated data, so a box that is copied to another row does not open there. The key lies beside the ledger with mode
//! 0600 unless the configuration names another one; it is made once, with the ledger, and never again: a ledger whose
//! key is gone is an error for a person, not a reason to make a new key.

use super::Error;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the key (XChaCha20-Poly1305).
const KEY: usize = 32;
/// Bytes of the nonce (XChaCha20-Poly1305).
const NONCE: usize = 24;

/// Where the key comes from.
#[derive(Debug)]
pub enum KeySource {
    /// From `<ledger>.key`, which is made with the ledger.
    Beside,
    /// From the configuration: 64 hexadecimal digits, or 32 bytes in base64.
    Given {
        /// What messages call the place it came from: a file, or a variable's name.
        origin: PathBuf,
        /// The key as written there.
        key: Secret,
    },
}

/// What seals. Wiped on drop.
pub struct SealKey([u8; KEY]);

/// The place that a sealed record belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's owner: an incident, a delivery.
    pub owner: &'a str,
    /// The record's name.
    pub name: &'a str,
}

impl SealKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; KEY]) -> Self {
        SealKey(bytes)
    }

    /// Seals `secret` for `place`.
    #[expect(clippy::disallowed_methods, reason = "encrypts the bytes; only the sealed box leaves")]
    pub fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<Vec<u8>, Error> {
        let mut nonce = [0u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Error::Failed("the system gives no random bytes".into()))?;
        let payload = Payload { msg: secret.expose(), aad: &place.bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::Failed(format!("{place} is too long to seal")))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret, Error> {
        let wrong = || Error::Sealed { what: place.to_string() };
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(wrong)?;
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        let bytes = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| wrong())?;
        Ok(Secret::new(bytes))
    }

    /// The key that `source` names for the ledger at `path`. `new` says that the ledger is being made: only then may a
    /// key be made.
    pub fn find(source: &KeySource, path: &Path, new: bool) -> Result<Self, Error> {
        match source {
            KeySource::Given { origin, key } => given(key).ok_or_else(|| Error::SealKey {
                path: origin.clone(),
                why: "it is neither 64 hexadecimal digits nor 32 bytes in base64 (`openssl rand -hex 32` makes one)"
                    .into(),
            }),
            KeySource::Beside => beside(&key_path(path), new),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places write the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.table, self.owner, self.name];
        parts.iter().flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.bytes())).collect()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.owner)
    }
}

/// `<ledger>.key`, beside the ledger.
pub(super) fn key_path(ledger: &Path) -> PathBuf {
    let mut path = ledger.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

fn beside(path: &Path, new: bool) -> Result<SealKey, Error> {
    let failed = |why: String| Error::SealKey { path: path.to_owned(), why };
    match fs::read(path) {
        Ok(bytes) => {
            let text = Secret::new(bytes);
            let mode = fs::metadata(path).map_err(|error| failed(error.to_string()))?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(failed(format!("others may read it (mode {mode:04o}); `chmod 600` it")));
            }
            given(&text).ok_or_else(|| failed("it does not hold a key".into()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && new => {
            make(path).map_err(|error| failed(error.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(failed("it is gone, and what the ledger holds sealed opens with no other; put it back".into()))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// A new key, whole in its file (mode 0600) or not there at all.
fn make(path: &Path) -> std::io::Result<SealKey> {
    let mut bytes = [0u8; KEY];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY + 1));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // writing to a String does not fail
    }
    text.push('\n');
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?; // mode 0600
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(SealKey(bytes))
}

#[expect(clippy::disallowed_methods, reason = "reads the sealing key into the one type that uses it")]
fn given(key: &Secret) -> Option<SealKey> {
    let text = key.expose().trim_ascii();
    let bytes = match text.len() {
        64 => hex(text),
        _ => [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD].iter().find_map(|form| form.decode(text).ok()),
    };
    let bytes = Zeroizing::new(bytes?);
    Some(SealKey(bytes.as_slice().try_into().ok()?))
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "sealed", owner: "inc-1", name: "new" };

    #[test]
    fn opens_only_where_it_was_sealed_and_unchanged() {
        let key = SealKey::new([7; 32]);
        let sealed = key.seal(PLACE, &Secret::new("hunter2")).unwrap();
        assert_eq!(key.open(PLACE, &sealed).unwrap(), Secret::new("hunter2"));
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(sealed, key.seal(PLACE, &Secret::new("hunter2")).unwrap(), "a nonce is never used twice");

        let moved = Place { owner: "inc-1new", name: "", ..PLACE };
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        for (key, place, sealed) in [
            (&key, moved, &sealed[..]),
            (&key, PLACE, &changed[..]),
            (&key, PLACE, &sealed[..10]),
            (&SealKey::new([8; 32]), PLACE, &sealed[..]),
        ] {
            assert!(matches!(key.open(place, sealed), Err(Error::Sealed { .. })));
        }
    }

    #[test]
    fn a_key_is_made_once_and_kept_to_ourselves() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        let find = |new| SealKey::find(&KeySource::Beside, &ledger, new);
        assert!(matches!(find(false), Err(Error::SealKey { .. })), "never made for a ledger that stands");
        let made = find(true).unwrap();
        assert_eq!(made.0, find(false).unwrap().0);
        assert_eq!(made.0, find(true).unwrap().0, "a key that was made before a crash is used");

        let path = key_path(&ledger);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(find(false), Err(Error::SealKey { .. })));
    }

    #[test]
    fn a_given_key_is_hexadecimal_or_base64() {
        let hex = format!("{}\n", "0a".repeat(32));
        for text in [hex, STANDARD.encode([10; 32]), URL_SAFE_NO_PAD.encode([10; 32])] {
            assert_eq!(given(&Secret::new(text)).unwrap().0, [10; 32]);
        }
        for bad in ["", "short", &"zz".repeat(32), &STANDARD.encode([10; 33])] {
            assert!(given(&Secret::new(bad)).is_none());
        }
    }
}
