//! Raw events to records, as the catalog says.
//!
//! In: a source of the catalog, and raw events of it. Out: rows of typed values, one for each item of the repeated
//! group, and records. Must not know: files and formats, rules. What has another shape or type than the source says is
//! missing.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserializer;

use super::form::Form;
pub use super::form::{Kind, flat};
use super::only::Only;
use super::predicate::{CompileError, Values};
use super::project::{Slots, Tree};
use super::record::{Identity, Record, Schema};
use super::value::{Raw, Value};
use super::variant::{Level, Variant, compile};
use crate::catalog::{self, Source};
use crate::ir::Type;

/// A source, ready to read raw events into records of one schema.
#[derive(Debug)]
pub struct Reader {
    schema: Arc<Schema>,
    tree: Tree,
    fields: Vec<Field>,
    action: Option<usize>,
    placeholders: Vec<String>,
    /// The places that together identify an event; none: its fields do.
    ids: Vec<usize>,
    /// Which events of the log are the source's.
    only: Only,
    /// How many repeated groups there are.
    groups: usize,
    time: usize,
    /// Slots, and those that stand for them where they are empty.
    fallbacks: Vec<(usize, usize)>,
    form: Form,
}

/// A projection in two parts: the fields of a row that are read first, and those that are read only of a row that is
/// wanted.
#[derive(Debug)]
pub struct Projection {
    first: Vec<usize>,
    rest: Vec<usize>,
}

/// How a field is read: the first variant that fits the action.
#[derive(Debug)]
struct Field {
    ty: Type,
    many: bool,
    /// Where its value stands as it is, whatever the action.
    plain: Option<(Level, usize)>,
    variants: Vec<Variant>,
}

/// The objects that one row is made of.
#[derive(Debug, Clone, Copy)]
struct Row<'s, 'de> {
    event: &'s Slots<'de>,
    /// For each group.
    items: &'s [Items<'s, 'de>],
}

/// The item of a group, and the inner item of that, as far as there are such.
type Items<'s, 'de> = (Option<&'s Slots<'de>>, Option<&'s Slots<'de>>);

impl<'s, 'de> Row<'s, 'de> {
    fn get(&self, (level, slot): (Level, usize)) -> Option<&'s Raw<'de>> {
        let slots = match level {
            Level::Event => Some(self.event),
            Level::Item(group) => self.items.get(group)?.0,
            Level::Inner(group) => self.items.get(group)?.1,
        };
        slots?.get(slot)
    }
}

impl Reader {
    /// Compiles what `schema` needs of `source`.
    ///
    /// # Errors
    /// When the source names no `event.time`, or one of its expressions does not compile.
    pub fn new(source: &Source, schema: Arc<Schema>) -> Result<Self, CompileError> {
        let no_time = || CompileError(format!("source `{}` has no field `event.time`", source.name));
        let time = schema.place("event.time").ok_or_else(no_time)?;
        let mut tree = Tree::default();
        let mut fields = Vec::new();
        for (name, ty) in schema.fields() {
            let field = source.field(name);
            let variants = field.map(|field| compile(field, source, &mut tree)).transpose()?;
            let variants = variants.unwrap_or_default();
            let plain =
                variants.first().filter(|first| first.is_plain()).and_then(|first| first.at.first().copied());
            let many = field.is_some_and(|field| field.many);
            fields.push(Field { ty: *ty, many, plain, variants });
        }
        let by_action =
            fields.iter().flat_map(|field| &field.variants).any(|variant| !variant.actions.is_empty());
        let action = source.field(&source.discriminator).and_then(|field| field.raw.as_ref());
        let action = match action {
            Some(catalog::Raw::Path(path)) if by_action => Some(tree.slot(path)),
            Some(catalog::Raw::Path(_) | catalog::Raw::Variants(_)) | None => None,
        };
        let ids = source.event_id.0.iter().map(|id| schema.place(id)).collect::<Option<_>>();
        let ids = ids.unwrap_or_default();
        let only = Only::new(source, &mut tree);
        let aliases = source.log.aliases.iter();
        let fallbacks = aliases.map(|(path, other)| (tree.slot(path), tree.slot(other))).collect();
        let form = Form::new(source, &mut tree);
        let (placeholders, groups) = (source.placeholder.0.clone(), source.group.0.len());
        Ok(Self { schema, tree, fields, action, placeholders, ids, only, groups, time, fallbacks, form })
    }

    /// Whether what was read is an event of the source, or something else.
    #[must_use]
    pub fn kind(&self, slots: &Slots<'_>) -> Kind {
        self.form.kind(slots)
    }

    /// Whether it has all the keys of an event of the source, and none of another log.
    #[must_use]
    pub fn has_keys(&self, slots: &Slots<'_>) -> bool {
        self.form.has_keys(slots)
    }

    /// Whether the writer of the log left a part of the event out.
    #[must_use]
    pub fn is_omitted(&self, slots: &Slots<'_>) -> bool {
        slots.has_any(Form::OMITTED)
    }

    /// Whether an event is identified by its fields, not by its id.
    #[must_use]
    pub fn is_identified_by_fields(&self) -> bool {
        self.ids.is_empty()
    }

    /// The fields of an event as one text: two deliveries of an event have the same one, in whatever form and order
    /// they were written. `fields` are names and texts; those without a value do not count.
    #[must_use]
    pub fn identifying_text(&self, fields: impl Iterator<Item = (String, String)>) -> Vec<u8> {
        // Columns write `-` where JSON has no member, and a header line may name columns in any order: it is one event
        // all the same.
        let mut fields: Vec<_> = fields
            .filter(|(_, text)| !text.is_empty() && !self.placeholders.contains(text))
            .map(|(name, text)| (self.form.folded(&name), text))
            .collect();
        fields.sort();
        fields.dedup();
        fields.into_iter().flat_map(|(name, text)| format!("{name}\0{text}\0").into_bytes()).collect()
    }

    /// The schema of its records.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The paths it reads.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Reads the scalars of one event.
    ///
    /// # Errors
    /// When the text is broken or the event is not an object.
    pub fn scalars<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Slots<'de>, D::Error> {
        let mut slots = self.tree.read(deserializer)?;
        for (slot, other) in &self.fallbacks {
            // The vendor's own path comes first: beside `eventTime`, `@timestamp` may be the time at which a shipper
            // read the event.
            if slots.get(*slot).is_none()
                && let Some(raw) = slots.get(*other).cloned()
            {
                slots.set(*slot, raw);
            }
        }
        Ok(slots)
    }

    /// What to read of a row before it is known whether it is wanted: the fields at these places, and its time.
    #[must_use]
    pub fn projection(&self, places: &BTreeSet<usize>) -> Projection {
        let all = 0..self.fields.len();
        // The time is always among the first: a row without one is reported even if no step looks at it.
        let (first, rest) = all.partition(|place| *place == self.time || places.contains(place));
        Projection { first, rest }
    }

    /// Gives the values of every row of an event: one for each inner item of each item, or a single one. `choose` sees
    /// only the values at the first places of `projection`; the rows that it chooses are completed and given to `each`.
    pub fn rows<'de, C>(
        &self,
        event: &Slots<'de>,
        projection: &Projection,
        mut choose: impl FnMut(&Values<'de>) -> Option<C>,
        mut each: impl FnMut(&Values<'de>, C),
    ) {
        let action = self.action.and_then(|slot| event.get(slot)).cloned().map(Raw::into_text);
        if !self.is_of_source(event) {
            return;
        }
        // One buffer for all rows: in a log, few of them are chosen.
        let mut values = Vec::new();
        let mut row = |items: &[Items<'_, 'de>]| {
            let row = Row { event, items };
            values.clear();
            values.resize(self.fields.len(), None);
            self.fill(&mut values, &projection.first, action.as_deref(), row);
            if let Some(chosen) = choose(&values) {
                self.fill(&mut values, &projection.rest, action.as_deref(), row);
                each(&values, chosen);
            }
        };
        each_choice(event, self.groups, &mut Vec::new(), &mut row);
    }

    /// Whether an event is one of the source's, and not another one of the same log.
    #[must_use]
    pub fn is_of_source(&self, event: &Slots<'_>) -> bool {
        self.only.admits(event)
    }

    /// The event time of a row.
    #[must_use]
    pub fn time(&self, values: &Values<'_>) -> Option<i64> {
        match values.get(self.time)?.as_ref()? {
            Value::Time(micros) => Some(*micros),
            Value::Text(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Ip(_)
            | Value::AltSpelling(_)
            | Value::Many(_) => None,
        }
    }

    /// The identity of the event that a row is of: the source's event id, or the raw text of the event: for a source
    /// without an id its [`Self::identifying_text`].
    #[must_use]
    pub fn identity(&self, values: &Values<'_>, raw: &[u8]) -> Identity {
        Identity::by_ids(self.schema.source(), &self.ids, values)
            .unwrap_or_else(|| Identity::of(self.schema.source(), (false, raw)))
    }

    /// The records of one event; none where it has no time.
    ///
    /// # Errors
    /// When the event is not an object.
    pub fn records(&self, event: &serde_json::Value) -> Result<Vec<Record>, serde_json::Error> {
        let raw = self.identifying_text(flat(event).into_iter());
        let slots = self.scalars(event)?;
        let mut records = Vec::new();
        let all = self.projection(&(0..self.fields.len()).collect());
        self.rows(&slots, &all, |_| Some(()), |values, ()| records.extend(self.record(values, &raw)));
        Ok(records)
    }

    /// The records of an event that happens at `time`, whatever it says itself; `own` tells it from others where it has
    /// no id.
    ///
    /// # Errors
    /// When the event is not an object.
    pub fn records_at(
        &self,
        event: &serde_json::Value,
        time: i64,
        own: usize,
    ) -> Result<Vec<Record>, serde_json::Error> {
        let slots = self.scalars(event)?;
        let mut records = Vec::new();
        let all = self.projection(&(0..self.fields.len()).collect());
        let add = |values: &Values<'_>, ()| {
            let mut values = values.to_vec();
            if let Some(place) = values.get_mut(self.time) {
                *place = Some(Value::Time(time));
            }
            records.extend(self.record(&values, &own.to_be_bytes()));
        };
        self.rows(&slots, &all, |_| Some(()), add);
        Ok(records)
    }

    /// The record of a row; `None` where it has no time.
    #[must_use]
    pub fn record(&self, values: &Values<'_>, raw: &[u8]) -> Option<Record> {
        let time = self.time(values)?;
        let event = self.identity(values, raw);
        let values = values.iter().map(|value| value.clone().map(Value::into_owned)).collect();
        Some(Record { schema: Arc::clone(&self.schema), time, event, values })
    }

    fn fill<'de>(
        &self,
        values: &mut [Option<Value<'de>>],
        places: &[usize],
        action: Option<&str>,
        row: Row<'_, 'de>,
    ) {
        for place in places {
            if let (Some(value), Some(field)) = (values.get_mut(*place), self.fields.get(*place)) {
                *value = self.value(field, action, row);
            }
        }
    }

    fn value<'de>(&self, field: &Field, action: Option<&str>, row: Row<'_, 'de>) -> Option<Value<'de>> {
        // Most fields stand as they are: no variant has to be looked for.
        if let Some(at) = field.plain {
            return field.typed(row.get(at).filter(|raw| self.is_present(raw))?.clone());
        }
        let fits = |variant: &&Variant| {
            variant.actions.is_empty()
                || action.is_some_and(|action| variant.actions.iter().any(|name| name == action))
        };
        let variant = field.variants.iter().find(fits)?;
        let found = variant.at.iter().filter_map(|at| row.get(*at));
        // A placeholder is passed over as if it were absent: behind the `errorCode: success` that the Splunk add-on
        // writes, an `errorMessage` still counts.
        let raw = found.filter(|raw| self.is_present(raw)).find(|raw| !variant.is_placeholder(raw));
        field.typed(variant.canonical(raw.cloned())?)
    }

    fn is_present(&self, raw: &Raw<'_>) -> bool {
        match raw {
            Raw::Text(text) => {
                !text.is_empty() && !self.placeholders.iter().any(|none| none == text.as_ref())
            }
            // 0 and false are values; only a text can stand for none.
            Raw::Int(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Many(_) => true,
        }
    }
}

/// Gives every choice of one item for each group; an event without items of a group has none there. An event without
/// any items is an event all the same: most calls launch nothing.
fn each_choice<'s, 'de>(
    event: &'s Slots<'de>,
    groups: usize,
    chosen: &mut Vec<Items<'s, 'de>>,
    give: &mut impl FnMut(&[Items<'s, 'de>]),
) {
    let group = chosen.len();
    if group == groups {
        give(chosen);
        return;
    }
    let mut go_on = |items| {
        chosen.push(items);
        each_choice(event, groups, chosen, give);
        chosen.pop();
    };
    let mut items = event.items_of(group).peekable();
    if items.peek().is_none() {
        go_on((None, None));
    }
    for item in items {
        if item.items.is_empty() {
            go_on((Some(item), None));
        }
        item.items.iter().for_each(|inner| go_on((Some(item), Some(inner))));
    }
}

impl Field {
    fn typed<'de>(&self, raw: Raw<'de>) -> Option<Value<'de>> {
        if self.many { raw.all_typed(self.ty) } else { raw.typed(self.ty) }
    }
}
