//! `catena new`: a rule, an allowlist or a source to fill in.

use std::path::PathBuf;

use anyhow::bail;

use crate::catalog::{Catalog, FieldDef, Source};
use crate::ir::Type;
use crate::syntax;

use super::report::did_you_mean;
use super::scaffold::{filled, given_or_asked, name, place, quoted, today, word, write_new};
use super::{Outcome, output, session};

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
    #[arg(long, value_parser = SEVERITIES)]
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
    let step = name(step)?;
    if syntax::begins_test_line(&step) {
        return Err(format!("a test begins lines with `{step}`: choose another name for the step"));
    }
    Ok((step, source.to_owned()))
}

fn duration(text: &str) -> Result<String, String> {
    syntax::duration(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "expected a duration such as 15m".to_owned())
}

fn dotted(text: &str) -> Result<String, String> {
    let parts: Result<Vec<String>, String> = text.split('.').map(word).collect();
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

fn source<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Source> {
    match catalog.source(name) {
        Some(source) => Ok(source),
        None => bail!(
            "there is no source `{name}`{}; `catena sources` lists them",
            did_you_mean(name, catalog.names())
        ),
    }
}

impl NewRule {
    fn write(self) -> anyhow::Result<Outcome> {
        let path = place(self.output.as_deref(), &self.name, "chain");
        let Some(catalog) = session::catalog(&path, &[])? else { return Ok(Outcome::Findings) };
        let steps = self.steps(&catalog)?;
        let sources =
            steps.iter().map(|(_, name)| source(&catalog, name)).collect::<anyhow::Result<Vec<_>>>()?;
        let on = link(&sources, self.on.as_deref())?;
        let title = self.name.replace('_', " ");
        let title = given_or_asked(self.title.as_deref(), ("title", &title), |title| Ok(title.to_owned()))?;
        let severity = given_or_asked(self.severity.as_deref(), ("severity", "medium"), severity)?;
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
        let Ok(text) = syntax::format(&rule) else {
            bail!("the rule would have errors, which is a fault of this program");
        };
        write_new(&[(path.clone(), text)], OTHERWISE)?;
        let shown = path.display();
        output::report(&format!(
            "next: write the conditions, the description and tests, then `catena check {shown}` and `catena test {shown}`\n"
        ));
        Ok(Outcome::Fine)
    }

    /// The steps with their sources, at least two, each of another name.
    fn steps(&self, catalog: &Catalog) -> anyhow::Result<Vec<(String, String)>> {
        let mut steps = self.step.clone();
        if steps.is_empty() {
            for step in ["first", "second"] {
                let question = format!("source of the {step} step");
                let known = |name: &str| source(catalog, name).map(|source| source.name.clone());
                steps.push((step.to_owned(), given_or_asked(None, (&question, "aws.cloudtrail"), known)?));
            }
        }
        if steps.len() < 2 {
            bail!("a chain joins two steps or more: give another `--step NAME=SOURCE`");
        }
        for (number, (name, _)) in steps.iter().enumerate() {
            if steps.iter().skip(number + 1).any(|(other, _)| other == name) {
                bail!("two steps are called `{name}`: give each a name of its own");
            }
        }
        Ok(steps)
    }
}

/// What to do where a file is in the way.
const OTHERWISE: &str = "give another file with `-o`";

/// The words for how bad an alert is.
const SEVERITIES: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

fn severity(text: &str) -> anyhow::Result<String> {
    if SEVERITIES.contains(&text) {
        return Ok(text.to_owned());
    }
    bail!("expected {}{}", SEVERITIES.join(", "), did_you_mean(text, SEVERITIES))
}

/// The field that all sources share: the one that is asked for, or the best.
fn link<'s>(sources: &[&'s Source], wanted: Option<&str>) -> anyhow::Result<&'s FieldDef> {
    let Some((first, others)) = sources.split_first() else { bail!("there is no step") };
    let shared = |field: &&FieldDef| {
        others.iter().all(|source| source.field(&field.name).is_some_and(|other| other.ty == field.ty))
    };
    if let Some(wanted) = wanted {
        // Every two sources share their times, by which nothing can be joined.
        let known = first.fields.values().filter(shared).filter(|field| field.ty != Type::Time);
        let known: Vec<&str> = known.map(|field| field.name.as_str()).collect();
        let hint = did_you_mean(wanted, known.iter().copied());
        let Some(field) = first.field(wanted).filter(shared) else {
            bail!("the steps do not share a field `{wanted}`{hint}; they share {}", known.join(", "));
        };
        return Ok(field);
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
            "the sources of the steps share no field that could join them: give `--on FIELD`, or begin with steps of one \
             source and link a pair of fields in the file (`on FIELD == OTHER_FIELD`)"
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
        let path = place(self.output.as_deref(), &self.name, "chain");
        let is_table = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("csv"));
        if is_table && !self.csv {
            bail!("`{}` is a name of a table: give `--csv`, or a name that ends in `.chain`", path.display());
        }
        // Given by the name of its table, the list itself stands beside that.
        let (table, path) = if is_table {
            (path.clone(), path.with_file_name(format!("{}.chain", self.name)))
        } else {
            (path.with_file_name(format!("{}.csv", self.name)), path)
        };
        let Some(catalog) = session::catalog(&path, &[])? else { return Ok(Outcome::Findings) };
        let known = |name: &str| field(&catalog, name);
        let (field, ty) = given_or_asked(self.field.as_deref(), ("field", "actor.id"), known)?;
        let example = sample(ty);
        let files = if self.csv {
            let file = table.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let rule = format!("allowlist {}: {field} from {}\n", self.name, quoted(&file));
            let value = example.trim_matches('"');
            let rows = format!(
                "value,reason,owner,ticket,until\n{value},why it is good,who answers for it,SEC-1,\n"
            );
            vec![(table, rows), (path.clone(), rule)]
        } else {
            let entry =
                format!("{example} reason \"why it is good\" owner \"who answers for it\" ticket \"SEC-1\"");
            vec![(path.clone(), format!("allowlist {}: {field} {{\n  {entry}\n}}\n", self.name))]
        };
        write_new(&files, OTHERWISE)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        output::report(&format!(
            "next: write the values, then `import {}` in a rule file beside it and `except {field} in {}` in a step\n",
            quoted(&file),
            self.name
        ));
        Ok(Outcome::Fine)
    }
}

/// A field of some source, with its type.
fn field(catalog: &Catalog, name: &str) -> anyhow::Result<(String, Type)> {
    let Some(field) = catalog.iter().find_map(|source| source.field(name)) else {
        let names = catalog.iter().flat_map(|source| source.fields.keys().map(String::as_str));
        bail!("no source has a field `{name}`{}", did_you_mean(name, names))
    };
    Ok((field.name.clone(), field.ty))
}

impl NewSource {
    fn write(self) -> anyhow::Result<Outcome> {
        let path = place(self.output.as_deref(), &self.name, "yaml");
        let Some(catalog) = session::catalog(&path, &[])? else { return Ok(Outcome::Findings) };
        let name = &self.name;
        if catalog.source(name).is_some() {
            bail!(
                "there is a source `{name}` already (`catena sources {name}`): choose another name; a file that begins \
                 with `extends: {name}` adds to it"
            );
        }
        let (last, table) = (name.rsplit('.').next().unwrap_or_default(), name.replace('.', "_"));
        let values = [("name", name.as_str()), ("last", last), ("table", &table)];
        let text = filled(include_str!("../../templates/source.yaml"), &values);
        write_new(&[(path.clone(), text)], OTHERWISE)?;
        let shown = path.display();
        output::report(&format!(
            "next: write what your logs have, add `sources: [{shown}]` to catena.yaml, the path as seen from there, or give \
             `--source {shown}`; then `catena sources {name}`\n"
        ));
        Ok(Outcome::Fine)
    }
}
