//! Files that extend one source and contradict each other: whichever was read last would win in silence.
//!
//! In: the extensions of a run, each with its document. Out: one finding for each entry that two of them state
//! differently. Must not know: what an entry means.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::change::Extension;
use crate::diag::{Code, Diagnostic};
use crate::form::{Checked, Document};
use crate::source::Span;

/// An entry of a source: its name and the path of the entry in a source file.
type Entry<'a> = (&'a str, Vec<&'a str>);

/// The findings for entries that are stated twice, with different values.
pub(super) fn conflicts(extensions: &[(Box<Extension>, Checked, Arc<Document>)]) -> Vec<Diagnostic> {
    let mut known: BTreeMap<Entry<'_>, (&Value, Span)> = BTreeMap::new();
    let mut found = Vec::new();
    for (extension, checked, document) in extensions {
        for (path, value) in entries(&checked.value) {
            let place = document.key(path.iter().copied());
            match known.entry((extension.extends.as_str(), path)) {
                std::collections::btree_map::Entry::Vacant(slot) => _ = slot.insert((value, place)),
                std::collections::btree_map::Entry::Occupied(first) if first.get().0 == value => {}
                std::collections::btree_map::Entry::Occupied(first) => {
                    let (source, path) = first.key();
                    found.push(twice(source, path, place, first.get().1));
                }
            }
        }
    }
    found
}

fn twice(source: &str, path: &[&str], place: Span, first: Span) -> Diagnostic {
    let title = format!("`{}` of `{source}` is changed twice, to different values", path.join("."));
    Diagnostic::new(Code::SourceTwice, place, title)
        .label("another value here")
        .also(first, "first here")
        .help("keep one of them: neither wins over the other; `targets` in `catena.yaml` wins over every source file")
}

/// What an extension states that replaces an entry of the source: the path of the entry, and its value.
fn entries(extension: &Value) -> Vec<(Vec<&str>, &Value)> {
    let mut out = Vec::new();
    for (target, change) in keys(extension.get("targets")) {
        for (key, value) in keys(Some(change)) {
            if key == "words" || key == "stored" {
                out.extend(
                    keys(Some(value)).map(|(word, value)| (vec!["targets", target, key, word], value)),
                );
            } else {
                out.push((vec!["targets", target, key], value));
            }
        }
    }
    // Another key of a field that is there already is an error of its own.
    for (field, stated) in keys(extension.get("fields")) {
        let columns = keys(stated.get("columns"));
        out.extend(columns.map(|(target, value)| (vec!["fields", field, "columns", target], value)));
    }
    out
}

fn keys(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}
