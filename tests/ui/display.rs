//! Printing a secret does not compile.
fn main() {
    let secret = stanch::secret::Secret::new("x");
    println!("{secret}"); //~ E0277 doesn't implement `std::fmt::Display`
}
