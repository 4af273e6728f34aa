//! The test suite: one binary, one module a concern.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that fails panics"
)]

mod authoring;
mod blocks;
mod book;
mod build_folder;
mod checks;
mod checks_ir;
mod ci;
mod cli;
mod conf_files;
mod conformance;
mod corpus;
mod diff;
mod diff_clauses;
mod diff_queries;
mod docs;
mod draft;
mod editors;
mod engines;
mod environment;
mod environments;
mod explain;
mod fix;
mod foreign;
mod format;
mod forms;
mod generated;
mod house;
mod import;
mod import_rounds;
mod json_forms;
mod layers;
mod library;
mod lists;
mod live;
mod lookups;
mod lsp;
mod many_files;
mod mistakes;
mod outputs;
mod pack;
mod program;
mod project;
#[expect(unreachable_pub, reason = "the library of the fuzz targets")]
#[path = "../fuzz/src/lib.rs"]
mod promises;
mod raw_events;
mod raw_lake;
mod recipes;
mod replay;
mod resolutions;
mod rules;
mod scenarios;
mod schedules;
mod seeds;
mod serve;
mod shipped_sources;
mod sizes;
mod sql;
mod syntax;
mod targets_page;
mod trials;
mod tutorial;
mod weakened;
