//! From a name to what it stands for, to everything else that stands for it, and to another name.
//!
//! In: a file and an offset. Out: places and edits. Must not know: how names are resolved.

use std::collections::BTreeMap;

use lsp_types::{Location, Range};
use serde_json::{Value, json};

use crate::check::{Definition, DefinitionKind, Meaning};
use crate::diag::Diagnostics;
use crate::project::{Live, LiveFile};
use crate::source::{FileId, SourceFile, Span};
use crate::syntax;

use super::convert;

/// What stands at an offset: where its name is written, and what it stands for. A definition stands for itself.
pub(super) fn meaning(file: LiveFile<'_>, offset: usize) -> Option<(Span, Meaning)> {
    let resolutions = &file.state.resolutions;
    // A cursor behind a word is still at it.
    let places = [offset..offset, offset.saturating_sub(1)..offset];
    places.into_iter().find_map(|place| {
        let place = Span::new(file.id, place.start, place.end);
        let used = resolutions.at(place).map(|found| (found.span, found.meaning.clone()));
        used.or_else(|| {
            let defined = resolutions.definitions.iter().find(|one| one.name.span.contains(place))?;
            let span = defined.name.span;
            let meaning = match defined.kind {
                DefinitionKind::Step => Meaning::Step(span),
                DefinitionKind::Param => Meaning::Param(span),
                DefinitionKind::List => Meaning::List(span),
                DefinitionKind::Lookup => Meaning::Lookup(span),
                DefinitionKind::Rule | DefinitionKind::Test => return None,
            };
            Some((span, meaning))
        })
    })
}

/// Where what the author named is named.
fn defined(meaning: &Meaning) -> Option<Span> {
    match meaning {
        Meaning::Step(span) | Meaning::Param(span) | Meaning::List(span) | Meaning::Lookup(span) => {
            Some(*span)
        }
        Meaning::Source(_)
        | Meaning::Field { .. }
        | Meaning::File(_)
        | Meaning::Clause(_)
        | Meaning::Word { .. } => None,
    }
}

pub(super) fn definition(live: &Live, file: LiveFile<'_>, offset: usize) -> Option<Location> {
    let (_, meaning) = meaning(file, offset)?;
    match &meaning {
        Meaning::File(name) => {
            let path = live.named(file, name);
            let start = lsp_types::Position::default();
            Some(Location { uri: convert::uri(&path)?, range: Range { start, end: start } })
        }
        Meaning::Step(span) | Meaning::Param(span) | Meaning::List(span) | Meaning::Lookup(span) => {
            convert::location(live, *span)
        }
        Meaning::Source(source) | Meaning::Field { source, .. } => {
            let source = file.state.checked.environment.catalog.source(source)?;
            let path = meaning.field().map_or(vec!["name"], |(_, field)| vec!["fields", field]);
            convert::location(live, source.place_of_key(&path))
        }
        Meaning::Clause(_) | Meaning::Word { .. } => None,
    }
}

/// Every place that stands for the same, in all files; the definition comes first.
fn places(live: &Live, meaning: &Meaning) -> Vec<Span> {
    let mut found: Vec<Span> = defined(meaning).into_iter().collect();
    for file in live.files() {
        found.extend(file.state.resolutions.uses_of(meaning).filter(|span| span.file == file.id));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|span| seen.insert(*span));
    found
}

pub(super) fn references(live: &Live, file: LiveFile<'_>, offset: usize) -> Vec<Location> {
    let Some((_, meaning)) = meaning(file, offset) else { return Vec::new() };
    places(live, &meaning).into_iter().filter_map(|span| convert::location(live, span)).collect()
}

pub(super) fn highlights(live: &Live, file: LiveFile<'_>, offset: usize) -> Vec<Value> {
    let Some((_, meaning)) = meaning(file, offset) else { return Vec::new() };
    let here = places(live, &meaning).into_iter().filter(|span| span.file == file.id);
    here.map(|span| json!({"range": convert::range(file.source, span.range())})).collect()
}

pub(super) fn prepare_rename(_: &Live, file: LiveFile<'_>, offset: usize) -> Option<Range> {
    let (span, meaning) = meaning(file, offset)?;
    defined(&meaning)?;
    Some(convert::range(file.source, span.range()))
}

/// The edits that give a step, parameter or allowlist another name everywhere.
pub(super) fn rename(live: &Live, file: LiveFile<'_>, offset: usize, name: &str) -> Result<Value, String> {
    let found = meaning(file, offset).filter(|(_, meaning)| defined(meaning).is_some());
    let Some((_, meaning)) = found else {
        return Err("only steps, parameters, allowlists and lookups can be renamed".to_owned());
    };
    let mut by_file: BTreeMap<_, Vec<Span>> = BTreeMap::new();
    for span in places(live, &meaning) {
        by_file.entry(span.file).or_default().push(span);
    }
    if let Some(taken) = taken(live, &meaning, &by_file, name) {
        return Err(taken);
    }
    let mut changes = serde_json::Map::new();
    for (id, spans) in by_file {
        let (Some(source), Some(path)) = (live.sources().get(id), live.path_of(id)) else { continue };
        let renamed = spans.iter().map(|span| (span.range(), name));
        let (text, _) = crate::diag::fixes::apply(&source.text, renamed);
        if findings(&SourceFile::new("", text)) > findings(&SourceFile::new("", source.text.to_string())) {
            return Err(format!(
                "`{name}` is no name: names are lower case, with digits and underscores, and no word of the language"
            ));
        }
        let edits = spans
            .iter()
            .map(|span| json!({"range": convert::range(source, span.range()), "newText": name}))
            .collect::<Vec<_>>();
        if let Some(uri) = convert::uri(&path) {
            changes.insert(uri.as_str().to_owned(), json!(edits));
        }
    }
    Ok(json!({ "changes": changes }))
}

/// Whether a name is taken where something is to get it: two things of one kind would have it, in one rule or among the
/// lists that one file sees.
fn taken(
    live: &Live,
    meaning: &Meaning,
    touched: &BTreeMap<FileId, Vec<Span>>,
    name: &str,
) -> Option<String> {
    let own = defined(meaning)?;
    let clashes = |other: &&Definition| {
        let is_list = matches!(other.kind, DefinitionKind::List | DefinitionKind::Lookup);
        let is_close = match meaning {
            Meaning::Step(_) => other.kind == DefinitionKind::Step,
            Meaning::Param(_) => other.kind == DefinitionKind::Param,
            Meaning::List(_) | Meaning::Lookup(_) => is_list,
            Meaning::Source(_)
            | Meaning::Field { .. }
            | Meaning::File(_)
            | Meaning::Clause(_)
            | Meaning::Word { .. } => false,
        };
        is_close
            && other.name.node == name
            && other.name.span != own
            && (is_list || same_rule(live, own, other.name.span))
    };
    let seen = seen_from(live, touched.keys().copied());
    let other = seen.iter().flat_map(|file| &file.state.resolutions.definitions).find(clashes)?;
    let (file, place) = live.sources().locate(other.name.span)?;
    Some(format!("`{name}` is taken: it is defined in line {} of {file}", place.line))
}

/// Some files and all that they import.
fn seen_from(live: &Live, ids: impl Iterator<Item = FileId>) -> Vec<LiveFile<'_>> {
    let ids: Vec<FileId> = ids.collect();
    let mut found: Vec<LiveFile<'_>> = live.files().filter(|file| ids.contains(&file.id)).collect();
    let mut at = 0;
    while let Some(file) = found.get(at).copied() {
        for import in &file.tree.imports {
            let next = live.file(&live.named(file, &import.node));
            found.extend(next.filter(|next| found.iter().all(|known| known.index != next.index)));
        }
        at += 1;
    }
    found
}

/// Whether two places are in one rule.
fn same_rule(live: &Live, one: Span, other: Span) -> bool {
    let mut rules = live.files().flat_map(|file| &file.tree.rules);
    rules.any(|rule| rule.span.contains(one) && rule.span.contains(other))
}

fn findings(source: &SourceFile) -> usize {
    let mut found = Diagnostics::default();
    syntax::parse(source, FileId(0), &mut found);
    found.len()
}
