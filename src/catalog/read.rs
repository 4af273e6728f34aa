//! Source files: a document to a source, or to what it adds to one.
//!
//! In: documents. Out: what they define, or everything that is wrong in them. Must not know: where files are.

use std::sync::Arc;

use super::change::{Extension, diagnose};
use super::fault::Fault;
use super::{Source, keys};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::form::{self, Checked, Document, Form};
use crate::yaml;

/// What a document defines. After findings it is what could be made of it: nobody may use it, but what speaks of it is
/// not wrong for that.
#[derive(Debug)]
pub(super) enum Defined {
    Source(Box<Source>),
    Extension(Box<Extension>, Checked),
}

/// Reads a source file; `None` after a finding if nothing can be made of it. One that is right is read in one go; only
/// for another a tree is made.
pub(super) fn read(document: &Arc<Document>, diags: &mut Diagnostics) -> Option<Defined> {
    match yaml::read::<Source>(document.text()) {
        Ok(source) => {
            let source = source.stated_by(document);
            diagnose(&source, &source.faults(), diags);
            Some(Defined::Source(Box::new(source)))
        }
        Err(error) => {
            let before = diags.len();
            let defined = piecemeal(document, diags);
            // An extension is never a source for serde, which is no fault. For anything else serde's own words are
            // better than a refusal without a finding.
            if !matches!(defined, Some(Defined::Extension(..))) && diags.len() == before {
                let place = document.word(error.offset.unwrap_or_default());
                diags.push(Diagnostic::new(Code::SettingsInvalid, place, error.message));
            }
            defined
        }
    }
}

/// Reads a file key by key, to find everything that is wrong in it.
fn piecemeal(document: &Arc<Document>, diags: &mut Diagnostics) -> Option<Defined> {
    let extends = document.tree().is_ok_and(|tree| tree.get("extends").is_some());
    let form = Form::Keys(if extends { keys::EXTENSION } else { keys::SOURCE });
    let checked = form::check(document, &form, diags)?;
    if extends {
        let extension = serde_json::from_value(checked.value.clone()).ok()?;
        return Some(Defined::Extension(Box::new(extension), checked));
    }
    let source: Source = serde_json::from_value(checked.value.clone()).ok()?;
    let source = source.stated_by(document);
    let faults = source.faults().into_iter().filter(|fault| !checked.is_broken(&fault.path()));
    diagnose(&source, &faults.collect::<Vec<Fault>>(), diags);
    // Without a name nobody knows which source this was to be, and the catalog then calls none unknown.
    (!source.name.is_empty()).then(|| Defined::Source(Box::new(source)))
}

impl Source {
    /// The source as a document says it: fields know their names and are sorted.
    fn stated_by(mut self, document: &Arc<Document>) -> Self {
        self.fields.sort_unstable_keys();
        for (name, field) in &mut self.fields {
            field.name.clone_from(name);
        }
        self.origin.add(document);
        self
    }
}
