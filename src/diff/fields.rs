//! Fields of a record that is made up.
//!
//! In: values of the IR. Out: the same as the engine and canonical records have them. Must not know: conditions, rules.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::catalog::FieldDef;
use crate::engine::record::Schema;
use crate::engine::value::Value as Typed;
use crate::ir::{Case, Value};

/// What fields hold, by name; a field that is not there is missing.
pub(super) type Fields = BTreeMap<String, Held>;

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    /// A value.
    One(Value),
    /// The values of a field that can have several; at least one.
    Many(Vec<Value>),
}

impl Held {
    /// A value of a field, the only one.
    pub(super) fn of(def: &FieldDef, value: Value) -> Self {
        if def.many { Self::Many(vec![value]) } else { Self::One(value) }
    }

    /// All values.
    pub(super) fn values(&self) -> &[Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// The same with a further value, where there can be several; else that value.
    pub(super) fn with(&self, value: Value) -> Self {
        match self {
            Self::One(_) => Self::One(value),
            Self::Many(values) if values.contains(&value) => self.clone(),
            Self::Many(values) => Self::Many([values.as_slice(), &[value]].concat()),
        }
    }

    /// The same text in other letters; `None` where that is the same value.
    pub(super) fn in_other_case(&self) -> Option<Self> {
        let changed = self.with_texts(other_case);
        (changed != *self).then_some(changed)
    }

    /// As it is compared: two are equal if these are.
    pub(super) fn folded(&self, case: Case) -> Self {
        self.with_texts(|text| case.fold(text).into_owned())
    }

    fn with_texts(&self, change: impl Fn(&str) -> String) -> Self {
        let other = |value: &Value| match value {
            Value::String(text) => Value::String(change(text)),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Ip(_) | Value::Time(_) => value.clone(),
        };
        match self {
            Self::One(value) => Self::One(other(value)),
            Self::Many(values) => Self::Many(values.iter().map(other).collect()),
        }
    }

    /// As the engine has it.
    pub(super) fn typed(&self) -> Option<Typed<'static>> {
        match self {
            Self::One(value) => Typed::from_ir(value),
            Self::Many(values) => {
                let values: Box<[_]> = values.iter().filter_map(Typed::from_ir).collect();
                (!values.is_empty()).then_some(Typed::Many(values))
            }
        }
    }

    /// As canonical records have it.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::One(value) => scalar(value),
            Self::Many(values) => Json::Array(values.iter().map(scalar).collect()),
        }
    }
}

/// Upper case, or lower case where it is that.
pub(super) fn other_case(text: &str) -> String {
    let upper = text.to_uppercase();
    if upper == text { text.to_lowercase() } else { upper }
}

fn scalar(value: &Value) -> Json {
    match value {
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Bool(truth) => json!(truth),
        Value::String(_) | Value::Time(_) | Value::Ip(_) => json!(value.text()),
    }
}

/// The values in order of place.
pub(super) fn typed(fields: &Fields, schema: &Schema) -> Vec<Option<Typed<'static>>> {
    let mut values = schema.empty();
    for (name, held) in fields {
        if let Some(place) = schema.place(name).and_then(|place| values.get_mut(place)) {
            *place = held.typed();
        }
    }
    values
}
