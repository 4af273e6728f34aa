//! The playbook: its text cut at `{{ step.field }}`.
//!
//! In: the text block. Out: a playbook of the IR.
//! Must not know: Markdown.

use crate::diag::{Code, Diagnostic};
use crate::ir::{Playbook, PlaybookPart};
use crate::source::Span;
use crate::syntax::ast::{Name, Text};

use super::names::{self, Names};
use super::sink::Sink;

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// Cuts the text and resolves the placeholders.
pub(super) fn lower(names: &Names<'_>, sink: &mut Sink, text: &Text) -> Option<Playbook> {
    let places = places(names, text);
    let mut parts = Vec::new();
    let mut right = true;
    let mut rest = text.node.as_str();
    let mut count = 0;
    while let Some((before, after)) = rest.split_once(OPEN) {
        if !before.is_empty() {
            parts.push(PlaybookPart::Text(before.to_owned()));
        }
        let place = places.get(count).copied().unwrap_or(text.span);
        count += 1;
        // Without the filter a placeholder that is not closed would swallow the text up to the end of the next one, and
        // both would be unreadable.
        let Some((inner, tail)) = after.split_once(CLOSE).filter(|(inner, _)| !inner.contains(['\n', '{']))
        else {
            unreadable(sink, place, "`}}` is missing on this line");
            right = false;
            // Read on right behind the opening braces, so that a placeholder further down is still resolved.
            rest = after;
            continue;
        };
        match placeholder(names, sink, inner, place, text.span) {
            Some(part) => parts.push(part),
            None => right = false,
        }
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(PlaybookPart::Text(rest.to_owned()));
    }
    right.then_some(Playbook { parts })
}

fn placeholder(
    names: &Names<'_>,
    sink: &mut Sink,
    inner: &str,
    place: Span,
    whole: Span,
) -> Option<PlaybookPart> {
    let name = inner.trim();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        unreadable(sink, place, "expected a step and its field");
        return None;
    }
    // The name alone, where the place is that of the placeholder.
    let lead = OPEN.len() + (inner.len() - inner.trim_start().len());
    let start = place.start as usize + lead;
    let span = if place == whole { place } else { Span::new(place.file, start, start + name.len()) };
    names::step_field(names, sink, &Name { node: name.to_owned(), span }).map(PlaybookPart::Field)
}

fn unreadable(sink: &mut Sink, place: Span, label: &str) {
    let found = Diagnostic::new(Code::BadPlaceholder, place, "invalid placeholder")
        .label(label)
        .help("write placeholders as `{{ STEP.FIELD }}`");
    sink.report(found);
}

/// Where the placeholders stand in the file. The literal has lost its indentation, so that offsets in it say nothing;
/// but the order of the placeholders is the same.
fn places(names: &Names<'_>, text: &Text) -> Vec<Span> {
    let written = names.unit.sources.snippet(text.span);
    let count = |text: &str| text.matches(OPEN).count();
    // An escape such as `\u{7b}` makes braces that the file does not show; then no place is certain, and the whole text
    // stands for each.
    if count(written) != count(&text.node) {
        return Vec::new();
    }
    let place = |(at, _): (usize, &str)| {
        let line = written.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let length = line.find(CLOSE).map_or(OPEN.len(), |end| end + CLOSE.len());
        let start = text.span.start as usize + at;
        Span::new(text.span.file, start, start + length)
    };
    written.match_indices(OPEN).map(place).collect()
}
