//! What a playbook says, before it is Markdown or HTML.
//!
//! In: a rule and its emissions. Out: blocks in order. Must not know: how a block is shown.

use super::picture::Picture;
use crate::backend::{self, Effect, Emission};
use crate::ir::{self, List};
use crate::pack::input::{Ruled, keys};
use crate::source::Sources;

/// A block of a page. All texts are plain, but for Markdown of the rule's author.
#[derive(Debug)]
pub(super) enum Block {
    /// A heading below the title.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A list.
    Points(Vec<String>),
    /// A table: its head, its rows; cells of the first column are names.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// What the author wrote.
    Markdown(String),
    /// A command.
    Command(String),
    /// The chain.
    Picture(Picture),
}

/// The page of a rule.
pub(super) fn blocks(ruled: &Ruled<'_>, sources: &Sources) -> Vec<Block> {
    let meta = &ruled.rule.meta;
    let mut blocks = vec![Block::Text(meta.description.clone())];
    let mut facts = vec![format!("Rule: {} ({})", ruled.rule.name.node, meta.id)];
    facts.push(format!("Severity: {}", meta.severity.word()));
    if !meta.attack.is_empty() {
        facts.push(format!("ATT&CK: {}", meta.attack.join(", ")));
    }
    blocks.push(Block::Points(facts));
    blocks.push(Block::Heading("What fired and why".to_owned()));
    blocks.push(Block::Picture(Picture::of(ruled)));
    blocks.push(Block::Text(total(ruled)));
    blocks.push(Block::Heading("Evidence".to_owned()));
    blocks.push(evidence(ruled));
    investigation(ruled, &mut blocks);
    blocks.push(Block::Heading("False positives".to_owned()));
    blocks.push(match meta.false_positives.as_slice() {
        [] => Block::Text("None are known.".to_owned()),
        known => Block::Points(known.to_vec()),
    });
    allowlists(ruled, sources, &mut blocks);
    blind_spots(ruled, &mut blocks);
    if !meta.references.is_empty() {
        blocks.push(Block::Heading("References".to_owned()));
        blocks.push(Block::Points(meta.references.clone()));
    }
    blocks
}

fn total(ruled: &Ruled<'_>) -> String {
    let chain = &ruled.rule.chain;
    if chain.links.is_empty() {
        return "The rule alerts on every event that satisfies its step.".to_owned();
    }
    let total = ir::duration(chain.total.seconds);
    let dedupe = ruled.rule.alert.dedupe.as_ref().map(|dedupe| {
        let keys: Vec<_> = dedupe.by.iter().map(|field| ruled.written(field)).collect();
        let window = ir::duration(dedupe.window.seconds);
        format!(" Further alerts with the same {} stay silent for {window}.", keys.join(", "))
    });
    format!(
        "The rule alerts when all steps happen in this order, from first to last within {total}.{}",
        dedupe.unwrap_or_default()
    )
}

/// The fields of an alert.
fn evidence(ruled: &Ruled<'_>) -> Block {
    let entities = &ruled.rule.alert.entities;
    let rows = ruled.alert_fields().into_iter().map(|field| {
        let is_of = |entity: &&ir::Entity| {
            entity.field.step == field.step && entity.field.field.name == field.field.name
        };
        let kind = entities.iter().find(is_of).map_or("", |entity| entity.kind.name());
        let source = ruled
            .rule
            .chain
            .steps
            .get(field.step)
            .and_then(|step| ruled.catalog.source(&step.main.source.node));
        let meaning =
            source.and_then(|source| source.field(&field.field.name)).map_or("", |def| &def.description);
        vec![ruled.written(field), meaning.trim().to_owned(), kind.to_owned(), ruled.column(field)]
    });
    Block::Table(vec!["field", "meaning", "entity", "column in Splunk and Sentinel"], rows.collect())
}

fn investigation(ruled: &Ruled<'_>, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading("Investigation and containment".to_owned()));
    let steps = super::steps(ruled);
    blocks.push(if steps.is_empty() {
        Block::Text(
            "The rule has no playbook of its own: follow the evidence from the last step back.".to_owned(),
        )
    } else {
        Block::Markdown(steps)
    });
}

fn allowlists(ruled: &Ruled<'_>, sources: &Sources, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading("Allowlist procedure".to_owned()));
    let (lists, tables): (Vec<&List>, Vec<&List>) =
        ruled.rule.lists.iter().partition(|list| list.lookup.is_none());
    lookups(ruled, sources, &tables, blocks);
    if lists.is_empty() {
        blocks.push(Block::Text("The rule has no allowlist: change the rule itself.".to_owned()));
        return;
    }
    let row = |list: &List| {
        let expiry = list.entries.iter().filter_map(|entry| entry.until).min();
        vec![
            list.name.node.clone(),
            place(ruled, list, sources).unwrap_or_else(|| "in the rule file".to_owned()),
            list.entries.len().to_string(),
            expiry.map_or_else(|| "never".to_owned(), |day| day.to_string()),
        ]
    };
    let head = vec!["allowlist", "file", "entries in force", "first expiry"];
    blocks.push(Block::Table(head, lists.iter().copied().map(row).collect()));
    blocks.push(Block::Text(
        "An entry needs a reason, an owner and a last day. Add it, have it reviewed, build again. Paths begin at the \
         folder of `catena.yaml`, or at that of the rules:"
            .to_owned(),
    ));
    for file in lists.iter().filter_map(|list| place(ruled, list, sources)) {
        blocks.push(Block::Command(format!(
            "catena lists add {} VALUE --reason \"WHY\" --owner TEAM --ticket ID --until YYYY-MM-DD",
            quoted(&file)
        )));
    }
}

/// The file of a list, from the folder at which paths begin.
fn place(ruled: &Ruled<'_>, list: &List, sources: &Sources) -> Option<String> {
    let file = list.file.as_ref()?;
    let (declared, _) = sources.locate(list.name.span)?;
    let folder = std::path::Path::new(declared).parent()?;
    Some(ruled.base.path_of(&folder.join(file).to_string_lossy()))
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The tables that conditions ask, with the rows that pass.
fn lookups(ruled: &Ruled<'_>, sources: &Sources, tables: &[&List], blocks: &mut Vec<Block>) {
    if tables.is_empty() {
        return;
    }
    let row = |list: &&List| {
        let lookup = list.lookup.as_ref();
        vec![
            lookup.map(|lookup| lookup.name.clone()).unwrap_or_default(),
            place(ruled, list, sources).unwrap_or_default(),
            lookup.map(|lookup| lookup.test.clone()).unwrap_or_default(),
            list.entries.len().to_string(),
        ]
    };
    let head = vec!["lookup", "file", "test", "keys that pass"];
    blocks.push(Block::Table(head, tables.iter().map(row).collect()));
    blocks.push(Block::Text(
        "A test of a table is asked when the rule is built: change the table, build again.".to_owned(),
    ));
}

/// What the rule needs to see anything, and what each target does not see.
fn blind_spots(ruled: &Ruled<'_>, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading("Blind spots".to_owned()));
    blocks.push(Block::Text("Without one of these logs the rule never alerts.".to_owned()));
    let chain = &ruled.rule.chain;
    let alternatives = chain
        .steps
        .iter()
        .enumerate()
        .flat_map(|(index, step)| step.selections().map(move |selection| (index, step, selection)));
    let rows = alternatives.map(|(index, step, selection)| {
        let source = ruled.catalog.source(&selection.source.node);
        let title = source.map_or("", |source| source.title.as_str());
        let late = source.map_or(0, |source| source.lateness(0));
        let needs: Vec<_> = chain.fields_read(index, selection).into_iter().collect();
        let needs = needs.into_iter().filter_map(|field| source?.field(field)?.requires.clone());
        let mut requires: Vec<String> = Vec::new();
        for what in needs {
            if !requires.contains(&what) {
                requires.push(what);
            }
        }
        let joined = index.checked_sub(1).and_then(|before| chain.links.get(before));
        let joined = joined.map_or_else(|| "first step".to_owned(), |link| keys(&link.keys));
        vec![
            step.name.node.clone(),
            format!("{title} ({})", selection.source.node),
            joined,
            format!("blind where an event comes more than {} late", ir::duration(late)),
            requires.join("; "),
        ]
    });
    let head = vec!["step", "log", "joined by", "delay", "needs"];
    blocks.push(Block::Table(head, rows.collect()));
    for emission in ruled.emissions {
        target(emission, blocks);
    }
}

fn target(emission: &Emission, blocks: &mut Vec<Block>) {
    let title = backend::by_name(emission.target).map_or(emission.target, |target| target.title());
    let word = |effect: Effect| match effect {
        Effect::Subset => "may miss",
        Effect::Conditional => "may miss in some engines",
        Effect::Superset => "may add",
        Effect::Engine => "depends on the engine",
        Effect::Shown => "shown",
    };
    let notes = emission.notes.iter().map(|note| format!("{}: {}", word(note.effect), note.message));
    let needs = emission.requires.iter().map(|what| format!("needs: {what}"));
    let points: Vec<_> = notes.chain(needs).collect();
    blocks.push(Block::Text(format!("What {title} does otherwise than the rule:")));
    blocks.push(if points.is_empty() { Block::Text("Nothing.".to_owned()) } else { Block::Points(points) });
}
