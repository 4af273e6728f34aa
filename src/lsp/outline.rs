//! The parts of a file: as symbols, as folds; and the whole of it in the canonical style.
//!
//! In: a file. Out: symbols, folds, an edit. Must not know: what names stand for.

use std::ops::Range;

use lsp_types::{SymbolKind, TextEdit};
use serde_json::{Value, json};

use crate::check::DefinitionKind;
use crate::project::{Live, LiveFile};
use crate::syntax;

use super::convert;
use super::place::{self, Kind};

fn kind(kind: DefinitionKind) -> SymbolKind {
    match kind {
        DefinitionKind::Rule => SymbolKind::CLASS,
        DefinitionKind::Step => SymbolKind::EVENT,
        DefinitionKind::Param => SymbolKind::CONSTANT,
        DefinitionKind::List | DefinitionKind::Lookup => SymbolKind::ARRAY,
        DefinitionKind::Test => SymbolKind::METHOD,
    }
}

/// The symbols of a file: rules with their steps, parameters and tests, and allowlists.
pub(super) fn symbols(file: LiveFile<'_>) -> Vec<Value> {
    let mut found: Vec<(Range<usize>, Value)> = Vec::new();
    for defined in file.state.resolutions.definitions.iter().filter(|one| one.name.span.file == file.id) {
        let whole = defined.extent.range();
        let name = if defined.name.node.is_empty() { "(no name)" } else { &defined.name.node };
        let symbol = json!({
            "name": name,
            "kind": kind(defined.kind),
            "range": convert::range(file.source, whole.clone()),
            "selectionRange": convert::range(file.source, defined.name.span.range()),
            "children": [],
        });
        let parent = found.iter_mut().find(|(range, _)| range.start < whole.start && whole.end <= range.end);
        match parent.and_then(|(_, parent)| parent.get_mut("children")).and_then(Value::as_array_mut) {
            Some(children) => children.push(symbol),
            None => found.push((whole, symbol)),
        }
    }
    found.into_iter().map(|(_, symbol)| symbol).collect()
}

/// The symbols of the project whose names have the letters of a query, in their order.
pub(super) fn find_symbols(live: &Live, query: &str) -> Vec<Value> {
    const MOST: usize = 500;
    let matches = |name: &str| {
        let mut letters = name.chars().flat_map(char::to_lowercase);
        query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
    };
    let symbols = live.files().flat_map(|file| {
        let definitions = file.state.resolutions.definitions.iter();
        definitions.filter(move |defined| defined.name.span.file == file.id)
    });
    let found = symbols.filter(|defined| matches(&defined.name.node)).filter_map(|defined| {
        let location = convert::location(live, defined.name.span)?;
        Some(json!({"name": defined.name.node, "kind": kind(defined.kind), "location": location}))
    });
    found.take(MOST).collect()
}

/// Where a reader may fold: braces, text blocks, and runs of comments.
pub(super) fn folds(file: LiveFile<'_>) -> Vec<Value> {
    let line = |offset: usize| file.source.utf16(offset).line;
    let (mut open, mut folds, mut comments) = (Vec::new(), Vec::new(), None::<(usize, usize)>);
    for token in place::tokens(&file.source.text) {
        let (first, last) = (line(token.range.start), line(token.range.end));
        if token.kind == Kind::Comment {
            comments = match comments {
                Some((start, end)) if first == end + 1 => Some((start, first)),
                _ => {
                    folds.extend(comments.map(|(start, end)| (start, end, "comment")));
                    Some((first, first))
                }
            };
            continue;
        }
        match (token.kind, token.text) {
            (Kind::Mark, "{") => open.push(first),
            (Kind::Mark, "}") => {
                folds.extend(open.pop().map(|start| (start, first.saturating_sub(1), "region")));
            }
            (Kind::Text, _) if last > first => folds.push((first, last.saturating_sub(1), "region")),
            (Kind::Word | Kind::Text | Kind::Number | Kind::Mark | Kind::Comment, _) => {}
        }
    }
    folds.extend(comments.map(|(start, end)| (start, end, "comment")));
    let folds = folds.into_iter().filter(|(start, end, _)| start < end);
    folds.map(|(start, end, kind)| json!({"startLine": start, "endLine": end, "kind": kind})).collect()
}

/// The edit that brings a file into the canonical style; nothing for one with syntax errors.
pub(super) fn format(file: LiveFile<'_>) -> Vec<TextEdit> {
    let text = &*file.source.text;
    match syntax::format(text) {
        Ok(formatted) if formatted != text => {
            vec![TextEdit { range: convert::range(file.source, 0..text.len()), new_text: formatted }]
        }
        Ok(_) | Err(_) => Vec::new(),
    }
}
