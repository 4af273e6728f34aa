//! Prints diagnostics in the format the user asked for.
//!
//! In: findings and the files they point into. Out: text on standard error, or JSON, SARIF or GitHub annotations on
//! standard output; and the outcome they amount to.
//! Must not know: where findings come from.

use std::io::IsTerminal;

use rayon::prelude::*;

use crate::diag::{Diagnostics, Finding, Findings, Grouped, Severity, github, json, nearest, render, sarif};
use crate::source::Sources;

use super::{Outcome, output};

/// How diagnostics are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Human-readable, on standard error.
    #[default]
    Text,
    /// A JSON array, on standard output.
    Json,
    /// SARIF 2.1.0, on standard output.
    Sarif,
    /// GitHub workflow annotations, on standard output.
    Github,
}

/// Prints everything found and says what it amounts to; warnings count when they are denied.
pub(super) fn show(
    diags: Diagnostics,
    sources: &Sources,
    format: Format,
    deny_warnings: bool,
) -> anyhow::Result<(Outcome, Count)> {
    let bounded = diags.bounded();
    let report = Findings::of(&bounded.shown, sources);
    let count = |severity| report.count(severity) + bounded.hidden(severity);
    let count = Count { errors: count(Severity::Error), warnings: count(Severity::Warning) };
    match format {
        Format::Text => output::insist(&to_text(&report)),
        Format::Json => output::print(&json::render(&report))?,
        Format::Sarif => output::print(&sarif::render(&report))?,
        Format::Github => output::print(&github::render(&report))?,
    }
    let bad = count.errors > 0 || (deny_warnings && count.warnings > 0);
    Ok((if bad { Outcome::Findings } else { Outcome::Fine }, count))
}

/// The findings as text: drawing the source beside each takes its time.
fn to_text(report: &Findings) -> String {
    let colour = use_colour();
    let is_wanted = |finding: &&Finding| !output::is_quiet() || finding.severity() == Severity::Error;
    let grouped = Grouped::of(report.findings().iter().filter(is_wanted));
    let drawn: String = grouped.drawn.par_iter().map(|finding| render::one(finding, colour)).collect();
    let listed = grouped.listed.iter().map(|(code, findings)| render::rest(*code, findings, colour));
    drawn + &listed.collect::<String>()
}

/// How much was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    errors: usize,
    warnings: usize,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", plural(self.errors, "error"), plural(self.warnings, "warning"))
    }
}

/// `1 rule`, `2 rules`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `; did you mean ‹name›?`, or nothing, to end a usage error with.
pub(super) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

fn use_colour() -> bool {
    // An empty `NO_COLOR` counts as not set, as its convention has it.
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
