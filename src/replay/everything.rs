//! Records with all of their fields.
//!
//! In: logs; rules, or nothing to ask for. Out: the records that satisfy a step, whole, in the engine's order. They are
//! all in memory at once. Must not know: chains, output formats.

use super::filter::log_filter::LogFilter;
use super::gather::gather;
use super::options::{Control, Options};
use super::read::input::{self, Input};
use super::report::stats::Stats;
use super::store::{BUDGET, Store};
use crate::catalog::Catalog;
use crate::engine::predicate::CompileError;
use crate::engine::program::Program;
use crate::engine::record::{Record, Schemas};
use crate::ir::{Alert, Chain, Meta, Pred, Rule, Selection, Severity, Status, Step, Window};
use crate::source::{Span, Spanned};

/// The records that satisfy a step of `rules`, with every field that their source has.
///
/// # Errors
/// When a rule cannot run, which the checker would have refused.
pub fn records(
    rules: &[Rule],
    catalog: &Catalog,
    options: &Options,
    (inputs, control): (&[Input], &Control),
) -> Result<(Vec<Record>, Stats), CompileError> {
    let schemas = Schemas::full(catalog);
    let programs: Vec<Program> =
        rules.iter().map(|rule| Program::new(rule, &schemas)).collect::<Result<_, _>>()?;
    let filter = LogFilter::new(rules, &programs, catalog, &schemas, options, None)?;
    let store = Store::new(options.budget.unwrap_or(BUDGET), None);
    let (_, mut stats) = gather(&filter, input::chunks(inputs, filter.recogniser()), &store, control);
    let mut sorted = store.sorted(schemas.iter().cloned().collect());
    let records = (&mut sorted).flatten().map(|stored| stored.record).collect();
    stats.finish(&sorted);
    Ok((records, stats))
}

/// A rule for each source that every record of it satisfies.
#[must_use]
pub fn any_record(catalog: &Catalog) -> Vec<Rule> {
    catalog.iter().map(|source| of_source(&source.name)).collect()
}

fn of_source(source: &str) -> Rule {
    let named = |node: String| Spanned { node, span: Span::default() };
    let main = Selection {
        source: named(source.to_owned()),
        renames: Vec::new(),
        filter: Pred::And(Vec::new()),
        excepts: Vec::new(),
        span: Span::default(),
    };
    let step = Step {
        name: named("event".to_owned()),
        main,
        others: Vec::new(),
        absences: Vec::new(),
        repetition: None,
        span: Span::default(),
    };
    let chain = Chain {
        total: Window { seconds: 0, span: Span::default() },
        total_is_explicit: false,
        scope: Vec::new(),
        steps: vec![step],
        links: Vec::new(),
        together: None,
    };
    let meta = Meta {
        title: source.to_owned(),
        id: String::new(),
        description: String::new(),
        author: None,
        date: None,
        modified: None,
        status: Status::Experimental,
        severity: Severity::Informational,
        attack: Vec::new(),
        references: Vec::new(),
        false_positives: Vec::new(),
        targets: None,
        allow: Vec::new(),
    };
    Rule {
        name: named(source.to_owned()),
        meta,
        params: Vec::new(),
        lists: Vec::new(),
        chain,
        alert: Alert { entities: Vec::new(), show: Vec::new(), dedupe: None },
        playbook: None,
        tests: Vec::new(),
        span: Span::default(),
    }
}
