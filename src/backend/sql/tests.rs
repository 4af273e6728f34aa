//! Unit tests of the target.
