//! The documents of Sigma files.
//!
//! In: YAML texts. Out: trees in which every key and value has its place in its file, and what is wrong with them.
//! Must not know: what a rule means.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use crate::yaml::{self, Content, Key, Node};

use super::super::report::{Loss, Report};

/// A document with its places.
#[derive(Debug)]
pub(in crate::import) struct Document {
    pub(super) file: FileId,
    pub(super) root: Node,
}

/// A value with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'d> {
    pub(super) file: FileId,
    pub(super) node: &'d Node,
    /// The key that it has, where it has one.
    pub(super) key: Option<&'d Key>,
}

/// The documents of a file; what cannot be read is reported.
pub(super) fn documents(file: FileId, report: &mut Report<'_>) -> Vec<Document> {
    let Some(source) = report.sources.share(file) else { return Vec::new() };
    let mut found = Vec::new();
    for (start, end) in parts(&source.text) {
        let part = source.text.get(start..end).unwrap_or_default();
        if part.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        match yaml::tree(part) {
            Ok(mut root) => {
                shift(&mut root, start);
                twice(file, &root, report);
                found.push(Document { file, root });
            }
            Err(error) => {
                let at = start + error.offset.unwrap_or_default();
                let span = Span::new(file, at.min(end), (at + 1).min(end));
                let problem = Diagnostic::new(Code::BadYaml, span, "invalid YAML").label(error.message);
                report.push(problem.help("correct the notation; nothing of this document was read"));
            }
        }
    }
    found
}

/// Where the documents of a text begin and end.
fn parts(text: &str) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
        if rest.is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('#')) {
            parts.push((start, at));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push((start, text.len()));
    parts
}

fn shift(node: &mut Node, by: usize) {
    node.range = node.range.start + by..node.range.end + by;
    match &mut node.content {
        Content::Null | Content::Scalar(_) => {}
        Content::List(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Content::Map(entries) => {
            for (key, value) in entries {
                key.range = key.range.start + by..key.range.end + by;
                shift(value, by);
            }
        }
    }
}

/// A key that occurs twice: readers of YAML disagree on which of its values counts.
fn twice(file: FileId, node: &Node, report: &mut Report<'_>) {
    match &node.content {
        Content::Null | Content::Scalar(_) => {}
        Content::List(items) => items.iter().for_each(|item| twice(file, item, report)),
        Content::Map(entries) => {
            for (number, (key, value)) in entries.iter().enumerate() {
                if entries.iter().take(number).any(|(other, _)| other.name == key.name) {
                    let span = Span::new(file, key.range.start, key.range.end);
                    let why = format!("the key `{}` occurs twice", visible(&key.name));
                    let loss = Loss::new(span, why, "remove one, or join their values in a list");
                    report.error(Code::BadSigma, "not a Sigma rule", &loss);
                }
                twice(file, value, report);
            }
        }
    }
}

fn visible(text: &str) -> String {
    crate::source::visible(text).into_owned()
}

impl Document {
    pub(super) fn at(&self) -> At<'_> {
        At { file: self.file, node: &self.root, key: None }
    }

    pub(super) fn get(&self, key: &str) -> Option<At<'_>> {
        self.at().get(key)
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.get(key).map_or(String::new(), |at| at.text().to_owned())
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let values = self.get(key).map(At::items).unwrap_or_default();
        values.iter().map(|at| at.text().to_owned()).filter(|text| !text.is_empty()).collect()
    }

    /// Whether others refer to it so.
    pub(super) fn is_called(&self, reference: &str) -> bool {
        !reference.is_empty() && ["name", "id", "title"].iter().any(|key| self.text(key) == reference)
    }

    /// Where it begins, for what is to be said of the whole.
    pub(super) fn span(&self) -> Span {
        ["title", "name", "id"].iter().find_map(|key| self.get(key)).unwrap_or(self.at()).span()
    }
}

impl<'d> At<'d> {
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let (key, node) = self.node.get(key)?;
        Some(At { file: self.file, node, key: Some(key) })
    }

    /// The keys and values of a map.
    pub(super) fn entries(self) -> Vec<(&'d str, Self)> {
        let Content::Map(entries) = &self.node.content else { return Vec::new() };
        let entry =
            |(key, node): &'d (Key, Node)| (key.name.as_str(), At { file: self.file, node, key: Some(key) });
        entries.iter().map(entry).collect()
    }

    /// The items of a list; one value is a list of one, and nothing is none.
    pub(super) fn items(self) -> Vec<Self> {
        match &self.node.content {
            Content::List(items) => {
                items.iter().map(|node| At { file: self.file, node, key: self.key }).collect()
            }
            Content::Null => Vec::new(),
            Content::Scalar(_) | Content::Map(_) => vec![self],
        }
    }

    /// The text of one value, else nothing.
    pub(super) fn text(self) -> &'d str {
        if let Content::Scalar(text) = &self.node.content { text } else { "" }
    }

    pub(super) fn is_null(self) -> bool {
        self.node.content == Content::Null
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.node.content, Content::List(_))
    }

    pub(super) fn is_map(self) -> bool {
        matches!(self.node.content, Content::Map(_))
    }

    /// The place of one value, else that of its key.
    pub(super) fn span(self) -> Span {
        let range = match (&self.node.content, self.key) {
            (Content::Scalar(_), _) | (_, None) if !self.node.range.is_empty() => &self.node.range,
            (_, Some(key)) => &key.range,
            (Content::Map(entries), None) => entries.first().map_or(&self.node.range, |(key, _)| &key.range),
            (Content::Null | Content::Scalar(_) | Content::List(_), None) => &self.node.range,
        };
        Span::new(self.file, range.start, range.end)
    }

    pub(super) fn key_span(self) -> Span {
        self.key.map_or_else(|| self.span(), |key| Span::new(self.file, key.range.start, key.range.end))
    }

    /// The place of some bytes of one value; of the whole where its notation has escapes or several lines.
    pub(super) fn inside(self, start: usize, end: usize, report: &Report<'_>) -> Span {
        let written = report.sources.snippet(self.span());
        let quote = usize::from(written.starts_with(['\'', '"']));
        let body = written.get(quote..written.len().saturating_sub(quote));
        if body != Some(self.text()) {
            return self.span();
        }
        let from = self.node.range.start + quote;
        Span::new(self.file, from + start, from + end)
    }
}
