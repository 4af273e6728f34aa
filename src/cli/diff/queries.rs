//! Queries that differ, for readers.
//!
//! In: [`Query`]s. Out: lines of text and Markdown. Must not know: rules.

use super::emitted::{Because, Lines, Query, Schedules};
use super::shorten;
use crate::backend::Schedule;
use crate::ir;

/// The most lines of a query, and the most characters of a line.
const MOST: usize = 12;
const WIDTH: usize = 110;

/// For a terminal.
pub(super) fn text(queries: &[Query], because: Because) -> Vec<String> {
    let mut lines = Vec::new();
    for query in queries.iter().filter(|query| !query.lines.is_empty()) {
        lines.push(format!("{}:", title(query, because)));
        lines.extend(compact(query).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(schedules(queries));
    lines
}

/// For a pull request.
pub(super) fn markdown(queries: &[Query], because: Because) -> Vec<String> {
    let mut lines = Vec::new();
    for query in queries.iter().filter(|query| !query.lines.is_empty()) {
        lines.extend([format!("{}:", title(query, because)), String::new(), "```diff".to_owned()]);
        lines.extend(compact(query).into_iter().map(|line| line.replace('`', "'")));
        lines.extend(["```".to_owned(), String::new()]);
    }
    lines.extend(schedules(queries).into_iter().map(|line| format!("- {line}")));
    lines
}

fn title(query: &Query, because: Because) -> String {
    let part = if query.is_one_of_several { format!(", part {},", query.part) } else { String::new() };
    let why = match because {
        Because::Any => "",
        Because::Environment => " by sources or environment",
    };
    format!("query of {}{part} changed{why}", query.target)
}

/// One line for all targets whose schedules change alike.
fn schedules(queries: &[Query]) -> Vec<String> {
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for query in queries {
        let Some(Schedules { old, new }) = query.schedule else { continue };
        let change = format!("{} → {}", runs(old), runs(new));
        let is_said = |names: &[String]| names.iter().any(|name| name == query.target);
        match known.iter_mut().find(|(other, _)| *other == change) {
            Some((_, targets)) if is_said(targets) => {}
            Some((_, targets)) => targets.push(query.target.to_owned()),
            None => known.push((change, vec![query.target.to_owned()])),
        }
    }
    known
        .into_iter()
        .map(|(change, targets)| format!("schedule of {}: {change}", targets.join(", ")))
        .collect()
}

fn runs(schedule: Option<Schedule>) -> String {
    schedule.map_or("none".to_owned(), |Schedule { every, look_back, .. }| {
        format!("every {} over the last {}", ir::duration(every), ir::duration(look_back))
    })
}

/// The lines that differ, shortened to what differs in them.
fn compact(query: &Query) -> Vec<String> {
    let mut shown = Vec::new();
    for Lines { old, new } in &query.lines {
        let pairs = old.iter().zip(new).map(|(old, new)| shorten::pair(old.trim(), new.trim(), WIDTH));
        let (mut gone, mut come): (Vec<_>, Vec<_>) = pairs.unzip();
        let single = |line: &String| shorten::one(line.trim(), 2 * WIDTH);
        gone.extend(old.iter().skip(new.len()).map(single));
        come.extend(new.iter().skip(old.len()).map(single));
        shown.extend(gone.iter().map(|line| format!("- {line}")));
        shown.extend(come.iter().map(|line| format!("+ {line}")));
    }
    let more = shown.len().saturating_sub(MOST);
    shown.truncate(MOST);
    shown.extend((more > 0).then(|| format!("… {more} more lines")));
    shown
}
