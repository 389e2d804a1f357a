//! Views of a blob.
