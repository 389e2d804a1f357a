//! The webhook door.
