//! What credentials look like.
