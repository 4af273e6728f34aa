//! A file that is checked against a form, and where its entries stand.
//!
//! In: a file with its id. Out: its tree, made when somebody asks for it, and spans of entries by path.
//! Must not know: any form.

use std::sync::{Arc, OnceLock};

use crate::source::{FileId, SourceFile, Sources, Span};
use crate::yaml::{self, Content, Node, ReadError};

/// A YAML file. Its tree is made once, and only if something must be found in it.
#[derive(Debug)]
pub struct Document {
    id: FileId,
    file: Arc<SourceFile>,
    tree: OnceLock<Result<Node, ReadError>>,
}

/// How far a path leads into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many of its parts the document states.
    pub depth: usize,
    /// Where the last of them stands.
    pub span: Span,
}

impl Document {
    /// The document of a file.
    #[must_use]
    pub fn new(id: FileId, file: Arc<SourceFile>) -> Self {
        Self { id, file, tree: OnceLock::new() }
    }

    /// The document of a file of a run.
    #[must_use]
    pub fn of(id: FileId, sources: &Sources) -> Option<Arc<Self>> {
        Some(Arc::new(Self::new(id, sources.share(id)?)))
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.file.text
    }

    /// The tree.
    ///
    /// # Errors
    /// What is wrong with the notation.
    pub fn tree(&self) -> Result<&Node, &ReadError> {
        self.tree.get_or_init(|| yaml::tree(self.text())).as_ref()
    }

    /// A place in the file.
    #[must_use]
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.id, range.start, range.end)
    }

    /// The word that begins at an offset: up to a space or colon.
    #[must_use]
    pub fn word(&self, start: usize) -> Span {
        let rest = self.text().get(start..).unwrap_or_default();
        let length = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
        self.span(start..start + length)
    }

    /// Where an entry stands: a single value itself, else its key. Items of lists are numbered from 0; a list of one
    /// item and the item alone are the same. What the file does not state has the place of what encloses it.
    #[must_use]
    pub fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Found {
        let Ok(mut node) = self.tree() else { return Found { depth: 0, span: self.span(0..0) } };
        let mut found = Found { depth: 0, span: self.span(start_of(node)) };
        for part in path {
            match &node.content {
                Content::Map(_) if part == "0" && node.get(part).is_none() => {}
                Content::Map(_) => {
                    let Some((key, value)) = node.get(part) else { return found };
                    node = value;
                    found.span = match value.content {
                        Content::Scalar(_) if !value.range.is_empty() => self.span(value.range.clone()),
                        Content::Scalar(_) | Content::Null | Content::List(_) | Content::Map(_) => {
                            self.span(key.range.clone())
                        }
                    };
                }
                Content::List(items) => {
                    match (part.parse().ok().and_then(|at: usize| items.get(at)), items.as_slice()) {
                        (Some(item), _) => {
                            node = item;
                            found.span = self.span(start_of(item));
                        }
                        (None, [only]) => {
                            let Some((_, value)) = only.get(part) else { return found };
                            node = value;
                            found.span = self.span(start_of(value));
                        }
                        (None, _) => return found,
                    }
                }
                Content::Scalar(_) if part == "0" => {}
                Content::Scalar(_) | Content::Null => return found,
            }
            found.depth += 1;
        }
        found
    }

    /// Where the key of an entry stands; if the file does not state it, as [`Self::find`] says.
    #[must_use]
    pub fn key<'a>(&self, path: impl IntoIterator<Item = &'a str> + Clone) -> Span {
        let mut node = self.tree().ok();
        let mut span = None;
        for part in path.clone() {
            let entry = node.and_then(|node| node.get(part));
            span = entry.map(|(key, _)| self.span(key.range.clone()));
            node = entry.map(|(_, value)| value);
        }
        span.unwrap_or_else(|| self.find(path).span)
    }
}

/// The beginning of a value: of a map its first key.
fn start_of(node: &Node) -> std::ops::Range<usize> {
    match &node.content {
        Content::Map(entries) => entries.first().map_or(node.range.clone(), |(key, _)| key.range.clone()),
        Content::List(items) => items.first().map_or(node.range.clone(), start_of),
        Content::Null | Content::Scalar(_) => node.range.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: a\ntargets:\n  kql: { filter: 'x == 1', words: {} }\nfields:\n  actor.id:\n    columns:\n      kql: [{ for_actions: [A], expr: e1 }, { expr: e2 }]\n      spl: [{ expr: e3 }]\n      eql: plain\n";

    fn at(path: &[&str]) -> (String, usize) {
        let document = Document::new(FileId(0), Arc::new(SourceFile::new("a.yaml", TEXT)));
        let found = document.find(path.iter().copied());
        (TEXT.get(found.span.range()).unwrap().to_owned(), found.depth)
    }

    #[test]
    fn entries_have_places() {
        for (path, text) in [
            (&["targets", "kql", "filter"][..], "'x == 1'"),
            (&["targets", "kql"], "kql"),
            (&["targets", "kql", "words"], "words"),
            (&["fields", "actor.id", "columns", "kql", "1", "expr"], "e2"),
            (&["fields", "actor.id", "columns", "kql", "0", "for_actions", "0"], "A"),
            (&["fields", "actor.id", "columns", "kql", "1"], "expr"),
            (&["fields", "actor.id", "columns", "spl", "expr"], "e3"),
            (&["fields", "actor.id", "columns", "spl", "0", "expr"], "e3"),
            (&["fields", "actor.id", "columns", "eql", "0"], "plain"),
            (&[], "name"),
        ] {
            assert_eq!(at(path), (text.to_owned(), path.len()), "{path:?}");
        }
    }

    #[test]
    fn what_is_not_stated_has_the_place_of_what_encloses_it() {
        for (path, text, depth) in [
            (&["targets", "kql", "time"][..], "kql", 2),
            (&["targets", "spl", "from"], "targets", 1),
            (&["fields", "actor.id", "columns", "eql", "expr"], "plain", 4),
            (&["fields", "actor.id", "columns", "kql", "2", "expr"], "kql", 4),
            (&["group"], "name", 0),
        ] {
            assert_eq!(at(path), (text.to_owned(), depth), "{path:?}");
        }
    }
}
