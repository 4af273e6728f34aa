//! What an organisation has elsewhere than the source file says: changes of a mapping, and files that extend a source.
//!
//! In: a source, changes with the document that states them. Out: the source changed, or what is wrong.
//! Must not know: how documents are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::log::LogAddition;
use super::validate::too_late;
use super::{Column, FieldDef, Mapped, Source, Texts};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::form::{Checked, Document};
use crate::source::Span;

/// What is elsewhere in one target. Entries left out stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingChange {
    /// Table, index pattern or base search. What the source requires goes with the old one.
    pub from: Option<Texts>,
    /// Expression that is true for the source's records.
    pub filter: Option<String>,
    /// Column or expression of the event time.
    pub time: Option<String>,
    /// Seconds by which the target's clock may be later than the event.
    pub time_lag: Option<u64>,
    /// Why `time_lag` is not 0.
    pub time_reason: Option<String>,
    /// Words such as Sigma's log source.
    pub words: BTreeMap<String, String>,
    /// SQL: raw paths and the columns that hold what stands there; those not named stay.
    pub stored: BTreeMap<String, String>,
    /// What must be configured for the source to be there.
    pub requires: Option<Vec<String>>,
    /// Columns by canonical field, as in a source file.
    pub fields: BTreeMap<String, Column>,
}

/// A file that adds to a source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    /// The source.
    pub(super) extends: String,
    #[serde(default)]
    log: LogAddition,
    #[serde(default)]
    targets: BTreeMap<String, MappingChange>,
    /// New fields, or the columns of known ones.
    #[serde(default)]
    fields: IndexMap<String, Value>,
}

/// A part of a document that states a change.
#[derive(Debug, Clone, Copy)]
pub struct Stated<'a> {
    /// The document.
    pub document: &'a Arc<Document>,
    /// What does not fit its form, if something does not: nothing is said of what hangs on it.
    pub checked: Option<&'a Checked>,
    /// Where in the document the change stands.
    pub inside: &'a [&'a str],
}

impl Stated<'_> {
    /// The findings of faults, whose paths start at the change.
    fn report(&self, faults: impl IntoIterator<Item = Fault>, diags: &mut Diagnostics) {
        let place = |path: &[&str], key: bool| {
            let path = path.iter().copied();
            if key { self.document.key(path) } else { self.document.find(path).span }
        };
        let faults = faults.into_iter().map(|fault| fault.below(self.inside));
        let shown = faults.filter(|fault| !is_broken(self.checked, &fault.path()));
        diags.extend_with(shown.map(|fault| fault.diagnose(place)));
    }
}

fn is_broken(checked: Option<&Checked>, path: &[&str]) -> bool {
    checked.is_some_and(|checked| checked.is_broken(path))
}

impl Source {
    /// Changes where the source is in a target, as `document` says at `inside`. What is wrong goes to `diags`; then the
    /// source is half changed, and nobody may use it.
    pub fn change(
        &mut self,
        target: &str,
        change: &MappingChange,
        stated: Stated<'_>,
        diags: &mut Diagnostics,
    ) {
        let Stated { document, checked: _, inside } = stated;
        let MappingChange {
            from,
            filter,
            time,
            time_lag,
            time_reason,
            words,
            stored: columns,
            requires,
            fields,
        } = change;
        let mapping = self.targets.entry(target.to_owned()).or_default();
        // Who says where it is has it.
        mapping.not_held &= from.is_none();
        if let Some(from) = from {
            mapping.from.clone_from(from);
            // They led to the old one.
            mapping.requires.clear();
        }
        mapping.time = time.clone().unwrap_or_else(|| std::mem::take(&mut mapping.time));
        mapping.filter = filter.clone().or(mapping.filter.take());
        mapping.time_lag = time_lag.unwrap_or(mapping.time_lag);
        mapping.time_reason = time_reason.clone().or(mapping.time_reason.take());
        mapping.words.extend(words.clone());
        mapping.stored.extend(columns.clone());
        if let Some(requires) = requires {
            mapping.requires.clone_from(requires);
        }
        self.note_changes(target, change, document, inside);
        stated.report(time_lag.and_then(too_late), diags);
        for (name, column) in fields {
            let at = [inside, &["fields", name]].concat();
            match self.fields.get(name) {
                None => diags.push(self.unknown_field(name, document, &at)),
                Some(field) => {
                    stated.report(
                        self.column_faults(column, field)
                            .into_iter()
                            .map(|fault| fault.below(&["fields", name])),
                        diags,
                    );
                    if time.is_none() {
                        diags.extend_with(self.not_the_clock(
                            name,
                            target,
                            column,
                            document.key(at.iter().copied()),
                        ));
                    }
                    self.replace_column(name, target, column.clone(), (document, &at));
                }
            }
        }
    }

    /// Remembers where the new entries stand.
    fn note_changes(
        &mut self,
        target: &str,
        change: &MappingChange,
        document: &Arc<Document>,
        inside: &[&str],
    ) {
        let entries = [
            ("from", change.from.is_some()),
            ("filter", change.filter.is_some()),
            ("time", change.time.is_some()),
            ("time_lag", change.time_lag.is_some()),
            ("time_reason", change.time_reason.is_some()),
            ("requires", change.requires.is_some()),
        ];
        for (entry, _) in entries.iter().filter(|(_, given)| *given) {
            self.origin.replace(document, &["targets", target, entry], &[inside, &[*entry]].concat());
        }
        let words = change.words.keys().map(|word| ("words", word));
        let named = words.chain(change.stored.keys().map(|path| ("stored", path)));
        for (entry, key) in named {
            self.origin.replace(
                document,
                &["targets", target, entry, key],
                &[inside, &[entry, key.as_str()]].concat(),
            );
        }
    }

    /// Adds what a file that extends the source says; then the source as a whole is judged.
    pub(super) fn extend(&mut self, extension: &Extension, stated: Stated<'_>, diags: &mut Diagnostics) {
        let Stated { document, checked, inside: _ } = stated;
        self.origin.add(document);
        stated.report(self.log.add(&extension.log).into_iter().map(|fault| fault.below(&["log"])), diags);
        for (target, change) in &extension.targets {
            self.change(target, change, Stated { inside: &["targets", target], ..stated }, diags);
        }
        for (name, value) in &extension.fields {
            if self.fields.contains_key(name) {
                let clocks = &extension.targets;
                self.extend_field(name, value, (document, clocks), diags);
            } else {
                self.add_field(name, value, stated, diags);
            }
        }
        self.fields.sort_unstable_keys();
        let faults = self.faults().into_iter().filter(|fault| !is_broken(checked, &fault.path()));
        // What is wrong with a change has been said where it was made.
        let faults = faults.filter(|fault| !matches!(fault.path().as_slice(), ["targets" | "log", ..]));
        diagnose(self, &faults.collect::<Vec<_>>(), diags);
    }

    fn extend_field(
        &mut self,
        name: &str,
        stated: &Value,
        (document, clocks): (&Arc<Document>, &BTreeMap<String, MappingChange>),
        diags: &mut Diagnostics,
    ) {
        for (key, value) in stated.as_object().into_iter().flatten() {
            if key != "columns" {
                let title = format!(
                    "`{name}` is a field of `{}` already: only its `columns` can be changed",
                    self.name
                );
                let found =
                    Diagnostic::new(Code::SettingsInvalid, document.key(["fields", name, key]), title);
                let found = found.label("it cannot be changed");
                let found = match self.origin.first_key(&["fields", name]) {
                    Some(place) => found.also(place, "the field"),
                    None => found,
                };
                diags.push(found.help("leave it out, or give the new field another name"));
                // One finding for the field: whoever repeats its type has copied all of it.
                return;
            }
            for (target, column) in value.as_object().into_iter().flatten() {
                // What is no column has been reported by the form.
                if let Ok(column) = serde_json::from_value(column.clone()) {
                    let at = ["fields", name, "columns", target];
                    if clocks.get(target).is_none_or(|change| change.time.is_none()) {
                        diags.extend_with(self.not_the_clock(name, target, &column, document.key(at)));
                    }
                    self.replace_column(name, target, column, (document, &at));
                }
            }
        }
    }

    fn add_field(&mut self, name: &str, value: &Value, stated: Stated<'_>, diags: &mut Diagnostics) {
        let missing =
            |key: &&str| value.get(*key).is_none() && !is_broken(stated.checked, &["fields", name, key]);
        for key in ["type", "description"].into_iter().filter(missing) {
            let title = format!("the key `{key}` is missing");
            let found = Diagnostic::new(Code::MissingKey, stated.document.key(["fields", name]), title);
            let found = found.label(format!("`{}` has no such field, so it is a new one", self.name));
            diags.push(found.suggest(name, self.fields.keys().map(String::as_str)));
        }
        if let Ok(field) = serde_json::from_value::<FieldDef>(value.clone()) {
            self.fields.insert(name.to_owned(), FieldDef { name: name.to_owned(), ..field });
        }
    }

    fn replace_column(
        &mut self,
        name: &str,
        target: &str,
        column: Column,
        (document, at): (&Arc<Document>, &[&str]),
    ) {
        if let Some(field) = self.fields.get_mut(name) {
            field.columns.insert(target.to_owned(), column);
            self.origin.replace(document, &["fields", name, "columns", target], at);
        }
    }

    /// The finding for a column of `event.time` that is not the clock of the target: windows, order and the time of
    /// steps go by the `time` of the mapping, which such a column leaves as it was.
    fn not_the_clock(&self, name: &str, target: &str, column: &Column, place: Span) -> Option<Diagnostic> {
        let time = &self.targets.get(target)?.time;
        let read = |mapped: &Mapped| mapped.field.as_ref().or(mapped.expr.as_ref()) == Some(time);
        if name != "event.time" || time.is_empty() || column.variants().iter().all(read) {
            return None;
        }
        let title = format!("the clock of `{}` stays `{time}`", self.name);
        let found = Diagnostic::new(Code::SettingsInvalid, place, title)
            .label("the column of `event.time` is for conditions; windows and order go by `time`");
        Some(found.help("state `time` for the target as well, or in its place"))
    }

    fn unknown_field(&self, name: &str, document: &Document, at: &[&str]) -> Diagnostic {
        let title = format!("source `{}` has no field `{name}`", self.name);
        let found = Diagnostic::new(Code::UnknownSetting, document.key(at.iter().copied()), title);
        found
            .suggest(name, self.fields.keys().map(String::as_str))
            .help("a source file with `extends` adds fields")
    }
}

/// Faults that are findings, each at its place in the source.
pub(super) fn diagnose(source: &Source, faults: &[Fault], diags: &mut Diagnostics) {
    let place = |path: &[&str], key| if key { source.place_of_key(path) } else { source.place(path) };
    diags.extend_with(faults.iter().map(|fault| fault.diagnose(place)));
}
