//! Renders findings as workflow commands, which GitHub shows beside the changed lines.
//!
//! In: a [`Findings`]. Out: one `::error …::…` or `::warning …::…` a line.
//! Must not know: other formats.

use super::{Finding, Findings, Location, Severity};
use crate::source::visible;

/// The findings, one command a line.
#[must_use]
pub fn render(report: &Findings) -> String {
    report.findings().iter().map(command).collect()
}

fn command(finding: &Finding) -> String {
    let kind = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = &finding.primary;
    let label = Some(&place.label).filter(|label| !label.is_empty());
    let lines: Vec<_> =
        std::iter::once(&finding.title).chain(label).chain(&finding.help).map(|text| visible(text)).collect();
    format!(
        "::{kind} file={},line={},col={},endLine={},endColumn={},title={}::{}\n",
        property(&visible(&place.file.name)),
        place.start.line,
        place.start.column,
        place.end.line,
        last_column(place),
        property(&format!("{} {}", finding.code.id(), finding.code.title())),
        message(&lines.join("\n")),
    )
}

/// GitHub's last column is inclusive; a location without characters has the column at which it stands.
fn last_column(place: &Location) -> usize {
    let last = place.end.column.saturating_sub(1).max(1);
    if place.end.line == place.start.line { last.max(place.start.column) } else { last }
}

/// The message of a command: line breaks and `%` are encoded.
fn message(text: &str) -> String {
    // `%` first, or the other replacements would be encoded once more.
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command: colons and commas are encoded too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
