//! One branch: the records of one step, as rows of clean columns.
//!
//! In: a step, what later commands need of it. Out: its base search and its commands, all of them streaming.
//! Must not know: how the chain is put together.

use std::collections::BTreeSet;

use crate::backend::print::{Frag, phrase};
use crate::backend::{Job, Report, columns};
use crate::catalog::{Group, Source, SourceMapping};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Pred, Step, TestKind};
use crate::source::Span;

use super::column::{Columns, Stage, Work};
use super::literal::{self, Refusal};
use super::predicate::{Predicates, Prefilter, call};
use super::role::{ID, KeyColumn, Output, Role, guarded};
use super::{Spl, lines};

/// The records of one step.
#[derive(Debug)]
pub(super) struct Branch {
    /// Arguments of the first `search`.
    pub(super) base: Frag,
    /// The commands after it.
    pub(super) commands: Vec<Frag>,
}

/// Builds the branch of a step. What is wrong goes to the report.
pub(super) fn build(job: &Job<'_>, step: &Step, role: &Role<'_>, report: &mut Report) -> Option<Branch> {
    let source = columns::source(job, step)?;
    let mapping = columns::mapping(job, &Spl, step, report)?;
    let mut columns = Columns::new(job, step, report);
    add_columns(step, role, source, &mut columns);
    note_inexact(job, step, role, columns.report);
    let depth = if role.last { deepest(source) } else { columns.stage() };
    let Columns { event, item, inner, kept, .. } = columns;
    let mut predicates = Predicates { job, step, report, lookups: Vec::new() };
    let mut parts = predicates.condition();
    let lookups = predicates.lookups;
    parts.extend(present(role, &parts));

    let mut commands: Vec<_> =
        mapping.filter.iter().map(|filter| Frag::atom(phrase!("where {filter}"))).collect();
    commands.extend(event.paths);
    let assignments = event_assignments(mapping, role, event.assignments);
    match &source.group {
        Some(group) if depth > Stage::Event => {
            let expansion =
                Expansion { group, depth, assignments, item, inner, kept: kept_columns(role, kept) };
            match expansion.commands() {
                Ok(expanded) => commands.extend(expanded),
                Err(reason) => report.error(
                    Diagnostic::new(
                        Code::NotExpressible,
                        step.source.span,
                        "SPL cannot expand the group of this source",
                    )
                    .label(reason),
                ),
            }
        }
        Some(_) | None => commands.extend(eval(&assignments)),
    }
    commands.extend(lookups);
    commands.push(Frag::atom(phrase!("where {}", lines(&parts, " AND"))));
    commands.extend(outcome(role));
    let admitted = step.possible_actions();
    let prefilter = Prefilter { job, step, source, admitted: admitted.as_ref() };
    Some(Branch { base: base(&prefilter, mapping), commands })
}

/// A record is an innermost item, so the last step expands all there is: its records are the alerts.
fn deepest(source: &Source) -> Stage {
    match &source.group {
        Some(Group { inner: Some(_), .. }) => Stage::Inner,
        Some(Group { inner: None, .. }) => Stage::Item,
        None => Stage::Event,
    }
}

/// The base search: the source, and what every record of the step shares as far as plain terms can say it.
fn base(prefilter: &Prefilter<'_>, mapping: &SourceMapping) -> Frag {
    let terms = prefilter.print().map(|terms| phrase!(" {}", terms.text())).unwrap_or_default();
    Frag::atom(phrase!("{}{terms}", mapping.from))
}

/// Every field that the branch reads or hands on; the event's action first, since other columns may ask for it.
fn add_columns(step: &Step, role: &Role<'_>, source: &Source, columns: &mut Columns<'_, '_>) {
    let mut fields: Vec<(&Field, bool)> = Vec::new();
    let mut add = |field, checked| match fields.iter_mut().find(|(known, _)| same(known, field)) {
        Some((_, known)) => *known |= checked,
        None => fields.push((field, checked)),
    };
    for test in std::iter::once(&step.filter).chain(&step.excepts).flat_map(Pred::tests) {
        let other = test.other();
        add(&test.field, other.is_some() || matches!(test.kind, TestKind::Exists));
        if let Some(other) = other {
            add(other, true);
        }
    }
    role.fields().for_each(|field| add(field, true));
    let action =
        source.field(ACTION).map(|def| Field { name: ACTION.to_owned(), ty: def.ty, span: Span::default() });
    if fields.iter().any(|(field, _)| columns::asks_for_action(columns.job, &Spl, step, field)) {
        fields.extend(
            action
                .as_ref()
                .filter(|action| !fields.iter().any(|(field, _)| same(field, action)))
                .map(|action| (action, false)),
        );
    }
    fields.sort_by_key(|(field, _)| field.name != ACTION);
    for (field, checked) in fields {
        columns.add(field, checked);
    }
}

/// What the step hands on by columns that are not exactly their fields.
fn note_inexact(job: &Job<'_>, step: &Step, role: &Role<'_>, report: &mut Report) {
    let inexact = |field: &Field| columns::inexact_field(job, &Spl, step, field);
    for KeyColumn { field, .. } in &role.keys {
        for inexact in inexact(field) {
            inexact.joined(false, field.span, report);
        }
    }
    for Output { field, .. } in &role.outputs {
        if !role.keys.iter().any(|key| same(key.field, field)) {
            for inexact in inexact(field) {
                inexact.shown(&field.name, field.span, report);
            }
        }
    }
}

/// The field whose value chooses between the variants of a column.
const ACTION: &str = "event.action";

fn same(one: &Field, other: &Field) -> bool {
    one.name == other.name
}

/// The tests that every key of the step is there, unless the condition says so already.
fn present(role: &Role<'_>, known: &[Frag]) -> Vec<Frag> {
    let mut tests: Vec<Frag> = Vec::new();
    for key in &role.keys {
        let test = call("isnotnull", &[&literal::column("f", &key.field.name)]);
        if !known.contains(&test) && !tests.contains(&test) {
            tests.push(test);
        }
    }
    tests
}

/// What is read while the raw event is there: its time, its columns, and who it is.
fn event_assignments(mapping: &SourceMapping, role: &Role<'_>, columns: Vec<Frag>) -> Vec<Frag> {
    let mut assignments = Vec::new();
    if !matches!(mapping.time.as_str(), "" | "_time") {
        assignments.push(Frag::atom(phrase!("_time={}", mapping.time)));
    }
    assignments.extend(columns);
    if role.identified {
        let id = match &role.event_id {
            Some(field) => phrase!("coalesce({}, md5(_raw))", literal::column("f", &field.name)),
            None => "md5(_raw)".to_owned(),
        };
        assignments.push(Frag::atom(phrase!("{ID}=printf(\"=%s\", {})", guarded(&id))));
    }
    assignments
}

fn eval(assignments: &[Frag]) -> Option<Frag> {
    (!assignments.is_empty()).then(|| Frag::atom(phrase!("eval {}", lines(assignments, ","))))
}

fn kept_columns(role: &Role<'_>, mut kept: BTreeSet<String>) -> BTreeSet<String> {
    if role.identified {
        kept.insert(ID.to_owned());
    }
    kept
}

/// A record for each item of the source's group. Only our own columns go through `mvexpand`, whose memory is bounded.
struct Expansion<'a> {
    group: &'a Group,
    depth: Stage,
    assignments: Vec<Frag>,
    item: Work,
    inner: Work,
    kept: BTreeSet<String>,
}

impl Expansion<'_> {
    fn commands(self) -> Result<Vec<Frag>, Refusal> {
        let path = literal::option(&phrase!("{}{{}}", self.group.path))?;
        let mut commands = vec![Frag::atom(phrase!("spath output=chain_item path={}", path.text()))];
        commands.extend(eval(&self.assignments));
        let kept: Vec<_> = self.kept.iter().map(|name| phrase!(", {name}")).collect();
        commands.push(Frag::atom(phrase!("fields _time{}, chain_item", kept.concat())));
        commands.push(Frag::atom("fields - _raw"));
        commands.push(Frag::atom("mvexpand chain_item"));
        commands.extend(self.item.paths);
        if let (Stage::Inner, Some(inner)) = (self.depth, &self.group.inner) {
            let path = literal::option(&phrase!("{inner}{{}}"))?;
            commands
                .push(Frag::atom(phrase!("spath input=chain_item output=chain_inner path={}", path.text())));
            commands.push(Frag::atom("mvexpand chain_inner"));
            commands.extend(self.inner.paths);
        }
        let assignments: Vec<_> = self.item.assignments.into_iter().chain(self.inner.assignments).collect();
        commands.extend(eval(&assignments));
        Ok(commands)
    }
}

/// Step number and keys, and nothing else but what the alert shows.
fn outcome(role: &Role<'_>) -> Vec<Frag> {
    let mut fields = vec!["_time".to_owned()];
    let mut commands = Vec::new();
    if role.chained {
        let mut made = vec![Frag::atom(phrase!("chain_step={}", role.number))];
        fields.push("chain_step".to_owned());
        for key in &role.keys {
            made.push(Frag::atom(phrase!("{}={}", key.column, literal::column("f", &key.field.name))));
            fields.push(key.column.clone());
        }
        commands.extend(eval(&made));
    }
    if role.identified {
        fields.push(ID.to_owned());
    }
    fields.extend(role.outputs.iter().map(|output| literal::column("f", &output.field.name)));
    commands.push(Frag::atom(phrase!("fields {}", fields.join(", "))));
    commands.push(Frag::atom("fields - _raw"));
    commands
}
