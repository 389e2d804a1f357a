//! Requests written as text with `{{ ... }}` in it.
