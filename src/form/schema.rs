//! A form as a JSON schema, which editors use while a file is written.
//!
//! In: a form. Out: JSON. Must not know: any form.

use serde_json::{Map, Value, json};

use super::{Form, Key};

/// The schema of files of a form.
#[must_use]
pub fn schema(title: &str, form: &Form) -> Value {
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    whole.insert("title".to_owned(), json!(title));
    if let Value::Object(of) = of(form) {
        whole.extend(of);
    }
    Value::Object(whole)
}

/// Single values are written without quotes in YAML, so where a text is wanted, a number is one.
fn of(form: &Form) -> Value {
    match form {
        Form::Text => json!({ "type": ["string", "number", "boolean"] }),
        Form::Word(words) => json!({ "enum": words }),
        Form::Count => json!({ "type": "integer", "minimum": 0 }),
        Form::Truth => json!({ "type": "boolean" }),
        Form::Notation(notation) => {
            json!({ "type": ["string", "number"], "pattern": notation.pattern, "description": notation.title })
        }
        Form::OrNull(form) => json!({ "anyOf": [of(form), { "type": "null" }] }),
        Form::Filled(form) => {
            let mut filled = of(form);
            let least = if matches!(form, Form::List(_)) { "minItems" } else { "minProperties" };
            if let Value::Object(filled) = &mut filled {
                filled.insert(least.to_owned(), json!(1));
            }
            filled
        }
        Form::List(item) => json!({ "type": "array", "items": of(item) }),
        Form::Map(value) => json!({ "type": "object", "additionalProperties": of(value) }),
        Form::Keys(keys) => of_keys(keys),
        Form::Either(forms) => json!({ "anyOf": forms.iter().map(of).collect::<Vec<_>>() }),
    }
}

fn of_keys(keys: &[Key]) -> Value {
    let property = |key: &Key| {
        let form = of(&key.form);
        let form = if key.nullable { json!({ "anyOf": [form, { "type": "null" }] }) } else { form };
        let Value::Object(mut property) = form else { return (key.name.to_owned(), form) };
        property.insert("description".to_owned(), json!(key.about));
        (key.name.to_owned(), Value::Object(property))
    };
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": keys.iter().map(property).collect::<Map<_, _>>(),
    })
}
