//! Finding credentials in bytes.

pub mod finding;

pub use finding::{Confidence, Finding, Occurrence};
