//! The test suite: one binary, one module a concern.
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod cli;
mod corpus;
mod docs;
mod engines;
mod layers;
mod program;
mod replay;
mod rules;
mod syntax;
mod targets_page;
mod trials;
mod worlds;
