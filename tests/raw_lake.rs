//! Raw files of every source whose table holds raw events, through the printed view and SQL in `DuckDB` and Spark:
//! every field is what `catena replay` reads from the same files, in whatever form the source says that they come.
//!
//! In: `tests/raw`, the built-in source files. Must not know: any source.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use catena::catalog::{Catalog, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engines::python;
use crate::program::{AS_OF, catena, is_long_run, path, root, scratch};

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

/// How the files of a source are written.
struct Form {
    name: String,
    text: String,
    /// Whether each line is JSON, as all engines but `DuckDB` need it.
    in_lines: bool,
}

fn forms(source: &Source, events: &[Value]) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut add = |name: &str, in_lines: bool, text: String| {
        forms.push(Form { name: name.to_owned(), text, in_lines });
    };
    let each = |change: &dyn Fn(&Value) -> Value| {
        events.iter().map(|event| format!("{}\n", change(event))).collect::<Vec<_>>().concat()
    };
    let log = &source.log;
    let pretty: Vec<_> = events.iter().map(|event| serde_json::to_string_pretty(event).unwrap()).collect();
    add("lines", true, each(&Value::clone));
    add("a list", true, json!(events).to_string());
    add("over several lines", false, pretty.join("\n"));
    for path in &log.container {
        add(path, true, around(path, json!(events)).to_string());
    }
    for path in &log.wrapped {
        add(&format!("{path}, objects"), true, each(&|event| around(path, event.clone())));
        add(&format!("{path}, texts"), true, each(&|event| around(path, event.to_string().into())));
    }
    for path in &log.json_text {
        add(&format!("{path} as text"), true, each(&|event| as_text(event, path)));
    }
    for pair in &log.aliases {
        add(&format!("{} for {}", pair.1, pair.0), true, each(&|event| renamed(event, pair)));
    }
    if log.dotted {
        add("flat", true, each(&flat));
    }
    forms
}

/// A folder of files, and the fields of the alerts in it.
struct Replayed {
    form: String,
    log: String,
    alerts: Vec<Value>,
}

/// A source whose files lie in a folder for each form, and a rule over it.
struct Lake<'a> {
    source: &'a Source,
    folder: TempDir,
    forms: Vec<Form>,
}

impl<'a> Lake<'a> {
    fn of(source: &'a Source) -> Self {
        let events = events(&root().join("tests/raw").join(&source.name));
        let (forms, rule) = (forms(source, &events), rule(source));
        let mut files = vec![("raw.chain".to_owned(), rule.as_bytes())];
        for (number, form) in forms.iter().enumerate() {
            let kind = if form.in_lines { "lines" } else { "others" };
            files.push((format!("{kind}/{number}/events.json"), form.text.as_bytes()));
        }
        let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        Self { source, folder: scratch("raw_lake", &files), forms }
    }

    /// What `replay` says of a folder of the files.
    fn replayed(&self, form: &str, folder: &str) -> Replayed {
        let (source, log) = (&self.source.name, path(&self.folder, folder));
        let given = format!("{source}={log}");
        let replayed = catena(&["replay", &path(&self.folder, "raw.chain"), "--events", &given]);
        let told = |line: &str| serde_json::from_str::<Value>(line).unwrap()["steps"]["only"].clone();
        let alerts: Vec<Value> = replayed.out.lines().map(told).collect();
        assert!(!alerts.is_empty(), "{source}, {form}: {}", replayed.err);
        Replayed { form: form.to_owned(), log: root().join(log).display().to_string(), alerts }
    }

    fn each_form(&self) -> Vec<Replayed> {
        let kind = |form: &Form| if form.in_lines { "lines" } else { "others" };
        let forms = self.forms.iter().enumerate();
        forms.map(|(number, form)| self.replayed(&form.name, &format!("{}/{number}", kind(form)))).collect()
    }

    /// All that every engine reads, as one folder.
    fn all_forms(&self) -> Replayed {
        self.replayed("all forms", "lines")
    }

    /// What an engine is asked in a dialect about folders.
    fn cases(&self, dialect: &str, folders: &[Replayed]) -> Vec<Value> {
        let source = &self.source.name;
        let rule = path(&self.folder, "raw.chain");
        let ran = catena(&["compile", &rule, "--target", "sql", "--dialect", dialect, "--as-of", AS_OF]);
        assert_eq!(ran.status, 0, "{source}: {}", ran.err);
        // Nothing here runs Athena's definition: its texts read the view of the engine that runs them.
        let engine = if dialect == "trino" { "duckdb" } else { dialect };
        let view = catena(&["sources", source, "--ddl", engine]).out;
        let case = |folder: &Replayed| {
            json!({ "name": format!("{source}, {}, {dialect}", folder.form), "table": source.replace('.', "_"),
                    "view": view.replace("LOCATION", &folder.log), "text": ran.out, "alerts": folder.alerts })
        };
        folders.iter().map(case).collect()
    }
}

/// Those whose table holds raw events; others have columns of their own.
fn raw_sources(catalog: &Catalog) -> Vec<&Source> {
    let is_raw = |source: &&Source| source.targets.get("sql").is_none_or(|sql| sql.stored.is_empty());
    catalog.iter().filter(is_raw).collect()
}

fn differences(dialect: &str, cases: &[Value]) -> Vec<String> {
    let environment = if dialect == "spark" { "spark" } else { "sql" };
    let mut child = python(environment, "sql/raw_lake.py")
        .args(["--dialect", dialect])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn hold(dialect: &str, cases: &[Value]) {
    let found = differences(dialect, cases);
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n\n"));
}

#[test]
fn every_form_of_raw_files_gives_the_fields_of_replay() {
    let catalog = Catalog::embedded().unwrap();
    let lakes: Vec<_> = raw_sources(&catalog).into_iter().map(Lake::of).collect();
    let forms: Vec<_> = lakes.iter().flat_map(|lake| lake.cases("duckdb", &lake.each_form())).collect();
    assert!(forms.len() > 200, "{}", forms.len());
    hold("duckdb", &forms);
    let together: Vec<_> = lakes.iter().flat_map(|lake| lake.cases("trino", &[lake.all_forms()])).collect();
    hold("trino", &together);
}

/// A statement takes Spark seconds: but for a long run, only where more than the envelopes differ.
#[test]
fn spark_reads_raw_files_as_replay_does() {
    let catalog = Catalog::embedded().unwrap();
    let differs = |source: &&Source| {
        let log = &source.log;
        is_long_run() || log.dotted || !log.json_text.is_empty() || !log.aliases.is_empty()
    };
    let lakes: Vec<_> = raw_sources(&catalog).into_iter().filter(differs).map(Lake::of).collect();
    let cases: Vec<_> = lakes.iter().flat_map(|lake| lake.cases("spark", &[lake.all_forms()])).collect();
    assert!(cases.len() >= 4, "{}", cases.len());
    hold("spark", &cases);
}
