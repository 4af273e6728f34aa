//! The chain: the commands after the branches, whichever form they take.
//!
//! In: a bound rule. Out: its commands, and what all forms share: groups of steps, comments, the table. Must not know:
//! where columns come from, how a link finds its predecessor.

use std::fmt::Write as _;

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

/// Whether the total is shorter than the sum of the gaps.
pub(super) fn total_binds(bound: &Bound<'_, Spl>) -> bool {
    bound.total.seconds < bound.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.gap.seconds))
}

/// Numbers the runs of steps whose neighbours one event could match both; nothing if one number says it all.
pub(super) fn group(bound: &Bound<'_, Spl>, step: u64) -> Option<u64> {
    let apart = || (1..).zip(&bound.links).filter(|(_, link)| !link.shared);
    let needed = apart().count() > 0 && bound.links.iter().any(|link| link.shared);
    needed.then(|| apart().filter(|(number, _)| *number < step).fold(1, |group, _| group + 1))
}

/// What a link joins, for a reader: `launch within 15m of console, by actor.id`.
pub(super) fn remark(bound: &Bound<'_, Spl>, link: u64) -> Frag {
    let found = (1..).zip(&bound.links).zip(bound.steps.iter().zip(bound.steps.iter().skip(1)));
    let told = found.filter(|((number, _), _)| *number == link).map(|((_, link), (earlier, later))| {
        let keys = link.keys.iter().map(|(left, right)| {
            if left.name == right.name {
                left.name.clone()
            } else {
                format!("{} = {}", left.name, right.name)
            }
        });
        format!(
            "{} within {} of {}, by {}",
            later.name.node,
            duration(link.gap.seconds),
            earlier.name.node,
            keys.collect::<Vec<_>>().join(", ")
        )
    });
    literal::comment(&told.collect::<String>())
}

/// A command with a comment below it.
pub(super) fn remarked(command: &Frag, remark: &Frag) -> Frag {
    spl!("{command}\n    ```{remark}```", command, remark)
}

/// Seconds as a rule writes them: `1h30m`.
fn duration(seconds: u64) -> String {
    let (mut rest, mut text) = (seconds, String::new());
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// The column of a step's time.
pub(super) fn time(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name("time"))
}

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
    step.last && step.schema.mapping.group.is_some()
}
