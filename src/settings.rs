//! What differs between organisations: the environment file `catena.yaml`.
//!
//! In: its document. Out: [`Settings`], which also put the organisation's tables, indexes and macros into a catalog;
//! everything that is wrong in the file, at its place. Must not know: rules, and where the file was found.

pub mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::backend::{self, Cased, ListDelivery};
use crate::catalog::{Catalog, Layout, MappingChange, Stated};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::form::{self, Checked, Document, Form};
use crate::source::Span;
use crate::syntax;
use crate::yaml::{self, Content};

/// The settings in force.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Values of parameters by name, as text in the notation of the language (`15m`, `443`, `true`, or plain text).
    params: BTreeMap<String, String>,
    /// By rule: what holds for it alone.
    rules: BTreeMap<String, RuleSettings>,
    /// How far back a scheduled search looks, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub lookback: u64,
    /// How often scheduled searches run, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub interval: u64,
    /// How allowlists reach the queries.
    pub lists: ListDelivery,
    /// How Sigma rules are written.
    pub sigma: SigmaSettings,
    /// How SQL is written.
    pub sql: SqlSettings,
    /// Further source files, relative to the environment file; one may replace a built-in source, or extend one.
    pub sources: Vec<String>,
    /// By code of a warning: why it is accepted.
    allow: BTreeMap<String, String>,
    /// By target, by source: what to change in the catalog.
    targets: BTreeMap<String, BTreeMap<String, MappingChange>>,
    /// Values of parameters that the user gave for this run: they win over the file.
    #[serde(skip)]
    set: BTreeMap<String, String>,
    /// The file, if there is one.
    #[serde(skip)]
    document: Option<Arc<Document>>,
    /// The rules whose last log Splunk reads in two stages, as the user says for this run.
    #[serde(skip)]
    staged: Vec<String>,
    /// What does not fit its form, if something does not.
    #[serde(skip)]
    checked: Option<Checked>,
}

/// What holds for one rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    params: BTreeMap<String, String>,
    /// The targets that it is meant for here, in place of its own; empty if the file does not say.
    targets: Vec<String>,
    /// Whether Splunk reads the log of its last step only where a list has the key.
    staged: bool,
}

/// How Sigma rules are written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigmaSettings {
    /// Where they compare text case-sensitively.
    pub cased: Cased,
}

/// How SQL is written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqlSettings {
    /// Who wrote the tables of the lake.
    pub layout: Layout,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            params: BTreeMap::new(),
            rules: BTreeMap::new(),
            lookback: 24 * 3600,
            interval: backend::DEFAULT_INTERVAL,
            lists: ListDelivery::default(),
            sigma: SigmaSettings::default(),
            sql: SqlSettings::default(),
            sources: Vec::new(),
            allow: BTreeMap::new(),
            targets: BTreeMap::new(),
            set: BTreeMap::new(),
            staged: Vec::new(),
            document: None,
            checked: None,
        }
    }
}

/// A value that the settings give a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'a> {
    /// As text in the notation of the language, or plain text.
    pub text: &'a str,
    /// Where it stands, unless the user gave it for this run.
    pub place: Option<Span>,
}

impl Settings {
    /// Reads an environment file. What is wrong goes to `diags`, all of it; then the settings are what could be made of
    /// the file, and nobody may use them.
    #[must_use]
    pub fn read(document: &Arc<Document>, diags: &mut Diagnostics) -> Self {
        let is_written =
            |line: &str| !matches!(line.trim(), "" | "---" | "~" | "null") && !line.trim().starts_with('#');
        let is_blank = !document.text().trim_start_matches('\u{feff}').lines().any(is_written);
        if is_blank && document.tree().is_ok_and(|tree| tree.content == Content::Null) {
            return Self::default();
        }
        let (settings, checked) = match yaml::read::<Self>(document.text()) {
            Ok(settings) => (settings, None),
            Err(error) => {
                let before = diags.len();
                let checked = form::check(document, &Form::Keys(keys::ENVIRONMENT), diags);
                if diags.len() == before {
                    let place = document.word(error.offset.unwrap_or_default());
                    diags.push(Diagnostic::new(Code::SettingsInvalid, place, error.message));
                }
                let value = checked.as_ref().map(|checked| checked.value.clone());
                let settings = value.and_then(|value| serde_json::from_value(value).ok());
                (settings.unwrap_or_default(), checked)
            }
        };
        Self { document: Some(Arc::clone(document)), checked, ..settings }
    }

    /// Values of parameters that win over those of the file.
    pub fn set(&mut self, params: impl IntoIterator<Item = (String, String)>) {
        self.set.extend(params);
    }

    /// Rules whose last log Splunk reads in two stages, beside those of the file.
    pub fn stage(&mut self, rules: impl IntoIterator<Item = String>) {
        self.staged.extend(rules);
    }

    /// Whether Splunk reads the last log of a rule in two stages.
    #[must_use]
    pub fn is_staged(&self, rule: &str) -> bool {
        self.staged.iter().any(|name| name == rule) || self.rules.get(rule).is_some_and(|own| own.staged)
    }

    /// The value of a parameter of a rule, if the settings give one: that of this run, else for the rule, else for all
    /// rules.
    #[must_use]
    pub fn param(&self, rule: &str, name: &str) -> Option<Given<'_>> {
        if let Some(text) = self.set.get(name) {
            return Some(Given { text, place: None });
        }
        if let Some(text) = self.rules.get(rule).and_then(|rule| rule.params.get(name)) {
            return Some(Given { text, place: self.place(&["rules", rule, "params", name]) });
        }
        let text = self.params.get(name)?;
        Some(Given { text, place: self.place(&["params", name]) })
    }

    /// Where an entry of the file stands.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Option<Span> {
        Some(self.document.as_ref()?.find(path.iter().copied()).span)
    }

    /// The targets that the file means a rule for, if it says so.
    #[must_use]
    pub fn targets_of(&self, rule: &str) -> Option<Vec<String>> {
        self.rules.get(rule).map(|rule| rule.targets.clone()).filter(|targets| !targets.is_empty())
    }

    /// Reports targets that rules are meant for and that do not exist.
    fn check_targets(&self, file: &Document, diags: &mut Diagnostics) {
        for (rule, own) in &self.rules {
            let unknown = own.targets.iter().enumerate().filter(|(_, name)| backend::by_name(name).is_none());
            for (number, name) in unknown {
                let place = file.find(["rules", rule, "targets", &number.to_string()]).span;
                diags.push(unknown_target(name, place));
            }
        }
    }

    /// The warnings that the file accepts, each with its place.
    pub fn accepted(&self) -> impl Iterator<Item = (Code, Span)> {
        let file = self.document.as_ref();
        self.allow.keys().filter_map(move |code| Some((Code::find(code)?, file?.key(["allow", code]))))
    }

    /// Reports what the file accepts and cannot.
    fn check_accepted(&self, file: &Document, diags: &mut Diagnostics) {
        for (code, reason) in &self.allow {
            if let Some(why) = Code::not_a_warning(code) {
                let title = format!("`{code}` is not the code of a warning");
                let found =
                    Diagnostic::new(Code::UnknownSetting, file.key(["allow", code]), title).label(why);
                diags.push(found.suggest(code, Code::warnings()));
            } else if reason.trim().is_empty() {
                let title = format!("`{code}` is accepted without a reason");
                let found = Diagnostic::new(Code::SettingsInvalid, file.key(["allow", code]), title);
                diags.push(found.label("no reason").help(format!("write `{code}: WHY`")));
            }
        }
    }

    /// Whether the file speaks of parameters or rules.
    #[must_use]
    pub fn speak_of_rules(&self) -> bool {
        !self.params.is_empty() || !self.rules.is_empty()
    }

    /// Warns of parameters and rules in the file that no rule has. `known` are the parameters of each rule of the run;
    /// only where a `whole` folder was given are rules missed that are not among them.
    pub fn warn_unknown(
        &self,
        known: &BTreeMap<String, BTreeSet<String>>,
        whole: bool,
        diags: &mut Diagnostics,
    ) {
        let Some(file) = &self.document else { return };
        let unknown = |path: &[&str], title: String| {
            Diagnostic::new(Code::UnknownParam, file.key(path.iter().copied()), title)
                .label("it changes nothing")
        };
        let params: BTreeSet<&str> = known.values().flatten().map(String::as_str).collect();
        for name in self.params.keys().filter(|name| whole && !params.contains(name.as_str())) {
            let found = unknown(&["params", name], format!("no rule of this run has a parameter `{name}`"));
            diags.push(found.suggest(name, params.iter().copied()));
        }
        for (rule, own) in &self.rules {
            let Some(params) = known.get(rule) else {
                let found = unknown(&["rules", rule], format!("no rule of this run is called `{rule}`"));
                let found = found.suggest(rule, known.keys().map(String::as_str));
                diags.extend_with(whole.then_some(found));
                continue;
            };
            for name in own.params.keys().filter(|name| !params.contains(*name)) {
                let title = format!("rule `{rule}` has no parameter `{name}`");
                let found = unknown(&["rules", rule, "params", name], title);
                diags.push(found.suggest(name, params.iter().map(String::as_str)));
            }
        }
    }

    /// Changes the catalog as the file says. What names nothing, or cannot be, goes to `diags`.
    pub fn apply(&self, catalog: &mut Catalog, diags: &mut Diagnostics) {
        let Some(file) = &self.document else { return };
        self.check_accepted(file, diags);
        self.check_targets(file, diags);
        for (target, sources) in &self.targets {
            if backend::by_name(target).is_none() {
                diags.push(unknown_target(target, file.key(["targets", target])));
                continue;
            }
            for (name, change) in sources {
                let path = ["targets", target, name];
                let Some(source) = catalog.source_mut(name) else {
                    diags.extend_with(catalog.unknown(name, file.key(path)));
                    continue;
                };
                if source.targets.contains_key(target) {
                    let stated = Stated { document: file, checked: self.checked.as_ref(), inside: &path };
                    source.change(target, change, stated, diags);
                } else {
                    let title = format!("source `{name}` has no mapping for target `{target}`");
                    let found = Diagnostic::new(Code::UnknownSetting, file.key(path), title);
                    diags.push(found.help("a source file with `extends` adds one"));
                }
            }
        }
    }
}

/// Targets that a source of an organisation names and that do not exist.
pub fn unknown_targets(catalog: &Catalog, diags: &mut Diagnostics) {
    for source in catalog.added() {
        let targets = source.targets.keys().filter(|target| backend::by_name(target).is_none());
        let found = targets.map(|target| unknown_target(target, source.place_of_key(&["targets", target])));
        diags.extend_with(found);
    }
}

/// The names of all targets.
pub fn target_names() -> impl Iterator<Item = &'static str> {
    backend::every().map(backend::Target::name)
}

/// The name of the target that a user means, by its name or by what else people call it.
#[must_use]
pub fn target_meant(name: &str) -> Option<&'static str> {
    backend::known_as(name).map(crate::backend::Target::name)
}

fn unknown_target(name: &str, span: Span) -> Diagnostic {
    let names: Vec<_> = target_names().collect();
    Diagnostic::new(Code::UnknownSetting, span, format!("there is no target `{name}`"))
        .suggest(name, names.iter().copied())
        .help(format!("the targets are {}", names.join(", ")))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    syntax::duration(&text)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a duration such as `24h`")))
}
