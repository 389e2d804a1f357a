//! Everything that is tested from outside: one binary, one file per feature.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod archives;
mod attribute;
mod bad_day;
mod bad_input;
mod big_blobs;
mod canary;
mod ci;
mod config;
mod contracts;
mod crash;
mod drill;
mod encoded;
mod gate;
mod hands;
mod hostile_pack;
mod hostile_repository;
mod house;
mod images;
mod index;
mod ledger;
mod logs;
mod logs_follow;
mod own;
mod pack;
mod packed;
mod packs;
mod random_packs;
mod ranges;
mod reading;
mod readme;
mod reftable;
mod report;
mod respond;
mod respond_cli;
mod sandbox;
mod scan;
mod serve;
mod since_scan;
mod sources;
mod stage;
mod tamper;
mod traps_files;
mod traps_history;
mod traps_hooks;
mod traps_reports;
mod traps_staged;
mod ui;
mod world;
