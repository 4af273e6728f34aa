//! The chain: the commands after the branches, whichever form they take.
//!
//! In: a bound rule. Out: its commands, and the table that all forms share. Must not know: where columns come from, how
//! a link finds its predecessor.

use super::links::time;
use super::literal::{self, Frag, spl};
use super::{Spl, eval, fields, latest, packed, shown};
use crate::backend::Report;
use crate::backend::bind::{Bound, BoundStep};
use crate::ir::Type;

/// The commands after the branches.
pub(super) fn commands(bound: &Bound<'_, Spl>, report: &mut Report) -> Vec<Frag> {
    report.require(VERSION);
    let mut out = if bound.links.is_empty() {
        Vec::new()
    } else {
        report.require(ROWS);
        report.require(MEMORY);
        if latest::fits(bound) { latest::commands(bound) } else { packed::commands(bound, report) }
    };
    out.extend(answer(bound));
    out
}

const VERSION: &str = "Splunk 8.1 or later, which reads these comments";
// The manual says both that a search without a window counts all rows and that it counts 10,000.
const ROWS: &str = "streamstats window=0 over all rows; check it once: | makeresults count=20001 | streamstats window=0 count | \
                    stats max(count) gives 20001";
// Without a window, `streamstats` keeps a state for each combination of its BY fields, and no rows. Past the limit (200
// MB by default) the search goes on without an error, and the fields are absent.
const MEMORY: &str = "limits.conf [stats] max_mem_usage_mb large enough for one row per key of every link: past it, streamstats \
                      stops adding its fields and alerts are lost";

/// The last step's own columns, and the table: `_time` first, which Splunk needs for its timeline, then each step in
/// order. What it holds of times are seconds; they are shown as dates.
fn answer(bound: &Bound<'_, Spl>) -> Vec<Frag> {
    let (mut made, mut names, mut times) = (Vec::new(), vec![spl!("_time")], Vec::new());
    for step in &bound.steps {
        if step.last {
            made.push(literal::assign(&time(step), &spl!("_time")));
        }
        names.push(time(step));
        times.push(time(step));
        for output in shown(step) {
            let name = literal::flat(&output.column);
            if step.last {
                made.push(literal::assign(&name, &fields::late(step, output)));
            }
            times.extend((output.field.ty == Type::Time).then(|| name.clone()));
            names.push(name);
        }
    }
    let names = literal::list(&names);
    let dates = times.iter().map(|name| spl!("fieldformat {name}=strftime({name}, \"%F %T %Z\")", name));
    let table = spl!("table {names}", names);
    eval(made).into_iter().chain(once(bound)).chain([table]).chain(dates).collect()
}

/// Of an event that was delivered twice one row is enough: the same event id, and the same item of its group.
fn once(bound: &Bound<'_, Spl>) -> Option<Frag> {
    let last = bound.steps.last()?;
    let id = literal::flat(&last.event_id.as_ref()?.column);
    let item = has_items(last).then(|| spl!(" chain_item_id"));
    // By default `dedup` drops rows that lack one of its fields, and an event may come without an id.
    Some(match item {
        Some(item) => spl!("dedup {id}{item} keepempty=true", id, item),
        None => spl!("dedup {id} keepempty=true", id),
    })
}

/// Whether an event can give several records of the last step.
pub(super) fn has_items(step: &BoundStep<'_, Spl>) -> bool {
    step.last && step.has_items.contains(&true)
}
