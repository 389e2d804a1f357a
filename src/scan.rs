//! The verb that scans.
