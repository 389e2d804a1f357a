//! Values that must not be seen, and what may be said of them.
//!
//! A [`Secret`] is bytes with one window: [`Secret::expose`]. It has no `Display`, no `Clone` and no `Serialize`; its
//! `Debug` shows a length; its bytes are wiped when it is dropped. `expose` is a clippy *disallowed method*, so each use
//! carries `#[expect(clippy::disallowed_methods, reason = "...")]` and one `grep` is the audit.
//!
//! What may leave the process about a secret is made here and nowhere else: its keyed [`Fingerprint`], its
//! [`redact::mask`], and text that went through [`redact::scrub`].
//!
//! Knows nothing of rules, providers, files or networks.

pub mod credential;
pub mod fingerprint;
pub mod redact;
pub mod reference;

pub use credential::Credential;
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use reference::SecretRef;

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes that must not be printed, copied about or serialised. Wiped on drop. Share one with `Arc<Secret>`.
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes ownership of the bytes; the caller keeps no copy.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }

    /// The bytes themselves: the one window. Each use names its reason.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Compares in time that does not depend on the bytes (it does on the lengths).
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_length_only() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(7 bytes)");
    }

    #[test]
    fn equality_is_by_bytes() {
        assert_eq!(Secret::new("a"), Secret::new(*b"a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("aa"));
    }
}
