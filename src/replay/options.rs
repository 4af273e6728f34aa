//! How to replay.
//!
//! In: what the user asks for. Out: [`Options`], which do not change, and [`Control`], which another thread may use
//! meanwhile. Must not know: anything of replay.

use std::sync::atomic::{AtomicBool, AtomicU64};

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Parse every event in full, also one that can match no step, so that every broken one is found.
    pub thorough: bool,
    /// Count every record that satisfies a step, also one that can be part of no chain.
    pub counts: bool,
    /// Order of the columns of flow logs without a header line.
    pub flow_format: Option<Vec<String>>,
    /// Records of steps before this instant, microseconds, are history: they alert nobody and begin no chain.
    pub from: Option<i64>,
    /// Also look for near misses, and list so many for each rule.
    pub near: Option<usize>,
    /// So many bytes of kept records may be held in memory, more go to a temporary file; a default if not given.
    pub budget: Option<usize>,
}

/// What another thread may watch and ask of a running replay.
#[derive(Debug, Default)]
pub struct Control {
    /// Bytes of the input files read so far.
    pub bytes: AtomicU64,
    /// Set to stop reading; what was read until then is still run.
    pub stop: AtomicBool,
}
