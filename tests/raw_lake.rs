//! Raw files of every source whose table holds raw events, through the printed view and SQL in `DuckDB`: every field is
//! what `catena replay` reads from the same files, in whatever form the source says that they come.
//!
//! In: `tests/raw`, the built-in source files. Must not know: any source.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use catena::catalog::{Catalog, Source};
use serde_json::{Value, json};

use crate::engines::python;
use crate::program::{AS_OF, catena, path, root, scratch};

/// A rule that shows every field which the log carries.
fn rule(source: &Source) -> String {
    // Every alert has the time of its steps.
    let shown = source.fields.values().filter(|field| field.raw.is_some() && field.name != "event.time");
    let fields: Vec<_> = shown.map(|field| format!("only.{}", field.name)).collect();
    format!(
        "rule raw {{\n  title \"Raw\"\n  id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0f02\"\n  description \"Raw.\"\n  severity low\n  \
         chain {{ step only from {} where exists(event.time) }}\n  alert {{ show {} }}\n}}\n",
        source.name,
        fields.join(", ")
    )
}

/// The events of a folder, each once.
fn events(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

/// An object in which a value stands at a path.
fn around(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |inner, key| json!({ key: inner }))
}

/// An event with text in place of what stands at a path.
fn as_text(event: &Value, path: &str) -> Value {
    let mut event = event.clone();
    if let Some(inner) = event.pointer_mut(&format!("/{}", path.replace('.', "/")))
        && inner.is_object()
    {
        *inner = inner.to_string().into();
    }
    event
}

/// An event whose nested keys are paths.
fn flat(event: &Value) -> Value {
    fn walk(path: &str, value: &Value, flat: &mut serde_json::Map<String, Value>) {
        match value {
            Value::Object(members) if !members.is_empty() => members.iter().for_each(|(key, inner)| {
                walk(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, inner, flat);
            }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => _ = flat.insert(path.to_owned(), value.clone()),
        }
    }
    let mut members = serde_json::Map::new();
    walk("", event, &mut members);
    members.into()
}

/// An event that has only the other one of two top-level keys.
fn renamed(event: &Value, (key, alias): (&String, &String)) -> Value {
    let mut event = event.clone();
    let members = event.as_object_mut().unwrap();
    if let Some(value) = members.remove(key) {
        members.insert(alias.clone(), value);
    }
    event
}

/// The files of a source by the name of their form.
fn forms(source: &Source, events: &[Value]) -> Vec<(String, String)> {
    let lines = |events: &mut dyn Iterator<Item = Value>| {
        events.map(|event| format!("{event}\n")).collect::<Vec<_>>().concat()
    };
    let each = |change: &dyn Fn(&Value) -> Value| lines(&mut events.iter().map(change));
    let log = &source.log;
    let pretty: Vec<_> = events.iter().map(|event| serde_json::to_string_pretty(event).unwrap()).collect();
    let mut forms = vec![
        ("lines".to_owned(), each(&Value::clone)),
        ("a list".to_owned(), json!(events).to_string()),
        ("over several lines".to_owned(), pretty.join("\n")),
    ];
    forms.extend(log.container.iter().map(|path| (path.clone(), around(path, json!(events)).to_string())));
    for path in &log.wrapped {
        forms.push((format!("{path}, objects"), each(&|event| around(path, event.clone()))));
        forms.push((format!("{path}, texts"), each(&|event| around(path, event.to_string().into()))));
    }
    forms.extend(
        log.json_text.iter().map(|path| (format!("{path} as text"), each(&|event| as_text(event, path)))),
    );
    forms.extend(
        log.aliases
            .iter()
            .map(|pair| (format!("{} for {}", pair.1, pair.0), each(&|event| renamed(event, pair)))),
    );
    if log.dotted {
        forms.push(("flat".to_owned(), each(&flat)));
    }
    forms
}

/// A form of the files of a source with what `replay` says of it.
fn case(source: &Source, form: &str, text: &str) -> Value {
    let rule = rule(source);
    let folder = scratch("raw_lake", &[("raw.chain", rule.as_bytes()), ("log/events.json", text.as_bytes())]);
    let (rule, log) = (path(&folder, "raw.chain"), path(&folder, "log"));
    let statement = catena(&["compile", &rule, "--target", "sql", "--as-of", AS_OF]);
    assert_eq!(statement.status, 0, "{}: {}", source.name, statement.err);
    let given = format!("{}={log}", source.name);
    let replayed = catena(&["replay", &rule, "--events", &given]);
    let fields: Vec<Value> = replayed
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["steps"]["only"].clone())
        .collect();
    assert!(!fields.is_empty(), "{}, {form}: {}", source.name, replayed.err);
    let location = root().join(&log).display().to_string();
    let ddl = catena(&["sources", &source.name, "--ddl", "duckdb"]).out.replace("LOCATION", &location);
    json!({ "name": format!("{}, {form}", source.name), "ddl": ddl, "text": statement.out, "alerts": fields,
            "kept": folder.keep().display().to_string() })
}

#[test]
fn every_form_of_raw_files_gives_the_fields_of_replay() {
    let catalog = Catalog::embedded().unwrap();
    // The others have tables with columns of their own.
    let raw =
        catalog.iter().filter(|source| source.targets.get("sql").is_none_or(|sql| sql.stored.is_empty()));
    let cases: Vec<_> = raw
        .flat_map(|source| {
            let events = events(&root().join("tests/raw").join(&source.name));
            forms(source, &events).into_iter().map(move |(form, text)| case(source, &form, &text))
        })
        .collect();
    let mut child =
        python("sql", "sql/raw_lake.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    for case in &cases {
        _ = std::fs::remove_dir_all(case["kept"].as_str().unwrap());
    }
    let found: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found.is_empty(), "{} of {} forms:\n{}", found.len(), cases.len(), found.join("\n\n"));
}
