//! Rules of other languages as drafts: Sigma rules and correlations, and EQL queries.
//!
//! In: files, the catalog. Out: the draft of a rule file, with a comment at each place that could not be carried as it
//! stands, and a finding for each comment. What is left out leaves a rule that matches more, never less. Must not know:
//! where files are, and what a target prints. A draft is a beginning: its author reads every line of it.

mod carry;
mod choose;
mod cond;
mod draft;
mod eql;
mod expr;
mod field;
mod keys;
mod made;
mod report;
mod sigma;
mod test;
mod value;

use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostics};
use crate::source::{FileId, SourceFile, Sources, Span};

use report::{Loss, Report};

/// What is known of the new rules besides the files.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    /// The sources.
    pub catalog: &'a Catalog,
    /// The source of every step, in place of the one that the rule means.
    pub source: Option<&'a str>,
    /// The name of the rule, where the text has none.
    pub name: &'a str,
    /// The id of the first rule, a UUID; those of others follow from it.
    pub id: &'a str,
}

/// The draft that some files give; nothing if there is an error, which is among the findings.
pub fn import(
    files: &[FileId],
    sources: &Sources,
    given: &Given<'_>,
    diags: &mut Diagnostics,
) -> Option<String> {
    let mark = diags.len();
    let mut report = Report::new(sources, diags);
    let mut drafts = Vec::new();
    let (queries, rules): (Vec<FileId>, Vec<FileId>) =
        files.iter().partition(|file| sources.get(**file).is_some_and(is_eql));
    drafts.extend(sigma::drafts(&rules, given, &mut report));
    for file in queries {
        drafts.extend(eql::drafts(file, given, &mut report));
    }
    if drafts.is_empty() && !report.has_errors() {
        let span = files.first().map_or(Span::default(), |file| Span::new(*file, 0, 0));
        let help = "give a Sigma rule or correlation, or an EQL query";
        let loss = Loss::new(span, "there is no rule here", help);
        report.error(Code::NotForeign, "not a rule of another language", &loss);
    }
    if diags.errors_since(mark) {
        return None;
    }
    let mut taken: Vec<String> = Vec::new();
    for (number, draft) in drafts.iter_mut().enumerate() {
        draft.name = draft::unique(draft.name.clone(), &taken);
        taken.push(draft.name.clone());
        draft.id = if number == 0 { given.id.to_owned() } else { numbered(given.id, number) };
    }
    Some(draft::text(&drafts))
}

/// An id that follows from another one.
fn numbered(id: &str, number: usize) -> String {
    let first = uuid::Uuid::parse_str(id).unwrap_or_default();
    uuid::Uuid::new_v5(&first, number.to_string().as_bytes()).to_string()
}

/// Whether a file is EQL: by its name, else by how it begins.
fn is_eql(file: &SourceFile) -> bool {
    let has = |extension: &str| {
        let name = file.name.to_ascii_lowercase();
        name.rsplit_once('.').is_some_and(|(_, own)| own == extension)
    };
    if has("yml") || has("yaml") {
        return false;
    }
    has("eql") || eql::is_query(&file.text)
}
