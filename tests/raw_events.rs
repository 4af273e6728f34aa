//! Raw events of every shipped source, as their vendors write them, and the records that come of them.
//!
//! `tests/raw/SOURCE/` holds events in the vendors' documented forms. A wrong mapping shows here and nowhere else:
//! tests of canonical events cannot find it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use catena::catalog::Catalog;
use catena::engine::record::Schemas;
use catena::engine::trial;

use crate::program::root;
use crate::rules;

/// A rule with a test of the raw event of a file.
fn rule(source: &str, file: &str) -> String {
    format!(
        "rule raw {{\n  title \"Raw\"\n  id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0f02\"\n  description \"Raw.\"\n  severity low\n  \
         chain {{ step only from {source} where exists(event.time) }}\n  \
         test \"raw\" {{ event of {source} at 0s raw from \"{file}\"  expect 1 alert }}\n}}\n"
    )
}

fn records(catalog: &Catalog, source: &str, path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let rule_path = path.with_file_name("rule.chain");
    let rules = rules::with_files(&rule_path, &[(&rule_path, &rule(source, name)), (path, &read(path))]);
    let event = &rules[0].tests[0].events[0];
    let schemas = Schemas::full(catalog);
    let reader = catena::engine::event::Reader::new(
        catalog.source(source).unwrap(),
        Arc::clone(schemas.get(source).unwrap()),
    );
    let records = reader.unwrap().records_at(event.raw.as_ref().unwrap(), trial::ORIGIN, 0).unwrap();
    let mut shown = String::new();
    for record in &records {
        writeln!(shown, "  record").unwrap();
        for (field, value) in record.present().filter(|(field, _)| *field != "event.time") {
            writeln!(shown, "    {field}: {value}").unwrap();
        }
    }
    shown
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn raw_events_become_records() {
    let catalog = Catalog::embedded().unwrap();
    for source in catalog.iter() {
        let folder = root().join("tests/raw").join(&source.name);
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} has no raw events", source.name));
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut shown = String::new();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            write!(shown, "{name}\n{}", records(&catalog, &source.name, &file)).unwrap();
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/raw"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(source.name.as_str(), shown));
    }
}

#[test]
fn a_byte_order_mark_in_front_does_not_matter() {
    for source in ["aws.cloudtrail", "aws.vpcflow"] {
        let entries = std::fs::read_dir(root().join("tests/raw").join(source)).unwrap();
        let path = entries.map(|entry| entry.unwrap().path()).min().unwrap();
        let rule_path = path.with_file_name("rule.chain");
        let rule = rule(source, path.file_name().unwrap().to_str().unwrap());
        let raw = |text: &str| {
            let rules = rules::with_files(&rule_path, &[(&rule_path, &rule), (&path, text)]);
            rules[0].tests[0].events[0].raw.clone()
        };
        let text = read(&path);
        assert_eq!(raw(&format!("\u{feff}{text}")), raw(&text));
    }
}
