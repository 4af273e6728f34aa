//! Promises about findings: they point into the text, and every format can show them.
//!
//! In: what was found in some sources. Out: all of it, as the formats print it.

use catena::diag::{Diagnostic, Diagnostics, Findings, github, json, render, sarif};
use catena::source::{Sources, Span};

/// The findings in every format, one after another.
pub(crate) fn shown(diags: Diagnostics, sources: &Sources) -> String {
    let found = diags.into_sorted();
    found.iter().flat_map(spans).for_each(|span| lies_in(span, sources));
    let report = Findings::of(&found, sources);
    assert_eq!(report.is_empty(), found.is_empty(), "a finding is lost");
    for format in [json::render(&report), sarif::render(&report)] {
        let read: Result<serde_json::Value, _> = serde_json::from_str(&format);
        assert!(read.is_ok(), "not JSON: {format}");
    }
    let commands = github::render(&report);
    assert_eq!(commands.lines().count(), report.findings().len(), "{commands}");
    assert!(commands.lines().all(|line| line.starts_with("::")), "{commands}");
    let plain = render::text(&found, sources, false);
    assert!(report.findings().iter().all(|finding| plain.contains(finding.code.id())), "{plain}");
    let colored = render::text(&found, sources, true);
    [plain, colored, commands, json::render(&report)].concat()
}

fn spans(found: &Diagnostic) -> impl Iterator<Item = Span> {
    let secondary = found.secondary.iter().map(|label| label.span);
    std::iter::once(found.primary.span).chain(secondary).chain(found.fix.as_ref().map(|fix| fix.span))
}

/// A span is a range of whole characters of its file.
pub(crate) fn lies_in(span: Span, sources: &Sources) {
    let text = sources.get(span.file).map(|file| file.text.get(span.range()));
    assert!(matches!(text, Some(Some(_))), "{span:?} is not in the text");
}
