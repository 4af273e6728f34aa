//! Splunk SPL: one search per rule, a `multisearch` branch per step and running aggregates over their rows.
//!
//! In: a rule that passed the gate. Out: one search whose answers are the rule's alerts, one row each.
//! Must not know: other targets. Contract of the rows: `_time`, `<step>_time`, `<step>_<field>`; no filter macro at the
//! end.
//!
//! Nothing is used that loses data in silence past a limit: no join, append, transaction, map, eventstats, streamstats
//! window, or sort without 0.

mod branch;
mod chain;
mod column;
mod literal;
mod predicate;
mod regex;
mod role;

use minijinja::context;

use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::print::{Bind, Frag};
use crate::backend::schema::{ColumnReader, Dialect, MappingReader, Place};
use crate::backend::target::Backend;
use crate::backend::{Job, Level, Part, Report, Role};
use crate::ir;

/// Splunk SPL.
#[derive(Debug)]
pub struct Spl;

static SEARCH: Layout = Layout::new(include_str!("../../../targets/spl/search.spl.j2"));

impl Dialect for Spl {
    const NAME: &'static str = "spl";
    const TITLE: &'static str = "Splunk SPL";

    type Mapping = ();
    type Column = ();

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        let (from, filter, time) = (reader.from(), reader.filter(), reader.time());
        if let Some(from) = from {
            reader.expression("from", from, &literal::SEARCH);
        }
        for (entry, text) in [("filter", filter), ("time", time)] {
            text.map(|text| reader.expression(entry, text, &literal::EXPRESSION));
        }
        Some(())
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        if let Some(Place::Expr(text, _)) = reader.place() {
            reader.expression(text, &literal::EXPRESSION);
        }
        Some(())
    }
}

impl Backend for Spl {
    const ALIASES: &'static [&'static str] = &["splunk"];
    const EXTENSION: &'static str = "spl";
    const SHOWS_FIELDS: bool = true;
    const JOINS_BY_WIDER: bool = false;

    fn level(_rule: &ir::Rule) -> Level {
        Level::Record
    }

    fn support(feature: Feature) -> Support {
        match feature {
            Feature::OrderedSteps => {
                Support::Emulated("rows of all steps in time order, earlier steps first at equal times")
            }
            Feature::EqualTimes => Support::Emulated("the sort puts the earlier step first"),
            Feature::GapWindow => Support::Emulated("running maximum of the predecessor's time for each key"),
            Feature::TotalWindow => Support::Emulated("running maximum of the deadline for each key"),
            Feature::KeyChange | Feature::KeyChangeInScope => {
                Support::Emulated("each link has its own key columns and its own running maximum")
            }
            Feature::FieldPair => Support::Emulated("both sides are evaluated into one key column"),
            Feature::RepeatedGroup => {
                Support::Emulated("spath takes the items, mvexpand gives a row for each")
            }
            Feature::SharedEvent => {
                Support::Emulated("strictly earlier rows, and rows of the same instant with another event id")
            }
            Feature::IgnoreCase => Support::Engine(
                "both sides in lower case: lower() may take a letter beyond ASCII, such as the Kelvin sign, for one of ASCII",
            ),
            Feature::Wildcards => Support::Emulated("an anchored regular expression"),
            Feature::RegularExpression => {
                Support::Emulated("the same expression in PCRE, without backslashes")
            }
            Feature::TimeOrder => Support::Emulated("seconds since 1970"),
            Feature::Negation => Support::Emulated("isnull(field) OR NOT the test"),
            Feature::Allowlist => Support::Emulated("in the text, or a CSV lookup when long"),
            Feature::SingleStep
            | Feature::CaseSensitive
            | Feature::Ipv4Network
            | Feature::Ipv6Network
            | Feature::NumberOrder
            | Feature::FieldComparison
            | Feature::Presence => Support::Native,
        }
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        let roles = role::roles(job);
        let steps = job.rule.chain.steps.iter().zip(&roles);
        let branches: Vec<_> =
            steps.filter_map(|(step, role)| branch::build(job, step, role, report)).collect();
        let tail = if job.rule.chain.links.is_empty() {
            chain::answer(job.rule, &roles)
        } else {
            chain::commands(job, &roles, report)
        };
        if !report.errors.is_empty() {
            return Vec::new();
        }
        let branches = branches.into_iter().map(|branch| {
            context! { base => minijinja::Value::from(branch.base), commands => values(branch.commands) }
        });
        let layout = context! {
            chained => !job.rule.chain.links.is_empty(),
            head => values(head(job.rule, report)),
            branches => branches.collect::<Vec<_>>(),
            tail => values(tail),
        };
        let text = SEARCH.print(Self::TITLE, job.rule.span, layout, report);
        let part = |text| {
            let (name, id) = (job.rule.name.node.clone(), job.rule.meta.id.clone());
            Part { name, id, role: Role::Query, text }
        };
        text.map(part).into_iter().collect()
    }
}

fn values(frags: Vec<Frag>) -> minijinja::Value {
    frags.into_iter().map(minijinja::Value::from).collect()
}

/// The comment at the head: what the search is, and what is not exact about it.
fn head(rule: &ir::Rule, report: &Report) -> Vec<Frag> {
    let mut lines = vec![rule.meta.title.clone(), format!("rule {} ({})", rule.name.node, rule.meta.id)];
    lines.extend(report.remarks());
    lines.iter().map(|line| literal::comment(line)).collect()
}

/// Parts on lines of their own, each but the last followed by `mark`.
fn lines(parts: &[Frag], mark: &'static str) -> String {
    match parts {
        [only] => only.text().to_owned(),
        several => Frag::lines(several, mark, 12, Bind::And).map_or_else(String::new, Frag::into_text),
    }
}

#[cfg(test)]
mod tests;
