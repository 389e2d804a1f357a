//! Finding credentials in bytes.

pub mod allow;
pub mod finding;

pub use crate::rule::Confidence;
pub use allow::{Allow, AllowList, Covers};
pub use finding::{Finding, Occurrence};
