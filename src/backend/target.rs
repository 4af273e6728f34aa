//! What a target is: to the rest of the program a [`Target`], to this folder a [`Backend`].
//!
//! In: implementations of [`Backend`], one for each target. Out: each of them as a [`Target`].
//! Must not know: any particular target.

use super::caps::{Feature, Support};
use super::schema::{self, Dialect, Reads};
use super::{Job, Level, Part, Report};
use crate::ir;

/// A query language and the SIEM that runs it.
pub trait Target: Sync {
    /// Other names by which people know it, lower case: `splunk`.
    fn aliases(&self) -> &'static [&'static str];
    /// Short name: `spl`, `sigma`, `kql`, `eql`. Also the key of its columns in the sources.
    fn name(&self) -> &'static str;
    /// For headings, such as "Splunk SPL".
    fn title(&self) -> &'static str;
    /// Extension of its files, without the dot.
    fn extension(&self) -> &'static str;
    /// The lines of a text that the SIEM runs: without comments, and without what is there for a reader alone.
    fn code<'t>(&self, text: &'t str) -> Vec<&'t str>;
    /// What equal answers mean for this target and rule.
    fn level(&self, rule: &ir::Rule) -> Level;
    /// What it reads of a source.
    fn reads(&self) -> Reads;
    /// How the target carries a feature of a rule. The table in the documentation is this function.
    fn support(&self, feature: Feature) -> Support;
    /// Lowers a rule that passed the gate. Problems and notes go to `report`; no parts if there was an error.
    fn emit(&self, job: &Job<'_>, report: &mut Report) -> Vec<Part>;
}

/// What a target declares, beside what it makes of the sources.
pub(in crate::backend) trait Backend: Dialect {
    /// See [`Target::aliases`].
    const ALIASES: &'static [&'static str] = &[];
    /// See [`Target::extension`].
    const EXTENSION: &'static str;
    /// Whether the answers show fields, under the names of [`ir::column_name`]. If not, fields that only an alert names
    /// are never looked up.
    const SHOWS_FIELDS: bool;
    /// Whether each clause of a condition may read a field in its own way. If not, a field is read in one way in the
    /// whole step: by those of its variants that some action of the step can have.
    const READS_BY_CLAUSE: bool = false;

    /// Whether a join by a column that holds for more records than its field finds all that the field would join. If
    /// not, equal values of the column say nothing about the field's, and the join may miss.
    const JOINS_BY_WIDER: bool;
    /// Whether a join by a field whose letter case means nothing can ignore it. If not, the gate says what it misses.
    const FOLDS_KEYS: bool = true;
    /// Whether the exact values of a list can be read from a list of the SIEM, as [`ListDelivery`] says. If not, all
    /// entries stand in the text.
    ///
    /// [`ListDelivery`]: super::ListDelivery
    const HOLDS_LISTS: bool = false;
    /// Whether a query can keep the first of the alerts that `dedupe` takes for one.
    const DEDUPES: bool = false;

    /// See [`Target::code`].
    fn code(text: &str) -> Vec<&str>;
    /// See [`Target::level`].
    fn level(rule: &ir::Rule) -> Level;
    /// See [`Target::support`].
    fn support(feature: Feature) -> Support;
    /// See [`Target::emit`].
    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part>;
}

impl<B: Backend> Target for B {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn aliases(&self) -> &'static [&'static str] {
        B::ALIASES
    }

    fn title(&self) -> &'static str {
        B::TITLE
    }

    fn extension(&self) -> &'static str {
        B::EXTENSION
    }

    fn code<'t>(&self, text: &'t str) -> Vec<&'t str> {
        B::code(text)
    }

    fn level(&self, rule: &ir::Rule) -> Level {
        B::level(rule)
    }

    fn reads(&self) -> Reads {
        schema::reads::<B>()
    }

    fn support(&self, feature: Feature) -> Support {
        B::support(feature)
    }

    fn emit(&self, job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        B::emit(job, report)
    }
}
