//! stanch finds leaked credentials and stops the bleeding.
//!
//! (The essay — path of data, floors, invariants, glossary — is being written.)

pub mod catalog;
pub mod config;
pub mod consumer;
pub mod decode;
pub mod detect;
pub mod failpoint;
pub mod http;
pub mod incident;
pub mod inventory;
pub mod ledger;
pub mod probe;
pub mod provider;
pub mod report;
pub mod respond;
pub mod rotate;
pub mod rule;
pub mod scan;
pub mod secret;
pub mod source;
pub mod store;
pub mod text;
pub mod validate;
pub mod workflow;
pub mod yaml;
