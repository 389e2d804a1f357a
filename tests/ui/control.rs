//! Compiles: the harness can see the library, and what is allowed is allowed.
fn needs_serialize<T: serde::Serialize>(_: T) {}

fn main() {
    let secret = stanch::secret::Secret::new("x");
    println!("{secret:?} {}", secret.len());
    needs_serialize(stanch::secret::FingerprintKey::public().fingerprint(&secret));
}
