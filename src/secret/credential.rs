//! A secret together with the other parts that it needs to be used (an AWS key id beside its secret key).

use super::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One credential: the secret, and the named parts beside it. Cheap to clone: the bytes are shared, never copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The part that must not be known: the token, the private key, the password.
    pub secret: Arc<Secret>,
    /// The other parts by the names that the rule gives them, such as `key_id`, `host`, `user`.
    pub parts: BTreeMap<String, Arc<Secret>>,
}

impl Credential {
    /// A credential of one part.
    pub fn new(secret: Secret) -> Self {
        Credential { secret: Arc::new(secret), parts: BTreeMap::new() }
    }
}
