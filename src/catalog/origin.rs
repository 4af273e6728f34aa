//! Where the entries of a source were written: in its file, in a file that extends it, or in `catena.yaml`.
//!
//! In: documents, in the order in which they were read. Out: spans. Must not know: what the entries say.

use std::sync::Arc;

use super::Source;
use crate::form::Document;
use crate::source::Span;

/// The documents that state a source, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    layers: Vec<Layer>,
}

/// A document that states the source, or replaces one entry of it.
#[derive(Debug, Clone)]
struct Layer {
    document: Arc<Document>,
    /// The entry of the source; nothing for the source itself.
    entry: Vec<String>,
    /// Where the document has it.
    inside: Vec<String>,
}

/// Where a source stands says nothing about what it is.
impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Origin {
    /// A source that `document` defines or extends.
    pub(super) fn add(&mut self, document: &Arc<Document>) {
        self.layers.push(Layer { document: Arc::clone(document), entry: Vec::new(), inside: Vec::new() });
    }

    /// An entry that `document` replaces as a whole.
    pub(super) fn replace(&mut self, document: &Arc<Document>, entry: &[&str], inside: &[&str]) {
        let owned = |path: &[&str]| path.iter().map(|part| (*part).to_owned()).collect();
        self.layers.push(Layer {
            document: Arc::clone(document),
            entry: owned(entry),
            inside: owned(inside),
        });
    }

    /// Where the last key of a path was written first; nothing if only what encloses it is written.
    pub(super) fn first_key(&self, path: &[&str]) -> Option<Span> {
        let mut whole =
            self.layers.iter().filter(|layer| layer.entry.is_empty()).map(|layer| &layer.document);
        let first = whole.find(|document| document.find(path.iter().copied()).depth == path.len())?;
        Some(first.key(path.iter().copied()))
    }

    /// The document that states most of a path, and the path in it.
    fn best<'a>(&'a self, path: &[&'a str]) -> Option<(&'a Document, Vec<&'a str>)> {
        let mut best: Option<(usize, (&Document, Vec<&str>))> = None;
        for layer in self.layers.iter().rev() {
            let begins = layer.entry.iter().zip(path).filter(|(own, given)| *own == *given).count();
            let Some(rest) = path.get(layer.entry.len()..).filter(|_| begins == layer.entry.len()) else {
                continue;
            };
            let inside: Vec<_> =
                layer.inside.iter().map(String::as_str).chain(rest.iter().copied()).collect();
            let depth = layer.document.find(inside.iter().copied()).depth;
            // What a layer replaces is stated nowhere else any more.
            if !layer.entry.is_empty() || depth == path.len() {
                return Some((&layer.document, inside));
            }
            // The layers come newest first, so of those that state as much the oldest wins: the file that defines the
            // source.
            if best.as_ref().is_none_or(|(known, _)| *known <= depth) {
                best = Some((depth, (&layer.document, inside)));
            }
        }
        best.map(|(_, found)| found)
    }
}

impl Source {
    /// Where the value at a path of keys was written, such as `["targets", "kql", "filter"]`; items of lists are
    /// numbered from `0`. What no file states has the place of what encloses it.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Span {
        self.origin.best(path).map_or_else(Span::default, |(document, path)| document.find(path).span)
    }

    /// Where the last key of a path was written; see [`Self::place`].
    #[must_use]
    pub fn place_of_key(&self, path: &[&str]) -> Span {
        self.origin.best(path).map_or_else(Span::default, |(document, path)| document.key(path))
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Catalog, MappingChange, Stated};
    use crate::diag::Diagnostics;
    use crate::form::Document;
    use crate::source::{SourceFile, Sources};
    use crate::yaml;

    const EXTENSION: &str = "extends: aws.vpcflow\nfields:\n  our.name: { type: string, description: d, columns: { kql: OurName } }\n  source.ip: { columns: { kql: { expr: ours } } }\n";
    const CHANGE: &str = "targets: {kql: {aws.vpcflow: {from: Ours, words: {a: b}, fields: {source.port: [{for_actions: [x], field: p}, q]}}}}\n";

    #[test]
    fn an_entry_stands_where_it_was_stated_last() {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let mut catalog = Catalog::registered(&mut sources);
        let extension = sources.add(SourceFile::new("more.yaml", EXTENSION));
        catalog.read(&[extension], &sources, &mut diags);
        let file = sources.add(SourceFile::new("catena.yaml", CHANGE));
        let document = Document::of(file, &sources).unwrap();
        let change: MappingChange =
            yaml::read("{from: Ours, words: {a: b}, fields: {source.port: {field: q}}}").unwrap();
        let stated =
            Stated { document: &document, checked: None, inside: &["targets", "kql", "aws.vpcflow"] };
        catalog.source_mut("aws.vpcflow").unwrap().change("kql", &change, stated, &mut diags);
        assert!(diags.is_empty(), "{diags:?}");
        let source = catalog.source("aws.vpcflow").unwrap();
        for (path, file, text) in [
            (&["targets", "kql", "from"][..], "catena.yaml", "Ours"),
            (&["targets", "kql", "words", "a"], "catena.yaml", "b"),
            (&["targets", "kql", "time"], "built-in aws.vpcflow.yaml", "TimeGenerated"),
            (&["targets", "kql"], "built-in aws.vpcflow.yaml", "kql"),
            (&["targets", "kql", "filter"], "built-in aws.vpcflow.yaml", "kql"),
            (&["fields", "source.port", "columns", "kql", "0", "field"], "catena.yaml", "p"),
            (&["fields", "source.port", "columns", "kql", "needs"], "catena.yaml", "source.port"),
            (&["fields", "source.port", "columns", "spl"], "built-in aws.vpcflow.yaml", "src_port"),
            (&["fields", "source.ip", "columns", "kql", "expr"], "more.yaml", "ours"),
            (&["fields", "our.name", "columns", "kql"], "more.yaml", "OurName"),
            (&["fields", "our.name", "raw"], "more.yaml", "our.name"),
        ] {
            let span = source.place(path);
            let name = sources.locate(span).map(|(name, _)| name);
            assert_eq!((name, sources.snippet(span)), (Some(file), text), "{path:?}");
        }
    }
}
