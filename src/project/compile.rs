//! Checked files to emissions.
//!
//! In: a checked file, targets, what the user chose. Out: emissions in the order of rules and targets; findings on the
//! side. Must not know: output formats.

use crate::backend::{self, Emission, ListDelivery, Target};
use crate::diag::Diagnostics;

use super::session::Checked;

/// What the user may choose of how rules are compiled; what is left out comes from the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompileOptions {
    /// How allowlists reach the query.
    pub lists: Option<ListDelivery>,
    /// Whether a query that could miss events is written at all.
    pub allow_subset: bool,
    /// KQL: join by time buckets, for keys with very many events.
    pub time_buckets: bool,
}

/// Compiles the rules of a file for every target.
pub fn compile_file(
    file: &Checked,
    targets: &[&dyn Target],
    options: CompileOptions,
    found: &mut Diagnostics,
) -> Vec<Emission> {
    let CompileOptions { lists, allow_subset, time_buckets } = options;
    let lists = lists.unwrap_or(file.environment.settings.lists);
    let options = backend::Options { lists, allow_subset, time_buckets };
    let mut emissions = Vec::new();
    for rule in &file.rules {
        let (catalog, schemas) = (&file.environment.catalog, &file.environment.schemas);
        let job = backend::Job { rule, catalog, schemas, options: &options };
        emissions.extend(backend::compile_all(&job, targets, found));
    }
    emissions
}
