//! Raw events of tests: from text to what a source reads.
//!
//! In: text, or a file that a test names. Out: a JSON object. Must not know: how a source reads it.

use serde_json::Value as Json;

use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::RawText;

use super::names::Names;
use super::sink::Sink;

/// The event; `None` after a finding, or if its file could not be read, which has been reported.
pub(super) fn lower(names: &Names<'_>, sink: &mut Sink, source: &Source, raw: &RawText) -> Option<Json> {
    let (text, written) = match raw {
        RawText::Inline(text) => (text.node.as_str(), Written::Here(text.span)),
        RawText::File(path) => {
            let (id, file) = names.unit.event(path)?;
            (&*file.text, Written::In(Span::new(id, 0, file.text.len()), &file.text))
        }
    };
    // Spreadsheets and editors of Windows put a byte order mark in front.
    let (whole, text) = (text, text.strip_prefix('\u{feff}').unwrap_or(text));
    let mark = whole.len() - text.len();
    // By its first character, not by what the source has: a source may have both forms, and the finding speaks of the
    // one that was tried.
    let read = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Json>(text).map_err(|error| {
            let reason = error.to_string();
            // serde_json appends the place as it stands in the text, which has lost its indentation; it is told apart
            // from the reason.
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            let before = if error.line() == 1 { mark } else { 0 };
            (written.place(error.line(), error.column() + before), format!("this is not JSON: {reason}"))
        })
    } else {
        columns(source, text).map_err(|reason| (written.whole(), reason))
    };
    let problem = match read {
        // An envelope such as `{"Records": […]}` is JSON as well. Without this it would be read as an event in which
        // every field is missing, and a test that expects no alert would pass.
        Ok(event) => match source.log.missing_key(&event) {
            None => return Some(event),
            Some(key) => (written.whole(), format!("an event of `{}` has the key `{key}`", source.name)),
        },
        Err(problem) => problem,
    };
    let ((span, place), reason) = problem;
    let title = format!("this is no raw event of `{}`", source.name);
    let help =
        "give one event as its log has it: the JSON object itself, without `Records` or another envelope";
    sink.report(Diagnostic::new(Code::RawEvent, span, title).label(format!("{reason}{place}")).help(help));
    None
}

/// Where the text stands.
enum Written<'a> {
    /// In the rule, where indentation has been taken away: places within it are given in words.
    Here(Span),
    /// In a file of its own.
    In(Span, &'a str),
}

impl Written<'_> {
    fn whole(&self) -> (Span, String) {
        match self {
            Self::Here(span) => (*span, String::new()),
            // One line is enough to see what it is.
            Self::In(span, text) => {
                let first = text.find('\n').unwrap_or(text.len());
                (Span::new(span.file, 0, first), String::new())
            }
        }
    }

    /// A place by line and column, from 1, in bytes.
    fn place(&self, line: usize, column: usize) -> (Span, String) {
        match self {
            Self::Here(span) => (*span, format!(", on line {line} of the text")),
            Self::In(span, text) => {
                let before: usize =
                    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
                let mut at = (before + column.saturating_sub(1)).min(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                let end =
                    text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
                (Span::new(span.file, at, end), String::new())
            }
        }
    }
}

/// A record in columns between spaces.
fn columns(source: &Source, text: &str) -> Result<Json, String> {
    let Some(form) = &source.log.text else { return Err("expected a JSON object".to_owned()) };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (first, second, more) = (lines.next().unwrap_or_default(), lines.next(), lines.next());
    let words = |line: &'_ str| line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (names, record) = match second {
        _ if more.is_some() => return Err("expected one record, with a header line or without".to_owned()),
        Some(record) => (words(first), words(record)),
        None => (form.columns.clone(), words(first)),
    };
    if let Some(unknown) = names.iter().find(|name| !form.names().any(|known| known == name.as_str())) {
        return Err(format!("there is no column `{unknown}`"));
    }
    if names.len() != record.len() {
        return Err(format!("expected {} columns, found {}", names.len(), record.len()));
    }
    let pairs = names.into_iter().zip(record);
    for (name, value) in pairs.clone() {
        if form.shape.get(&name).is_some_and(|shape| !shape.fits(&value)) {
            return Err(format!("`{value}` is no value of the column `{name}`"));
        }
    }
    Ok(Json::Object(pairs.map(|(name, value)| (name, Json::String(value))).collect()))
}
