//! An explanation for a terminal.
//!
//! In: an explanation. Out: lines of at most 100 columns, but for names that are longer. Must not know: colours.

use super::{Explanation, InTarget, Made, Query};
use crate::picture;
use crate::source::visible;

/// The width of a line.
const WIDTH: usize = 100;

/// Prints an explanation.
#[must_use]
pub fn text(explained: &Explanation) -> String {
    let Explanation { rule, title, facts, description, when, steps, after, picture, targets } = explained;
    let mut lines =
        vec![visible(title).into_owned(), format!("{rule} · {}", facts.join(" · ")), String::new()];
    fold(description, "", "", &mut lines);
    lines.push(String::new());
    fold(when, "", "", &mut lines);
    for (at, step) in steps.iter().enumerate() {
        fold(step, &format!("  {}. ", at + 1), "     ", &mut lines);
    }
    for line in after {
        fold(line, "", "  ", &mut lines);
    }
    lines.push(String::new());
    lines.push(picture::text(picture));
    table(targets, &mut lines);
    for target in targets {
        details(target, &mut lines);
    }
    lines.push(String::new());
    lines.join("\n")
}

fn table(targets: &[InTarget], lines: &mut Vec<String>) {
    if targets.is_empty() {
        return;
    }
    let mut rows = vec![["target", "fidelity", "level", "must run"].map(str::to_owned)];
    for InTarget { title, made } in targets {
        let [fidelity, level, schedule] = match made {
            Made::Query(query) => [query.fidelity, query.level, query.schedule.as_str()],
            Made::Refused(_) => ["no query", "", ""],
            Made::NotMeant => ["not meant for it", "", ""],
        };
        rows.push([title, fidelity, level, schedule].map(str::to_owned));
    }
    let widths: Vec<usize> = (0..4)
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
    }
}

fn details(target: &InTarget, lines: &mut Vec<String>) {
    let InTarget { title, made } = target;
    let mut items: Vec<(&str, &str)> = Vec::new();
    match made {
        Made::Query(Query { fidelity: _, level: _, schedule: _, reasons, requires, cost, parts: _ }) => {
            items.extend(reasons.iter().map(|(word, reason)| (*word, reason.as_str())));
            items.extend(requires.iter().map(|what| ("needs", what.as_str())));
            items.extend(cost.iter().map(|what| ("cost", what.as_str())));
        }
        Made::Refused(reasons) => items.extend(reasons.iter().map(|reason| ("refused", reason.as_str()))),
        Made::NotMeant => return,
    }
    lines.push(String::new());
    lines.push((*title).to_owned());
    for (word, what) in items {
        fold(what, &format!("  {word}: "), "    ", lines);
    }
}

/// Adds a text in lines; the first begins with `first`, the others with `next`.
fn fold(text: &str, first: &str, next: &str, lines: &mut Vec<String>) {
    for (number, paragraph) in visible(text).lines().enumerate() {
        let mut line = if number == 0 { first.to_owned() } else { next.to_owned() };
        let mut is_empty = true;
        for word in paragraph.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut line, next.to_owned()));
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        lines.push(line);
    }
}
