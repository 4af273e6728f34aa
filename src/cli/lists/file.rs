//! A list file as a whole: read, added to, written in order.

use std::path::Path;

use anyhow::Context;
use jiff::civil::Date;

use crate::cli::output;
use crate::csv;
use crate::diag::{Diagnostics, render};
use crate::source::{SourceFile, Sources, visible};
use crate::table::{self, Row};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) value: String,
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) ticket: String,
    pub(super) until: Option<Date>,
}

/// The entries of a list file; none if there is no file yet. A file with problems is not touched.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    anyhow::ensure!(text.len() <= table::MAX_BYTES, "`{}` is too large for a list", path.display());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add(SourceFile::new(path.display().to_string(), text));
    let rows = sources.get(id).map(|file| table::parse(file, id, &mut found).rows).unwrap_or_default();
    if !found.is_empty() {
        let found = crate::diag::Findings::of(&found.into_sorted(), &sources);
        let shown: String = found.findings().iter().map(|finding| render::one(finding, false)).collect();
        output::report(&shown);
        anyhow::bail!("`{}` has problems and is left as it is", path.display());
    }
    Ok(rows.into_iter().map(line).collect())
}

fn line(Row { number: _, value, reason, owner, ticket, until, span: _ }: Row) -> Line {
    let [reason, owner, ticket] =
        [reason, owner, ticket].map(|cell| cell.map(|cell| cell.node).unwrap_or_default());
    let day = |day: crate::syntax::ast::Date| Date::new(day.year, day.month, day.day).ok();
    let until = until.and_then(|until| day(until.node));
    Line { value: value.node, reason, owner, ticket, until }
}

/// What to say of a file that was not there: a path that is typed wrong makes one that no rule reads.
pub(super) fn is_new(path: &Path) -> String {
    let shown = path.display().to_string();
    format!("`{}` is a new file: an allowlist reads it once its rule says `from`\n", visible(&shown))
}

/// Writes the entries, in order of value.
pub(super) fn write(path: &Path, mut lines: Vec<Line>) -> anyhow::Result<()> {
    lines.sort();
    let mut text = csv::record(["value", "reason", "owner", "ticket", "until"]);
    for Line { value, reason, owner, ticket, until } in &lines {
        let until = until.map(|until| until.to_string()).unwrap_or_default();
        text += &csv::record([value.as_str(), reason, owner, ticket, &until]);
    }
    output::write_file(path, &text)
}
