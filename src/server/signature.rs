//! Who sent this? Checked over the raw bytes, before anything in them is read.
//!
//! Webhooks: HMAC-SHA256 of the body with the shared secret, `x-hub-signature-256: sha256=<hex>`
//! (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>, read 2026-11-20). Posts of the
//! secret scanning partner programme: ECDSA P-256 with SHA-256, base64 of the ASN.1 DER signature, under a key that
//! GitHub publishes by its id
//! (<https://docs.github.com/en/code-security/tutorials/secret-scanning-partner-program/secret-scanning-partner-program>,
//! read 2026-11-20).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use sha2::Sha256;
use stanch::secret::Secret;

/// Whether `header` is the HMAC-SHA256 of `body` under `secret`. Takes the same time for every wrong signature.
#[expect(clippy::disallowed_methods, reason = "the webhook's secret keys the HMAC")]
pub fn hmac_holds(secret: &Secret, body: &[u8], header: &str) -> bool {
    let Some(sent) = header.strip_prefix("sha256=").and_then(unhex) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose()) else { return false };
    mac.update(body);
    mac.verify_slice(&sent).is_ok()
}

/// A key of the partner programme, as GitHub publishes it.
#[derive(Debug, Clone)]
pub struct PartnerKey(VerifyingKey);

impl PartnerKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`, with lines of any length.
    pub fn from_pem(pem: &str) -> Option<PartnerKey> {
        let body = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
        let text: String = body.split_whitespace().collect();
        VerifyingKey::from_public_key_der(&STANDARD.decode(text).ok()?).ok().map(PartnerKey)
    }

    /// Whether `header` is this key's signature of `body`.
    pub fn holds(&self, body: &[u8], header: &str) -> bool {
        let signature = STANDARD.decode(header.trim()).ok().and_then(|der| DerSignature::from_bytes(&der).ok());
        signature.is_some_and(|signature| self.0.verify(body, &signature).is_ok())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_webhook_vector_holds_and_nothing_near_it() {
        let secret = Secret::new("It's a Secret to Everybody");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(hmac_holds(&secret, b"Hello, World!", good));
        assert!(!hmac_holds(&secret, b"Hello, World", good));
        assert!(!hmac_holds(&Secret::new("It's a secret to everybody"), b"Hello, World!", good));
        for bad in ["", "sha256=", "sha256=75", "sha1=757107", &good.replace("75", "7g"), &good[..good.len() - 2]] {
            assert!(!hmac_holds(&secret, b"Hello, World!", bad), "{bad}");
        }
        assert!(!hmac_holds(&secret, b"Hello, World!", &format!("{good}00")));
        assert!(!hmac_holds(&secret, b"Hello, World!", &good["sha256=".len()..]));
    }

    /// The two vectors that GitHub's documentation has had: public keys and signatures, nothing secret.
    const VECTORS: [(&str, &str, &str); 2] = [
        (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAdAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==",
            r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#,
            // Its `s` has 31 bytes, which fixed-length readers stumble over.
            "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
        ),
        (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUqkCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==",
            r#"[{"token":"some_token","type":"some_type","url":"some_url"}]"#,
            "MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=",
        ),
    ];

    #[test]
    fn both_partner_vectors_hold_and_nothing_near_them() {
        let pem =
            |key: &str| PartnerKey::from_pem(&format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"));
        let keys: Vec<PartnerKey> = VECTORS.iter().map(|(key, ..)| pem(key).unwrap()).collect();
        for (at, (_, body, signature)) in VECTORS.iter().enumerate() {
            assert!(keys[at].holds(body.as_bytes(), signature));
            assert!(!keys[at].holds(format!("{body}\n").as_bytes(), signature), "one byte more");
            assert!(!keys[1 - at].holds(body.as_bytes(), signature), "another's key");
            assert!(!keys[at].holds(body.as_bytes(), &signature[..signature.len() - 8]), "cut off");
            assert!(!keys[at].holds(body.as_bytes(), ""), "none");
        }
        assert!(pem("AAAA").is_none());
    }
}
