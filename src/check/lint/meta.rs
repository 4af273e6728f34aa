//! Metadata that is right but odd: titles that are too long, dates out of order, things named twice.
//!
//! In: values of metadata clauses. Out: warnings.
//! Must not know: the chain.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::source::{Span, Spanned};

/// The longest title that every SIEM takes.
const LONGEST_TITLE: usize = 256;

/// Warns of a long title.
pub(in crate::check) fn length(sink: &mut Sink, title: &Spanned<String>) {
    let length = title.node.chars().count();
    if length > LONGEST_TITLE {
        sink.report(
            Diagnostic::new(Code::LongTitle, title.span, format!("the title has {length} characters"))
                .label(format!("longer than {LONGEST_TITLE}"))
                .help("put the details into the description"),
        );
    }
}

/// Warns of values that a clause has twice.
pub(in crate::check) fn repeated(sink: &mut Sink, key: &str, texts: &[Spanned<&str>]) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for text in texts {
        if let Some(first) = seen.insert(text.node, text.span) {
            sink.report(
                Diagnostic::new(Code::ShownTwice, text.span, format!("duplicate value in `{key}`"))
                    .label("again here")
                    .also(first, "first here")
                    .help("remove one of them"),
            );
        }
    }
}

/// Warns of a change before the publication.
pub(in crate::check) fn order(sink: &mut Sink, date: &Spanned<Date>, modified: &Spanned<Date>) {
    if modified.node < date.node {
        sink.report(
            Diagnostic::new(Code::ModifiedBefore, modified.span, "`modified` is earlier than `date`")
                .label("earlier than the publication")
                .also(date.span, "published"),
        );
    }
}
