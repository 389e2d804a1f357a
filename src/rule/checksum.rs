//! Checksums that tokens carry in themselves, checked without asking anybody.
//!
//! Each formula was checked against the issuer's published description and examples (named at each).

use sha2::{Digest, Sha256};

/// A checksum by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The last 6 characters are the CRC-32 of what stands between the last `_` and them, in base62 (`0-9A-Za-z`), padded
    /// with zeros. GitHub `ghp_ gho_ ghu_ ghr_` and npm `npm_` (github.blog, "Behind GitHub's new authentication token
    /// formats", 2021-04-05; computed for public examples 2026-11-20), Vercel `vcp_`, the sandbox `sbx_live_`.
    Crc32Base62,
    /// The 8 characters before the last 8 are the start of the SHA-256 of all before them, in base32 (`A-Z2-7`). GitHub's
    /// fine-grained `github_pat_`; GitHub has not published it, kingfisher's `data/rules/github.yml` states it, and it holds
    /// for the example there (read and computed 2026-11-20).
    GithubPat,
}

impl Checksum {
    /// The names that rules use.
    pub const NAMES: &'static [(&'static str, Checksum)] =
        &[("crc32-base62", Checksum::Crc32Base62), ("github-pat", Checksum::GithubPat)];

    /// The name that rules use.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, checksum)| *checksum == self).map_or("", |(name, _)| name)
    }

    /// Whether `token` carries the right checksum; `false` when it is too short to carry one.
    pub fn holds(self, token: &[u8]) -> bool {
        let Some(at) = token.len().checked_sub(self.tail()) else { return false };
        let (body, tail) = token.split_at(at);
        !body.is_empty() && tail.starts_with(&self.of(body))
    }

    /// The checksum of `body`, which is the token's text up to it.
    pub fn of(self, body: &[u8]) -> Vec<u8> {
        match self {
            Checksum::Crc32Base62 => {
                let after = body.iter().rposition(|&b| b == b'_').map_or(0, |at| at + 1);
                base62(crc32fast::hash(body.get(after..).unwrap_or_default()))
            }
            Checksum::GithubPat => base32(&Sha256::digest(body)),
        }
    }

    /// How many characters stand from the checksum on.
    fn tail(self) -> usize {
        match self {
            Checksum::Crc32Base62 => 6,
            Checksum::GithubPat => 16,
        }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Six digits, the most significant first.
fn base62(mut number: u32) -> Vec<u8> {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = letter(BASE62, number % 62);
        number /= 62;
    }
    digits.to_vec()
}

/// The first 8 characters of `digest` in base32: its first 40 bits, five at a time.
fn base32(digest: &[u8]) -> Vec<u8> {
    let bits = digest.iter().take(5).fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    (0..8).rev().map(|at| letter(BASE32, (bits >> (5 * at) & 31) as u32)).collect()
}

fn letter(alphabet: &[u8], at: u32) -> u8 {
    alphabet.get(at as usize).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The CRC-32 of "hello" is 0x3610a686, its SHA-256 begins 2cf24dba5f: computed with Python's zlib, hashlib and base64.
    #[test]
    fn known_answers() {
        assert_eq!(Checksum::Crc32Base62.of(b"x_y_hello"), b"0zNvy2");
        assert_eq!(Checksum::GithubPat.of(b"hello"), b"FTZE3OS7");
    }

    #[test]
    fn holds_for_what_it_made_and_for_nothing_near_it() {
        for &(name, checksum) in Checksum::NAMES {
            assert_eq!(checksum.name(), name);
            let mut token = b"ab_cdefgh".to_vec();
            token.extend(checksum.of(b"ab_cdefgh"));
            token.resize(9 + checksum.tail(), b'z');
            assert!(checksum.holds(&token), "{name}");
            if let Some(byte) = token.get_mut(5) {
                *byte ^= 1;
            }
            assert!(!checksum.holds(&token), "{name}");
            assert!(!checksum.holds(b"short"), "{name}");
        }
    }
}
