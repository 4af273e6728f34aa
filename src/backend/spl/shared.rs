//! Steps that share a search: of one source, and no event satisfies two of them.
//!
//! In: the records of all branches. Out: those that share one, in groups, and the branch of a group. Must not know: how
//! the chain is put together.
//!
//! A branch each reads the index once for each step. Where base searches do not tell the steps apart, each of these
//! reads finds the same events. In one search, `case` finds the step of an event, and what only one step hands on is
//! null in the rows of others.

use super::branch::{self, Branch, Outcome};
use super::fields::{self, Columns, Phase};
use super::literal::{self, Frag, spl};
use super::records::Records;
use super::{Spl, eval, predicate, prefilter};
use crate::backend::bind::Bound;
use crate::backend::print::Bind;
use crate::backend::truth::unique;
use crate::backend::{Job, Report, shape};

/// Records in groups, each of which has a search of its own.
pub(super) fn grouped<'b, 'a>(records: Vec<Records<'b, 'a>>, job: &Job<'_>) -> Vec<Vec<Records<'b, 'a>>> {
    let numbers: Vec<_> = records.iter().map(|one| one.number).collect();
    let mut groups: Vec<Vec<Records<'_, '_>>> = Vec::with_capacity(records.len());
    for one in records {
        let alone = |of: &Records<'_, '_>| numbers.iter().filter(|number| **number == of.number).count() == 1;
        let fits = |group: &&mut Vec<Records<'_, '_>>| {
            group.iter().all(|other| alone(other) && can_share(other, &one, job))
        };
        let group = alone(&one).then(|| groups.iter_mut().find(fits)).flatten();
        match group {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// Whether two steps can share a search, and no event costs more in it than it would in one of their own.
fn can_share(one: &Records<'_, '_>, other: &Records<'_, '_>, job: &Job<'_>) -> bool {
    std::ptr::eq(one.selection.source, other.selection.source)
        && !shape::selections_share(one.selection.of, other.selection.of, job.catalog)
        && [one, other].iter().all(|records| records.renamed().is_empty())
        // Rows of one step alone are expanded by the values of a key.
        && [one, other].iter().all(|records| records.selection.any.is_empty())
        && fields::agree(one, other)
        && costs_nothing(one, other)
}

/// Every event of a shared search is asked for the paths of all steps, and `spath` reads its text each time. That is
/// lost if one step finds few events and the other finds many, unless they ask for the same, or find the same events.
fn costs_nothing(one: &Records<'_, '_>, other: &Records<'_, '_>) -> bool {
    let [paths, others] = [one, other].map(|records| {
        let columns = Columns::of(records, &mut Report::default());
        // Items of one step would be expanded, or looked for, in events of others.
        let expands = !branch::expanded(records, &columns).is_empty();
        let mut paths: Vec<_> = columns.paths(Phase::Tests).collect();
        paths.sort_by(|one, other| one.text().cmp(other.text()));
        (!expands).then_some(paths)
    });
    let [base, other_base] = [one, other].map(|records| prefilter::base(&[records.selection]));
    paths.zip(others).is_some_and(|(paths, others)| paths == others || base == other_base)
}

/// Builds the branch of a group. What is wrong goes to the report.
pub(super) fn build(
    bound: &Bound<'_, Spl>,
    group: &[Records<'_, '_>],
    job: &Job<'_>,
    report: &mut Report,
) -> Branch {
    let selections: Vec<_> = group.iter().map(|records| records.selection).collect();
    let time = selections.first().and_then(|first| first.schema.mapping.time.as_ref());
    let columns = Columns::of_all(group, report);
    let mut tested = Vec::from_iter(time.map(|time| spl!("_time={time}", time)));
    tested.extend(columns.assignments(Phase::Tests));
    let mut commands: Vec<_> = columns.paths(Phase::Tests).collect();
    commands.extend(eval(tested));
    commands.extend(steps(group, job, report));
    commands.extend(columns.paths(Phase::Rest));
    let outcomes: Vec<_> =
        group.iter().map(|records| (records, branch::outcome(bound, records, &[]))).collect();
    let own = by_name(&outcomes);
    let mut made: Vec<_> = columns.assignments(Phase::Rest).collect();
    made.extend(own.iter().map(|(name, values)| literal::assign(name, &of_step(values, group.len()))));
    commands.extend(eval(made));
    let shown = outcomes.into_iter().flat_map(|(_, outcome)| outcome.columns);
    let names = [spl!("_time"), spl!("chain_step")].into_iter().chain(own.into_iter().map(|(name, _)| name));
    commands.extend([branch::fields(&unique(names.chain(shown).collect())), spl!("fields - _raw")]);
    let notes = group.iter().map(|records| literal::comment(&records.title)).collect();
    Branch { base: prefilter::base(&selections), notes, commands }
}

/// The commands that find the step of an event, and drop events of none.
fn steps(group: &[Records<'_, '_>], job: &Job<'_>, report: &mut Report) -> Vec<Frag> {
    let (mut commands, mut cases) = (Vec::new(), Vec::new());
    for records in group {
        let (lookups, parts) = predicate::parts(records, false, job.options, report);
        commands.extend(lookups);
        let parts = Frag::lines(&parts, " AND", 16, Bind::And).unwrap_or_else(|| spl!("1=1"));
        let number = literal::number(records.number);
        cases.push(spl!("{parts}, {number}", parts, number));
    }
    commands = unique(commands);
    // The value of the first condition that is true (Search Reference, case); a test of nothing is not.
    commands.extend(
        Frag::lines(&cases, ",", 12, Bind::Or)
            .map(|cases| spl!("eval chain_step=case(\n            {cases})", cases)),
    );
    commands.push(spl!("where isnotnull(chain_step)"));
    commands
}

/// Numbers of steps, and what each has.
type Values = Vec<(u64, Frag)>;

/// What the steps make, by its name.
fn by_name(outcomes: &[(&Records<'_, '_>, Outcome)]) -> Vec<(Frag, Values)> {
    let mut columns: Vec<(Frag, Values)> = Vec::new();
    for (records, outcome) in outcomes {
        let id = records.told_apart().then(|| (spl!("chain_id"), branch::identity(records.selection)));
        for (name, value) in outcome.made.iter().cloned().chain(id) {
            if name.text() == "chain_step" {
                continue;
            }
            match columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push((records.number, value)),
                None => columns.push((name, vec![(records.number, value)])),
            }
        }
    }
    columns
}

/// The value that the step of a row has, of `count` steps; nothing where it has none.
fn of_step(values: &[(u64, Frag)], count: usize) -> Frag {
    let is = |number: u64| {
        let number = literal::number(number);
        spl!("chain_step={number}", number)
    };
    match values {
        [(_, first), rest @ ..] if values.len() == count && rest.iter().all(|(_, one)| one == first) => {
            first.clone()
        }
        [(number, only)] => {
            let is = is(*number);
            spl!("if({is}, {only}, null())", is, only)
        }
        several => {
            let pairs: Vec<_> =
                several.iter().flat_map(|(number, value)| [is(*number), value.clone()]).collect();
            literal::call("case", &pairs)
        }
    }
}
