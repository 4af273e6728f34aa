//! Elastic EQL: sequences for the detection engine of Elastic Security.
//!
//! In: a rule that passed the gate. Out: one query, or stages that read each other's alerts. Must not know: other
//! targets.

mod keys;
mod literal;
mod multi;
mod plan;
mod predicate;
mod regex;
#[cfg(test)]
mod tests;
mod text;
mod validate;

use minijinja::{Value, context};

use crate::backend::caps::{Feature, Support};
use crate::backend::layout::Layout;
use crate::backend::print::{Bind, Frag, phrase};
use crate::backend::schema::{ColumnReader, Dialect, MappingReader};
use crate::backend::target::Backend;
use crate::backend::{Job, Level, Part, Report, Role, Target, columns};
use crate::ir;
use plan::Stage;
use predicate::Item;

static LAYOUT: Layout = Layout::new(include_str!("../../../targets/eql/sequence.eql.j2"));
/// Where the detection engine writes alerts.
const ALERTS: &str = ".alerts-security.*";

/// The target.
#[derive(Debug)]
pub struct Eql;

impl Dialect for Eql {
    const NAME: &'static str = "eql";
    const TITLE: &'static str = "Elastic EQL";

    type Mapping = ();
    type Column = ();

    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping> {
        let (_, filter, time) = (reader.from(), reader.filter(), reader.time());
        reader.heeds_lag();
        if let Some(Err(problem)) = filter.map(validate::filter) {
            reader.invalid("filter", &problem);
        }
        if let Some(Err(problem)) = time.map(validate::time) {
            reader.invalid("time", &problem);
        }
        Some(())
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column> {
        let _ = (reader.multi(), reader.text(), reader.alert_field());
        Some(())
    }
}

impl Backend for Eql {
    const ALIASES: &'static [&'static str] = &["elastic", "elasticsearch"];
    const EXTENSION: &'static str = "eql";
    const SHOWS_FIELDS: bool = false;
    const JOINS_BY_WIDER: bool = true;

    fn level(rule: &ir::Rule) -> Level {
        if rule.chain.links.is_empty() { Level::Record } else { Level::Key }
    }

    fn support(feature: Feature) -> Support {
        support(feature)
    }

    fn emit(job: &Job<'_>, report: &mut Report) -> Vec<Part> {
        emit(&Eql, job, report).unwrap_or_default()
    }
}

fn support(feature: Feature) -> Support {
    match feature {
        Feature::SingleStep
        | Feature::OrderedSteps
        | Feature::TotalWindow
        | Feature::FieldPair
        | Feature::SharedEvent
        | Feature::CaseSensitive
        | Feature::Wildcards
        | Feature::NumberOrder
        | Feature::TimeOrder
        | Feature::Presence => Support::Native,
        Feature::EqualTimes => Support::Engine(
            "events of the same instant come in the order of the tiebreaker field, then in the order of the shards",
        ),
        Feature::GapWindow => Support::Widened(
            "a sequence has one maxspan, so the windows between neighbours are not enforced one by one",
        ),
        Feature::KeyChange | Feature::KeyChangeInScope => Support::Widened(
            "a chain whose key changes becomes one rule for each key; the alert of a later rule bears the time at which it ran, so the earlier windows are widened by delivery and schedule",
        ),
        Feature::RepeatedGroup => Support::Widened(
            "Elastic keeps one document per call, so image, instance and interface of one launch are not tied to the same item",
        ),
        Feature::IgnoreCase => Support::Emulated(
            "EQL ignores the case of ASCII letters; other letters are spelled out in a regular expression",
        ),
        Feature::RegularExpression => {
            Support::Emulated("rewritten in Lucene's notation, which matches the whole value")
        }
        Feature::Ipv4Network => Support::Engine(
            "an IPv4 address written as IPv6, such as ::ffff:192.0.2.1, is that IPv4 address for Elasticsearch",
        ),
        Feature::Ipv6Network => {
            Support::Emulated("IPv4 addresses, which Elasticsearch keeps inside IPv6, are excluded")
        }
        Feature::Negation => Support::Emulated("each negated test says that a missing field satisfies it"),
        Feature::Allowlist => Support::Emulated("entries stand in the query; EQL reads no lists"),
        Feature::FieldComparison => Support::No {
            reason: "EQL compares fields with literals only",
            help: "compare with literals, or compile this rule for SPL or KQL",
        },
    }
}

fn emit(target: &Eql, job: &Job<'_>, report: &mut Report) -> Option<Vec<Part>> {
    let stages = if job.rule.chain.links.is_empty() { Vec::new() } else { plan::plan(job, target, report)? };
    let mut bodies = Vec::new();
    if stages.is_empty() {
        bodies.push(Body::single(target, job, report)?);
    }
    for stage in &stages {
        bodies.push(Body::sequence(target, job, stage, report)?);
    }
    if !report.errors.is_empty() {
        return None;
    }
    // The head of every part lists the notes, so it comes after everything that can add one.
    let count = bodies.len();
    bodies.into_iter().enumerate().map(|(at, body)| body.part(job, (at + 1, count), report)).collect()
}

/// A part without its head.
struct Body {
    name: String,
    id: String,
    role: Role,
    open: Option<Frag>,
    items: Vec<Printed>,
    indexes: Vec<String>,
}

/// An item of a sequence.
struct Printed {
    title: Frag,
    tests: Vec<Frag>,
    by: Vec<Frag>,
}

impl Body {
    fn single(target: &Eql, job: &Job<'_>, report: &mut Report) -> Option<Self> {
        let step = job.rule.chain.steps.first()?;
        let item = raw(target, job, step, None, false, report)?;
        let (name, id) = (job.rule.name.node.clone(), job.rule.meta.id.clone());
        Some(Self {
            name,
            id,
            role: Role::Query,
            open: None,
            items: vec![item],
            indexes: indexes(target, job, &[step]),
        })
    }

    fn sequence(target: &Eql, job: &Job<'_>, stage: &Stage, report: &mut Report) -> Option<Self> {
        let steps: Vec<_> = job.rule.chain.steps.get(stage.steps.clone())?.iter().collect();
        let mut indexes = indexes(target, job, &steps);
        let mut items = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            items.push(raw(target, job, step, Some((stage, index)), stage.reads.is_some(), report)?);
        }
        if let (Some(id), Some(last)) = (&stage.reads, steps.last()) {
            items.push(alert(stage, id, last));
            indexes.push(ALERTS.to_owned());
        }
        let shared = items.first().map(|item| item.by.clone()).unwrap_or_default();
        let common = items.iter().all(|item| item.by == shared);
        let by = if common { phrase!(" by {}", text::listed(&shared)) } else { String::new() };
        if common {
            for item in &mut items {
                item.by.clear();
            }
        }
        let open = Frag::test(phrase!("sequence{by} with maxspan={}", literal::span(stage.span).text()));
        let (name, id) = (stage.name.clone(), stage.id.clone());
        Some(Self { name, id, role: stage.role, open: Some(open), items, indexes })
    }

    fn part(self, job: &Job<'_>, place: (usize, usize), report: &mut Report) -> Option<Part> {
        let head = self.head(job, place, report);
        let sequence = self.open.is_some();
        let indent = if sequence { 5 } else { 2 };
        let items: Vec<_> = self.items.into_iter().map(|item| item.context(indent)).collect();
        let open = self.open.unwrap_or_else(|| Frag::atom(""));
        let context = context! { head, sequence, open => Value::from(open), items };
        let text = LAYOUT.print(Eql::TITLE, job.rule.span, context, report)?;
        debug_assert_eq!(validate::query(&text), Ok(()), "{text}");
        Some(Part { name: self.name, id: self.id, role: self.role, text })
    }

    fn head(&self, job: &Job<'_>, (at, of): (usize, usize), report: &Report) -> Vec<Value> {
        let mut lines = vec![job.rule.meta.title.clone(), format!("rule: {} ({})", self.name, self.id)];
        if of > 1 {
            let role = match self.role {
                Role::Stage => "a building block; the next part reads its alerts by this id",
                Role::Query => "the query; it reads the alerts of the part before",
            };
            lines.push(phrase!("part {at} of {of}: {role}"));
        }
        lines.push(phrase!("index: {}", self.indexes.join(", ")));
        lines.extend(report.remarks());
        lines.iter().map(|line| literal::comment(line).into()).collect()
    }
}

impl Printed {
    /// Its tests stand below each other behind `indent` spaces.
    fn context(self, indent: usize) -> Value {
        let by = if self.by.is_empty() { String::new() } else { phrase!(" by {}", text::listed(&self.by)) };
        let tests = Frag::lines(&self.tests, " and", indent, Bind::Or).unwrap_or_else(|| Frag::atom("true"));
        context! { title => Value::from(self.title), tests => Value::from(tests), by => Value::from(Frag::atom(by)) }
    }
}

/// A step as it reads raw events. Next to alerts it says so, for an alert is a copy of an event.
fn raw(
    target: &Eql,
    job: &Job<'_>,
    step: &ir::Step,
    key: Option<(&Stage, usize)>,
    beside_alerts: bool,
    report: &mut Report,
) -> Option<Printed> {
    let mapping = columns::mapping(job, target, step, report)?;
    let mut tests = Vec::new();
    if let Some(filter) = &mapping.filter {
        tests.push(if validate::joins(filter) { Frag::loose(filter) } else { Frag::test(filter) });
    }
    if beside_alerts {
        tests.push(Frag::test("event.kind == \"event\""));
    }
    let joined = key.map(|(stage, index)| stage.keys.joined(index)).unwrap_or_default();
    tests.extend(predicate::condition(
        &Item { job: *job, target, step, demanded: step.filter.all_required_texts(), joined },
        report,
    ));
    let cells = key.map(|(stage, index)| stage.keys.of_item(index)).unwrap_or_default();
    tests.extend(guards(&cells));
    Some(Printed { title: literal::comment(&step.name.node), tests, by: names(&cells) })
}

/// The alert of a later part: its first event, which is the last step of this part.
fn alert(stage: &Stage, id: &str, last: &ir::Step) -> Printed {
    let cells = stage.keys.of_last();
    let rule = phrase!("kibana.alert.rule.rule_id == {}", literal::string(id).text());
    let mut tests = vec![Frag::test("event.kind == \"signal\""), Frag::test(rule)];
    tests.push(Frag::test("kibana.alert.group.index == 0"));
    tests.extend(guards(&cells));
    let title = format!("{} again, in the alert of the part before", last.name.node);
    Printed { title: literal::comment(&title), tests, by: names(&cells) }
}

/// Every key is present: engines disagree on whether absent keys join each other.
fn guards(cells: &[&keys::Cell]) -> Vec<Frag> {
    cells.iter().map(|cell| predicate::present(&literal::field(&cell.field), &cell.absent)).collect()
}

fn names(cells: &[&keys::Cell]) -> Vec<Frag> {
    cells.iter().map(|cell| literal::field(&cell.field)).collect()
}

fn indexes(target: &Eql, job: &Job<'_>, steps: &[&ir::Step]) -> Vec<String> {
    let mut found = Vec::new();
    for step in steps {
        let mapping = columns::source(job, step).and_then(|source| source.targets.get(target.name()));
        found.extend(
            mapping
                .map(|mapping| mapping.from.clone())
                .filter(|from| !from.is_empty() && !found.contains(from)),
        );
    }
    found
}
