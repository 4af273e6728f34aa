//! Which rows of the answer are kept: one of an event that was delivered twice, and the first of what `dedupe` takes
//! for one alert.
//!
//! In: a bound rule, how far a run looks back. Out: commands before the table. Must not know: how rows are found.

use super::literal::{self, Frag, spl};
use super::{Spl, eval, links, records, slots};
use crate::backend::bind::{Bound, BoundStep, OneRow};
use crate::backend::print::Bind;
use crate::backend::{Report, Schedule};
use crate::diag::{Code, Diagnostic};
use crate::ir;

/// The commands, which read the columns of the table and rows in the order of time.
pub(super) fn commands(bound: &Bound<'_, Spl>, schedule: Schedule, report: &mut Report) -> Vec<Frag> {
    let first = bound.one_row.map(|one_row| first_of_each(bound, &one_row, schedule, report));
    delivered_once(bound).into_iter().chain(first.into_iter().flatten()).collect()
}

/// Of an event that was delivered twice one row is enough: the same event id, and the same item of its group.
fn delivered_once(bound: &Bound<'_, Spl>) -> Option<Frag> {
    let mut ends = bound.steps.iter().filter(|step| step.last);
    let mut columns = if bound.together.is_some() {
        ends.clone().find_map(super::event_id)?;
        vec![spl!("chain_step"), records::event()]
    } else if links::repeats_last(bound) {
        // Also what has no id: a record has a row for each of its values.
        vec![spl!("chain_id")]
    } else {
        vec![literal::flat(&super::event_id(ends.clone().next()?)?.column)]
    };
    columns.extend(ends.any(has_items).then(|| spl!("chain_item_id")));
    // By default `dedup` drops rows that lack one of its fields, and an event may come without an id.
    let columns = Frag::join(columns, " ", Bind::And);
    Some(spl!("dedup {columns} keepempty=true", columns))
}

/// The windows of one run are found one by one: each costs two more commands.
const MOST_WINDOWS: u64 = 4;

/// The first row of each key, and the first one after the window that it opens, as often as a run can see that.
fn first_of_each(
    bound: &Bound<'_, Spl>,
    one_row: &OneRow<'_>,
    schedule: Schedule,
    report: &mut Report,
) -> Vec<Frag> {
    let windows = one_row.windows(schedule);
    if windows > MOST_WINDOWS {
        refuse(one_row, schedule, report);
        return Vec::new();
    }
    let (made, mut kept) = keys(bound, one_row);
    let mut out = Vec::from_iter(eval(made));
    // Behind a link rows are in order already, unless it leads to a burst; a search gives the newest event first.
    let repeats = bound.steps.last().is_some_and(|step| step.repetition.is_some());
    out.extend((bound.links.is_empty() || repeats).then(|| spl!("sort 0 +_time")));
    if windows > 1 {
        let by = literal::list(&kept);
        out.push(spl!("streamstats window=0 min(_time) AS chain_first BY {by}", by));
        let window = literal::number(one_row.window.seconds);
        for _ in 1..windows {
            out.push(spl!(
                "eval chain_next=if(round(_time - chain_first, 6) > {window}, _time, null())",
                window
            ));
            out.push(spl!("streamstats window=0 min(chain_next) AS chain_opened BY {by}", by));
            out.push(spl!("eval chain_first=coalesce(chain_opened, chain_first)"));
        }
        kept.push(spl!("chain_first"));
    }
    let kept = Frag::join(kept, " ", Bind::And);
    out.push(spl!("dedup {kept} keepempty=true", kept));
    out
}

/// Columns that hold the keys, and what makes them: a key that can be missing becomes a text, for `BY` and `dedup` pass
/// over rows that lack it.
fn keys(bound: &Bound<'_, Spl>, one_row: &OneRow<'_>) -> (Vec<Frag>, Vec<Frag>) {
    let (mut made, mut names) = (Vec::new(), Vec::new());
    for (number, (step, field)) in (1..).zip(one_row.keys(bound)) {
        let column = literal::flat(&step.column_name(&field.name));
        if step.main.is_key(&field.name) {
            names.push(column);
            continue;
        }
        let number = literal::number(number);
        let name = spl!("chain_by{number}", number);
        made.push(literal::assign(&name, &slots::as_text(&column, field.ty, Frag::clone)));
        names.push(name);
    }
    (made, names)
}

fn refuse(one_row: &OneRow<'_>, schedule: Schedule, report: &mut Report) {
    let [window, look_back, least] =
        [one_row.window.seconds, schedule.look_back, schedule.look_back.div_ceil(MOST_WINDOWS)]
            .map(ir::duration);
    report.error(
        Diagnostic::new(
            Code::NotExpressible,
            one_row.window.span,
            "Splunk SPL cannot keep one row per key for a window this short",
        )
        .label(format!(
            "a run looks back {look_back}, and the search would have to find every {window} of it apart"
        ))
        .help(format!(
            "use at least {least}, or compile for Splunk without `--one-row-per-key` and throttle there"
        )),
    );
}

/// Whether an event can give several records of the last step.
pub(super) fn has_items(step: &BoundStep<'_, Spl>) -> bool {
    step.last && step.selections().any(|selection| selection.has_items.contains(&true))
}
