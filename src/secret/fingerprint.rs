//! The name of a secret that is safe to write down: an HMAC of its bytes.
//!
//! It holds no rule, path, line or commit, so it survives rebases, renames and reformatting, and the same secret has the
//! same name in a finding, a baseline, an inventory and an incident. With a team's own key nobody else can test a guess
//! against it; without one the key is a published constant, which is enough for tokens of high entropy (and said so in
//! the README).

use super::Secret;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use std::{fmt, str::FromStr};
use zeroize::Zeroize;

/// Bytes kept of the HMAC: 128 bits, so that a million secrets collide with a chance below 2^-88.
const LEN: usize = 16;

/// The key in force when a team has set none.
const PUBLIC_KEY: &[u8] = b"stanch fingerprint v1, no team key";

/// What fingerprints are made with: a hash that the key was given to once, copied for each secret. Wiped on drop.
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// A team's own key: at least 16 bytes of it, from a file or the environment.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let mut bytes = bytes.into();
        let key = (bytes.len() >= 16).then(|| FingerprintKey::keyed(&bytes));
        bytes.zeroize();
        key.ok_or(Error::ShortKey)
    }

    /// The published key that is used when a team has set none.
    pub fn public() -> Self {
        FingerprintKey::keyed(PUBLIC_KEY)
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104 section 2)")]
    fn keyed(key: &[u8]) -> Self {
        FingerprintKey(Hmac::new_from_slice(key).expect("any key length"))
    }

    /// The fingerprint of `secret` under this key.
    #[expect(clippy::disallowed_methods, reason = "hashes the bytes; only the keyed digest leaves")]
    pub fn fingerprint(&self, secret: &Secret) -> Fingerprint {
        self.fingerprint_bytes(secret.expose())
    }

    /// The fingerprint of bytes that are about to become a secret.
    pub fn fingerprint_bytes(&self, bytes: &[u8]) -> Fingerprint {
        let mut mac = self.0.clone();
        mac.update(bytes);
        let digest = mac.finalize().into_bytes();
        let mut short = [0u8; LEN];
        for (to, from) in short.iter_mut().zip(digest) {
            *to = from;
        }
        Fingerprint(short)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// A secret's name: 32 lower-case hexadecimal digits when written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; LEN]);

impl Fingerprint {
    /// Whether the written form starts with `prefix` (hexadecimal, any case, at least 6 digits).
    pub fn matches_prefix(&self, prefix: &str) -> bool {
        prefix.len() >= 6 && self.to_string().starts_with(&prefix.to_ascii_lowercase())
    }

    /// The first 12 digits, enough to type and to tell apart in a list.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.as_bytes();
        if digits.len() != 2 * LEN {
            return Err(Error::NotAFingerprint);
        }
        let mut bytes = [0u8; LEN];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| Error::NotAFingerprint)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| Error::NotAFingerprint)?;
        }
        Ok(Fingerprint(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a fingerprint or its key could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Fewer than 16 bytes of key.
    #[error("read the fingerprint key: it has fewer than 16 bytes")]
    ShortKey,
    /// Not 32 hexadecimal digits.
    #[error("read a fingerprint: it is not 32 hexadecimal digits")]
    NotAFingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let print = FingerprintKey::public().fingerprint(&Secret::new("x"));
        assert_eq!(print.to_string().parse(), Ok(print));
        assert!(print.matches_prefix(&print.short().to_uppercase()));
        assert!(!print.matches_prefix("abc"), "too short to name anything");
    }

    #[test]
    fn depends_on_key_and_bytes() {
        let team = FingerprintKey::new("0123456789abcdef").unwrap();
        let public = FingerprintKey::public();
        assert_ne!(team.fingerprint(&Secret::new("x")), public.fingerprint(&Secret::new("x")));
        assert_ne!(team.fingerprint(&Secret::new("x")), team.fingerprint(&Secret::new("y")));
        assert_eq!(FingerprintKey::new("short").err(), Some(Error::ShortKey));
    }
}
