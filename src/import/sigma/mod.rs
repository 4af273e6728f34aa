//! Sigma: base rules and correlations, in one file or several.
//!
//! In: files. Out: drafts, one for each rule that no other refers to. Must not know: other languages. After the Sigma
//! specification 2.1.

mod condition;
mod correlation;
mod detection;
mod document;
mod encoding;
mod logsource;
mod meta;
mod steps;
mod value;

use crate::diag::Code;
use crate::source::FileId;

use super::Given;
use super::draft::Draft;
use super::report::{Loss, Report};

use correlation::Rules;
use document::{At, Document};

/// The drafts of the rules in some files.
pub(super) fn drafts(files: &[FileId], given: &Given<'_>, report: &mut Report<'_>) -> Vec<Draft> {
    let mut documents: Vec<Document> = Vec::new();
    for file in files {
        documents.extend(document::documents(*file, report));
    }
    let documents: Vec<Document> = documents.into_iter().filter(|one| is_rule(one, report)).collect();
    let rules = Rules { documents: &documents };
    let mut drafts = Vec::new();
    for rule in documents.iter().filter(|rule| !is_referred_to(rule, &documents)) {
        let mut draft = meta::head(rule, given.name, report);
        let Some(piece) = rules.piece(rule, 0, report) else { continue };
        draft.comments = report.take();
        if let Some(chain) = steps::chain(rules, rule, &piece, given, report) {
            draft.chain = chain;
            drafts.push(draft);
        }
    }
    drafts
}

/// Whether a document is a rule; what else it is has been reported.
fn is_rule(document: &Document, report: &mut Report<'_>) -> bool {
    let place = |key: &str| document.get(key).map_or(document.span(), At::key_span);
    if document.get("detection").is_some() || document.get("correlation").is_some() {
        return true;
    }
    if document.get("filter").is_some() {
        let why = "a filter is not applied to the rules that it names";
        report.left_out(&Loss::new(
            place("filter"),
            why,
            "declare an allowlist, and write `except FIELD in LIST`",
        ));
        return false;
    }
    if document.get("action").is_some() {
        let why = "`action` of an old Sigma version";
        report.left_out(&Loss::new(place("action"), why, "write the whole of each rule"));
        return false;
    }
    let why = "neither a detection nor a correlation";
    let help = "give a Sigma rule or correlation, or an EQL query";
    report.error(Code::NotForeign, "not a rule of another language", &Loss::new(document.span(), why, help));
    false
}

fn is_referred_to(rule: &Document, all: &[Document]) -> bool {
    let others = all.iter().filter_map(|other| other.get("correlation"));
    let mut references = others.filter_map(|stated| stated.get("rules")).flat_map(At::items);
    references.any(|reference| rule.is_called(reference.text()))
}
