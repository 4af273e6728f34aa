//! Queries that differ, for readers.
//!
//! In: [`Query`]s. Out: lines of text and Markdown. Must not know: rules.

use super::emitted::{Because, Lines, Query, Schedules};
use crate::backend::Schedule;
use crate::ir;

/// The most lines of a query, and the most characters of a line.
const MOST: usize = 12;
const WIDTH: usize = 110;
/// How much is shown around what differs in a long line.
const AROUND: usize = 30;

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
        let mut pairs: Vec<_> =
            old.iter().zip(new).map(|(old, new)| around(old.trim(), new.trim())).collect();
        let both = pairs.len();
        let single = |line: &String| cut(line.trim());
        pairs.extend(old.iter().skip(both).map(|line| (Some(single(line)), None)));
        pairs.extend(new.iter().skip(both).map(|line| (None, Some(single(line)))));
        let side = |mark: char, line: &Option<String>| line.as_ref().map(|line| format!("{mark} {line}"));
        shown.extend(pairs.iter().filter_map(|(old, _)| side('-', old)));
        shown.extend(pairs.iter().filter_map(|(_, new)| side('+', new)));
    }
    let more = shown.len().saturating_sub(MOST);
    shown.truncate(MOST);
    shown.extend((more > 0).then(|| format!("… {more} more lines")));
    shown
}

/// Two lines without most of what they begin and end with alike.
fn around(old: &str, new: &str) -> (Option<String>, Option<String>) {
    let [before, after] = [old, new].map(|line| line.chars().collect::<Vec<_>>());
    if before.len().max(after.len()) <= WIDTH {
        return (Some(old.to_owned()), Some(new.to_owned()));
    }
    let same = |pairs: &mut dyn Iterator<Item = (&char, &char)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let head = same(&mut before.iter().zip(&after));
    let rest = before.len().min(after.len()) - head;
    let tail = same(&mut before.iter().rev().zip(after.iter().rev())).min(rest);
    let part = |line: &[char]| {
        let (from, to) = (head.saturating_sub(AROUND), (line.len() - tail + AROUND).min(line.len()));
        let middle: String = line.get(from..to).unwrap_or_default().iter().collect();
        let [left, right] = [from > 0, to < line.len()].map(|cut| if cut { "…" } else { "" });
        format!("{left}{}{right}", cut(&middle))
    };
    (Some(part(&before)), Some(part(&after)))
}

fn cut(line: &str) -> String {
    const LONGEST: usize = 2 * WIDTH;
    if line.chars().count() <= LONGEST {
        line.to_owned()
    } else {
        line.chars().take(LONGEST).chain(['…']).collect()
    }
}
