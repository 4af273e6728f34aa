//! A picture in the characters of a terminal.
//!
//! In: a picture. Out: lines of at most 80 columns. Must not know: rules, colours.

use super::{Absent, Arrow, Picture, StepBox, wrap};
use crate::source::visible;

/// The width of a box, with its borders.
const WIDTH: usize = 76;
/// The room for text inside of it.
const ROOM: usize = WIDTH - 4;
/// Where arrows leave boxes, from their left border.
const AT: usize = 8;
/// The room for text beside an arrow.
const BESIDE: usize = WIDTH + 4 - AT - 4;
/// The most lines that a part of a condition takes.
const MOST: usize = 6;

/// Draws a picture.
#[must_use]
pub fn text(picture: &Picture) -> String {
    let mut lines = Vec::new();
    for (at, step) in picture.steps.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| picture.arrows.get(before));
        lines.extend(before.into_iter().flat_map(arrow));
        lines.extend(step_box(step, at < picture.arrows.len()));
    }
    if !picture.whole.is_empty() {
        lines.push(String::new());
        lines.extend(picture.whole.iter().map(|line| format!("  {}", visible(line))));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn step_box(step: &StepBox, has_after: bool) -> Vec<String> {
    let StepBox { name, source, condition, gates, absences, count } = step;
    let head = format!("─ {name} ");
    let tail = format!(" {source} ─");
    let fill = WIDTH.saturating_sub(2 + head.chars().count() + tail.chars().count());
    let mut lines = vec![format!("┌{head}{}{tail}┐", "─".repeat(fill))];
    for part in condition {
        for (number, line) in wrap(&visible(part), ROOM - 2, MOST).iter().enumerate() {
            lines.push(row(&format!("{}{line}", if number == 0 { "" } else { "  " })));
        }
    }
    for gate in gates {
        for (number, line) in wrap(&visible(&gate.line()), ROOM - 2, MOST).iter().enumerate() {
            lines.push(row(&format!("{} {line}", if number == 0 { '⊘' } else { ' ' })));
        }
    }
    lines.extend(absences.iter().flat_map(|one| absent(one, ROOM)).map(|line| row(&line)));
    lines.extend(count.iter().flat_map(|count| wrap(&visible(count), ROOM - 2, MOST)).map(|line| row(&line)));
    let end = if has_after { '┬' } else { '─' };
    lines.push(format!("└{}{end}{}┘", "─".repeat(AT), "─".repeat(WIDTH - 3 - AT)));
    lines
}

/// What must not be there, in lines of at most `room` characters.
fn absent(absent: &Absent, room: usize) -> Vec<String> {
    let Absent { name, source, condition, gates, place } = absent;
    let from = if source.is_empty() { String::new() } else { format!(" from {source}") };
    let mut lines = Vec::new();
    let mut add = |text: &str, first: &str, rest: &str| {
        for (number, line) in wrap(&visible(text), room - 6, MOST).iter().enumerate() {
            lines.push(format!("{}{line}", if number == 0 { first } else { rest }));
        }
    };
    add(&format!("no {name}{from} {place}"), "✗ ", "  ");
    for part in condition {
        add(part, "    ", "      ");
    }
    for gate in gates {
        add(&gate.line(), "  ⊘ ", "    ");
    }
    lines
}

fn row(text: &str) -> String {
    let used = text.chars().count();
    format!("│ {text}{} │", " ".repeat(ROOM.saturating_sub(used)))
}

fn arrow(arrow: &Arrow) -> Vec<String> {
    let Arrow { window, keys, comparisons, changes, absences } = arrow;
    let bar = format!("{}│", " ".repeat(AT + 1));
    let changed = if *changes { "  ◆ the key changes" } else { "" };
    let room = BESIDE - "same ".len() - changed.chars().count();
    // What is cut has a character more, which says so.
    let keys = wrap(&visible(&keys.join(", ")), room - 1, MOST);
    let mut lines = vec![format!("{bar}  within {window}")];
    for (number, line) in keys.iter().enumerate() {
        let word = if number == 0 { "same" } else { "    " };
        let changed = if number + 1 == keys.len() { changed } else { "" };
        lines.push(format!("{bar}  {word} {line}{changed}"));
    }
    let comparisons = comparisons.iter().flat_map(|one| wrap(&visible(one), BESIDE - 1, MOST));
    lines.extend(comparisons.map(|line| format!("{bar}  {line}")));
    let absences = absences.iter().flat_map(|one| absent(one, ROOM - AT));
    lines.extend(absences.map(|line| format!("{bar}  {line}")));
    lines.push(format!("{}▼", " ".repeat(AT + 1)));
    lines
}
