//! Cloning a secret does not compile.
fn main() {
    let secret = stanch::secret::Secret::new("x");
    let _ = secret.clone(); //~ E0599 no method named `clone` found for struct `Secret`
}
