//! A picture in the characters of a terminal.
//!
//! In: a picture. Out: lines of at most 80 columns. Must not know: rules, colours.

use super::{Arrow, Picture, StepBox, wrap};
use crate::source::visible;

/// The width of a box, with its borders.
const WIDTH: usize = 76;
/// The room for text inside of it.
const ROOM: usize = WIDTH - 4;
/// Where arrows leave boxes, from their left border.
const AT: usize = 8;
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
    let StepBox { name, source, condition, gates } = step;
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
    let end = if has_after { '┬' } else { '─' };
    lines.push(format!("└{}{end}{}┘", "─".repeat(AT), "─".repeat(WIDTH - 3 - AT)));
    lines
}

fn row(text: &str) -> String {
    let used = text.chars().count();
    format!("│ {text}{} │", " ".repeat(ROOM.saturating_sub(used)))
}

fn arrow(arrow: &Arrow) -> Vec<String> {
    let Arrow { window, keys, changes } = arrow;
    let bar = format!("{}│", " ".repeat(AT + 1));
    let changed = if *changes { "  ◆ the key changes" } else { "" };
    let keys = wrap(&visible(&keys.join(", ")), ROOM - AT, MOST);
    let mut lines = vec![format!("{bar}  within {window}")];
    for (number, line) in keys.iter().enumerate() {
        let word = if number == 0 { "same" } else { "    " };
        let changed = if number + 1 == keys.len() { changed } else { "" };
        lines.push(format!("{bar}  {word} {line}{changed}"));
    }
    lines.push(format!("{}▼", " ".repeat(AT + 1)));
    lines
}
