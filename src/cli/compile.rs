//! `catena compile`: rules to the queries one pastes into a SIEM.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::diag::Diagnostics;
use crate::source::Sources;
use crate::target::{self, Effect, Emission, Fidelity, Level, ListDelivery, Part, Role, Target};

use super::report::{self, Format, did_you_mean, plural};
use super::session::{self, Checked, Session, SessionOptions};
use super::{Outcome, output};

/// Compile rules to the queries one pastes into a SIEM.
#[derive(Debug, clap::Args)]
pub(super) struct Compile {
    /// Rule files and directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The target: spl, sigma, kql, eql or all; may be repeated.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse, default_value = "all")]
    target: Vec<TargetChoice>,
    /// Only the rule of this name.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Write one file per rule, target and part under this directory.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Queries ready to paste, or everything as JSON.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// How allowlists reach the queries (default: as the environment file says, else auto).
    #[arg(long, value_enum, value_name = "HOW")]
    lists: Option<Lists>,
    /// Write a query even if it could miss events.
    #[arg(long)]
    allow_subset: bool,
    /// KQL: join by time buckets, for keys with very many events.
    #[arg(long)]
    time_buckets: bool,
    #[command(flatten)]
    session: SessionOptions,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lists {
    /// In the text.
    Inline,
    /// By the SIEM's own lists where it has them.
    Lookup,
    /// In the text when small.
    Auto,
}

impl From<Lists> for ListDelivery {
    fn from(lists: Lists) -> Self {
        match lists {
            Lists::Inline => Self::Inline,
            Lists::Lookup => Self::Lookup,
            Lists::Auto => Self::Auto,
        }
    }
}

/// One target, or all of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum TargetChoice {
    All,
    One(&'static str),
}

impl TargetChoice {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        target::by_name(text).map(|target| Self::One(target.name())).ok_or_else(|| {
            let names: Vec<_> = target::ALL.iter().map(|target| target.name()).chain(["all"]).collect();
            format!("expected {}{}", names.join(", "), did_you_mean(text, names.iter().copied()))
        })
    }

    /// The targets chosen, each once, in the usual order.
    pub(super) fn targets(choices: &[Self]) -> Vec<&'static dyn Target> {
        let chosen = |name: &str| {
            choices.iter().any(|choice| match choice {
                Self::All => true,
                Self::One(one) => *one == name,
            })
        };
        target::ALL.iter().copied().filter(|target| chosen(target.name())).collect()
    }
}

impl Compile {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(mut session) = session::open(&self.paths, &self.session)? else {
            return Ok(Outcome::Failure);
        };
        if session.has_no_rules() {
            anyhow::bail!("nothing to compile: there is no rule in the files given");
        }
        self.select(&mut session)?;
        let targets = TargetChoice::targets(&self.target);
        let mut found = Diagnostics::default();
        let (mut kept, mut written, mut started) = (Vec::new(), BTreeMap::new(), false);
        compile_all(&session, &targets, self.options(), &mut found, |emissions| {
            if let Some(folder) = &self.output {
                write(folder, &emissions, &mut written)?;
            } else if self.format == OutputFormat::Text {
                output::print(&to_text(&emissions, targets.len() > 1, &mut started, &session.sources))?;
            }
            if self.format == OutputFormat::Json {
                kept.extend(emissions);
            }
            Ok(())
        })?;
        session.diags.extend(found);
        let (outcome, _) = report::show(session.diags, &session.sources, Format::Text, false)?;
        match (&self.output, self.format) {
            (_, OutputFormat::Json) => output::print(&to_json(&kept, &session.sources)?)?,
            (Some(folder), OutputFormat::Text) => {
                output::report(&format!(
                    "wrote {} under {}\n",
                    plural(written.len(), "file"),
                    folder.display()
                ));
            }
            (None, OutputFormat::Text) => {}
        }
        Ok(outcome)
    }

    fn options(&self) -> CompileOptions {
        CompileOptions {
            lists: self.lists.map(ListDelivery::from),
            allow_subset: self.allow_subset,
            time_buckets: self.time_buckets,
        }
    }

    /// Keeps the rule that was asked for. A rule with errors is gone by now; its diagnostics tell.
    fn select(&self, session: &mut Session) -> anyhow::Result<()> {
        let Some(wanted) = &self.rule else { return Ok(()) };
        let names: Vec<String> =
            session.files.iter().flat_map(|file| &file.rules).map(|rule| rule.name.node.clone()).collect();
        if !names.contains(wanted) && !session.diags.has_errors() {
            let hint = did_you_mean(wanted, names.iter().map(String::as_str));
            anyhow::bail!("no rule is called `{wanted}`{hint}");
        }
        for file in &mut session.files {
            file.rules.retain(|rule| rule.name.node == *wanted);
        }
        Ok(())
    }
}

/// Writes one file for each part; `written` tells which rule each file is of.
fn write(
    folder: &Path,
    emissions: &[Emission],
    written: &mut BTreeMap<PathBuf, String>,
) -> anyhow::Result<()> {
    for emission in emissions {
        let Some(target) = target::by_name(emission.target) else { continue };
        for part in &emission.parts {
            let name = format!("{}.{}", part.name, target.extension());
            let path = folder.join(emission.target).join(name);
            if let Some(other) = written.insert(path.clone(), emission.rule.clone()) {
                let (rule, path) = (&emission.rule, path.display());
                anyhow::bail!(
                    "rules `{other}` and `{rule}` would both be written to `{path}`: rename one of them"
                );
            }
            output::write_file(&path, &with_line_end(&part.text))?;
        }
    }
    Ok(())
}

/// How many files are compiled before their queries are handed on: enough to keep every core busy, few enough to hold.
const BATCH: usize = 256;

/// The choices of one `compile` that concern targets; what is left out comes from the environment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CompileOptions {
    lists: Option<ListDelivery>,
    allow_subset: bool,
    time_buckets: bool,
}

/// Compiles every rule for every target, in parallel, and hands on the queries batch by batch; the order is that of files,
/// rules and targets.
pub(super) fn compile_all(
    session: &Session,
    targets: &[&'static dyn Target],
    options: CompileOptions,
    diags: &mut Diagnostics,
    mut take: impl FnMut(Vec<Emission>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for files in session.files.chunks(BATCH) {
        let compiled: Vec<_> = files.par_iter().map(|file| compile_file(file, targets, options)).collect();
        let mut emissions = Vec::new();
        for (some, found) in compiled {
            emissions.extend(some);
            diags.extend(found);
        }
        take(emissions)?;
    }
    Ok(())
}

fn compile_file(
    file: &Checked,
    targets: &[&'static dyn Target],
    options: CompileOptions,
) -> (Vec<Emission>, Diagnostics) {
    let options = target::Options {
        lists: options.lists.unwrap_or(file.environment.settings.lists),
        allow_subset: options.allow_subset,
        time_buckets: options.time_buckets,
    };
    let mut found = Diagnostics::default();
    let mut emissions = Vec::new();
    for rule in &file.rules {
        let job = target::Job { rule, catalog: &file.environment.catalog, options: &options };
        emissions.extend(targets.iter().filter_map(|target| target::compile(&job, *target, &mut found)));
    }
    (emissions, found)
}

/// The JSON form: as documented in the command reference, a list of these.
#[derive(Debug, Serialize)]
struct Document<'a> {
    rule: &'a str,
    target: &'a str,
    fidelity: Fidelity,
    level: Level,
    notes: Vec<NoteDocument<'a>>,
    requires: &'a [String],
    parts: &'a [Part],
}

#[derive(Debug, Serialize)]
struct NoteDocument<'a> {
    effect: Effect,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
}

fn to_json(emissions: &[Emission], sources: &Sources) -> anyhow::Result<String> {
    let documents: Vec<_> = emissions
        .iter()
        .map(|emission| Document {
            rule: &emission.rule,
            target: emission.target,
            fidelity: emission.fidelity,
            level: emission.level,
            notes: emission
                .notes
                .iter()
                .map(|note| {
                    let (file, line, column) = sources
                        .locate(note.span)
                        .map_or(("", 0, 0), |(file, position)| (file, position.line, position.column));
                    NoteDocument { effect: note.effect, message: &note.message, file, line, column }
                })
                .collect(),
            requires: &emission.requires,
            parts: &emission.parts,
        })
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&documents)?))
}

/// The texts, under headings when there are several targets; `started` tells whether something stands before them.
fn to_text(emissions: &[Emission], headings: bool, started: &mut bool, sources: &Sources) -> String {
    let mut out = String::new();
    for emission in emissions {
        if std::mem::replace(started, true) {
            out.push_str(separator(emission, headings));
        }
        if headings {
            heading(emission, sources, &mut out);
        }
        for (index, part) in emission.parts.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&with_line_end(&part.text));
        }
    }
    out
}

/// What stands between two rules. Sigma documents are one stream when nothing else is printed.
fn separator(emission: &Emission, headings: bool) -> &'static str {
    if !headings && emission.target == "sigma" { "---\n" } else { "\n" }
}

fn heading(emission: &Emission, sources: &Sources, out: &mut String) {
    let title = target::by_name(emission.target).map_or(emission.target, |target| target.title());
    let fidelity = match emission.fidelity {
        Fidelity::Exact => "exact",
        Fidelity::Superset => "superset: misses nothing, may add",
        Fidelity::Subset => "subset: may miss",
    };
    let level = match emission.level {
        Level::Record => "an answer for each last record",
        Level::Key => "an answer for each key",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "━━━ {title} ━━━ {} ━━━ {fidelity} ━━━ {level}", emission.rule);
    for note in &emission.notes {
        let place = sources.locate(note.span).map_or(String::new(), |(_, at)| format!(" (line {})", at.line));
        let _ = writeln!(out, "note: {}{place}", note.message);
    }
    for what in &emission.requires {
        let _ = writeln!(out, "needs: {what}");
    }
    let stages = emission.parts.iter().filter(|part| part.role == Role::Stage).count();
    if stages > 0 {
        let _ = writeln!(out, "parts: {}; install them in this order", emission.parts.len());
    }
    out.push('\n');
}

fn with_line_end(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
