//! Steps in any order: of every step the newest record of a key, for each row.
//!
//! In: a bound rule. Out: the commands between the branches and the table. Must not know: where columns come from.
//!
//! A row completes if every step has a record of its key that is near enough, its own step the row itself. Records of
//! one instant count for each other, so the maxima are taken once more from the end of each instant. What travels is a
//! text that begins with the time, for `max` compares texts. One event must not satisfy two of the steps: that is
//! refused where it could.

use super::literal::{self, Frag, spl};
use super::slots::{self, Slot};
use super::{Spl, eval, fields, links, shown};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::print::Bind;
use crate::backend::{Job, Report, shape};
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Together, Type};

/// Refuses steps that one event could satisfy twice.
pub(super) fn refuse_shared(job: &Job<'_>, report: &mut Report) {
    let chain = &job.rule.chain;
    if let Some(together) = &chain.together
        && shape::together_shares(chain, job.catalog)
    {
        let title = "Splunk SPL cannot express steps in any order that one event could match twice";
        report.error(
            Diagnostic::new(Code::NotExpressible, together.span, title)
                .label("an event would be taken for two of the steps")
                .help("let the conditions of the steps exclude each other, or write a chain of `step` and `then`"),
        );
    }
}

/// The commands between the branches and the table. `sorted` says whether the rows stand in the order of time.
pub(super) fn commands(bound: &Bound<'_, Spl>, together: &Together, sorted: bool) -> Vec<Frag> {
    let mut out = Vec::new();
    if !sorted {
        out.extend(links::sorted(None, 1));
    }
    let numbers =
        || (1..=bound.steps.len()).map(|step| literal::number(u64::try_from(step).unwrap_or(u64::MAX)));
    let by = literal::list(&links::in_any_order(together));
    out.extend(eval((1..).zip(&bound.steps).map(|(number, step)| packed(number, step)).collect()));
    let newest = numbers().map(|i| spl!("max(chain_p{i}) AS chain_m{i}", i)).collect::<Vec<_>>();
    let newest = literal::list(&newest);
    let command = spl!("streamstats window=0 {newest} BY {by}", newest, by);
    out.push(links::remarked(&command, &remark(bound, together)));
    out.push(spl!("streamstats window=0 count AS chain_row"));
    out.push(spl!("sort 0 +_time, -chain_row"));
    let newest = numbers().map(|i| spl!("max(chain_m{i}) AS chain_m{i}", i)).collect::<Vec<_>>();
    let newest = literal::list(&newest);
    out.push(spl!("streamstats window=0 {newest} BY {by}, _time", newest, by));
    // The row itself, and not another record of its step and instant.
    out.extend(eval(
        numbers().map(|i| spl!("chain_v{i}=split(coalesce(chain_p{i}, chain_m{i}), \"|\")", i)).collect(),
    ));
    let window = literal::number(bound.total.seconds);
    let near = |i| spl!("round(_time - tonumber(mvindex(chain_v{i}, 0)), 6) <= {window}", i, window);
    let near = super::lines(numbers().map(near).collect(), " AND");
    out.extend(near.map(|near| spl!("where {near}", near)));
    out.extend(eval((1..).zip(&bound.steps).flat_map(|(number, step)| unpacked(number, step)).collect()));
    out
}

/// The column that carries a record of a step.
fn packed(number: u64, step: &BoundStep<'_, Spl>) -> Frag {
    let slots = slots::of(step);
    let formats = std::iter::once(spl!("%.6f")).chain(slots.iter().map(|_| spl!("=%s")));
    let format = Frag::join(formats.collect(), "|", Bind::And);
    let values = std::iter::once(spl!("_time")).chain(slots.iter().map(Slot::packed));
    let (i, values) = (literal::number(number), literal::list(&values.collect::<Vec<_>>()));
    spl!("chain_p{i}=if(chain_step={i}, printf(\"{format}\", {values}), null())", i, format, values)
}

/// What an answer shows of a step.
fn unpacked(number: u64, step: &BoundStep<'_, Spl>) -> Vec<Frag> {
    let (i, time) = (literal::number(number), links::time(step));
    let places = spl!("chain_v{i}", i);
    let mut made = vec![spl!("{time}=tonumber(mvindex({places}, 0))", time, places)];
    for (at, Slot { name, column: _, ty }) in (1..).zip(slots::of(step)) {
        made.push(literal::assign(&name, &slots::unpacked(&places, &literal::number(at), ty)));
    }
    // Here, after all rows that are no alert have gone.
    let late = shown(step)
        .into_iter()
        .filter(|output| output.field.ty == Type::Ip && !step.main.is_key(output.field.name));
    made.extend(late.map(|output| {
        let name = literal::flat(&output.column);
        literal::assign(&name, &fields::address(&name))
    }));
    made
}

/// What the rows share, for a reader: `user, key, policy within 10m, by actor.id`.
fn remark(bound: &Bound<'_, Spl>, together: &Together) -> Frag {
    let names: Vec<_> = bound.steps.iter().map(|step| step.name.node.as_str()).collect();
    let keys: Vec<_> = together.fields().map(|key| key.name.as_str()).collect();
    let (window, keys) = (ir::duration(bound.total.seconds), keys.join(", "));
    literal::comment(&format!("{} within {window}, by {keys}", names.join(", ")))
}
