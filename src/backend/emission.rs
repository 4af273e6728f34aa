//! What a compilation gives: the texts of one rule in one target, how they relate to the rule, and why.
//!
//! In: filled in by the gate and the targets. Out: read by whoever prints or installs queries.
//! Must not know: rules, sources, how a text was made.

use std::borrow::Cow;

use serde::Serialize;

use super::{External, Lake, Schedule};
use crate::source::Span;

/// What came out for one rule and one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Emission {
    /// Name of the rule.
    pub rule: String,
    /// Short name of the target.
    pub target: &'static str,
    /// How the answers relate to the rule's meaning.
    pub fidelity: Fidelity,
    /// What equal answers mean.
    pub level: Level,
    /// Reasons and limits.
    pub notes: Vec<Note>,
    /// What must be configured for the query to see anything.
    pub requires: Vec<String>,
    /// The texts.
    pub parts: Vec<Part>,
    /// The lists of the SIEM that the query reads by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<External>,
}

impl Emission {
    /// How the answers relate to the rule in an engine that behaves as the notes say.
    #[must_use]
    pub fn promised(&self) -> Fidelity {
        fidelity(self.notes.iter().filter(|note| note.effect != Effect::Conditional))
    }
}

/// What notes add up to.
pub(super) fn fidelity<'n>(notes: impl IntoIterator<Item = &'n Note>) -> Fidelity {
    match notes.into_iter().map(|note| note.effect).min() {
        Some(Effect::Subset) => Fidelity::Subset,
        Some(Effect::Conditional) => Fidelity::Conditional,
        Some(Effect::Superset) => Fidelity::Superset,
        Some(Effect::Engine | Effect::Shown) | None => Fidelity::Exact,
    }
}

/// How the answers of a query relate to the rule's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// The same.
    Exact,
    /// Nothing is missed, something may be added.
    Superset,
    /// One of these where the engine behaves as the notes say; elsewhere something may be missed.
    Conditional,
    /// Something may be missed.
    Subset,
}

impl Fidelity {
    /// For the head of a query.
    pub(super) fn remark(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Superset => "superset: may match more",
            Self::Conditional => "conditional: may miss events, depending on the engine",
            Self::Subset => "subset: may miss events",
        }
    }
}

/// What equal answers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The same last records.
    Record,
    /// The same values of the key that the target reports.
    Key,
}

/// A reason for a fidelity, or a limit that depends on the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What it does to the answers.
    pub effect: Effect,
    /// In words.
    pub message: String,
    /// The clause that causes it.
    #[serde(skip)]
    pub span: Span,
}

/// What a note does to the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// May miss.
    Subset,
    /// May miss in engines that do otherwise than it says, and real logs meet it.
    Conditional,
    /// May add.
    Superset,
    /// The target's language leaves it to the engine that runs the query.
    Engine,
    /// Nothing: it is about a value that an answer shows.
    Shown,
}

/// One text of an emission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// File name without extension; unique among the parts of a rule and target.
    pub name: String,
    /// UUID: the rule's own for a query, derived from it for a stage.
    pub id: String,
    /// What it is.
    pub role: Role,
    /// How often it must run and how far it must look back.
    pub schedule: Schedule,
    /// The index patterns that it reads, where a rule of the SIEM names them beside the query.
    #[serde(skip)]
    pub indexes: Vec<String>,
    /// The fields by which an answer is told from others, where the SIEM shows these alone.
    #[serde(skip)]
    pub keys: Vec<AnswerKey>,
    /// What a program that runs it over a lake has to know of it.
    #[serde(skip)]
    pub lake: Option<Lake>,
    /// The text to paste.
    pub text: String,
}

/// A field that every answer of a part has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKey {
    /// Canonical name.
    pub name: String,
    /// As the SIEM calls it.
    pub field: String,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The query whose answers are alerts.
    Query,
    /// A building block whose alerts a later part reads by its id or name.
    Stage,
    /// A search that keeps a list which a later part asks for what came before.
    Baseline,
    /// A search that keeps a list of the keys for which a later part looks.
    Keys,
}

/// A text as a file holds it.
#[must_use]
pub fn with_line_end(text: &str) -> Cow<'_, str> {
    if text.ends_with('\n') { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) }
}

/// The name of the file of a part or list. Windows takes some names for devices, whatever the extension.
#[must_use]
pub fn file_name(name: &str, extension: &str) -> String {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let is_port = |port: &str| {
        stem.strip_prefix(port)
            .is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_device = ["con", "prn", "aux", "nul"].contains(&stem.as_str()) || is_port("com") || is_port("lpt");
    format!("{name}{}.{extension}", if is_device { "_" } else { "" })
}
