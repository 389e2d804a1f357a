//! stanch
pub mod secret;
pub mod text;
pub mod yaml;
