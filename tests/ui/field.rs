//! Its bytes cannot be reached around the window.
fn main() {
    let secret = stanch::secret::Secret::new("x");
    let _ = secret.0; //~ E0616 field `0` of struct `Secret` is private
}
