//! Nor does turning it into a string.
fn main() {
    let secret = stanch::secret::Secret::new("x");
    let _ = secret.to_string(); //~ E0599 `Secret` doesn't implement `std::fmt::Display`
}
