//! Everything that is tested from outside: one binary, one file per feature.

mod house;
mod ui;
