//! Canonical NDJSON: a record a line, with the canonical names of its fields.
//!
//! In: a line such as `{"source":"aws.cloudtrail","event.time":"2026-01-01T00:00:00Z","actor.id":"…"}`. Out: a record.
//! Must not know: rules. Every field must be one of its source; a value that does not parse as its type is missing, as
//! in a raw log.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::Catalog;
use crate::engine::record::{Identity, Record, Schema};
use crate::engine::value::{Atom, Raw};

/// What a record says.
pub(crate) type Fields = serde_json::Map<String, Json>;

/// The fields of the object that a text is; `None` if it is none.
pub(crate) fn object(text: &[u8]) -> Option<Fields> {
    serde_json::from_slice(text).ok()
}

/// The source that a record names, and all else it says.
pub(crate) fn source_of(fields: Option<Fields>) -> Result<(String, Fields), String> {
    let Some(mut fields) = fields else { return Err("not a JSON object".to_owned()) };
    match fields.remove("source") {
        Some(Json::String(source)) => Ok((source, fields)),
        Some(_) | None => Err("the record does not name its `source`".to_owned()),
    }
}

/// The record of a line, and a number that tells it from other records of its event.
pub(crate) fn record(
    fields: &Fields,
    schema: &Arc<Schema>,
    catalog_fields: &CatalogFields,
) -> Result<(Record, u64), String> {
    let source = schema.source();
    let mut values = schema.empty();
    let mut all: Vec<(&str, Atom)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let Some((ty, many)) = catalog_fields.fields.get(name) else {
            return Err(format!("source {source} has no field `{name}`"));
        };
        let typed = |raw: Raw<'static>| if *many { raw.all_typed(*ty) } else { raw.typed(*ty) };
        let Some(value) = scalar(value).and_then(typed) else { continue };
        // Also what no rule reads: it tells records of one event apart, and events without an id.
        all.push((name, value.key()));
        if let Some(place) = schema.place(name).and_then(|place| values.get_mut(place)) {
            *place = Some(value);
        }
    }
    all.sort();
    let time = all.iter().find_map(|(name, value)| match value {
        Atom::Time(micros) if *name == "event.time" => Some(*micros),
        Atom::Time(_)
        | Atom::Text(_)
        | Atom::Int(_)
        | Atom::Float(_)
        | Atom::Bool(_)
        | Atom::Ip(_)
        | Atom::Many(_) => None,
    });
    let time = time.ok_or("no usable `event.time`")?;
    let ids: Option<Vec<_>> = catalog_fields.event_id.iter().map(|id| schema.place(id)).collect();
    let event = Identity::by_ids(source, &ids.unwrap_or_default(), &values)
        .unwrap_or_else(|| Identity::of(source, (false, &all)));
    let mut hasher = DefaultHasher::new();
    all.hash(&mut hasher);
    Ok((Record { schema: Arc::clone(schema), time, event, values: values.into() }, hasher.finish()))
}

fn scalar(value: &Json) -> Option<Raw<'static>> {
    match value {
        Json::Null | Json::Object(_) => None,
        Json::Array(items) => {
            let mut all = None;
            items.iter().filter_map(scalar).for_each(|item| Raw::gather(&mut all, item));
            all
        }
        Json::Bool(value) => Some(Raw::Bool(*value)),
        Json::String(text) => Some(Raw::Text(text.clone().into())),
        Json::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Raw::Int(whole),
            (None, Some(decimal)) if number.is_f64() => Raw::Float(decimal),
            (None, _) => Raw::Text(number.to_string().into()),
        }),
    }
}

/// What the catalog says about the fields of one source.
#[derive(Debug)]
pub(crate) struct CatalogFields {
    /// With their types, and whether they can have several values.
    fields: BTreeMap<String, (crate::ir::Type, bool)>,
    event_id: Vec<String>,
}

impl CatalogFields {
    /// The fields of `source`.
    pub(crate) fn new(source: &str, catalog: &Catalog) -> Option<Self> {
        let source = catalog.source(source)?;
        let fields =
            source.fields.values().map(|field| (field.name.clone(), (field.ty, field.many))).collect();
        Some(Self { fields, event_id: source.event_id.0.clone() })
    }
}
