//! Bytes as they may stand in a URL.

use std::fmt::Write as _;

/// `bytes` percent-encoded: only the unreserved characters of RFC 3986 (section 2.3) stay as they are, and those in `keep`
/// (`/` for a whole path).
pub fn encode(bytes: &[u8], keep: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if keep.contains(&byte) => out.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unreserved_and_the_kept_stay() {
        assert_eq!(encode(b"a-Z_0.~", b""), "a-Z_0.~");
        assert_eq!(encode(b"a b/c:%\xff", b"/"), "a%20b/c%3A%25%FF");
        assert_eq!(encode(b"a/b", b""), "a%2Fb");
    }
}
