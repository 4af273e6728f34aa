//! `catena sources`: the log sources, their fields, and where each lives in each target.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::backend::sql::ddl;
use crate::catalog::{FieldDef, Layout, Source, describe};
use crate::diag::Diagnostics;
use crate::source::Sources;
use crate::source::{Excerpt, visible_json};

use super::forms::DialectChoice;
use super::layout::LayoutChoice;
use super::report::{self, Format, did_you_mean};
use super::{Outcome, output};
use crate::project::{Disk, Environments};

/// List log sources, their fields, and the mapping of each field in each target.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena sources                      the sources
  catena sources aws.cloudtrail       its fields, and where each is in each SIEM
  catena sources aws.cloudtrail --ddl spark    the statement that makes its table over raw files
  catena sources aws.cloudtrail --layout ocsf --ddl trino    the same over the tables of Amazon Security Lake")]
pub(super) struct ListSources {
    /// Name of one source, such as aws.cloudtrail.
    name: Option<String>,
    /// Output format: human-readable, or JSON.
    #[arg(long, value_enum, default_value_t)]
    format: SourcesFormat,
    /// Print the statement that makes the table of the source over raw files, for the engine of a lake.
    #[arg(long, value_enum, value_name = "ENGINE", requires = "name", conflicts_with = "format")]
    ddl: Option<DialectChoice>,
    /// Whose tables a lake has: where the source is in them (default: that of `catena.yaml`, or athena).
    #[arg(long, value_enum, value_name = "TABLES")]
    layout: Option<LayoutChoice>,
    /// Environment file to use instead of the nearest `catena.yaml` in this folder or above.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// Source file to add; may be repeated.
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum SourcesFormat {
    #[default]
    Text,
    Json,
}

impl ListSources {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let mut environments =
            Environments::new(&Disk, &self.source, self.env.as_deref(), &[]).map_err(anyhow::Error::msg)?;
        environments = environments.in_layout(self.layout.map(Layout::from));
        let environment = environments.of(Path::new(""), &mut sources, &mut diags);
        let (outcome, _) = report::show(diags, &sources, Format::Text, false)?;
        let all: Vec<&Source> = environment.catalog.iter().collect();
        let chosen: Vec<&Source> = match &self.name {
            None => all.clone(),
            Some(name) => vec![environment.catalog.source(name).ok_or_else(|| unknown(name, &all))?],
        };
        if let (Some(dialect), [source]) = (self.ddl, chosen.as_slice()) {
            output::print(&ddl::of(source, dialect.into()).map_err(anyhow::Error::msg)?)?;
            return Ok(outcome);
        }
        let text = match (self.format, &self.name) {
            (SourcesFormat::Json, _) => visible_json(format!("{}\n", serde_json::to_string_pretty(&chosen)?)),
            (SourcesFormat::Text, Some(_)) => chosen.iter().map(|source| describe(source)).collect(),
            (SourcesFormat::Text, None) => overview(&chosen),
        };
        output::print(&Excerpt::of(&text).text)?;
        Ok(outcome)
    }
}

fn unknown(name: &str, all: &[&Source]) -> anyhow::Error {
    let names: Vec<_> = all.iter().map(|source| source.name.as_str()).collect();
    let hint = did_you_mean(name, names.iter().copied());
    anyhow::anyhow!("no source is called `{name}`{hint}; known are {}", names.join(", "))
}

fn overview(sources: &[&Source]) -> String {
    let mut out = String::new();
    for source in sources {
        let targets = source.targets.iter().filter(|(_, mapping)| mapping.says_where());
        let targets: Vec<_> = targets.map(|(target, _)| target.as_str()).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}  {}\n  {}", source.name, source.title, source.description);
        let _ = writeln!(out, "  {} fields; {}\n", source.fields.len(), targets.join(", "));
    }
    out.push_str("`catena sources NAME` lists the fields of a source.\n");
    out
}

fn describe(source: &Source) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}\n{}\n", source.name, source.title, source.description);
    let _ = writeln!(out, "delay {} s, granularity {} s", source.delay, source.granularity);
    for group in &source.group.0 {
        let inner = group.inner.as_ref().map_or(String::new(), |inner| format!(" and its {inner}"));
        let _ = writeln!(out, "one record for each item of {}{inner}", group.path);
    }
    for (target, mapping) in source.targets.iter().filter(|(_, mapping)| mapping.says_where()) {
        let words: Vec<_> = mapping.words.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let from = if mapping.from.0.is_empty() { words.join(", ") } else { mapping.from.0.join(", ") };
        let _ = writeln!(out, "{target:<6} {from}");
    }
    for (layout, laid_out) in source.targets.values().flat_map(|mapping| mapping.layouts.all()) {
        let _ = writeln!(out, "{:<6} {} (--layout {})", "sql", laid_out.from.0.join(", "), layout.name());
    }
    for field in source.fields.values() {
        describe_field(field, &mut out);
    }
    out
}

fn describe_field(field: &FieldDef, out: &mut String) {
    let group = match (&field.in_group, field.many) {
        (Some(_), _) => ", one for each item",
        (None, true) => ", several values",
        (None, false) => "",
    };
    let _ = writeln!(
        out,
        "\n{}  ({}{group})\n  {}",
        field.name,
        describe::type_name(field.ty),
        field.description
    );
    if !field.values.is_empty() {
        let _ = writeln!(out, "  values: {}", field.values.join(", "));
    }
    if let Some(requires) = &field.requires {
        let _ = writeln!(out, "  needs: {requires}");
    }
    if let Some(reason) = &field.weak_key {
        let _ = writeln!(out, "  weak join key: {reason}");
    }
    for (target, column) in &field.columns {
        let _ = writeln!(out, "  {target:<6} {}", describe::column(column));
    }
}
