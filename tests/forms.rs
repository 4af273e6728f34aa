//! The tables of keys say what serde reads, and the schemas and pages say what the tables say.
//! `CATENA_UPDATE=1 cargo test forms` writes schemas and pages anew.

use std::fmt::Write as _;

use catena::catalog::{
    self, Case, Catalog, FieldDef, Group, LogAddition, LogForm, Mapped, MappingChange, OnlyOf, OtherLog,
    RawVariant, Single, Source, SourceMapping, TextForm, TextOf,
};
use catena::diag::Diagnostics;
use catena::form::{self, Document, Form, Key};
use catena::settings::{self, RuleSettings, Settings};
use catena::source::{SourceFile, Sources};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::generated;
use crate::program::root;

/// Some value of a form.
fn example(form: &Form) -> Value {
    match form {
        Form::Text => json!("text"),
        Form::Word(words) => json!(words[0]),
        Form::Count => json!(1),
        Form::Truth => json!(true),
        Form::Notation(_) => json!("24h"),
        Form::OrNull(form) | Form::Filled(form) => example(form),
        Form::List(item) => json!([example(item)]),
        Form::Map(value) => json!({ "name": example(value) }),
        Form::Keys(keys) => {
            keys.iter().map(|key| (key.name.to_owned(), example(&key.form))).collect::<Map<_, _>>().into()
        }
        Form::Either(forms) => example(&forms[0]),
    }
}

/// The keys of a table are those that serde knows, and serde asks for those that are required.
fn agrees<T: DeserializeOwned>(what: &str, keys: &'static [Key], left_out: &[&str]) {
    let reads = |value: &Value| serde_json::from_value::<T>(value.clone()).map(drop);
    let whole = example(&Form::Keys(keys));
    reads(&whole).unwrap_or_else(|error| panic!("{what}: {error}: {whole}"));
    let with = |key: &str, value: Option<Value>| {
        let mut map = whole.as_object().unwrap().clone();
        match value {
            Some(value) => _ = map.insert(key.to_owned(), value),
            None => _ = map.remove(key),
        }
        Value::Object(map)
    };
    for key in keys {
        let name = key.name;
        assert_eq!(reads(&with(name, None)).is_err(), key.required, "{what}: whether `{name}` is required");
        assert_eq!(
            reads(&with(name, Some(Value::Null))).is_ok(),
            key.nullable,
            "{what}: whether `{name}` may be empty"
        );
        for none in [json!([]), json!({})] {
            let is_refused = reads(&with(name, Some(none.clone()))).is_err();
            let is_of_kind = example(&key.form).is_array() == none.is_array();
            let is_filled = matches!(key.form, Form::Filled(_));
            assert!(is_refused || !(is_filled && is_of_kind), "{what}: `{name}` without an entry");
        }
        assert!(!key.about.ends_with('.') && !key.about.is_empty(), "{what}: {name}");
    }
    let error = reads(&with("no such key", Some(json!(1)))).unwrap_err().to_string();
    let known = error
        .split_once("expected ")
        .unwrap_or_else(|| panic!("{what} lets unknown keys through: {error}"))
        .1;
    for name in known.split('`').skip(1).step_by(2).filter(|name| !left_out.contains(name)) {
        assert!(keys.iter().any(|key| key.name == name), "{what}: serde reads `{name}`, the table lacks it");
    }
}

#[test]
fn serde_reads_what_the_tables_say() {
    use catalog::keys;
    agrees::<Source>("SOURCE", keys::SOURCE, &[]);
    agrees::<OnlyOf>("ONLY_OF", keys::ONLY_OF, &[]);
    agrees::<Group>("GROUP", keys::GROUP, &[]);
    agrees::<LogForm>("LOG", keys::LOG, &[]);
    agrees::<OtherLog>("OTHER_LOG", keys::OTHER_LOG, &[]);
    agrees::<TextForm>("LOG_TEXT", keys::LOG_TEXT, &[]);
    agrees::<LogAddition>("ADDED_LOG", keys::ADDED_LOG, &[]);
    agrees::<SourceMapping>("MAPPING", keys::MAPPING, &[]);
    agrees::<FieldDef>("FIELD", keys::FIELD, &[]);
    agrees::<RawVariant>("RAW_VARIANT", keys::RAW_VARIANT, &[]);
    agrees::<Mapped>("MAPPED", keys::MAPPED, &[]);
    agrees::<Case>("CASE", keys::CASE, &[]);
    agrees::<TextOf>("TEXT_OF", keys::TEXT_OF, &[]);
    agrees::<Single>("SINGLE", keys::SINGLE, &["prefix"]);
    agrees::<MappingChange>("MAPPING_CHANGE", keys::MAPPING_CHANGE, &["fields"]);
    agrees::<MappingChange>("CHANGE", settings::keys::CHANGE, &[]);
    agrees::<RuleSettings>("RULE", settings::keys::RULE, &[]);
    agrees::<Settings>("ENVIRONMENT", settings::keys::ENVIRONMENT, &[]);
    let added: Vec<_> = keys::ADDED_FIELD.iter().map(|key| key.name).collect();
    assert_eq!(added, keys::FIELD.iter().map(|key| key.name).collect::<Vec<_>>());
}

/// What is read in one go has the form, and is the same key by key.
#[test]
fn built_in_sources_have_the_form() {
    let catalog = Catalog::embedded().unwrap();
    for source in catalog.iter() {
        let text = std::fs::read_to_string(root().join(format!("sources/{}.yaml", source.name))).unwrap();
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let id = sources.add(SourceFile::new("source.yaml", text));
        let document = Document::of(id, &sources).unwrap();
        let checked = form::check(&document, &Form::Keys(catalog::keys::SOURCE), &mut diags).unwrap();
        assert!(diags.is_empty(), "{diags:?}");
        let mut read: Source = serde_json::from_value(checked.value).unwrap();
        for (name, field) in &mut read.fields {
            field.name.clone_from(name);
        }
        read.fields.sort_unstable_keys();
        assert_eq!(&read, source);
    }
}

/// A file of `docs/schemas` is what the form says.
fn is_current(file: &str, title: &str, form: &Form) {
    let wanted = serde_json::to_string_pretty(&form::schema::schema(title, form)).unwrap() + "\n";
    let path = root().join("docs/schemas").join(file);
    if std::env::var_os("CATENA_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/schemas/{file} is out of date: CATENA_UPDATE=1 cargo test forms");
}

#[test]
fn the_schemas_are_up_to_date() {
    use catalog::keys::{EXTENSION, SOURCE};
    let source = Form::Either(&[Form::Keys(SOURCE), Form::Keys(EXTENSION)]);
    is_current("source.json", "Catena source file", &source);
    is_current("environment.json", "Catena environment file", &Form::Keys(settings::keys::ENVIRONMENT));
}

fn value(form: &Form) -> String {
    match form {
        Form::Text => "text".to_owned(),
        Form::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Form::Count => "integer".to_owned(),
        Form::Truth => "`true`, `false`".to_owned(),
        Form::Notation(_) => "duration".to_owned(),
        Form::OrNull(form) => format!("{} or nothing", value(form)),
        Form::Filled(form) => value(form),
        Form::List(item) => format!("list of {}", value(item)),
        Form::Map(item) => format!("names, each with {}", value(item)),
        Form::Keys(_) => "keys".to_owned(),
        Form::Either(forms) => forms.iter().map(value).collect::<Vec<_>>().join(" or "),
    }
}

fn page(tables: &[(&str, &[Key])]) -> String {
    let mut page = String::new();
    for (title, keys) in tables {
        writeln!(page, "\nKeys of {title} (**bold**: required):\n\n| key | value | meaning |\n|---|---|---|")
            .unwrap();
        for key in *keys {
            let name = if key.required { format!("**`{}`**", key.name) } else { format!("`{}`", key.name) };
            writeln!(page, "| {name} | {} | {} |", value(&key.form), key.about.replace('|', "\\|")).unwrap();
        }
    }
    page.push('\n');
    page
}

#[test]
fn the_pages_are_up_to_date() {
    let hint = "is out of date: CATENA_UPDATE=1 cargo test forms";
    assert!(
        generated::is_current("docs/sources.md", "keys", &page(catalog::keys::TABLES)),
        "docs/sources.md {hint}"
    );
    assert!(
        generated::is_current("docs/commands.md", "keys", &page(settings::keys::TABLES)),
        "docs/commands.md {hint}"
    );
}
