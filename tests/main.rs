//! The test suite: one binary, one module a concern.

mod syntax;
mod worlds;
