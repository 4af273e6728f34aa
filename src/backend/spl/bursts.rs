//! Steps that repeat: which rows complete a burst, since when there are enough of them, and how many there are.
//!
//! In: a bound rule. Out: commands that leave of such a step only the rows that complete, with `<step>_count` and
//! `<step>_first_time`. Must not know: how a link finds its predecessor.
//!
//! Events are counted once, however many rows they have. Their start is the time of the N-th newest event of the group,
//! from a window of N rows for each group; their number is a sum of marks, one more where an event comes, one less
//! where it leaves the window. Of values each group carries the times, with the time at which the same value came next:
//! those that count are inside the window and have not come again. All rows of one instant get what holds after the
//! last.

use super::literal::{self, Frag, spl};
use super::{Spl, links, slots};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::{Effect, Report};
use crate::diag::{Code, Diagnostic};
use crate::ir::{ACTION, Repetition, Type};

/// The commands, for all steps that repeat. `sorted` says whether the rows stand in the order of time, steps first.
pub(super) fn commands(bound: &Bound<'_, Spl>, sorted: &mut bool, report: &mut Report) -> Vec<Frag> {
    let mut out = Vec::new();
    for (number, step) in (1..).zip(&bound.steps) {
        let Some(repetition) = step.repetition else { continue };
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(2));
        let before = at.and_then(|at| Some((bound.links.get(at)?, bound.steps.get(at)?)));
        if let Some((_, before)) = before.filter(|(link, _)| link.shared) {
            refuse_shared(before, step, repetition, report);
        }
        let burst = Burst { number, step, repetition };
        if repetition.distinct.is_some() {
            out.extend(burst.values());
            report.note(Effect::Engine, repetition.span, CARRIED);
        } else {
            // Without the `0`, `sort` returns 10,000 rows.
            out.extend((!*sorted).then(|| spl!("sort 0 +_time, +chain_step")));
            out.extend(burst.events());
            report.require(WINDOW);
        }
        *sorted = false;
        out.push(burst.completed(bound));
    }
    out
}

/// Refuses to count events that could be the event of the step before, and says what to change.
fn refuse_shared(
    before: &BoundStep<'_, Spl>,
    step: &BoundStep<'_, Spl>,
    repetition: &Repetition,
    report: &mut Report,
) {
    let (earlier, counted) = (&before.name.node, &step.name.node);
    let title = format!(
        "Splunk SPL cannot count events of step `{counted}` that could be the event of step `{earlier}` as well"
    );
    let example = only_of(before, step)
        .map_or(String::new(), |except| format!(", for example by `except {except}` in step `{counted}`"));
    report.error(
        Diagnostic::new(Code::NotExpressible, repetition.span, title)
            .label("the search cannot leave that one event out of the count")
            .also(before.name.span, "an event of this step could be among those that are counted")
            .help(format!(
                "let the conditions of the two steps exclude each other{example}, or leave Splunk out with `--target`"
            )),
    );
}

/// The actions of the step before that the counted one could do without, as a condition.
fn only_of(before: &BoundStep<'_, Spl>, step: &BoundStep<'_, Spl>) -> Option<String> {
    let ([], []) = (before.others.as_slice(), step.others.as_slice()) else { return None };
    let actions = before.main.of.filter.required_texts(ACTION)?.strings();
    // Without those that both ask for none may be left: then there is nothing to take away.
    if let Some(counted) = step.main.of.filter.required_texts(ACTION)
        && counted.0.iter().all(|action| actions.contains(&**action))
    {
        return None;
    }
    if actions.iter().any(|action| action.contains(['"', '\\'])) {
        return None;
    }
    let quoted: Vec<_> = actions.iter().map(|action| format!("\"{action}\"")).collect();
    Some(match quoted.as_slice() {
        [one] => format!("{ACTION} == {one}"),
        several => format!("{ACTION} in ({})", several.join(", ")),
    })
}

const WINDOW: &str =
    "limits.conf [stats] max_stream_window of at least the number that a step counts (10,000 by default)";
const CARRIED: &str = "different values are counted, so the query carries every earlier record of a group along; its memory grows with \
                       them";

/// The values by which the records of a step are counted: names and values.
pub(super) fn marks(step: &BoundStep<'_, Spl>, number: u64) -> Vec<(Frag, Frag)> {
    let Some(repetition) = step.repetition else { return Vec::new() };
    let by = (1..).zip(&repetition.by);
    let mut made: Vec<_> =
        by.map(|(key, by)| (literal::burst_key(number, key), literal::grouped(by))).collect();
    made.extend(repetition.distinct.iter().map(|distinct| {
        let column = literal::grouped(distinct);
        let value = match distinct.field.ty {
            Type::String | Type::Ip | Type::Bool => column,
            Type::Int | Type::Float | Type::Time => literal::call("tostring", [&column]),
        };
        (value_of(number), value)
    }));
    made
}

fn value_of(step: u64) -> Frag {
    let step = literal::number(step);
    spl!("chain_value{step}", step)
}

/// A step that repeats.
struct Burst<'b, 'a> {
    number: u64,
    step: &'b BoundStep<'a, Spl>,
    repetition: &'b Repetition,
}

impl Burst<'_, '_> {
    fn fill(&self, text: &'static str) -> Frag {
        let keys = (1..).zip(&self.repetition.by).map(|(key, _)| literal::burst_key(self.number, key));
        let by = literal::list(&keys.collect::<Vec<_>>());
        let (first, count, value) = (slots::first(self.step), slots::count(self.step), value_of(self.number));
        let [i, least, window] =
            [self.number, u64::from(self.repetition.least), self.repetition.window.seconds]
                .map(literal::number);
        let parts = [
            ("by", &by),
            ("first", &first),
            ("count", &count),
            ("value", &value),
            ("i", &i),
            ("least", &least),
            ("window", &window),
        ];
        literal::fill(text, &parts)
    }

    /// The commands that count events.
    fn events(&self) -> Vec<Frag> {
        let texts = [
            "streamstats window=0 count AS chain_turn{i} BY {by}, chain_id",
            "streamstats window={least} global=f count AS chain_rows{i}, min(_time) AS {first} BY {by}, chain_turn{i}",
            // A double holds epoch seconds to a quarter of a microsecond, so differences are rounded: limits are
            // inclusive.
            "eval {first}=if(chain_turn{i}=1 AND chain_rows{i}={least} AND round(_time - {first}, 6) <= {window}, {first}, null()), \
             chain_mark=if(chain_step={i} AND chain_turn{i}=1, split(\"1 -1\", \" \"), null())",
            "mvexpand chain_mark",
            "eval chain_mark=tonumber(chain_mark), _time=if(chain_mark=-1, round(_time + {window}.000001, 6), _time)",
            // Of one instant first those that leave, so that the last one that comes has the most.
            "sort 0 +_time, +chain_mark",
            "streamstats window=0 sum(chain_mark) AS {count} BY {by}",
            "where isnull(chain_mark) OR chain_mark=1",
            "eval {count}=if(chain_mark=1, {count}, null())",
            // What completes comes first, and of that the last one: an event can have further rows behind the one that
            // is counted.
            "eval chain_row=coalesce({first}, 0)",
            "sort 0 +_time, -chain_row, -{count}",
            "streamstats window=0 max({first}) AS {first}, max({count}) AS {count} BY {by}, _time",
        ];
        texts.into_iter().map(|text| self.fill(text)).collect()
    }

    /// The commands that count values.
    fn values(&self) -> Vec<Frag> {
        let texts = [
            "sort 0 -_time, +chain_step",
            "streamstats window=0 current=f last(_time) AS chain_next{i} BY {by}, {value}",
            // A value that does not come again comes again after all that is.
            "eval chain_seen{i}=if(chain_step={i} AND isnotnull({value}), \
             printf(\"%.6f|%.6f|%s\", _time, coalesce(chain_next{i}, 9999999999), {value}), null())",
            "sort 0 +_time, +chain_step",
            "streamstats window=0 values(chain_seen{i}) AS chain_all{i} BY {by}",
            "streamstats window=0 count AS chain_row",
            "sort 0 +_time, -chain_row",
            "streamstats window=0 values(chain_seen{i}) AS chain_same{i} BY {by}, _time",
            "eval chain_all{i}=mvdedup(mvappend(chain_all{i}, chain_same{i})), \
             chain_all{i}=mvsort(mvmap(chain_all{i}, if(round(_time - tonumber(mvindex(split(chain_all{i}, \"|\"), 0)), 6) <= {window} \
             AND round(tonumber(mvindex(split(chain_all{i}, \"|\"), 1)) - _time, 6) > 0, chain_all{i}, \"0\"))), \
             {count}=mvcount(mvfilter(chain_all{i}!=\"0\")), \
             {first}=if({count} >= {least}, tonumber(mvindex(split(mvindex(chain_all{i}, -{least}), \"|\"), 0)), null())",
        ];
        texts.into_iter().map(|text| self.fill(text)).collect()
    }

    /// Of the step, the rows that complete. What links ask of a record they need not have had to be counted.
    fn completed(&self, bound: &Bound<'_, Spl>) -> Frag {
        let mut tests = vec![literal::call("isnum", [&slots::first(self.step)])];
        tests.extend(asked(bound, self.number).iter().map(|key| literal::call("isnotnull", [key])));
        let (i, holds) = (literal::number(self.number), super::check::all(tests));
        if bound.steps.len() == 1 {
            spl!("where {holds}", holds)
        } else {
            spl!("where chain_step!={i} OR ({holds})", i, holds)
        }
    }
}

/// The columns of a step that links ask for: those by which they join it, and those that they compare.
fn asked(bound: &Bound<'_, Spl>, step: u64) -> Vec<Frag> {
    let mut asked: Vec<_> = links::sides(bound, step).into_iter().map(|(name, _)| name).collect();
    asked.extend(bound.together.iter().flat_map(|shared| links::in_any_order(shared)));
    for (number, link) in (1..).zip(&bound.links) {
        for comparison in link.comparisons {
            asked.extend((number == step).then(|| literal::field(&comparison.left.name)));
            asked.extend((number + 1 == step).then(|| literal::field(&comparison.right.name)));
        }
    }
    asked
}
