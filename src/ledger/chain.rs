//! The hash chain of events.
