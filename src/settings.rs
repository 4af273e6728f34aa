//! What differs between organisations: the environment file `catena.yaml`.
//!
//! In: its text. Out: [`Settings`], which also puts the organisation's tables, indexes and macros into a catalog.
//! Must not know: rules, and where the file was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::backend::ListDelivery;
use crate::catalog::{Catalog, Column, SourceMapping};
use crate::syntax;
use crate::yaml::{self, ReadError};

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Values of parameters by name, as text in the notation of the language (`15m`, `443`, `true`, or plain text).
    #[serde(deserialize_with = "texts")]
    pub params: BTreeMap<String, String>,
    /// How far back a scheduled search looks, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub lookback: u64,
    /// How allowlists reach the queries.
    pub lists: ListDelivery,
    /// Further source files, relative to the environment file; a source of a known name replaces it.
    pub sources: Vec<String>,
    /// By target, by source: what to change in the catalog.
    pub targets: BTreeMap<String, BTreeMap<String, MappingChange>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            params: BTreeMap::new(),
            lookback: 24 * 3600,
            lists: ListDelivery::default(),
            sources: Vec::new(),
            targets: BTreeMap::new(),
        }
    }
}

/// What an organisation has elsewhere than the source file says. Entries left out stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingChange {
    /// Table, index pattern or base search.
    pub from: Option<String>,
    /// Expression that is true for the source's records.
    pub filter: Option<String>,
    /// Column or expression of the event time.
    pub time: Option<String>,
    /// Seconds by which the target's clock may be later than the event.
    pub time_lag: Option<u64>,
    /// Words such as Sigma's log source.
    pub words: BTreeMap<String, String>,
    /// Columns by canonical field, as in a source file.
    pub fields: BTreeMap<String, Column>,
}

impl Settings {
    /// Reads an environment file.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let is_written =
            |line: &str| !matches!(line.trim(), "" | "---" | "~" | "null") && !line.trim().starts_with('#');
        if text.lines().any(is_written) { yaml::read(text) } else { Ok(Self::default()) }
    }

    /// Changes the catalog as the environment says.
    ///
    /// Returns what it names and does not exist: the name, and the problem in words.
    #[must_use]
    pub fn apply(&self, catalog: &mut Catalog) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (target, sources) in &self.targets {
            if !catalog.iter().any(|source| source.targets.contains_key(target)) {
                problems.push((target.clone(), format!("no source has a mapping for a target `{target}`")));
                continue;
            }
            for (name, change) in sources {
                match catalog.source_mut(name) {
                    Some(source) => change.apply(target, source, &mut problems),
                    None => problems.push((name.clone(), format!("no source has the name `{name}`"))),
                }
            }
        }
        problems
    }
}

impl MappingChange {
    fn apply(&self, target: &str, source: &mut crate::catalog::Source, problems: &mut Vec<(String, String)>) {
        let name = source.name.clone();
        let Some(mapping) = source.targets.get_mut(target) else {
            problems
                .push((target.to_owned(), format!("source `{name}` has no mapping for a target `{target}`")));
            return;
        };
        if self.time_lag.is_some_and(|lag| lag > SourceMapping::LONGEST_LAG) {
            problems.push((
                "time_lag".to_owned(),
                format!("`time_lag` is at most {} seconds", SourceMapping::LONGEST_LAG),
            ));
        }
        if let Some(from) = &self.from {
            mapping.from.clone_from(from);
        }
        if let Some(time) = &self.time {
            mapping.time.clone_from(time);
        }
        if self.filter.is_some() {
            mapping.filter.clone_from(&self.filter);
        }
        mapping.time_lag = self.time_lag.unwrap_or(mapping.time_lag);
        mapping.words.extend(self.words.clone());
        for (field, column) in &self.fields {
            match source.fields.get_mut(field) {
                Some(def) => match column.validate(def.in_group) {
                    Ok(()) => _ = def.columns.insert(target.to_owned(), column.clone()),
                    Err(problem) => problems.push((field.clone(), format!("field `{field}`: {problem}"))),
                },
                None => problems.push((field.clone(), format!("source `{name}` has no field `{field}`"))),
            }
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    syntax::duration(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a duration such as `24h`")))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Bool(bool),
        Int(i64),
        Float(f64),
        Text(String),
    }
    let scalars = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    let text = |scalar| match scalar {
        Scalar::Bool(truth) => truth.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Text(text) => text,
    };
    Ok(scalars.into_iter().map(|(name, scalar)| (name, text(scalar))).collect())
}
