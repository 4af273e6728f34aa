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
use crate::backend::{Job, Level, Part, Reads, Report, Role, Target, home, stated};
use crate::catalog::{Home, Misfit};
use crate::diag::{Code, Diagnostic};
use crate::ir;

/// Splunk SPL.
#[derive(Debug)]
pub struct Spl;

static SEARCH: Layout = Layout::new(include_str!("../../../targets/spl/search.spl.j2"));

impl Target for Spl {
    fn name(&self) -> &'static str {
        "spl"
    }

    fn title(&self) -> &'static str {
        "Splunk SPL"
    }

    fn extension(&self) -> &'static str {
        "spl"
    }

    fn level(&self, _rule: &ir::Rule) -> Level {
        Level::Record
    }

    fn reads(&self) -> Reads {
        Reads { entries: &["from", "filter", "time"], words: &[], marks: &[] }
    }

    fn judge(&self, home: &Home) -> Vec<Misfit> {
        let whole = |text, notation| stated::whole(text, notation);
        let from = home::missing("from", &home.from)
            .or_else(|| home::broken("from", whole(&home.from, &literal::SEARCH)));
        let filter = home.filter.as_deref().map(|text| ("filter", text));
        let time = Some(("time", home.time.as_str())).filter(|(_, text)| !text.is_empty());
        let expressions = filter.into_iter().chain(time);
        let expressions =
            expressions.filter_map(|(entry, text)| home::broken(entry, whole(text, &literal::EXPRESSION)));
        from.into_iter().chain(expressions).collect()
    }

    fn support(&self, feature: Feature) -> Support {
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

    fn emit(&self, job: &Job<'_>, report: &mut Report) -> Vec<Part> {
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
        match SEARCH.render(layout) {
            Ok(text) => vec![Part {
                name: job.rule.name.node.clone(),
                id: job.rule.meta.id.clone(),
                role: Role::Query,
                text,
            }],
            Err(error) => {
                let title = format!("the SPL layout is broken: {error}");
                report.error(Diagnostic::new(Code::NotExpressible, job.rule.span, title));
                Vec::new()
            }
        }
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
fn lines(parts: &[Frag], mark: &str) -> String {
    match parts {
        [only] => only.text().to_owned(),
        several => Frag::lines(several, mark, 12, Bind::And).map_or_else(String::new, Frag::into_text),
    }
}

#[cfg(test)]
mod tests;
