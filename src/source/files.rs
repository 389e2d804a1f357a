//! Source: files.
