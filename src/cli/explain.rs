//! `catena explain`: rules in plain sentences and pictures, and the pages of codes.

use std::path::{Path, PathBuf};

use clap_complete::ArgValueCompleter;

use crate::backend::Target;
use crate::diag::{Code, Diagnostics, Severity};
use crate::explain::{self, Explanation, Made, Query};
use crate::ir::Rule;
use crate::picture::{self, Theme};
use crate::project::compile::{CompileOptions, compile_rule, is_meant_for};

use super::compile::TargetChoice;
use super::report::{self, Format, did_you_mean};
use super::session::{self, Checked, SessionOptions};
use super::{Outcome, names, output, page};

include!(concat!(env!("OUT_DIR"), "/embedded_pages.rs"));

/// Explain rules in plain sentences and pictures, or the code of a finding.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena explain rule.chain                    sentences, the chain as a picture, what each target makes of it
  catena explain rule.chain --html rule.html   the same as one page, with the queries
  catena explain rule.chain --svg rule.svg     the picture alone
  catena explain E0202                         what the code of a finding means")]
pub(super) struct Explain {
    /// Rule files and directories, or the code of a finding, such as E0202.
    #[arg(required = true, value_name = "RULE.chain|CODE")]
    what: Vec<PathBuf>,
    /// Explain only the rule with this name.
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(names::rules))]
    rule: Option<String>,
    /// Targets to compare; may be repeated.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse, add = ArgValueCompleter::new(names::targets), default_value = "all")]
    target: Vec<TargetChoice>,
    /// Write one self-contained page with the queries instead.
    #[arg(long, value_name = "FILE", conflicts_with = "svg")]
    html: Option<PathBuf>,
    /// Write the picture of the chain as SVG instead; of one rule.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How the page of a code is printed: as text, or as the Markdown that it is written in.
    #[arg(long, value_enum, conflicts_with_all = ["html", "svg"])]
    format: Option<PageFormat>,
    #[command(flatten)]
    session: SessionOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PageFormat {
    /// For reading in a terminal.
    Text,
    /// For a page.
    Markdown,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let pages: Vec<&str> = self.what.iter().filter_map(|what| page_of(what)).collect();
        if pages.len() == self.what.len() {
            if self.html.is_some() || self.svg.is_some() {
                anyhow::bail!("`--html` and `--svg` are for rules; the page of a code is text");
            }
            match self.format {
                Some(PageFormat::Markdown) => output::print_all(pages)?,
                Some(PageFormat::Text) | None => {
                    let texts: Vec<String> = pages.into_iter().map(page::text).collect();
                    output::print(&texts.join("\n"))?;
                }
            }
            return Ok(Outcome::Fine);
        }
        if self.format.is_some() {
            anyhow::bail!(
                "`--format` is for the page of a code; rules are explained as text, or with `--html` or `--svg`"
            );
        }
        if let Some(code) = self.what.iter().find(|what| looks_like_a_code(what)) {
            anyhow::bail!("no finding has the code `{}`{}", code.display(), similar(code));
        }
        let Some(session) = session::open(&self.what, &self.session) else { return Ok(Outcome::Failure) };
        let targets = TargetChoice::targets(&self.target);
        let is_asked = |rule: &&Rule| self.rule.as_ref().is_none_or(|name| *name == rule.name.node);
        let mut explained = Vec::new();
        for file in &session.files {
            explained
                .extend(file.rules.iter().filter(is_asked).map(|rule| explanation(file, rule, &targets)));
        }
        let names =
            session.files.iter().flat_map(|file| file.rules.iter().map(|rule| rule.name.node.as_str()));
        if let Some(name) = self.rule.as_ref().filter(|_| explained.is_empty()) {
            anyhow::bail!("no rule is called `{name}`{}", did_you_mean(name, names));
        }
        let (outcome, _) = report::show(session.found.diags, &session.found.sources, Format::Text, false)?;
        self.show(&explained)?;
        Ok(outcome)
    }

    fn show(&self, explained: &[Explanation]) -> anyhow::Result<()> {
        match (&self.html, &self.svg, explained) {
            (_, _, []) => Ok(()),
            (Some(file), ..) => write(file, &explain::html(explained)),
            (None, Some(file), [one]) => write(file, &picture::svg(&one.picture, Theme::Adaptive)),
            (None, Some(_), several) => {
                anyhow::bail!(
                    "there are {} rules, and a picture shows one: choose it with `--rule`",
                    several.len()
                )
            }
            (None, None, several) => {
                let texts: Vec<String> = several.iter().map(explain::text).collect();
                output::print(&texts.join("\n"))
            }
        }
    }
}

/// Writes a result to a file, or with `-` to standard output.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if file == Path::new("-") { output::print(text) } else { output::write_named(file, text) }
}

/// A rule explained, with what each target makes of it.
pub(super) fn explanation(file: &Checked, rule: &Rule, targets: &[&'static dyn Target]) -> Explanation {
    let mut explained = Explanation::of(rule);
    for target in targets {
        explained.add(*target, made(file, rule, *target));
    }
    explained
}

/// What a target makes of a rule; also a query that would not be written, since here it is only explained.
fn made(file: &Checked, rule: &Rule, target: &'static dyn Target) -> Made {
    if !is_meant_for(rule, target.name()) {
        return Made::NotMeant;
    }
    let mut found = Diagnostics::default();
    let options = CompileOptions { allow_subset: true, ..CompileOptions::default() };
    if let Some(emission) = compile_rule(file, rule, &[target], options, &mut found).first() {
        return Made::Query(Query::of(emission));
    }
    let errors = found.into_sorted().into_iter().filter(|found| found.severity() == Severity::Error);
    Made::Refused(errors.map(|found| format!("{} ({})", found.title, found.code.id())).collect())
}

/// The page of a code.
fn page_of(what: &Path) -> Option<&'static str> {
    let code = what.to_str()?.to_ascii_uppercase();
    PAGES.iter().find(|(name, _)| *name == code).map(|(_, text)| *text)
}

/// Whether an argument means a code: nothing else is a letter and four digits.
fn looks_like_a_code(what: &Path) -> bool {
    let text = what.to_str().unwrap_or_default();
    let is_code = text.len() == 5
        && text.starts_with(['E', 'W', 'e', 'w'])
        && text.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    is_code && !what.exists()
}

fn similar(what: &Path) -> String {
    let code = what.to_str().unwrap_or_default().to_ascii_uppercase();
    did_you_mean(&code, Code::ALL.iter().map(|code| code.id()))
}
