//! Source: logs.
