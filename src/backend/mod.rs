//! Targets: from a checked rule to the text one pastes into a SIEM.
//!
//! In: [`ir::Rule`], the catalog, options. Out: an [`Emission`], or diagnostics that say what cannot be expressed.
//! Must not know: syntax, engine, files. A target does not know another target.

pub mod caps;
pub mod columns;
pub mod eql;
mod external;
#[cfg(test)]
mod fixture;
mod home;
pub mod kql;
mod layout;
mod print;
pub mod shape;
mod sigma;
pub mod spl;
mod stated;

use serde::Serialize;

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Home, Misfit};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir;
use crate::source::Span;
use caps::{Feature, Support};
pub use external::{External, Externals};

/// Every target, in the order in which `--target all` prints them.
pub const ALL: &[&dyn Target] = &[&spl::Spl, &sigma::Sigma, &kql::Kql, &eql::Eql];

/// The target of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Target> {
    ALL.iter().copied().find(|target| target.name() == name)
}

/// A query language and the SIEM that runs it.
pub trait Target: Sync {
    /// Short name: `spl`, `sigma`, `kql`, `eql`. Also the key of its columns in the sources.
    fn name(&self) -> &'static str;
    /// For headings, such as "Splunk SPL".
    fn title(&self) -> &'static str;
    /// Extension of its files, without the dot.
    fn extension(&self) -> &'static str;
    /// What equal answers mean for this target and rule.
    fn level(&self, rule: &ir::Rule) -> Level;
    /// What it reads of a source.
    fn reads(&self) -> Reads;
    /// What is wrong with a home that states what the target reads.
    fn judge(&self, home: &Home) -> Vec<Misfit>;
    /// How the target carries a feature of a rule. The table in the documentation is this function.
    fn support(&self, feature: Feature) -> Support;
    /// Lowers a rule that passed the gate. Problems and notes go to `report`; no parts if there was an error.
    fn emit(&self, job: &Job<'_>, report: &mut Report) -> Vec<Part>;
}

/// What a target makes use of in a source: whatever else is stated for it would be lost.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// Of a home's `from`, `filter`, `time` and `time_lag`.
    pub entries: &'static [&'static str],
    /// Keys of a home's `words`.
    pub words: &'static [&'static str],
    /// Of a column's `multi`, `text` and `alert_field`.
    pub marks: &'static [&'static str],
}

/// One rule to lower, and what may be known about its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The rule.
    pub rule: &'a ir::Rule,
    /// The sources, with the environment's changes applied.
    pub catalog: &'a Catalog,
    /// The options in force.
    pub options: &'a Options,
}

/// What the user may choose.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How allowlists reach the query.
    pub lists: ListDelivery,
    /// Whether a query that could miss events is written at all.
    pub allow_subset: bool,
    /// KQL: join by time buckets, for keys with very many events.
    pub time_buckets: bool,
}

/// How allowlists reach the query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListDelivery {
    /// In the text when small, by the SIEM's own list when large.
    #[default]
    Auto,
    /// Always in the text.
    Inline,
    /// By the SIEM's own list wherever it can hold the entries.
    Lookup,
}

impl ListDelivery {
    /// The longest list that `Auto` writes into the text.
    pub const INLINE_LIMIT: usize = 50;

    /// Whether `exact` plain values of a list go into a list of the SIEM.
    #[must_use]
    pub fn by_lookup(self, exact: usize) -> bool {
        match self {
            Self::Inline => false,
            Self::Lookup => exact > 0,
            Self::Auto => exact > Self::INLINE_LIMIT,
        }
    }
}

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
    /// The lists of the SIEM that the query reads by name.
    #[serde(skip)]
    pub lists: Vec<External>,
    /// The texts.
    pub parts: Vec<Part>,
}

/// How the answers of a query relate to the rule's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// The same.
    Exact,
    /// Nothing is missed, something may be added.
    Superset,
    /// Something may be missed.
    Subset,
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
    /// The text to paste.
    pub text: String,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The query whose answers are alerts.
    Query,
    /// A building block whose alerts a later part reads by its id.
    Stage,
}

/// What lowering finds on its way.
#[derive(Debug, Default)]
pub struct Report {
    /// Errors, and nothing else.
    pub errors: Vec<Diagnostic>,
    /// Reasons and limits.
    pub notes: Vec<Note>,
    /// What must be configured.
    pub requires: Vec<String>,
    /// Lists of the SIEM that the query reads by name.
    pub lists: Vec<External>,
    /// What the notes say already: an allowlist can give one for each entry.
    noted: BTreeSet<(Effect, String)>,
}

impl Report {
    /// Adds a note once.
    pub fn note(&mut self, effect: Effect, span: Span, message: impl Into<String>) {
        let message = message.into();
        if self.noted.insert((effect, message.clone())) {
            self.notes.push(Note { effect, message, span });
        }
    }

    /// Adds a requirement once.
    pub fn require(&mut self, what: impl AsRef<str> + Into<String>) {
        if !self.requires.iter().any(|known| known == what.as_ref()) {
            self.requires.push(what.into());
        }
    }

    /// Adds a list that the query reads by name, once.
    pub fn read(&mut self, list: External) {
        if !self.lists.contains(&list) {
            self.lists.push(list);
        }
    }

    /// Adds an error once.
    pub fn error(&mut self, error: Diagnostic) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Adds what another report found.
    pub fn absorb(&mut self, other: Report) {
        other.errors.into_iter().for_each(|error| self.error(error));
        other.notes.into_iter().for_each(|note| self.note(note.effect, note.span, note.message));
        other.requires.into_iter().for_each(|what| self.require(what));
        other.lists.into_iter().for_each(|list| self.read(list));
    }

    /// What whoever pastes the query must know, for its head: a line for each note and for each requirement.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let word = |effect| match effect {
            Effect::Subset => "may miss",
            Effect::Superset => "may add",
            Effect::Engine => "engine",
            Effect::Shown => "note",
        };
        let notes = self.notes.iter().map(move |note| format!("{}: {}", word(note.effect), note.message));
        notes.chain(self.requires.iter().map(|what| format!("needs: {what}")))
    }

    fn fidelity(&self) -> Fidelity {
        match self.notes.iter().map(|note| note.effect).min() {
            Some(Effect::Subset) => Fidelity::Subset,
            Some(Effect::Superset) => Fidelity::Superset,
            Some(Effect::Engine | Effect::Shown) | None => Fidelity::Exact,
        }
    }
}

/// Compiles a rule for a target: gate, plan and print, fidelity. Findings go to `diags`; `None` if one is an error.
pub fn compile(job: &Job<'_>, target: &dyn Target, diags: &mut Diagnostics) -> Option<Emission> {
    compile_for(target, job, &caps::features_of(job.rule, job.catalog), diags)
}

/// Compiles a rule for several targets, as [`compile`] does for each.
pub fn compile_all(job: &Job<'_>, targets: &[&dyn Target], diags: &mut Diagnostics) -> Vec<Emission> {
    let features = caps::features_of(job.rule, job.catalog);
    targets.iter().filter_map(|target| compile_for(*target, job, &features, diags)).collect()
}

fn compile_for(
    target: &dyn Target,
    job: &Job<'_>,
    features: &[(Feature, Span)],
    diags: &mut Diagnostics,
) -> Option<Emission> {
    let mut report = Report::default();
    gate(features, target, &mut report);
    let parts = if report.errors.is_empty() { target.emit(job, &mut report) } else { Vec::new() };
    let fidelity = report.fidelity();
    let refused = !report.errors.is_empty() || refuse_subset(job, target, &report, diags);
    for error in std::mem::take(&mut report.errors) {
        diags.push(error);
    }
    if refused {
        return None;
    }
    warn_superset(target, &report, diags);
    let Report { notes, requires, lists, .. } = report;
    let rule = job.rule.name.node.clone();
    Some(Emission {
        rule,
        target: target.name(),
        fidelity,
        level: target.level(job.rule),
        notes,
        requires,
        lists,
        parts,
    })
}

/// Asks the target about every feature of the rule, before anything is lowered.
fn gate(features: &[(Feature, Span)], target: &dyn Target, report: &mut Report) {
    for &(feature, span) in features {
        match target.support(feature) {
            Support::Native | Support::Emulated(_) => {}
            Support::Widened(reason) => report.note(Effect::Superset, span, reason),
            Support::Narrowed(reason) => report.note(Effect::Subset, span, reason),
            Support::Engine(reason) => report.note(Effect::Engine, span, reason),
            Support::No { reason, help } => {
                let title = format!("{} cannot express {}", target.title(), feature.title());
                report.error(Diagnostic::new(Code::NotExpressible, span, title).label(reason).help(help));
            }
        }
    }
}

fn refuse_subset(job: &Job<'_>, target: &dyn Target, report: &Report, diags: &mut Diagnostics) -> bool {
    let narrowing = || report.notes.iter().filter(|note| note.effect == Effect::Subset);
    if job.options.allow_subset {
        return false;
    }
    for note in narrowing() {
        let title = format!("the {} query could miss events", target.title());
        diags.push(
            Diagnostic::new(Code::Subset, note.span, title)
                .label(note.message.clone())
                .help("change the clause, or accept it with `--allow-subset`"),
        );
    }
    narrowing().next().is_some()
}

fn warn_superset(target: &dyn Target, report: &Report, diags: &mut Diagnostics) {
    for note in report.notes.iter().filter(|note| note.effect == Effect::Superset) {
        let title = format!("the {} query may match more than the rule", target.title());
        diags.push(Diagnostic::new(Code::Superset, note.span, title).label(note.message.clone()));
    }
}
