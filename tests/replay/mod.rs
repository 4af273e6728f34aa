//! Replay over files: real logs with known answers, and made-up ones with everything that can be wrong with a file.

mod beside;
mod checksums;
pub(crate) mod clause_misses;
pub(crate) mod commands;
mod exports;
mod files;
mod filters;
mod folders;
mod forms;
pub(crate) mod golden;
mod history;
mod junk;
mod live;
mod near;
mod same;
mod second_stage;
mod tune;
mod unusable;
