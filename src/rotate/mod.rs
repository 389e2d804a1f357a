//! rotate
