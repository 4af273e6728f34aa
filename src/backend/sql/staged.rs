//! A rule in two texts: one keeps the chains that lack their last step in a small table, the other reads that table,
//! and the log of the last step for no longer than the slice.
//!
//! In: a bound rule. Out: both texts, or why there are none. Must not know: who adds rows to the table, and when.
//!
//! The cut is behind the table of the chains that every text has at that place. What the first text gives for slices
//! that touch is what the one text has there, so the answers are the same. A row that the table holds twice changes
//! nothing: of equal chains any is the best. The name of the table has a digest of what fills it, so a rule that was
//! changed begins a table of its own and never reads chains that an earlier version of it found.

use uuid::Uuid;

use super::link::Chain;
use super::literal::{self, Frag, whole};
use super::{Made, Making, Sql, head, joined, print, select, statement};
use crate::backend::schema::Dialect as _;
use crate::backend::{Part, Report, Role, gate};
use crate::ir;
use crate::source::Span;

/// For the ids of parts and the digests of this target.
const NAMESPACE: Uuid = Uuid::from_u128(0x5a0d_94c1_7e2b_5c36_b1f4_08d7_63e9_2a5c);

/// Both texts of a rule.
pub(super) fn parts(making: Making<'_, '_>, report: &mut Report) -> Option<Vec<Part>> {
    if let Some((span, why)) = reason_against(making) {
        gate::refuse_staged(Sql::TITLE, span, why, report);
        return None;
    }
    let rule = making.job.rule;
    // The same whatever slice is asked for.
    let all = Making { bounds: making.bounds.of_all(), ..making };
    let (_, of_all) = earlier(all, report)?;
    let table = format!("{}_open_{}", rule.name.node, digest(&print(all, Vec::new(), of_all, report)?));
    let (chain, open) = earlier(making, report)?;
    let query = later(making, chain, &table, report)?;
    let [of_open, of_query] = heads(making, &table, report);
    let seed = format!("{}/{}/open", rule.meta.id, Sql::NAME);
    let names = (format!("{}_open", rule.name.node), Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string());
    let open = making.part(Role::Stage, names, print(making, of_open, open, report)?);
    let names = (rule.name.node.clone(), rule.meta.id.clone());
    let query = making.part(Role::Query, names, print(making, of_query, query, report)?);
    let mut parts = vec![open, query];
    for lake in parts.iter_mut().filter_map(|part| part.lake.as_mut()) {
        lake.open = Some(table.clone());
    }
    Some(parts)
}

/// Why a rule has no such texts, and where that is.
fn reason_against(making: Making<'_, '_>) -> Option<(Span, &'static str)> {
    let Making { bound, job, schedule: _, bounds: _ } = making;
    if let Some(together) = bound.together {
        return Some((together.span, "its steps come in any order, so each of them can be the last"));
    }
    (bound.steps.len() < 2).then_some((job.rule.name.span, "it has one step, and nothing comes before it"))
}

/// The heads of both texts.
fn heads(making: Making<'_, '_>, table: &str, report: &Report) -> [Vec<Frag>; 2] {
    let last = making.bound.steps.last().map_or("", |step| step.name.node.as_str());
    let reach = ir::duration(making.schedule.span());
    let parts = [
        format!(
            "part 1 of 2: chains that lack `{last}`; add the rows of each slice to the table {table}, which `CREATE TABLE \
             {table} AS` begins with the first"
        ),
        format!(
            "part 2 of 2: the alerts; run it when part 1 has run over the same slice, and over all from {reach} before it"
        ),
    ];
    parts.map(|part| head(making, Some(part), report))
}

/// The chains that lack their last step, and what finds them.
fn earlier(making: Making<'_, '_>, report: &mut Report) -> Option<(Chain, Made)> {
    let before_last = making.bound.steps.len().checked_sub(1)?;
    let mut found = None;
    let statement = statement(making, report, |writer| {
        let chain = joined(writer, making.bound, None, 0..before_last);
        let time = making.bounds.ends();
        let select = whole("SELECT *\nFROM {}\nWHERE {}", &[&chain.name, &time]);
        found = Some(chain);
        select
    });
    Some((found?, statement))
}

/// What finds the alerts in the table of those chains.
fn later(making: Making<'_, '_>, chain: Chain, table: &str, report: &mut Report) -> Option<Made> {
    let Making { bound, job, schedule: _, bounds } = making;
    let last = bound.steps.len().checked_sub(1)?;
    Some(statement(making, report, |writer| {
        let rows = whole("SELECT *\n  FROM {}\n  WHERE {}", &[&literal::own(table), &bounds.readable()]);
        writer.statement.table("chains that part 1 has found", &chain.name, &rows);
        let chain = joined(writer, bound, Some(chain), last..bound.steps.len());
        select(&chain, bound, &bounds, job.options.dialect)
    }))
}

/// A few letters that stand for a text.
fn digest(text: &str) -> String {
    let whole = Uuid::new_v5(&NAMESPACE, text.as_bytes()).simple().to_string();
    whole.chars().take(8).collect()
}
