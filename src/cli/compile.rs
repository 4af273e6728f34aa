//! `catena compile`: rules to queries that are ready to paste into a SIEM.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use clap_complete::ArgValueCompleter;

use crate::backend::{
    self, Effect, Emission, External, Externals, Fidelity, Level, ListDelivery, Part, Role, Target,
};
use crate::diag::Diagnostics;
use crate::project::compile::{CompileOptions, compile_file, is_meant_for};
use crate::source::{Sources, visible, visible_json};

use super::forms::Forms;
use super::left_out::LeftOut;
use super::manifest::{self, Written};
use super::report::{self, Format, did_you_mean, plural};
use super::session::{self, Checked, SessionOptions};
use super::{Outcome, names, output};

/// Compile rules to queries that are ready to paste into a SIEM.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena compile rules/an1318/aws.chain --target kql    one query, ready to paste
  catena compile rules -o out                           every rule for every SIEM, in files
  catena compile rule.chain --set gap=30m               with another value of a parameter")]
pub(super) struct Compile {
    /// Rule files and directories; `-` is standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Target to compile for: spl, sigma, kql, eql, sql or all, which are the four SIEMs; splunk, sentinel and elastic
    /// are known too; may be repeated.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse, add = ArgValueCompleter::new(names::targets), default_value = "all")]
    target: Vec<TargetChoice>,
    /// Compile only the rule with this name.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(names::rules))]
    rule: Option<String>,
    /// Write one file per rule, target and part under this directory.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Remove files that an earlier run wrote under the directory and this one did not, such as those of a renamed
    /// rule.
    #[arg(long, requires = "output", conflicts_with = "rule")]
    prune: bool,
    /// Output format: queries ready to paste, or JSON with notes and requirements.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// How allowlists are delivered (default: `lists` in the environment file, else auto).
    #[arg(long, value_enum, value_name = "HOW")]
    lists: Option<Lists>,
    /// Write a query even if it has false negatives (fidelity `subset`).
    #[arg(long)]
    allow_subset: bool,
    #[command(flatten)]
    forms: Forms,
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
pub(super) enum Lists {
    /// In the query text.
    Inline,
    /// As a Splunk lookup or a Sentinel watchlist, written beside the query with `-o`; in the query text elsewhere.
    Lookup,
    /// In the query text up to 50 values, otherwise as a lookup or watchlist.
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
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        backend::known_as(text).map(|target| Self::One(target.name())).ok_or_else(|| {
            let names: Vec<_> = backend::every().map(Target::name).chain(["all"]).collect();
            format!("expected {}{}", names.join(", "), did_you_mean(text, names.iter().copied()))
        })
    }

    /// The targets chosen, each once, in the usual order.
    pub(super) fn targets(choices: &[Self]) -> Vec<&'static dyn Target> {
        let chosen = |name: &str| {
            choices.iter().any(|choice| match choice {
                Self::All => backend::ALL.iter().any(|target| target.name() == name),
                Self::One(one) => *one == name,
            })
        };
        backend::every().filter(|target| chosen(target.name())).collect()
    }
}

impl Compile {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let targets = TargetChoice::targets(&self.target);
        self.forms.check(&targets)?;
        if let Some(folder) = &self.output {
            output::finish_files()?;
            for target in &targets {
                output::remove_stale(&folder.join(target.name()));
            }
        }
        let form = Form::of(self.format, &targets);
        let (mut names, mut left_out) = (Vec::new(), LeftOut::default());
        let (mut written, mut started) = (BTreeMap::new(), false);
        let earlier = self.output.as_deref().map(manifest::lists).transpose()?.unwrap_or_default();
        let mut lists_of = BTreeMap::new();
        let work = |file: Checked, sources: &Sources, found: &mut Diagnostics| {
            self.compile(file, &targets, form, sources, found)
        };
        let judged = if self.rule.is_none() { targets.as_slice() } else { &[] };
        let (mut externals, mut clashes) = (Externals::default(), Diagnostics::default());
        let session = self.session.staging(&self.forms.staged.rules).in_layout(self.forms.layout());
        let found = session::each(&self.paths, &session, judged, work, |files| {
            let mut texts = Vec::new();
            for file in files {
                let file = file?;
                names.extend(file.names);
                left_out.extend(file.left_out);
                for query in file.queries {
                    let Some(lists) = externals.add(query.target, query.lists, &mut clashes) else {
                        continue;
                    };
                    if let (Some(folder), Some(emission)) = (&self.output, &query.emission) {
                        for list in &lists {
                            let file = format!("{}/{}", query.target, list.file);
                            let Some(origin) = query.origins.get(&list.name) else { continue };
                            not_of_another(folder, (&file, list), origin, &earlier)?;
                            lists_of.insert(file, origin.clone());
                        }
                        write(folder, emission, &lists, &mut written)?;
                    }
                    texts.extend(query.text);
                }
            }
            output::print_all(texts.iter().flat_map(|text| {
                let before = if std::mem::replace(&mut started, true) { form.between } else { form.open };
                [before, text]
            }))
        })?;
        let Some(mut found) = found else { return Ok(Outcome::Failure) };
        left_out.report();
        found.diags.extend(clashes);
        self.expect_rule(&names, &found.diags)?;
        let (outcome, _) = report::show(found.diags, &found.sources, Format::Text, false)?;
        if self.prints() {
            output::print(if started { form.close } else { form.empty })?;
        }
        if let Some(folder) = &self.output {
            self.finish(folder, &targets, (&written, lists_of), outcome)?;
        }
        Ok(outcome)
    }

    /// Says what was written, and what an earlier run wrote and this one did not.
    fn finish(
        &self,
        folder: &Path,
        targets: &[&'static dyn Target],
        (written, lists): (&BTreeMap<PathBuf, String>, BTreeMap<String, String>),
        outcome: Outcome,
    ) -> anyhow::Result<()> {
        let below = |path: &PathBuf| {
            let parts: Vec<_> =
                path.strip_prefix(folder).ok()?.iter().map(|part| part.to_string_lossy()).collect();
            Some(parts.join("/"))
        };
        let files = written.keys().filter_map(below).collect();
        let targets = targets.iter().map(|target| target.name()).collect();
        let whole = self.rule.is_none() && outcome == Outcome::Fine;
        let left_over = manifest::update(folder, Written { files, lists, targets, whole }, self.prune)?;
        let (count, names) = (plural(left_over.len(), "file"), left_over.join(", "));
        let names = visible(&names);
        if self.format == OutputFormat::Text {
            let (files, folder) = (plural(written.len(), "file"), folder.display().to_string());
            output::report(&format!("wrote {files} under {}\n", visible(&folder)));
        }
        match (left_over.is_empty(), self.prune) {
            (true, _) => {}
            (false, true) => output::report(&format!("removed {count} of an earlier run: {names}\n")),
            (false, false) => {
                output::report(&format!("left over from an earlier run (`--prune` removes): {names}\n"));
            }
        }
        Ok(())
    }

    /// Compiles a file, but for the rules that were not asked for.
    fn compile(
        &self,
        mut file: Checked,
        targets: &[&'static dyn Target],
        form: Form,
        sources: &Sources,
        found: &mut Diagnostics,
    ) -> anyhow::Result<Compiled> {
        let names = file.rules.iter().map(|rule| rule.name.node.clone()).collect();
        if let Some(wanted) = &self.rule {
            file.rules.retain(|rule| rule.name.node == *wanted);
        }
        let left_out = self.left_out(&file, targets);
        let emissions = compile_file(&file, targets, self.options(), found);
        let queries = emissions.into_iter().map(|mut emission| {
            let text = self.prints().then(|| form.print(&emission, sources)).transpose()?;
            let (target, lists) = (emission.target, std::mem::take(&mut emission.lists));
            let origin =
                |list: &External| Some((list.name.clone(), sources.locate(list.place())?.0.to_owned()));
            let origins = lists.iter().filter_map(origin).collect();
            anyhow::Ok(Query {
                target,
                lists,
                origins,
                text,
                emission: self.output.is_some().then_some(emission),
            })
        });
        Ok(Compiled { names, left_out, queries: queries.collect::<Result<_, _>>()? })
    }

    /// The rules that are not meant for a target which the user named. Who asks for all of them asks for those that a
    /// rule is meant for.
    fn left_out(&self, file: &Checked, targets: &[&'static dyn Target]) -> LeftOut {
        let mut left_out = LeftOut::default();
        if self.target.iter().any(|choice| matches!(choice, TargetChoice::All)) {
            return left_out;
        }
        let each = file.rules.iter().flat_map(|rule| targets.iter().map(move |target| (rule, target.name())));
        for (rule, target) in each.filter(|(rule, target)| !is_meant_for(rule, target)) {
            left_out.add(target, &rule.name.node, rule.meta.targets.as_deref().unwrap_or_default());
        }
        left_out
    }

    /// Whether queries go to standard output: files take the place of text, not of JSON.
    fn prints(&self) -> bool {
        self.output.is_none() || self.format == OutputFormat::Json
    }

    fn options(&self) -> CompileOptions {
        CompileOptions {
            lists: self.lists.map(ListDelivery::from),
            allow_subset: self.allow_subset,
            ..self.forms.options()
        }
    }

    /// There must be a rule, and the one that was asked for. A rule with errors is gone by now; its diagnostics tell.
    fn expect_rule(&self, names: &[String], found: &Diagnostics) -> anyhow::Result<()> {
        if names.is_empty() && !found.has_errors() {
            anyhow::bail!("nothing to compile: there is no rule in the files given");
        }
        let Some(wanted) = &self.rule else { return Ok(()) };
        if !names.contains(wanted) && !found.has_errors() {
            let hint = did_you_mean(wanted, names.iter().map(String::as_str));
            anyhow::bail!("no rule is called `{wanted}`{hint}");
        }
        Ok(())
    }
}

/// What is left of a compiled file.
#[derive(Debug)]
struct Compiled {
    /// The names of its rules, asked for or not.
    names: Vec<String>,
    /// Those that are not meant for a target.
    left_out: LeftOut,
    /// What was made of them.
    queries: Vec<Query>,
}

/// What is left of an emission.
#[derive(Debug)]
struct Query {
    target: &'static str,
    /// The lists of the SIEM that it reads.
    lists: Vec<External>,
    /// By name of a list: the rule file that defines it.
    origins: BTreeMap<String, String>,
    /// What is printed.
    text: Option<String>,
    /// What goes to files.
    emission: Option<Emission>,
}

/// Refuses to write a list over the list of another rule file that an earlier run wrote: queries read it by name. A
/// file that is no longer there has been renamed.
fn not_of_another(
    folder: &Path,
    (file, list): (&str, &External),
    origin: &str,
    earlier: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let path = folder.join(file);
    let Some(other) = earlier.get(file).filter(|other| *other != origin && Path::new(other).exists()) else {
        return Ok(());
    };
    // The order of the rows is none of the list's.
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let is_same = std::fs::read_to_string(&path).is_ok_and(|text| rows(&text) == rows(&list.text));
    anyhow::ensure!(
        is_same,
        "`{}` has the list `{}` of `{other}` and would be overwritten by another one of `{origin}`: rename one of the lists, or use another folder",
        path.display(),
        list.name,
    );
    Ok(())
}

/// Writes one file for each part and list; `written` tells which rule each file is of.
fn write(
    folder: &Path,
    emission: &Emission,
    lists: &[External],
    written: &mut BTreeMap<PathBuf, String>,
) -> anyhow::Result<()> {
    let Some(target) = backend::by_name(emission.target) else { return Ok(()) };
    let parts =
        emission.parts.iter().map(|part| (backend::file_name(&part.name, target.extension()), &part.text));
    let lists = lists.iter().map(|list| (list.file.clone(), &list.text));
    for (name, text) in parts.chain(lists) {
        let path = folder.join(emission.target).join(name);
        if let Some(other) = written.insert(path.clone(), emission.rule.clone()) {
            let (rule, path) = (&emission.rule, path.display());
            anyhow::bail!(
                "rules `{other}` and `{rule}` would both be written to `{path}`: rename one of them"
            );
        }
        output::write_file(&path, &backend::with_line_end(text))?;
    }
    Ok(())
}

/// How emissions are printed one after another, and what stands around them.
#[derive(Debug, Clone, Copy)]
struct Form {
    kind: FormKind,
    open: &'static str,
    between: &'static str,
    close: &'static str,
    empty: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum FormKind {
    Texts,
    TextsUnderHeadings,
    Json,
}

impl Form {
    fn of(format: OutputFormat, targets: &[&'static dyn Target]) -> Self {
        let texts = |kind, between| Self { kind, open: "", between, close: "", empty: "" };
        match (format, targets) {
            // Sigma documents are one stream when nothing else is printed.
            (OutputFormat::Text, [only]) if only.name() == "sigma" => texts(FormKind::Texts, "---\n"),
            (OutputFormat::Text, [] | [_]) => texts(FormKind::Texts, "\n"),
            (OutputFormat::Text, _) => texts(FormKind::TextsUnderHeadings, "\n"),
            (OutputFormat::Json, _) => {
                Self { kind: FormKind::Json, open: "[\n  ", between: ",\n  ", close: "\n]\n", empty: "[]\n" }
            }
        }
    }

    fn print(self, emission: &Emission, sources: &Sources) -> anyhow::Result<String> {
        let mut out = String::with_capacity(emission.parts.iter().map(|part| part.text.len() + 1024).sum());
        match self.kind {
            FormKind::Texts => {}
            FormKind::TextsUnderHeadings => heading(emission, sources, &mut out),
            FormKind::Json => return to_json(emission, sources),
        }
        for (index, part) in emission.parts.iter().enumerate() {
            if index > 0 {
                // Documents of YAML are one stream.
                out.push_str(if emission.target == "sigma" { "---\n" } else { "\n" });
            }
            out.push_str(&backend::with_line_end(&part.text));
        }
        Ok(out)
    }
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
    #[serde(skip_serializing_if = "<[External]>::is_empty")]
    lists: &'a [External],
}

#[derive(Debug, Serialize)]
struct NoteDocument<'a> {
    effect: Effect,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
}

/// One element of the list, indented as its lines stand in it.
fn to_json(emission: &Emission, sources: &Sources) -> anyhow::Result<String> {
    let notes = emission.notes.iter().map(|note| {
        let (file, line, column) = sources
            .locate(note.span)
            .map_or(("", 0, 0), |(file, position)| (file, position.line, position.column));
        NoteDocument { effect: note.effect, message: &note.message, file, line, column }
    });
    let document = Document {
        rule: &emission.rule,
        target: emission.target,
        fidelity: emission.fidelity,
        level: emission.level,
        notes: notes.collect(),
        requires: &emission.requires,
        parts: &emission.parts,
        lists: &emission.lists,
    };
    // A line end inside a text is escaped, so each one that is left begins a line of the document.
    Ok(visible_json(serde_json::to_string_pretty(&document)?).replace('\n', "\n  "))
}

fn heading(emission: &Emission, sources: &Sources, out: &mut String) {
    let title = backend::by_name(emission.target).map_or(emission.target, |target| target.title());
    let fidelity = match emission.fidelity {
        Fidelity::Exact => "exact",
        Fidelity::Superset => "superset: misses nothing, may add",
        Fidelity::Conditional => "conditional: may miss in some engines",
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
        let _ = writeln!(out, "note: {}{place}", visible(&note.message));
    }
    for what in &emission.requires {
        let _ = writeln!(out, "needs: {}", visible(what));
    }
    if emission.parts.iter().any(|part| part.role != Role::Query) {
        let _ = writeln!(out, "parts: {}; install them in this order", emission.parts.len());
    }
    out.push('\n');
}
