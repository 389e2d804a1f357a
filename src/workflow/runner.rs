//! Carries the machine out.
