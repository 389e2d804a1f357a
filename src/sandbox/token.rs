//! The sandbox's tokens: `sbx_live_`, 30 random letters and digits, and their CRC-32 as six base-62 digits, which is how
//! GitHub builds its own (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>,
//! read 2026-11-20).

use std::io;

/// Digits of base 62 in the order that GitHub uses.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random characters of a token: 30 of base 62 are 178 bits.
const BODY: usize = 30;
/// Digits of the checksum: 62^6 is above 2^32.
const CHECKSUM: usize = 6;

/// A new key's secret.
pub fn secret() -> io::Result<String> {
    let body = random(BODY)?;
    let checksum = base62(crc32fast::hash(body.as_bytes()));
    Ok(format!("sbx_live_{body}{checksum}"))
}

/// A new id such as `key_8f2Kd01xQz`.
pub fn id(prefix: &str) -> io::Result<String> {
    Ok(format!("{prefix}_{}", random(10)?))
}

/// Letters and digits, each as likely as any other.
fn random(length: usize) -> io::Result<String> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while text.len() < length {
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        // 248 is the largest multiple of 62 below 256: what lies above would favour the first digits.
        let digits = bytes.iter().filter(|&&byte| byte < 248).filter_map(|byte| BASE62.get(usize::from(byte % 62)));
        text.extend(digits.take(length - text.len()).map(|&digit| char::from(digit)));
    }
    Ok(text)
}

fn base62(mut number: u32) -> String {
    let mut digits = Vec::with_capacity(CHECKSUM);
    for _ in 0..CHECKSUM {
        digits.extend(BASE62.get((number % 62) as usize).copied().map(char::from));
        number /= 62;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_with_its_checksum() {
        let token = secret().unwrap();
        let body = token.strip_prefix("sbx_live_").unwrap();
        let (random, checksum) = body.split_at(BODY);
        assert_eq!(checksum, base62(crc32fast::hash(random.as_bytes())));
        assert_ne!(token, secret().unwrap());
    }

    #[test]
    fn base_62_is_padded_and_starts_with_the_highest() {
        assert_eq!(base62(0), "000000");
        assert_eq!(base62(62 + 61), "00001z");
    }
}
