//! Finding credentials in bytes.

pub mod finding;

pub use crate::rule::Confidence;
pub use finding::{Finding, Occurrence};
