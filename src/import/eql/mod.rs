//! EQL: sequences, samples and single events, as Elasticsearch has them.
//!
//! In: a file. Out: drafts, one for each query. Must not know: other languages. After the EQL syntax reference.

mod chain;
mod lower;
mod parse;
mod parse_condition;
mod source;
mod token;
mod tree;

use crate::diag::Code;
use crate::source::{FileId, Span};

use super::Given;
use super::draft::{self, Draft};
use super::report::{Loss, Report};

use tree::Query;

/// Whether a text begins as a query of EQL does.
pub(super) fn is_query(text: &str) -> bool {
    let Ok(tokens) = token::tokens(text) else {
        let first = text.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        return matches!(first, "sequence" | "sample" | "any");
    };
    let word = |at: usize| match tokens.get(at).map(|token| &token.kind) {
        Some(token::Kind::Word(word) | token::Kind::Text(word)) => word.as_str(),
        Some(token::Kind::Number(_) | token::Kind::Mark(_)) | None => "",
    };
    let is_mark = matches!(tokens.get(1).map(|token| &token.kind), Some(token::Kind::Mark("[" | "!")));
    word(1).eq_ignore_ascii_case("where")
        || (["sequence", "sample", "join"].contains(&word(0))
            && (is_mark || ["by", "with"].contains(&word(1))))
}

/// The drafts of the queries of a file.
pub(super) fn drafts(file: FileId, given: &Given<'_>, report: &mut Report<'_>) -> Vec<Draft> {
    let Some(source) = report.sources.share(file) else { return Vec::new() };
    let queries = match parse::queries(&source.text) {
        Ok(queries) => queries,
        Err(problem) => {
            let span = Span::new(file, problem.start, problem.end);
            let help = "correct the query; nothing of this file was read";
            report.error(Code::BadEql, "not an EQL query", &Loss::new(span, problem.why, help));
            return Vec::new();
        }
    };
    let filters = source::Filters::of(given.catalog);
    let mut drafts = Vec::new();
    for query in &queries {
        let mut draft = head(query, &source.name, given.name);
        let reader = chain::Reader { file, given, filters: &filters };
        let Some(chain) = reader.chain(query, report) else { continue };
        draft.chain = chain;
        draft.comments = report.take();
        if draft.title.is_empty() {
            draft.title = title(query);
        }
        drafts.push(draft);
    }
    drafts
}

/// What the comments before a query say of it.
fn head(query: &Query, file: &str, name: &str) -> Draft {
    let mut draft = Draft { name: draft::name(name, "imported"), ..Draft::default() };
    let mut origin = format!("derived from EQL: {file}");
    for (number, comment) in query.comments.iter().enumerate() {
        if let Some((name, id)) = comment.strip_prefix("rule: ").and_then(|rest| rest.split_once(" (")) {
            draft.name = draft::name(name, &draft.name);
            origin = format!("{origin}, id {}", id.trim_end_matches(')'));
        } else if number == 0 {
            comment.trim_end_matches('.').clone_into(&mut draft.title);
        }
    }
    draft.origin.push(origin);
    draft
}

fn title(query: &Query) -> String {
    match (query.shape, query.items.len()) {
        (tree::Shape::Single, _) => "An event".to_owned(),
        (tree::Shape::Sequence, count) => format!("Sequence of {count} events"),
        (tree::Shape::Sample, count) => format!("Sample of {count} events"),
    }
}
