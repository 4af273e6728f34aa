//! What a statement cannot say by itself: what its engine leaves open, what tables must be there.
//!
//! In: a bound rule. Out: notes and requirements. Must not know: query text.

use super::Sql;
use crate::backend::bind::{Bound, BoundSelection};
use crate::backend::{Effect, Job, Report, SqlDialect};

/// Adds the notes of a rule.
pub(super) fn add(job: &Job<'_>, bound: &Bound<'_, Sql>, report: &mut Report) {
    for span in job.rule.chain.folded() {
        report.note(Effect::Engine, span, LETTERS);
    }
    if job.options.dialect == SqlDialect::Trino {
        report.note(Effect::Engine, job.rule.name.span, NOT_RUN);
    }
    for selection in bound.selections() {
        if job.options.dialect == SqlDialect::Spark && selection.schema.mapping.layout.has_json() {
            report.note(Effect::Engine, job.rule.name.span, NO_SCALAR);
        }
        require(selection, report);
    }
}

fn require(selection: &BoundSelection<'_, Sql>, report: &mut Report) {
    if let Some(what) = &selection.schema.mapping.requires {
        report.require(what);
    }
}

const LETTERS: &str = "what is shared or counted in whatever letter case is compared by lower(): letters beyond ASCII are equal as the \
                       engine folds them";

const NO_SCALAR: &str = "a JSON object or array where the log has a single value counts as a text in Spark, and as missing \
                         elsewhere: the logs that the sources describe have none";

const NOT_RUN: &str =
    "no Trino has run this text: it was parsed as Trino's, and run in translation by DuckDB";
