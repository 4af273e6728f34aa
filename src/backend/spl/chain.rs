//! The chain: the commands after the branches, whichever form they take.
//!
//! In: a bound rule. Out: its commands, and the table that all forms share. Must not know: where columns come from, how
//! a link finds its predecessor.

use super::kept::Kept;
use super::links::time;
use super::literal::{self, Frag, spl};
use super::{Spl, absences, bursts, eval, fields, latest, once, packed, records, shown, slots, together};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::{Report, Schedule};
use crate::ir::Type;

/// The commands after the branches; `one_search` says whether there is but one.
pub(super) fn commands(
    bound: &Bound<'_, Spl>,
    kept: &[Kept],
    schedule: Schedule,
    one_search: bool,
    report: &mut Report,
) -> Vec<Frag> {
    report.require(VERSION);
    let mut out = found(bound, kept, one_search, report);
    out.extend(answer(bound, once::commands(bound, schedule, report)));
    out
}

/// The commands up to the rows of the last step that end a chain.
pub(super) fn found(
    bound: &Bound<'_, Spl>,
    kept: &[Kept],
    one_search: bool,
    report: &mut Report,
) -> Vec<Frag> {
    // Each sees what the one before it left.
    let mut out = absences::commands(bound, kept);
    let mut sorted = !out.is_empty();
    out.extend(bursts::commands(bound, &mut sorted, report));
    if records::is_numbered(bound) {
        report.require(ROWS);
        report.require(MEMORY);
        report.require(if one_search { SORTED_ONE } else { SORTED });
    }
    if latest::fits(bound) {
        out.extend(latest::commands(bound, sorted));
    } else if let Some(together) = bound.together {
        out.extend(together::commands(bound, together, sorted));
    } else if bound.links.is_empty() {
        out.extend(bound.steps.first().and_then(|step| whole(bound, step)));
    } else {
        out.extend(packed::commands(bound, sorted, report));
    }
    out
}

/// Of a single step that repeats, what is inside the total.
fn whole(bound: &Bound<'_, Spl>, step: &BoundStep<'_, Spl>) -> Option<Frag> {
    let [first, total] = [slots::first(step), literal::number(bound.total.seconds)];
    bound.total_binds.then(|| spl!("where round(_time - {first}, 6) <= {total}", first, total))
}

const VERSION: &str = "Splunk 8.1 or later, which reads these comments";
// The manual says both that a search without a window counts all rows and that it counts 10,000.
const ROWS: &str = "streamstats window=0 over all rows; check it once: | makeresults count=20001 | streamstats window=0 count | \
                    stats max(count) gives 20001";
// Without a window, `streamstats` keeps a state for each combination of its BY fields, and no rows. Past the limit (200
// MB by default) the search goes on without an error, and the fields are absent.
const MEMORY: &str = "limits.conf [stats] max_mem_usage_mb large enough for one row per key of every link: past it, streamstats \
                      stops adding its fields and alerts are lost";

// The sort runs on one search head, over whatever the branches leave.
const SORTED: &str = "one search head to sort all rows of the branches; to count them first, put | stats count BY chain_step in \
                      place of all that follows the branches";
const SORTED_ONE: &str = "one search head to sort all rows of the steps; to count them first, put | stats count BY chain_step in \
                          place of all that follows | fields - _raw";

/// The last step's own columns, and the table: `_time` first, which Splunk needs for its timeline, then each step in
/// order. What it holds of times are seconds; they are shown as dates.
fn answer(bound: &Bound<'_, Spl>, once: Vec<Frag>) -> Vec<Frag> {
    let (mut made, mut names, mut times) = (Vec::new(), vec![spl!("_time")], Vec::new());
    for step in &bound.steps {
        // Of steps in any order, every row has the columns of all.
        let own = step.last && bound.together.is_none();
        if own {
            made.push(literal::assign(&time(step), &spl!("_time")));
        }
        names.push(time(step));
        times.push(time(step));
        for (name, ty) in slots::burst(step) {
            times.extend((ty == Type::Time).then(|| name.clone()));
            names.push(name);
        }
        for output in shown(step) {
            let name = literal::flat(&output.column);
            if own {
                made.push(literal::assign(&name, &fields::late(step, output)));
            }
            times.extend((output.field.ty == Type::Time).then(|| name.clone()));
            names.push(name);
        }
    }
    let names = literal::list(&names);
    let dates = times.iter().map(|name| spl!("fieldformat {name}=strftime({name}, \"%F %T %Z\")", name));
    let table = spl!("table {names}", names);
    eval(made).into_iter().chain(once).chain([table]).chain(dates).collect()
}
