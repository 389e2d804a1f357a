//! stanch finds leaked credentials and stops the bleeding.
//!
//! Two halves, one path of data:
//!
//! ```text
//! Source -> Blob -> Chunk -> Candidate -> Finding -> Verdict -> Incident -> Plan -> Step -> Event (ledger) -> PostMortem
//! ```
//!
//! A type lives with the module that makes it; its reader imports it from its maker. So imports run against the data, and
//! only downward. The floors, from the top (`tests/it/house.rs` proves this page):
//!
//! ```text
//! doors      main  cli  server  sandbox         the binary: this library cannot even name them
//! settings   config                             what was written -> what is meant
//! verbs      respond  scan                      the two sentences of the product
//! voice      report                             data in, bytes out; decides nothing
//! judgement  incident  rotate  inventory  validate   what it means, what to do about it
//! hands      provider  store  consumer  probe   act on the world; strangers to one another
//! memory     ledger                             incidents, events, deliveries, debts
//! eyes       detect  decode  source  rule       follow the data
//! tools      http  process  workflow            workflow knows no secret and no provider; http knows no provider
//! ground     catalog  yaml  secret  text  file  failpoint
//! ```
//!
//! What holds everywhere:
//!
//! - **A secret is a [`secret::Secret`]**: it cannot be printed, cloned or serialised, and reading its bytes is a named act.
//! - **The library never prints**, blocks rather than awaits, and takes its clock and its chance from outside.
//! - **Every outside act is written down before it is done** ([`workflow`]); after a crash the world is asked, not the log.
//! - **Nothing asked for disappears**: what could not be read is a [`source::Skipped`], and the scan says it is incomplete.
//! - **No panic on input.** What a person wrote fails with every mistake at its line ([`yaml::Diagnostics`]).
//!
//! Words: a *finding* is one credential with all its *occurrences*; *validate* asks whether the leaked one lives, *verify*
//! whether the new one works; an *incident* is one credential's life from found to closed; the *pivot* is the last step
//! before which everything can be undone; *stuck* means that a person is called, with instructions; a *debt* is a row that
//! is still owed, never a line in a log.

pub mod catalog;
pub mod config;
pub mod consumer;
pub mod decode;
pub mod detect;
pub mod failpoint;
pub mod file;
pub mod http;
pub mod incident;
pub mod inventory;
pub mod ledger;
pub mod probe;
pub mod process;
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
