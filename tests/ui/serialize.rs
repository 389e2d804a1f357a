//! A secret cannot be part of anything that is serialised.
fn needs_serialize<T: serde::Serialize>(_: T) {}

fn main() {
    needs_serialize(stanch::secret::Secret::new("x")); //~ E0277 the trait bound `Secret: serde::Serialize` is not satisfied
}
