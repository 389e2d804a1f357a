//! Names of objects: SHA-1 or SHA-256, as bytes.

use std::fmt;
use std::str::FromStr;

/// How a repository names its objects (its `extensions.objectFormat`; gitrepository-layout(5), git-config(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Hash {
    /// 20 bytes.
    #[default]
    Sha1,
    /// 32 bytes.
    Sha256,
}

impl Hash {
    /// Bytes of a name.
    pub fn width(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        }
    }
}

/// The name of an object. Names of one repository are all of one width.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    bytes: [u8; 32],
    hash: self::Hash,
}

impl Id {
    /// The name that these bytes are: 20 or 32 of them.
    pub fn new(raw: &[u8]) -> Option<Id> {
        let hash = match raw.len() {
            20 => Hash::Sha1,
            32 => Hash::Sha256,
            _ => return None,
        };
        let mut bytes = [0; 32];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Id { bytes, hash })
    }

    /// Zeros: the name of no object.
    pub fn nothing(hash: Hash) -> Id {
        Id { bytes: [0; 32], hash }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.hash.width()).unwrap_or(&self.bytes)
    }

    /// What kind of name it is.
    pub fn hash(&self) -> self::Hash {
        self.hash
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Not 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an object")]
pub struct NoId;

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Id, NoId> {
        let hash = match text.len() {
            40 => Hash::Sha1,
            64 => Hash::Sha256,
            _ => return Err(NoId),
        };
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Id { bytes, hash })
    }
}

fn digit(byte: u8) -> Result<u8, NoId> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(NoId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for (text, hash) in [("0a".repeat(20), Hash::Sha1), ("f1".repeat(32), Hash::Sha256)] {
            let id: Id = text.parse().unwrap();
            assert_eq!((id.to_string(), id.hash(), id.as_bytes().len()), (text, hash, hash.width()));
        }
        for wrong in [String::new(), "0".repeat(39), "g".repeat(40), "0".repeat(42), "é".repeat(20)] {
            assert_eq!(wrong.parse::<Id>(), Err(NoId), "{wrong}");
        }
    }
}
