//! Renders findings as text with the source beside them. The only user of the rendering crate.
//!
//! In: findings. Out: text for a terminal or a log, in which all that is foreign is escaped.
//! Must not know: where the text goes.

use std::borrow::Cow;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use super::{Code, Diagnostic, Finding, Findings, Location, ResolvedFix, Severity};
use crate::source::{Excerpt, Sources, visible};

/// The longest stretch of source shown as it is, in bytes; past it only the lines that matter are cut out.
const STRETCH: usize = 4_096;
/// How much of a longer line is shown on each side of the place, in characters.
const AROUND: usize = 60;

/// Renders diagnostics of one unit.
#[must_use]
pub fn text(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    Findings::of(diagnostics, sources).findings().iter().map(|finding| one(finding, color)).collect()
}

/// Renders a finding and an empty line.
#[must_use]
pub fn one(finding: &Finding, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut main = Group::with_title(level.primary_title(visible(&finding.title)).id(finding.code.id()));
    let (here, elsewhere): (Vec<&Location>, Vec<&Location>) =
        finding.secondary.iter().partition(|place| same_file(place, &finding.primary));
    main = excerpt(main, &finding.primary, &here);
    for place in elsewhere {
        main = excerpt_of_other(main, place);
    }
    for help in &finding.help {
        main = main.element(Level::HELP.message(visible(help)));
    }
    let mut groups = vec![main];
    groups.extend(finding.fix.as_ref().and_then(patch));
    renderer.render(&groups) + "\n\n"
}

/// Renders what is left of the warnings of a kind, a line each, and an empty line.
#[must_use]
pub fn rest(code: Code, findings: &[&Finding], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let title = format!("{} more of this kind: {}", findings.len(), code.title());
    let mut group = Group::with_title(Level::WARNING.primary_title(title).id(code.id()));
    for Finding { title, primary, .. } in findings {
        let (name, place) = (visible(&primary.file.name), primary.start);
        // Where all have one title, what it is here says more.
        let is_same = findings.first().is_some_and(|first| first.title == *title);
        let what = label(primary).filter(|_| is_same).unwrap_or_else(|| visible(title));
        let line = format!("{name}:{}:{}: {what}", place.line, place.column);
        group = group.element(Level::NOTE.no_name().message(line));
    }
    renderer.render(&[group]) + "\n\n"
}

fn same_file(a: &Location, b: &Location) -> bool {
    a.file.name == b.file.name
}

/// Adds the source around the main place and others of its file.
fn excerpt<'a>(group: Group<'a>, primary: &'a Location, others: &[&'a Location]) -> Group<'a> {
    let start = others.iter().map(|place| place.range.start).fold(primary.range.start, usize::min);
    let end = others.iter().map(|place| place.range.end).fold(primary.range.end, usize::max);
    let Some((from, shown)) = stretch(&primary.file.text, start, end) else {
        let group = clipped(group, primary, AnnotationKind::Primary);
        return others.iter().fold(group, |group, place| clipped(group, place, AnnotationKind::Context));
    };
    let line = primary.file.position(from).line;
    let shown = Excerpt::of(shown);
    let mut snippet = Snippet::source(shown.text.clone())
        .path(visible(&primary.file.name))
        .line_start(line)
        .annotation(annotation(primary, from, &shown, AnnotationKind::Primary));
    for place in others {
        snippet = snippet.annotation(annotation(place, from, &shown, AnnotationKind::Context));
    }
    group.element(snippet)
}

fn excerpt_of_other<'a>(group: Group<'a>, place: &'a Location) -> Group<'a> {
    let Some((from, shown)) = stretch(&place.file.text, place.range.start, place.range.end) else {
        return clipped(group, place, AnnotationKind::Context);
    };
    let shown = Excerpt::of(shown);
    let mark = annotation(place, from, &shown, AnnotationKind::Context);
    let snippet = Snippet::source(shown.text)
        .path(visible(&place.file.name))
        .line_start(place.file.position(from).line)
        .annotation(mark);
    group.element(snippet)
}

fn annotation<'a>(
    place: &'a Location,
    from: usize,
    shown: &Excerpt<'_>,
    kind: AnnotationKind,
) -> Annotation<'a> {
    kind.span(shown.offset(place.range.start - from)..shown.offset(place.range.end - from))
        .label(label(place))
}

/// What is said of a place, if anything is.
fn label(place: &Location) -> Option<Cow<'_, str>> {
    (!place.label.is_empty()).then(|| visible(&place.label))
}

/// The whole lines that hold `start..end`, with the offset they begin at, unless they are too long to show.
fn stretch(text: &str, start: usize, end: usize) -> Option<(usize, &str)> {
    let from = text.get(..start)?.rfind('\n').map_or_else(|| mark(text, start), |at| at + 1);
    let rest = text.get(end..)?;
    let to = rest.find('\n').map_or(text.len(), |at| end + at);
    let shown = text.get(from..to)?;
    (shown.len() <= STRETCH).then_some((from, shown))
}

/// The length of the byte order mark of a text, which nobody sees, if a place does not begin in it.
fn mark(text: &str, start: usize) -> usize {
    text.chars().next().filter(|c| *c == '\u{feff}').map_or(0, char::len_utf8).min(start)
}

/// Adds a part of one line around the start of a place.
fn clipped<'a>(group: Group<'a>, place: &'a Location, kind: AnnotationKind) -> Group<'a> {
    let text = &*place.file.text;
    let at = place.range.start;
    let head = text.get(..at).unwrap_or_default();
    let head = head.get(head.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
    let left =
        head.char_indices().rev().take(AROUND).last().map_or(at, |(offset, _)| at - head.len() + offset);
    let tail = text.get(at..).unwrap_or_default();
    let right = at
        + tail.char_indices().take(2 * AROUND).find(|&(_, c)| c == '\n').map_or_else(
            || tail.char_indices().nth(2 * AROUND).map_or(tail.len(), |(offset, _)| offset),
            |(offset, _)| offset,
        );
    let (before, after) = (
        if left > at - head.len() { "…" } else { "" },
        if text.get(right..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('\n')) {
            "…"
        } else {
            ""
        },
    );
    let cut = Excerpt::of(text.get(left..right).unwrap_or_default());
    let shown = format!("{before}{}{after}", cut.text);
    let shift = |offset: usize| cut.offset(offset.clamp(left, right) - left) + before.len();
    let origin =
        Origin::path(visible(&place.file.name)).line(place.start.line).char_column(place.start.column);
    let mark = kind.span(shift(at)..shift(place.range.end)).label(label(place));
    group.element(origin).element(Snippet::source(shown).line_start(place.start.line).annotation(mark))
}

/// The change that fixes a finding, as a difference.
fn patch(fix: &ResolvedFix) -> Option<Group<'_>> {
    let (from, shown) = stretch(&fix.place.file.text, fix.place.range.start, fix.place.range.end)?;
    let range = fix.place.range.start - from..fix.place.range.end - from;
    let line = fix.place.file.position(from).line;
    let shown = Excerpt::of(shown);
    let range = shown.offset(range.start)..shown.offset(range.end);
    let replacement = Excerpt::of(&fix.replacement).text;
    let snippet = Snippet::source(shown.text).line_start(line).patch(Patch::new(range, replacement));
    Some(Level::HELP.secondary_title("suggested fix").element(snippet))
}
