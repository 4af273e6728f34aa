//! Checked files to emissions.
//!
//! In: a checked file, targets, what the user chose. Out: emissions in the order of rules and targets; findings on the
//! side. Must not know: output formats.

use crate::backend::{self, Baseline, Emission, ListDelivery, Rows, Slice, SqlDialect, Target};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::Rule;

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
    /// Sigma: a file for each base rule.
    pub split: bool,
    /// SPL and KQL: which alerts of a run the query gives.
    pub rows: Rows,
    /// SPL: where what must not have come before is looked for.
    pub baseline: Baseline,
    /// SQL: the engine that runs the query.
    pub dialect: SqlDialect,
    /// SQL: the alerts that the query gives.
    pub slice: Slice,
}

/// Whether a rule is meant for a target: for every one, unless it names some.
#[must_use]
pub fn is_meant_for(rule: &Rule, target: &str) -> bool {
    rule.meta.targets.as_ref().is_none_or(|named| named.iter().any(|name| name == target))
}

/// Compiles the rules of a file for every target that they are meant for.
pub fn compile_file(
    file: &Checked,
    targets: &[&dyn Target],
    options: CompileOptions,
    found: &mut Diagnostics,
) -> Vec<Emission> {
    let rules = file.rules.iter();
    rules.flat_map(|rule| compile_rule(file, rule, targets, options, found)).collect()
}

/// Compiles one rule of a file for every target that it is meant for.
pub fn compile_rule(
    file: &Checked,
    rule: &Rule,
    targets: &[&dyn Target],
    options: CompileOptions,
    found: &mut Diagnostics,
) -> Vec<Emission> {
    let CompileOptions { lists, allow_subset, time_buckets, split, rows, baseline, dialect, slice } = options;
    let settings = &file.environment.settings;
    let (lists, cased) = (lists.unwrap_or(settings.lists), settings.sigma.cased);
    let options = backend::Options {
        lists,
        allow_subset,
        time_buckets,
        interval: settings.interval,
        cased,
        split,
        rows,
        baseline,
        staged: settings.is_staged(&rule.name.node),
        dialect,
        slice,
    };
    if rows == Rows::OnePerKey && rule.alert.dedupe.is_none() {
        found.push(no_dedupe(rule));
    }
    let (catalog, schemas) = (&file.environment.catalog, &file.environment.schemas);
    let job = backend::Job { rule, catalog, schemas, options: &options };
    let meant: Vec<_> = targets.iter().copied().filter(|target| is_meant_for(rule, target.name())).collect();
    backend::compile_all(&job, &meant, found)
}

/// One row per key is asked of a rule that names no key.
fn no_dedupe(rule: &Rule) -> Diagnostic {
    Diagnostic::new(
        Code::NoRowKey,
        rule.name.span,
        "`--one-row-per-key` has no effect on a rule without `dedupe`",
    )
    .label("its queries give every alert")
    .help("add `dedupe 24h by STEP.FIELD` to `alert`")
}
