//! Steps that repeat: which rows complete a burst, and when it began.
//!
//! In: a bound rule. Out: commands that leave of such a step only the rows that complete, with the start of their burst
//! in `chain_first<i>`. Must not know: how a link finds its predecessor.
//!
//! The start is the time of the N-th newest event of the group, from a window of N rows for each group. An event counts
//! once, however many rows it has; all rows of one instant get what the last of them has.

use super::literal::{self, Frag, spl};
use super::{Spl, refuse};
use crate::backend::Report;
use crate::backend::bind::Bound;
use crate::ir::{self, Repetition};

/// The commands, for all steps that repeat.
pub(super) fn commands(bound: &Bound<'_, Spl>, report: &mut Report) -> Vec<Frag> {
    let mut out = Vec::new();
    for (number, step) in (1..).zip(&bound.steps) {
        let Some(repetition) = step.repetition else { continue };
        let link = usize::try_from(number).ok().and_then(|number| bound.links.get(number.checked_sub(2)?));
        if link.is_some_and(|link| link.shared) {
            refuse(repetition.span, SHARED, report);
        }
        out.extend(completed(number, repetition));
        report.require(WINDOW);
    }
    out
}

const SHARED: &str = "an event of the step before could be one of those that are counted, and the search cannot leave it out of the \
                      count: make the two conditions exclude each other";
const WINDOW: &str =
    "limits.conf [stats] max_stream_window of at least the number that a step counts (10,000 by default)";

/// What an alert shows of a burst is no column of the search.
pub(super) fn refuse_shown(rule: &ir::Rule, report: &mut Report) {
    let ir::Alert { entities, show, dedupe } = &rule.alert;
    let named = entities.iter().map(|entity| &entity.field).chain(show);
    for field in named.chain(dedupe.iter().flat_map(|dedupe| &dedupe.by)) {
        let repeats = rule.chain.steps.get(field.step).is_some_and(|step| step.repetition.is_some());
        if repeats && [ir::COUNT, ir::FIRST_TIME].contains(&field.field.name.as_str()) {
            refuse(field.field.span, SHOWN, report);
        }
    }
}

const SHOWN: &str = "the search keeps the start of a burst and not its size, and shows neither yet";

/// The column of the start of a burst.
pub(super) fn first(step: u64) -> Frag {
    let step = literal::number(step);
    spl!("chain_first{step}", step)
}

fn completed(step: u64, repetition: &Repetition) -> Vec<Frag> {
    let keys: Vec<_> = (1..).zip(&repetition.by).map(|(key, _)| literal::burst_key(step, key)).collect();
    let (by, first) = (literal::list(&keys), first(step));
    let [i, least, window] =
        [step, u64::from(repetition.least), repetition.window.seconds].map(literal::number);
    let fill = |text| {
        literal::fill(
            text,
            &[("by", &by), ("first", &first), ("i", &i), ("least", &least), ("window", &window)],
        )
    };
    let texts = [
        // Without the `0`, `sort` returns 10,000 rows.
        "sort 0 +_time, +chain_step",
        "streamstats window=0 count AS chain_c{i} BY {by}, chain_id",
        "eval chain_o{i}=if(chain_c{i}=1, 1, 0)",
        "streamstats window={least} global=f count AS chain_c{i}, min(_time) AS {first} BY {by}, chain_o{i}",
        // A double holds epoch seconds to a quarter of a microsecond, so differences are rounded: limits are inclusive.
        "eval {first}=if(chain_o{i}=1 AND chain_c{i}={least} AND round(_time - {first}, 6) <= {window}, {first}, null())",
        "streamstats window=0 count AS chain_row",
        "sort 0 +_time, -chain_o{i}, -chain_row",
        "streamstats window=0 max({first}) AS {first} BY {by}, _time",
        "where chain_step!={i} OR isnum({first})",
    ];
    texts.into_iter().map(fill).collect()
}
