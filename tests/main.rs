//! The test suite: one binary, one module a concern.

mod cli;
mod corpus;
mod docs;
mod engines;
mod layers;
mod program;
mod targets_page;
mod worlds;
mod syntax;
