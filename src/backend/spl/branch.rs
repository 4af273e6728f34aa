//! One branch: the records of one step, as rows of clean columns.
//!
//! In: a bound step, its number and links. Out: its base search and its commands, all of them streaming.
//! Must not know: how the chain is put together.

use super::column::{self, Group, Stage};
use super::fields::{Columns, One, Phase, one};
use super::literal::{self, Frag, spl};
use super::records::{self, Records};
use super::{Spl, eval, latest, links, once, predicate, prefilter, refuse, shown_of};
use crate::backend::bind::{Bound, BoundSelection};
use crate::backend::print::Bind;
use crate::backend::{Job, Report};

/// The records of one step.
#[derive(Debug)]
pub(super) struct Branch {
    /// Arguments of the first `search`.
    pub(super) base: Frag,
    /// Whose records they are, for a reader.
    pub(super) notes: Vec<Frag>,
    /// The commands after it.
    pub(super) commands: Vec<Frag>,
}

/// Builds the branch of records. What is wrong goes to the report.
pub(super) fn build(
    bound: &Bound<'_, Spl>,
    records: &Records<'_, '_>,
    job: &Job<'_>,
    report: &mut Report,
) -> Branch {
    let selection = records.selection;
    let mapping = &selection.schema.mapping;
    let mut columns = Columns::of(records, report);
    let mut tested = Vec::from_iter(mapping.time.as_ref().map(|time| spl!("_time={time}", time)));
    tested.extend(columns.assignments(Phase::Tests));
    let mut commands: Vec<_> = columns.paths(Phase::Tests).collect();
    commands.extend(eval(tested));
    // What the event alone decides comes before anything else is read, made or expanded.
    commands.extend(predicate::commands(records, false, job.options, report));
    commands.extend(columns.paths(Phase::Rest));
    let mut made: Vec<_> = columns.assignments(Phase::Rest).collect();
    // While `_raw` is there: an event without an id is identified by its text.
    if records.told_apart() {
        made.push(literal::assign(&spl!("chain_id"), &identity(selection)));
        columns.kept.push(spl!("chain_id"));
    }
    let expanded = expanded(records, &columns);
    if !expanded.is_empty() {
        expand(&expanded, std::mem::take(&mut made), columns, &mut commands);
        commands.extend(predicate::commands(records, true, job.options, report));
    }
    let outcome = outcome(bound, records, &expanded);
    made.extend(records.renamed());
    made.extend(outcome.made.iter().map(|(name, value)| literal::assign(name, value)));
    let names = outcome.names(records.told_apart());
    commands.extend(eval(made));
    commands.extend([fields(&names), spl!("fields - _raw")]);
    commands.extend(values(bound, records, report));
    let notes = vec![literal::comment(&records.title)];
    Branch { base: prefilter::base(&[selection]), notes, commands }
}

/// A row for each value of a field by any of which a link joins, where rows are narrowest.
fn values(bound: &Bound<'_, Spl>, records: &Records<'_, '_>, report: &mut Report) -> Vec<Frag> {
    let expanded = if records.step.is_some() { links::expanded(bound, records.number) } else { Vec::new() };
    // What is counted need not have the keys of links.
    let counts = records.step.is_some_and(|step| step.repetition.is_some());
    let mut out = Vec::new();
    for (column, field, folded) in expanded {
        let Some(several) = records.selection.any.iter().find(|known| known.name == field.name) else {
            continue;
        };
        match one(several, &column) {
            Ok(One { value, is_value }) => {
                out.push(spl!("mvexpand {column}", column));
                let value = literal::in_one_case(value, field.ty, folded);
                if counts {
                    let value = spl!("if({is_value}, {value}, null())", is_value, value);
                    out.extend(eval(vec![literal::assign(&column, &value)]));
                    continue;
                }
                out.push(spl!("where isnotnull({column}) AND {is_value}", column, is_value));
                let changes = (value != column).then(|| literal::assign(&column, &value));
                out.extend(eval(changes.into_iter().collect()));
            }
            Err(reason) => refuse(field.span, reason, report),
        }
    }
    out
}

/// Who the event is: by its id, or by its text where it has none.
pub(super) fn identity(selection: &BoundSelection<'_, Spl>) -> Frag {
    let text = spl!("md5(_raw)");
    let id = selection
        .event_id
        .as_ref()
        .map(|id| literal::call("coalesce", [&literal::field(id.field.name), &text]));
    let id = id.unwrap_or(text);
    // Behind `=` two ids are compared and sorted as texts, even if both look like numbers: `01` is not `1`.
    spl!("printf(\"=%s\", {id})", id)
}

/// A group that a branch expands.
pub(super) struct Expanded<'g> {
    group: &'g Group,
    item: Frag,
    /// The column of its inner items, if they are expanded too, and where they are.
    inner: Option<(Frag, &'g Frag)>,
}

/// The groups that a branch expands. A record is an innermost item, so the last step expands all that its events can
/// have: its records are the alerts.
pub(super) fn expanded<'g>(records: &'g Records<'_, '_>, columns: &Columns) -> Vec<Expanded<'g>> {
    let selection = records.selection;
    let last = records.step.is_some_and(|step| step.last);
    let groups = (0..).zip(selection.schema.mapping.groups.iter().zip(&selection.has_items));
    let expanded = groups.filter_map(|(number, (group, has_items))| {
        let depth = if last && *has_items { group.depth() } else { columns.stage(number) };
        let inner = group.inner.as_ref().filter(|_| depth == Stage::Inner);
        let inner = inner.map(|path| (column::inner(number), path));
        (depth > Stage::Event).then(|| Expanded { group, item: column::item(number), inner })
    });
    expanded.collect()
}

/// A record for each item of the groups. Only our own columns go through `mvexpand`, whose memory is bounded.
fn expand(expanded: &[Expanded<'_>], event: Vec<Frag>, mut columns: Columns, commands: &mut Vec<Frag>) {
    // Items are expanded whole. Field by field, the image of one instance would meet the interface of another. With a
    // path, `spath` reads past the 5,000 bytes at which automatic extraction stops (Search Reference, spath).
    commands.extend(expanded.iter().map(|Expanded { group: Group { items, .. }, item, .. }| {
        spl!("spath output={item} path={items}", item, items)
    }));
    commands.extend(eval(event));
    columns.kept.sort_by(|one, other| one.text().cmp(other.text()));
    columns.kept.dedup();
    // `fields` alone keeps `_raw`, which would be copied for every item; `mvexpand` truncates its results past
    // `max_mem_usage_mb` (500 by default). It keeps an event without items as one row, as the language does.
    let items = || expanded.iter().map(|one| one.item.clone());
    let kept = [spl!("_time")].into_iter().chain(columns.kept.drain(..)).chain(items());
    commands.extend([fields(&kept.collect::<Vec<_>>()), spl!("fields - _raw")]);
    commands.extend(items().map(|item| spl!("mvexpand {item}", item)));
    commands.extend(columns.paths(Phase::Item));
    for Expanded { item, inner, .. } in expanded {
        if let Some((inner, path)) = inner {
            commands.push(spl!("spath input={item} output={inner} path={path}", item, inner, path));
            commands.push(spl!("mvexpand {inner}", inner));
        }
    }
    commands.extend(columns.paths(Phase::Inner));
    let made = [Phase::Item, Phase::Inner].into_iter().flat_map(|phase| columns.assignments(phase));
    commands.extend(eval(made.collect()));
}

/// Step number and keys, and nothing else but what the alert shows.
pub(super) struct Outcome {
    /// Columns that are made at the end: names and values.
    pub(super) made: Vec<(Frag, Frag)>,
    /// Columns that are there.
    pub(super) columns: Vec<Frag>,
}

impl Outcome {
    /// The names of all columns, with that of the event if events are told apart.
    fn names(self, told_apart: bool) -> Vec<Frag> {
        let made = self.made.into_iter().map(|(name, _)| name);
        let names = std::iter::once(spl!("_time")).chain(made);
        names.chain(told_apart.then(|| spl!("chain_id"))).chain(self.columns).collect()
    }
}

/// What is left of records.
pub(super) fn outcome(
    bound: &Bound<'_, Spl>,
    records: &Records<'_, '_>,
    expanded: &[Expanded<'_>],
) -> Outcome {
    let Records { selection, step, .. } = records;
    let mut made = records::marks(bound, records);
    let mut columns = Vec::new();
    if let Some(step) = step {
        if once::has_items(step) && (super::event_id(step).is_some() || links::repeats_last(bound)) {
            made.push((spl!("chain_item_id"), item_id(expanded)));
        }
        if latest::fits(bound) && !step.last {
            made.extend(latest::columns(step, selection));
        } else {
            columns.extend(shown_of(selection).map(|output| literal::field(output.field.name)));
        }
    }
    Outcome { made, columns }
}

/// The innermost items, and those around them, as one text.
fn item_id(expanded: &[Expanded<'_>]) -> Frag {
    // All of them, because inner items of two items may look alike. Hashed, because every row of the search carries the
    // column.
    let columns = expanded
        .iter()
        .flat_map(|one| std::iter::once(&one.item).chain(one.inner.as_ref().map(|(column, _)| column)));
    let parts: Vec<_> = columns.map(|column| spl!("coalesce({column}, \"\")", column)).collect();
    match parts.as_slice() {
        [] => spl!("\"\""),
        [only] => spl!("md5({only})", only),
        several => {
            let forms: Vec<_> = several.iter().map(|_| literal::fixed("%s")).collect();
            let form = Frag::join(forms, "|", Bind::And);
            let parts = literal::list(several);
            spl!("md5(printf(\"{form}\", {parts}))", form, parts)
        }
    }
}

/// The command that keeps columns.
pub(super) fn fields(names: &[Frag]) -> Frag {
    let names = literal::list(names);
    spl!("fields {names}", names)
}
