//! Small things about text that every floor above needs: safe for a terminal, positions in bytes, human units.
//!
//! Knows nothing of secrets or files.

pub mod duration;
pub mod glob;
pub mod lines;
pub mod moment;
pub mod percent;
pub mod size;
pub mod terminal;
pub mod wide;
