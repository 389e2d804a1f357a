//! A transport that answers from recorded exchanges, for tests.
