//! Every shipped source: its file has no fault, every target can read what it says, and a rule over each of its fields
//! compiles for every target that has the field.
//!
//! In: the built-in source files. Out: rules for the third-party validators. Must not know: any source.

use std::fmt::Write as _;

use catena::backend::{self, Schemas};
use catena::catalog::{Catalog, FieldDef, Raw, RawVariant, Source};
use catena::diag::Diagnostics;
use catena::ir::Type;
use catena::source::Sources;

use crate::generated;
use crate::program::{catena_with_input, root, targets};

fn read() -> (Catalog, Schemas, Diagnostics) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let embedded = Catalog::registered(&mut sources);
    let mut catalog = Catalog::default();
    // As files of an organisation, which are read at once and with findings.
    for name in embedded.names() {
        let text = std::fs::read_to_string(root().join(format!("sources/{name}.yaml"))).unwrap();
        let added = catalog.add(name, &text);
        assert_eq!(added.map_err(|error| error.message), Ok(()), "{name}");
    }
    let schemas = backend::schemas(&catalog, &mut diags);
    (catalog, schemas, diags)
}

#[test]
fn every_target_can_read_what_the_sources_say() {
    let (catalog, _, diags) = read();
    let found: Vec<_> =
        diags.into_sorted().iter().map(|one| format!("{}: {}", one.title, one.primary.text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    for source in catalog.iter() {
        for field in source.fields.values() {
            assert_eq!(field.columns.len(), 4, "{} {}", source.name, field.name);
            assert!(!field.description.is_empty(), "{} {}", source.name, field.name);
        }
        assert!(!source.documentation.is_empty(), "{}", source.name);
    }
}

/// Whether a target has the field, whatever the event.
fn is_seen(field: &FieldDef, target: &str) -> bool {
    if target == "sql" {
        return is_logged(field);
    }
    let column = field.columns.get(target);
    column.is_some_and(|column| column.variants().iter().all(|mapped| mapped.unavailable.is_none()))
}

/// Whether a table that holds events as they were logged has the field: what asks for some item of a list is not read
/// from one.
fn is_logged(field: &FieldDef) -> bool {
    let paths: Vec<&str> = match &field.raw {
        None => return false,
        Some(Raw::Path(path)) => vec![path],
        Some(Raw::Variants(variants)) => variants.iter().flat_map(RawVariant::paths).collect(),
    };
    !paths.iter().any(|path| path.contains("[]") || path.contains("=="))
}

/// A test of a field that a target can say; Sigma cannot compare instants.
fn test(field: &FieldDef, target: &str) -> Option<String> {
    let name = &field.name;
    let value = field.values.first().map_or("A.b", String::as_str);
    Some(match field.ty {
        Type::String => format!("{name} == \"{value}\""),
        Type::Int => format!("{name} == 7"),
        Type::Bool => name.clone(),
        Type::Ip => format!("{name} in (\"10.0.0.0/8\")"),
        Type::Time if target == "sigma" => return None,
        Type::Time => format!("{name} > \"2026-01-01T00:00:00Z\""),
        Type::Float => format!("{name} > 0.5"),
    })
}

/// A rule for each field of a source that a target has, one step each.
pub(crate) fn rules(source: &Source, target: &str) -> Vec<(String, String)> {
    let fields = source.fields.values().filter(|field| !field.many && field.name != "event.time");
    let seen: Vec<_> = fields.filter(|field| is_seen(field, target)).collect();
    let all = seen.iter().enumerate().filter_map(|(number, field)| {
        let (name, test) = (format!("{}_{}", source.name, field.name).replace('.', "_"), test(field, target)?);
        // What one field of the target has of all items together cannot be denied.
        let multi = field.columns.get(target).is_some_and(|column| column.variants().iter().any(|one| one.multi));
        let not = if multi { "" } else { "not " };
        let rule = format!(
            "rule {name} {{\n  title \"A field of a source\"\n  id \"0d1c2a54-3a0e-4c0c-9c3e-{number:012}\"\n  \
             description \"Reads one field.\"\n  severity low\n  \
             chain {{ step only from {} where exists({}) and {not}{test} }}\n  alert {{ show only.{} }}\n}}\n",
            source.name, field.name, field.name
        );
        Some((name, rule))
    });
    all.collect()
}

/// What a target makes of the rules over one source.
pub(crate) fn compiled(source: &Source, target: &str, dialect: &str) -> serde_json::Value {
    let text: String = rules(source, target).into_iter().map(|(_, rule)| rule).collect();
    // A target may know where a source is, and none of its columns.
    if text.is_empty() {
        return serde_json::Value::Array(Vec::new());
    }
    let arguments =
        ["compile", "-", "--format", "json", "--allow-subset", "--target", target, "--dialect", dialect];
    let ran = catena_with_input(&arguments, text.as_bytes());
    let errors: Vec<_> = ran.err.split("\n\n").filter(|block| block.starts_with("error")).collect();
    assert_eq!(ran.status, 0, "{} {target}: {}", source.name, errors.join("\n"));
    serde_json::from_str(&ran.out).unwrap()
}

/// How many fields of a source each target has, and where.
fn overview(catalog: &Catalog) -> String {
    let mut table = String::from("\n| source | delay | fields");
    for target in targets() {
        write!(table, " | {target}").unwrap();
    }
    table += " |\n|---|---|---|---|---|---|---|\n";
    for source in catalog.iter() {
        write!(table, "| `{}` | {} s | {}", source.name, source.delay, source.fields.len()).unwrap();
        for target in targets() {
            let mapping = &source.targets[target];
            let words =
                ["category", "product", "service"].into_iter().filter_map(|word| mapping.words.get(word));
            let home =
                if target == "sigma" { words.cloned().collect::<Vec<_>>() } else { mapping.from.0.clone() };
            let seen = source.fields.values().filter(|field| is_seen(field, target)).count();
            let home = home.join(", ").replace('|', "\\|").replace('`', "");
            write!(table, " | {seen}: `{home}`").unwrap();
        }
        table += " |\n";
    }
    table.push('\n');
    table
}

#[test]
fn the_sources_page_is_up_to_date() {
    let (catalog, _, _) = read();
    assert!(
        generated::is_current("docs/sources.md", "sources", &overview(&catalog)),
        "docs/sources.md is out of date: CATENA_UPDATE=1 cargo test shipped_sources"
    );
}

#[test]
fn every_field_of_every_source_compiles_where_it_is() {
    let (catalog, _, _) = read();
    for source in catalog.iter() {
        for target in targets().chain(["sql"]) {
            let emissions = compiled(source, target, "duckdb");
            assert_eq!(emissions.as_array().unwrap().len(), rules(source, target).len());
        }
    }
}
