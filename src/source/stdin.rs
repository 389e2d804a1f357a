//! Source: stdin.
