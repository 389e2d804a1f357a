//! The verb that responds.
