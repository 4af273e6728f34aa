//! The log sources: their fields, types and groups, and where each lives in each target.
//!
//! In: YAML texts (embedded, or given by the user). Out: a [`Catalog`] with look-ups by canonical name.
//! Must not know: what a target does with its column, or any rule. A new source is one new file under `sources/`.

mod actions;
mod change;
mod conflict;
pub mod describe;
mod fault;
mod group;
pub mod keys;
mod layout;
mod letters;
mod log;
mod lookup;
mod mapping;
mod only;
mod origin;
mod path;
mod possible;
mod raw;
mod read;
mod validate;
mod vendor;
mod written;

pub use letters::LetterCase;
pub use log::{LogAddition, LogForm, OtherLog, Shape, Spelling, TextForm};

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::ir::{ACTION, Type};

pub use change::{MappingChange, Stated};
pub use group::{Group, Groups};
pub use layout::{LaidOut, Layout, Layouts};
pub use lookup::Catalog;
pub use mapping::SourceMapping;
pub use only::{OnlyOf, RawTexts};
use origin::Origin;
pub use path::{Part, parts as path};
pub use vendor::{KnownBy, Meant};

include!(concat!(env!("OUT_DIR"), "/embedded_sources.rs"));

/// A source file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// Its name.
    pub file: String,
    /// What is wrong, with the place.
    pub message: String,
}

impl std::fmt::Display for CatalogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}

impl std::error::Error for CatalogError {}

/// One log source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Canonical name.
    pub name: String,
    /// In words.
    pub title: String,
    /// What it records, and what it does not.
    pub description: String,
    /// The vendor's own documentation.
    #[serde(default)]
    pub documentation: Vec<String>,
    /// Seconds from the end of what a record stands for until a SIEM usually has it.
    pub delay: u64,
    /// Seconds over which one record may stand for what happened; 1 for single events.
    pub granularity: u64,
    /// The canonical field that identifies an event, or several that do together; without one, all raw fields do.
    #[serde(default)]
    pub event_id: Texts,
    /// The field by whose values the events of the source are told apart: `for_actions` and `absent_for` name them.
    #[serde(default = "action")]
    pub discriminator: String,
    /// Raw paths, and the values that an event has there which is of the source; others are passed over.
    #[serde(default, deserialize_with = "written::filled")]
    pub only: RawTexts,
    /// Events to which another `only` applies; the first entry that fits an event counts.
    #[serde(default)]
    pub only_of: Vec<OnlyOf>,
    /// Raw texts that mean "no value", such as `-`.
    #[serde(default)]
    pub placeholder: Texts,
    /// The repeated groups of an event.
    #[serde(default)]
    pub group: Groups,
    /// Where its events are in files, and how they are recognised.
    #[serde(default)]
    pub log: LogForm,
    /// Where the source as a whole lives in each target.
    pub targets: BTreeMap<String, SourceMapping>,
    /// Its fields by canonical name.
    pub fields: Fields,
    /// Where all this was written.
    #[serde(skip)]
    origin: Origin,
}

impl Source {
    /// A source that says nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self { discriminator: action(), ..Self::default() }
    }

    /// How many seconds after its time a record can be read at the latest, by a clock that is up to `lag` seconds late.
    /// A record that stands for an interval is written at its end, and the clock may give it that time.
    #[must_use]
    pub fn lateness(&self, lag: u64) -> u64 {
        let interval = if self.granularity > 1 { self.granularity } else { 0 };
        interval.max(lag).saturating_add(self.delay)
    }

    /// The one field that identifies an event, if it is one.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        if let [only] = self.event_id.0.as_slice() { Some(only) } else { None }
    }

    /// The group of a field, with its number.
    #[must_use]
    pub fn group_of(&self, field: &FieldDef) -> Option<(usize, &Group)> {
        let name = field.in_group.as_deref()?;
        let is_meant =
            |group: &Group| if name == Group::ONLY { group.name.is_empty() } else { group.name == name };
        self.group.0.iter().enumerate().find(|(_, group)| is_meant(group))
    }

    /// A field by canonical name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields.get(name)
    }
}

fn action() -> String {
    ACTION.to_owned()
}

/// A text, or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

/// Fields by canonical name, sorted; each one is looked up many times for a rule.
pub type Fields = IndexMap<String, FieldDef, foldhash::fast::RandomState>;

/// A canonical field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldDef {
    /// Canonical name (the key in the file).
    #[serde(skip_deserializing)]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// In words.
    pub description: String,
    /// The only values it has, where they are few.
    #[serde(default, deserialize_with = "written::filled")]
    pub values: Vec<String>,
    /// What is known of the letter case of its values.
    #[serde(default)]
    pub spelling: Option<LetterCase>,
    /// The repeated group that it belongs to, if it does.
    #[serde(default, deserialize_with = "written::group_name")]
    pub in_group: Option<String>,
    /// Whether its values name the same thing in whatever letter case: they compare and link ignoring it.
    #[serde(default)]
    pub fold: bool,
    /// Whether it can have several values.
    #[serde(default)]
    pub many: bool,
    /// Stored texts that mean "no value", in the log and in every target.
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// Why it is a poor join key, if it is.
    #[serde(default)]
    pub weak_key: Option<String>,
    /// Log version or setting that it needs.
    #[serde(default)]
    pub requires: Option<String>,
    /// Values of the discriminator with which it never has a value.
    #[serde(default)]
    pub absent_for: Vec<String>,
    /// How many digits every value has, where all are numbers of one length, such as account ids.
    #[serde(default)]
    pub digits: Option<u64>,
    /// How the embedded engine reads it from the raw event; nothing where the log does not carry it.
    #[serde(default)]
    pub raw: Option<Raw>,
    /// Where it lives in each target; a target that is not named has no column for it.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
}

impl FieldDef {
    /// Whether its values compare ignoring letter case without a `~` in the rule: only text has case.
    #[must_use]
    pub fn ignores_case(&self) -> bool {
        self.fold && self.ty == Type::String
    }

    /// A field of which nothing is known but its type.
    #[must_use]
    pub fn plain(name: &str, ty: Type) -> Self {
        Self {
            name: name.to_owned(),
            ty,
            description: String::new(),
            values: Vec::new(),
            spelling: None,
            in_group: None,
            fold: false,
            many: false,
            placeholders: Vec::new(),
            weak_key: None,
            requires: None,
            absent_for: Vec::new(),
            digits: None,
            raw: None,
            columns: BTreeMap::new(),
        }
    }
}

/// How a field is read from a raw event: the first variant whose `for_actions` fits, or the one without.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Raw {
    /// A dotted path; inside a group it starts at the item, after `>` at the inner item.
    Path(String),
    /// Anything more.
    Variants(Vec<RawVariant>),
}

/// One way to read a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVariant {
    /// Values of the discriminator for which this variant counts; empty for all others.
    #[serde(default)]
    pub for_actions: Vec<String>,
    /// The path, as in [`Raw::Path`].
    #[serde(default)]
    pub path: Option<String>,
    /// Several paths in place of one: the first that has a value counts.
    #[serde(default, deserialize_with = "written::filled")]
    pub paths: Vec<String>,
    /// Raw texts that mean "no value" here.
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// Path counts from the event even if the field is of the group.
    #[serde(default)]
    pub from_event: bool,
    /// A portable regular expression whose first capture is the value.
    #[serde(default)]
    pub capture: Option<String>,
    /// Raw value to canonical value; others are missing unless `otherwise` is given.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Value when the raw one is missing.
    #[serde(default)]
    pub absent: Option<String>,
    /// Value when the raw one is present but not in `map`.
    #[serde(default)]
    pub otherwise: Option<String>,
}

impl RawVariant {
    /// The paths at which its value stands, the first that has one counts.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.path.iter().chain(&self.paths).map(String::as_str)
    }
}

/// Where a field lives in one target: one way to read it, or several for different values of `event.action`, of which
/// the last one names no actions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column(Vec<Mapped>);

impl Column {
    /// The ways to read the field.
    #[must_use]
    pub fn variants(&self) -> &[Mapped] {
        &self.0
    }
}

/// A column that needs more than its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// Values of the discriminator for which this variant counts.
    #[serde(default)]
    pub for_actions: Vec<String>,
    /// A column or field.
    #[serde(default)]
    pub field: Option<String>,
    /// A path inside the raw event, which the query must take apart itself.
    #[serde(default)]
    pub path: Option<String>,
    /// A path inside the item of the repeated group; after `>` inside the inner item.
    #[serde(default)]
    pub item: Option<String>,
    /// An expression of the target's own language over its columns and `needs`.
    #[serde(default)]
    pub expr: Option<String>,
    /// Names used in `expr`, and the raw paths they stand for.
    #[serde(default)]
    pub needs: BTreeMap<String, String>,
    /// How the target stores the value where that is not the field's type.
    #[serde(default)]
    pub stored: Option<Stored>,
    /// The first case whose condition holds gives the value.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Stored value to canonical value, of the `field` or `path`; others are missing unless `otherwise` is given.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Value when nothing is stored there.
    #[serde(default)]
    pub absent: Option<String>,
    /// Value when what is stored there is not in `map`.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// A stored text that means "no value".
    #[serde(default)]
    pub placeholder: Option<String>,
    /// The field holds the values of all items of the event together, this field's among them.
    #[serde(default)]
    pub multi: bool,
    /// A text that holds `KEY=VALUE` pairs, and the key, where `multi` values are to be told apart.
    #[serde(default)]
    pub text: Option<TextOf>,
    /// Where an event has but one value of the field among `multi` values: how it is told from the others.
    #[serde(default)]
    pub single: Option<Single>,
    /// The field on an alert document (EQL stages), where it differs; empty where alerts do not carry it.
    #[serde(default)]
    pub alert_field: Option<String>,
    /// Texts of which one may stand behind the value in the column, where the field has none of them at its end.
    #[serde(default)]
    pub behind: Vec<String>,
    /// Canonical values to other texts that the column may have in their place; all others pass as they are.
    #[serde(default)]
    pub written: BTreeMap<String, Vec<String>>,
    /// The column holds for more records than the field: why. Only sound where the test is not negated.
    #[serde(default)]
    pub superset: Option<String>,
    /// The column lacks values that the field has: why. A test may miss them, its negation may add.
    #[serde(default)]
    pub subset: Option<String>,
    /// What must be configured or which version is needed.
    #[serde(default)]
    pub requires: Option<String>,
    /// The target cannot see the field: why.
    #[serde(default)]
    pub unavailable: Option<String>,
    /// Canonical fields to use instead.
    #[serde(default)]
    pub instead: Vec<String>,
}

impl Mapped {
    /// Whether the field holds other values than those that it stands for.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        !self.map.is_empty() || self.absent.is_some() || self.otherwise.is_some()
    }

    /// The cases that give the value: those that are stated, or what `map`, `absent` and `otherwise` say of the field.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let place = self.field.as_ref().or(self.path.as_ref());
        let Some(field) = place.filter(|_| self.is_mapped()) else { return self.cases.clone() };
        let case = |value: &String, stored: Option<&String>| Case {
            value: value.clone(),
            when: BTreeMap::from([(field.clone(), stored.cloned())]),
        };
        let mapped = self.map.iter().map(|(stored, value)| case(value, Some(stored)));
        let otherwise =
            self.otherwise.iter().map(|value| Case { value: value.clone(), when: BTreeMap::new() });
        let mut cases: Vec<_> = mapped.collect();
        match (&self.absent, &self.otherwise) {
            (Some(value), _) => cases.push(case(value, None)),
            // What is not there is not otherwise: an impossible value stands for "missing".
            (None, Some(_)) => cases.push(case(&String::new(), None)),
            (None, None) => {}
        }
        cases.extend(otherwise);
        cases
    }
}

/// A value and the condition under which it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The canonical value.
    pub value: String,
    /// Physical field to wanted value, `null` for "absent"; all must hold, none always does.
    #[serde(default)]
    pub when: BTreeMap<String, Option<String>>,
}

/// A text field that renders a map, such as `{imageId=ami-1, minCount=1}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextOf {
    /// The text field.
    pub field: String,
    /// The key inside it.
    pub key: String,
}

/// How the only value of a field is told from values of others that are kept with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Single {
    /// How every value of the field begins, and none of another one that is kept with it.
    pub prefix: String,
    /// Canonical fields of the source, and the values with which an event has one value of the field and no more.
    #[serde(default)]
    pub only_if: BTreeMap<String, String>,
}

/// How a target stores a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stored {
    /// As text.
    String,
    /// As a number.
    Number,
    /// As a boolean.
    Bool,
    /// As a date and time.
    Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_sources_load() {
        let catalog = Catalog::embedded().unwrap();
        assert_eq!(catalog.iter().count(), EMBEDDED.len());
        for source in catalog.iter() {
            for field in source.fields.values() {
                assert_eq!(field.columns.len(), 4, "{} {}", source.name, field.name);
            }
        }
    }
}
