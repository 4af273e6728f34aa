//! `catena new`: a rule, an allowlist or a source to fill in.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::catalog::{Catalog, FieldDef, Source};
use crate::diag::Diagnostics;
use crate::ir::Type;
use crate::project::{Disk, Environments};
use crate::source::Sources;
use crate::syntax;

use super::Outcome;
use super::report::did_you_mean;
use super::scaffold::{ask, filled, name, place, quoted, today, write_new};

/// Write a new rule, allowlist or source to fill in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena new rule key_after_login --step login=aws.cloudtrail --step key=aws.cloudtrail
  catena new list approved_images --field image.id --csv
  catena new source our.proxy

On a terminal what is left out is asked for.")]
pub(super) struct New {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A rule with two steps and a test.
    Rule(NewRule),
    /// An allowlist, in the rule language or with a CSV file.
    List(NewList),
    /// A source file for your own logs.
    Source(NewSource),
}

#[derive(Debug, clap::Args)]
struct NewRule {
    /// Its name.
    #[arg(value_parser = name)]
    name: String,
    /// A step and its source; may be repeated, in order.
    #[arg(long, value_name = "NAME=SOURCE", value_parser = step)]
    step: Vec<(String, String)>,
    /// One line for the alert list.
    #[arg(long)]
    title: Option<String>,
    /// How bad an alert is.
    #[arg(long, value_parser = ["informational", "low", "medium", "high", "critical"])]
    severity: Option<String>,
    /// The field that neighbours share.
    #[arg(long, value_name = "FIELD")]
    on: Option<String>,
    /// The longest time between neighbours.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    within: String,
    /// The file to write (default: NAME.chain).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct NewList {
    /// Its name.
    #[arg(value_parser = name)]
    name: String,
    /// The field whose values it lists.
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// Keep the values in a CSV file beside it.
    #[arg(long)]
    csv: bool,
    /// The file to write (default: NAME.chain); with --csv that of the list or, ending in .csv, that of its values.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct NewSource {
    /// Its name, such as our.proxy.
    #[arg(value_parser = dotted)]
    name: String,
    /// The file to write (default: NAME.yaml).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn step(text: &str) -> Result<(String, String), String> {
    let (step, source) = text.split_once('=').ok_or("expected NAME=SOURCE, such as login=aws.cloudtrail")?;
    Ok((name(step)?, source.to_owned()))
}

fn duration(text: &str) -> Result<String, String> {
    syntax::duration(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "expected a duration such as 15m".to_owned())
}

fn dotted(text: &str) -> Result<String, String> {
    let parts: Result<Vec<String>, String> = text.split('.').map(name).collect();
    parts
        .map(|_| text.to_owned())
        .map_err(|_| "expected a dotted name in lower case, such as our.proxy".to_owned())
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self.what {
            What::Rule(rule) => rule.write(),
            What::List(list) => list.write(),
            What::Source(source) => source.write(),
        }
    }
}

/// The sources that hold where the program runs.
fn catalog() -> anyhow::Result<Catalog> {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let mut environments = Environments::new(&Disk, &[], None, &[]).map_err(anyhow::Error::msg)?;
    Ok(environments.of(Path::new("new.chain"), &mut sources, &mut diags).catalog.clone())
}

fn source<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Source> {
    match catalog.source(name) {
        Some(source) => Ok(source),
        None => bail!("there is no source `{name}`{}", did_you_mean(name, catalog.names())),
    }
}

impl NewRule {
    fn write(self) -> anyhow::Result<Outcome> {
        let catalog = catalog()?;
        let mut steps = self.step.clone();
        if steps.is_empty() {
            for (step, number) in [("first", "first"), ("second", "second")] {
                let given = ask(&format!("source of the {number} step"), "aws.cloudtrail")?;
                steps.push((step.to_owned(), given));
            }
        }
        if steps.len() < 2 {
            bail!("a chain joins two steps or more: give another `--step NAME=SOURCE`");
        }
        let sources =
            steps.iter().map(|(_, name)| source(&catalog, name)).collect::<anyhow::Result<Vec<_>>>()?;
        let on = link(&sources, self.on.as_deref())?;
        let title = match self.title {
            Some(title) => title,
            None => ask("title", &self.name.replace('_', " "))?,
        };
        let severity = match self.severity {
            Some(severity) => severity,
            None => ask("severity", "medium")?,
        };
        let (date, id) = (today(), uuid::Uuid::new_v4());
        let head = format!(
            "rule {} {{ title {} id \"{id}\" description {} date {date} status experimental severity {severity}\n\n",
            self.name,
            quoted(&title),
            quoted(&format!("Detects {title}.")),
        );
        let between = format!("\n\nthen within {} on {}\n\n", self.within, on.name);
        let written = steps.iter().zip(&sources);
        let written: Vec<String> = written
            .map(|((step, name), source)| format!("step {step} from {name} where {}", condition(source, on)))
            .collect();
        let events = steps.iter().enumerate();
        let events: Vec<String> = events
            .map(|(number, (step, _))| format!("{step} at {number}m {{ {}: {} }}", on.name, sample(on.ty)))
            .collect();
        let (chain, events) = (written.join(&between), events.join(" "));
        let last = steps.last().map_or("", |(step, _)| step.as_str());
        let named = match entity(&on.name) {
            Some(kind) => format!("entity {kind}"),
            None => "show".to_owned(),
        };
        let alert = format!("alert {{ {named} {last}.{0} dedupe 24h by {last}.{0} }}", on.name);
        let expected = format!("expect alert at {}m", steps.len() - 1);
        let rule = format!(
            "{head} chain {{ {chain} }} {alert} test {} {{ {events} {expected} }} }}",
            quoted(&title)
        );
        // Only a word of the language in the place of a name can be in the way.
        let Ok(text) = syntax::format(&rule) else {
            bail!("a step cannot have this name, or `{severity}` is no severity");
        };
        write_new(&[(place(self.output.as_deref(), &self.name, "chain"), text)])?;
        Ok(Outcome::Fine)
    }
}

/// The field that all sources share: the one that is asked for, or the best.
fn link<'s>(sources: &[&'s Source], wanted: Option<&str>) -> anyhow::Result<&'s FieldDef> {
    let Some((first, others)) = sources.split_first() else { bail!("there is no step") };
    let shared = |field: &&FieldDef| {
        others.iter().all(|source| source.field(&field.name).is_some_and(|other| other.ty == field.ty))
    };
    if let Some(wanted) = wanted {
        let known = first.fields.values().filter(shared);
        let field = first.field(wanted).filter(shared);
        let hint = did_you_mean(wanted, known.map(|field| field.name.as_str()));
        return field.ok_or_else(|| anyhow::anyhow!("the steps do not share a field `{wanted}`{hint}"));
    }
    let preferred = ["actor.id", "user.id", "host.id", "instance.eni", "source.ip"];
    let by_name = preferred.iter().filter_map(|name| first.field(name)).find(shared);
    let is_key = |field: &&FieldDef| {
        field.weak_key.is_none()
            && field.ty != Type::Time
            && field.ty != Type::Bool
            && !field.name.starts_with("event.")
    };
    let found = by_name.or_else(|| first.fields.values().filter(shared).find(is_key));
    found.ok_or_else(|| {
        anyhow::anyhow!(
            "the sources of the steps share no field that could join them; name pairs in the file"
        )
    })
}

/// What kind of entity a field names.
fn entity(field: &str) -> Option<&'static str> {
    let kinds = [("actor", "account"), ("user", "account"), ("host", "host"), ("instance", "host")];
    let first = field.split('.').next().unwrap_or_default();
    let kind = kinds.iter().find(|(name, _)| *name == first).map(|(_, kind)| *kind);
    match field.rsplit('.').next() {
        Some("ip") => Some("ip"),
        Some(_) | None => kind,
    }
}

/// A condition to be replaced.
fn condition(source: &Source, on: &FieldDef) -> String {
    if let Some(field) = source.field("event.action") {
        let value = field.values.first().map_or("REPLACE_ME", String::as_str);
        return format!("event.action == {}", quoted(value));
    }
    format!("exists({})", on.name)
}

/// A value of a type, for a test.
fn sample(ty: Type) -> &'static str {
    match ty {
        Type::String => "\"example\"",
        Type::Int => "1",
        Type::Float => "1.5",
        Type::Bool => "true",
        Type::Ip => "\"192.0.2.1\"",
        Type::Time => "\"2026-01-01T00:00:00Z\"",
    }
}

impl NewList {
    fn write(self) -> anyhow::Result<Outcome> {
        let catalog = catalog()?;
        let field = match self.field {
            Some(field) => field,
            None => ask("field", "actor.id")?,
        };
        let names = || catalog.iter().flat_map(|source| source.fields.keys().map(String::as_str));
        if !names().any(|known| known == field) {
            bail!("no source has a field `{field}`{}", did_you_mean(&field, names()));
        }
        let path = place(self.output.as_deref(), &self.name, "chain");
        let is_table = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("csv"));
        if is_table && !self.csv {
            bail!("`{}` is a name of a table: give `--csv`, or a name that ends in `.chain`", path.display());
        }
        let files = if self.csv {
            // Given by the name of its table, the list itself stands beside that.
            let table =
                if is_table { path.clone() } else { path.with_file_name(format!("{}.csv", self.name)) };
            let path = if is_table { path.with_file_name(format!("{}.chain", self.name)) } else { path };
            let file = table.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let rule = format!("allowlist {}: {field} from {}\n", self.name, quoted(&file));
            let rows = "value,reason,owner,ticket,until\nexample,why it is good,who answers for it,SEC-1,\n";
            vec![(table, rows.to_owned()), (path, rule)]
        } else {
            let entry = "\"example\" reason \"why it is good\" owner \"who answers for it\" ticket \"SEC-1\"";
            vec![(path, format!("allowlist {}: {field} {{\n  {entry}\n}}\n", self.name))]
        };
        write_new(&files)?;
        Ok(Outcome::Fine)
    }
}

impl NewSource {
    fn write(self) -> anyhow::Result<Outcome> {
        let (last, table) = (self.name.rsplit('.').next().unwrap_or_default(), self.name.replace('.', "_"));
        let values = [("name", self.name.as_str()), ("last", last), ("table", &table)];
        let text = filled(include_str!("../../templates/source.yaml"), &values);
        write_new(&[(place(self.output.as_deref(), &self.name, "yaml"), text)])?;
        Ok(Outcome::Fine)
    }
}
