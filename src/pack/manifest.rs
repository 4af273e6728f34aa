//! `manifest.json`: every file of a build with its hash, and what became of every rule.
//!
//! In: files, rules with their emissions. Out: the text; `docs/schemas/manifest.json` says its form. Must not know: a
//! disk. A later build removes by it what it no longer writes, so the version changes with its meaning.

use serde::Serialize;

use super::file::{File, Path};
use super::input::{Base, Ruled};
use super::schedule::Plan;
use crate::backend::origin::{self, Origin};
use crate::backend::{Effect, Emission, Fidelity, Level, Note, Part, Role};
use crate::source::{Sources, Span};

/// Its name.
pub const FILE: &str = "manifest.json";
/// Changes when a reader would have to change.
pub const VERSION: u32 = 1;
/// What made it: a manifest of another program is none.
pub const GENERATOR: &str = "catena build";

#[derive(Debug, Serialize)]
struct Manifest<'a> {
    version: u32,
    generator: &'static str,
    files: Vec<Listed<'a>>,
}

/// What became of a rule, as the manifest has it. Most of its text is that of rules, so each is written where the rule
/// is at work, by one of many workers.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    text: Vec<u8>,
}

/// Where an entry stands, for its indentation.
#[derive(Debug, Serialize)]
struct Around<'a> {
    rules: [&'a Rule; 1],
}

#[derive(Debug, Serialize)]
struct Listed<'a> {
    path: &'a Path,
    sha256: &'a str,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
}

/// What became of a rule.
#[derive(Debug, Serialize)]
pub struct Rule {
    name: String,
    id: String,
    title: String,
    severity: &'static str,
    clause: Option<Clause>,
    logs: Vec<String>,
    targets: Vec<Target>,
    #[serde(skip)]
    places: Places,
}

/// What became of a rule in one target.
#[derive(Debug, Serialize)]
struct Target {
    #[serde(rename = "target")]
    name: &'static str,
    fidelity: Fidelity,
    level: Level,
    notes: Vec<Noted>,
    requires: Vec<String>,
    parts: Vec<Written>,
    /// What the pack leaves out or changes, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pack: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Noted {
    effect: Effect,
    message: String,
    clause: Option<Clause>,
}

#[derive(Debug, Serialize)]
struct Written {
    name: String,
    id: String,
    role: Role,
    schedule: Plan,
    files: Vec<Path>,
    map: Vec<Mapped>,
}

/// Lines of a query and the clause that they carry.
#[derive(Debug, Serialize)]
struct Mapped {
    lines: [usize; 2],
    what: String,
    clause: Option<Clause>,
}

/// A clause of a rule: its file, from the folder at which paths begin, and first and last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Clause {
    file: String,
    lines: [usize; 2],
}

/// Where clauses stand; looked up while the texts of the rules are there.
#[derive(Debug, Default)]
struct Places(Vec<(Span, Clause)>);

impl Places {
    fn of(&self, span: Span) -> Option<Clause> {
        self.0.iter().find(|(known, _)| *known == span).map(|(_, clause)| clause.clone())
    }
}

/// A part with the files that were made of it.
#[derive(Debug)]
pub(super) struct Made<'a> {
    /// The part.
    pub(super) part: &'a Part,
    /// When it runs.
    pub(super) plan: Plan,
    /// Its text, as the files have it; lines that a pack adds come after those of the part.
    pub(super) text: &'a str,
    /// Where its text is.
    pub(super) files: Vec<Path>,
}

impl Entry {
    /// The entry of a rule.
    pub(super) fn of(rule: &Rule) -> Self {
        // Nothing in it can fail to be written: maps have texts as keys.
        let mut text = serde_json::to_vec_pretty(&Around { rules: [rule] }).unwrap_or_default();
        text.truncate(text.len().saturating_sub(AFTER.len()));
        text.drain(..BEFORE.len().min(text.len()));
        Self { name: rule.name.clone(), text }
    }
}

const BEFORE: &str = "{\n  \"rules\": [\n";
const AFTER: &str = "\n  ]\n}";

impl Rule {
    /// A rule that nothing has been made of yet.
    pub(super) fn new(ruled: &Ruled<'_>, sources: &Sources) -> Self {
        let rule = ruled.rule;
        let mut spans = vec![rule.span];
        spans.extend(rule.chain.steps.iter().map(|step| step.span));
        spans.extend(rule.chain.links.iter().map(|link| link.span));
        spans.extend(rule.lists.iter().map(|list| list.name.span));
        spans.extend(rule.params.iter().map(|param| param.name.span));
        spans.extend(ruled.emissions.iter().flat_map(|emission| &emission.notes).map(|note| note.span));
        let places = spans.into_iter().filter_map(|span| Some((span, clause(span, sources, ruled.base)?)));
        let places = Places(places.collect());
        let mut logs: Vec<String> = Vec::new();
        for selection in rule.chain.selections() {
            let source = ruled.catalog.source(&selection.source.node);
            let title = source.map_or("", |source| source.title.as_str());
            let log = format!("{} ({title})", selection.source.node);
            if !logs.contains(&log) {
                logs.push(log);
            }
        }
        Self {
            name: rule.name.node.clone(),
            id: rule.meta.id.clone(),
            title: rule.meta.title.clone(),
            severity: rule.meta.severity.word(),
            clause: places.of(rule.span),
            logs,
            targets: Vec::new(),
            places,
        }
    }

    /// Adds what was made of some parts of an emission.
    pub(super) fn add(&mut self, ruled: &Ruled<'_>, emission: &Emission, made: &[Made<'_>]) {
        let places = &self.places;
        let map = |origin: Origin| Mapped {
            lines: [origin.first, origin.last],
            what: origin.what,
            clause: places.of(origin.span),
        };
        let written = made.iter().map(|made| Written {
            name: made.part.name.clone(),
            id: made.part.id.clone(),
            role: made.part.role,
            schedule: made.plan,
            files: made.files.clone(),
            map: origin::of(ruled.rule, emission.target, made.text).into_iter().map(map).collect(),
        });
        let written: Vec<_> = written.collect();
        if let Some(known) = self.targets.iter_mut().find(|known| known.name == emission.target) {
            known.parts.extend(written);
            return;
        }
        let Emission { rule: _, target, fidelity, level, notes, requires, parts: _, lists: _ } = emission;
        let noted = |Note { effect, message, span }: &Note| Noted {
            effect: *effect,
            message: message.clone(),
            clause: places.of(*span),
        };
        self.targets.push(Target {
            name: target,
            fidelity: *fidelity,
            level: *level,
            notes: notes.iter().map(noted).collect(),
            requires: requires.clone(),
            parts: written,
            pack: Vec::new(),
        });
    }

    /// Adds what a pack leaves out or changes.
    pub(super) fn remark(&mut self, target: &str, remark: &str) {
        if let Some(known) = self.targets.iter_mut().find(|known| known.name == target) {
            known.pack.push(remark.to_owned());
        }
    }
}

fn clause(span: Span, sources: &Sources, base: &Base) -> Option<Clause> {
    let (file, start) = sources.locate(span)?;
    let end = Span { start: span.end.saturating_sub(1).max(span.start), ..span };
    let (_, end) = sources.locate(end)?;
    Some(Clause { file: base.path_of(file), lines: [start.line, end.line] })
}

/// The text of the manifest.
pub(super) fn print(files: &[File], mut rules: Vec<Entry>) -> Vec<u8> {
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    let listed = files.iter().map(|file| Listed {
        path: &file.path,
        sha256: file.sha256(),
        bytes: file.bytes.len(),
        rule: file.rule.as_deref(),
        target: file.target,
    });
    let manifest = Manifest { version: VERSION, generator: GENERATOR, files: listed.collect() };
    let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    text.truncate(text.len().saturating_sub("\n}".len()));
    text.reserve(rules.iter().map(|rule| rule.text.len() + 2).sum::<usize>() + 64);
    text.extend_from_slice(b",\n  \"rules\": [");
    for (number, rule) in rules.iter().enumerate() {
        text.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
        text.extend_from_slice(&rule.text);
    }
    text.extend_from_slice(if rules.is_empty() { b"]\n}\n" } else { b"\n  ]\n}\n" });
    text
}
