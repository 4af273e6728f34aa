//! What differs, as text and Markdown.
//!
//! In: [`Compared`]. Out: text. Must not know: how it was found.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::backend::Fidelity;
use crate::cli::report::plural;
use crate::diff::{Change, Report, Shown, Witness};
use crate::ir;
use crate::source::visible;

use super::emitted::{Because, Query};
use super::{queries, shorten};

/// By target: the fidelity before and now; nothing where the target cannot say the rule.
pub(super) type Targets = Vec<(&'static str, Option<Fidelity>, Option<Fidelity>)>;

/// What differs between two versions.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) changed: Vec<Rules>,
    pub(super) unchanged: usize,
    /// Rules whose old version has errors: they are not compared.
    pub(super) repaired: Vec<String>,
    /// Files of the old version that have errors: what they hold is compared as far as it can be read.
    pub(super) faulty: Vec<String>,
    /// From the names of new rules to those of the old ones.
    pub(super) names: BTreeMap<String, String>,
    /// What both versions alert on in logs, if there are logs.
    pub(super) alerts: Option<Alerts>,
}

/// Alerts on logs, as `replay` prints them.
#[derive(Debug)]
pub(super) struct Alerts {
    /// Of the new version alone.
    pub(super) new: Vec<Value>,
    /// Of the old version alone.
    pub(super) gone: Vec<Value>,
    /// Of both.
    pub(super) both: usize,
}

/// A rule that is in both.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) name: String,
    pub(super) report: Report,
    /// What `replay` reads in another way.
    pub(super) reads: Vec<Change>,
    /// The queries that differ.
    pub(super) queries: Vec<Query>,
    /// What of them is compared.
    pub(super) because: Because,
    pub(super) targets: Targets,
}

impl Rules {
    /// How the rule has changed.
    fn kind(&self) -> Kind {
        if !self.report.meaning.is_empty() {
            Kind::Meaning
        } else if !self.queries.is_empty() {
            Kind::Query
        } else if !self.reads.is_empty() {
            Kind::Reads
        } else {
            Kind::Text
        }
    }
}

/// What has changed of a rule, the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Meaning,
    Query,
    Reads,
    Text,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Meaning => "another meaning",
            Self::Query => "the same meaning, another query",
            Self::Reads => "the same meaning, read from elsewhere",
            Self::Text => "the same meaning",
        }
    }
}

impl Compared {
    /// Whether something is lost: a rule, or fidelity.
    pub(super) fn loses(&self) -> bool {
        let mut targets = self.changed.iter().flat_map(|rules| &rules.targets);
        !self.removed.is_empty() || targets.any(|(_, before, after)| is_loss(*before, *after))
    }
}

pub(super) fn is_loss(before: Option<Fidelity>, after: Option<Fidelity>) -> bool {
    rank(after) > rank(before)
}

/// From what is best to what is not there.
fn rank(fidelity: Option<Fidelity>) -> u8 {
    match fidelity {
        Some(Fidelity::Exact) => 0,
        Some(Fidelity::Superset) => 1,
        Some(Fidelity::Conditional) => 2,
        Some(Fidelity::Subset) => 3,
        None => 4,
    }
}

fn word(fidelity: Option<Fidelity>) -> &'static str {
    match fidelity {
        Some(Fidelity::Exact) => "exact",
        Some(Fidelity::Superset) => "superset",
        Some(Fidelity::Conditional) => "conditional",
        Some(Fidelity::Subset) => "subset",
        None => "not expressible",
    }
}

/// For a terminal.
pub(super) fn text(compared: &Compared) -> String {
    let mut lines = Vec::new();
    lines.extend(faulty(compared));
    lines.extend(compared.repaired.iter().map(|name| format!("rule {name}: had errors, not compared")));
    lines.extend(compared.added.iter().map(|name| format!("rule {name}: new")));
    lines.extend(compared.removed.iter().map(|name| format!("rule {name}: gone")));
    for rules in &compared.changed {
        let Rules { name, report, reads, queries, because, targets } = rules;
        lines.push(format!("rule {name}: {}", rules.kind().word()));
        lines.extend(report.meaning.iter().chain(reads).map(|change| format!("  {}", sentence(change))));
        lines.extend(queries::text(queries, *because).into_iter().map(|line| format!("  {line}")));
        lines.extend(targets.iter().map(|target| format!("  {}", fidelity(target))));
        if let Some(witness) = &report.witness {
            lines.push(format!("  they differ on {}:", plural(witness.events.len(), "event")));
            lines.extend(witness.events.iter().map(|event| format!("    {}", shown(event))));
            lines.push(format!("    before: {}; now: {}", alerts(&witness.old), alerts(&witness.new)));
        } else if !report.meaning.is_empty() {
            lines.push("  no events were found on which they differ".to_owned());
        }
        lines.extend(report.text.iter().map(|change| format!("  text: {}", sentence(change))));
    }
    lines.extend(on_logs(compared));
    lines.push(summary(compared));
    printed(&lines)
}

/// What could not be read of the old version.
fn faulty(compared: &Compared) -> Option<String> {
    const SHOWN: usize = 10;
    let Compared { faulty, .. } = compared;
    let mut names: Vec<String> = faulty.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    names.extend((faulty.len() > SHOWN).then(|| format!("{} more", faulty.len() - SHOWN)));
    let what = if faulty.len() == 1 { "a file with errors" } else { "files with errors" };
    let names = names.join(", ");
    (!faulty.is_empty())
        .then(|| format!("the old version has {what}, compared as far as can be read: {names}"))
}

/// What differs on the logs.
fn on_logs(compared: &Compared) -> Vec<String> {
    const SHOWN: usize = 20;
    let Some(Alerts { new, gone, both }) = &compared.alerts else { return Vec::new() };
    let mut lines =
        vec![format!("on the logs: {} new, {} gone, {both} in both", plural(new.len(), "alert"), gone.len())];
    for (word, alerts) in [("new", new), ("gone", gone)] {
        lines.extend(alerts.iter().take(SHOWN).map(|alert| format!("  {word}: {alert}")));
        if alerts.len() > SHOWN {
            lines.push(format!("  {word}: {} more", alerts.len() - SHOWN));
        }
    }
    lines
}

/// Lines in which nothing hides.
fn printed(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [visible(line).into_owned(), "\n".to_owned()]).collect()
}

fn summary(compared: &Compared) -> String {
    let count = |kind: Kind| compared.changed.iter().filter(|rules| rules.kind() == kind).count();
    let (queries, reads) = (count(Kind::Query), count(Kind::Reads));
    let some = |count: usize, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
    format!(
        "{} with another meaning{}{}, {} with other text, {} new, {} gone, {} unchanged",
        plural(count(Kind::Meaning), "rule"),
        some(queries, "with another query"),
        some(reads, "read from elsewhere"),
        count(Kind::Text),
        compared.added.len(),
        compared.removed.len(),
        compared.unchanged
    )
}

fn sentence(change: &Change) -> String {
    let clause = &change.clause;
    match shortened(change) {
        (Some(old), Some(new)) => format!("{clause}: {old} → {new}"),
        (None, Some(new)) => format!("{clause}: new, {new}"),
        (Some(old), None) => format!("{clause}: gone, was {old}"),
        (None, None) => clause.clone(),
    }
}

/// What a clause was and is, each on one line that a reader can take in.
fn shortened(Change { clause: _, old, new }: &Change) -> (Option<String>, Option<String>) {
    let [old, new] = [old, new].map(|text| text.as_deref().map(line));
    match (old, new) {
        (Some(old), Some(new)) => {
            let (old, new) = shorten::pair(&old, &new, LONGEST);
            (Some(old), Some(new))
        }
        (old, new) => {
            let short = |text: String| shorten::one(&text, LONGEST);
            (old.map(short), new.map(short))
        }
    }
}

/// The most characters of a clause.
const LONGEST: usize = 400;

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fidelity((target, before, after): &(&'static str, Option<Fidelity>, Option<Fidelity>)) -> String {
    let loss = if is_loss(*before, *after) { " (a loss)" } else { "" };
    format!("fidelity in {target}: {} → {}{loss}", word(*before), word(*after))
}

fn shown(Shown { source, at, fields }: &Shown) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{source} at {} {{ {} }}", ir::duration(*at), fields.join(", "))
}

fn alerts(times: &[u64]) -> String {
    match times {
        [] => "no alert".to_owned(),
        times => {
            let times: Vec<_> = times.iter().map(|at| ir::duration(*at)).collect();
            format!("{} at {}", plural(times.len(), "alert"), times.join(", "))
        }
    }
}

/// For a pull request.
pub(super) fn markdown(compared: &Compared) -> String {
    let mut lines = vec!["### What this change means".to_owned(), String::new(), summary(compared)];
    if let Some(line) = faulty(compared) {
        lines.extend([String::new(), line]);
    }
    let names =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for (what, rules) in [
        ("New", &compared.added),
        ("Gone", &compared.removed),
        ("Had errors, not compared", &compared.repaired),
    ] {
        if !rules.is_empty() {
            lines.extend([String::new(), format!("**{what}:** {}", names(rules))]);
        }
    }
    for Rules { name, report, reads, queries, because, targets } in &compared.changed {
        lines.extend([String::new(), format!("#### `{name}`"), String::new()]);
        if !report.meaning.is_empty() || !reads.is_empty() {
            lines.extend(["| clause | before | now |".to_owned(), "|---|---|---|".to_owned()]);
            lines.extend(report.meaning.iter().chain(reads).map(row));
            lines.push(String::new());
        }
        lines.extend(queries::markdown(queries, *because));
        lines.extend(targets.iter().map(|target| format!("- {}", fidelity(target))));
        if let Some(witness) = &report.witness {
            lines.extend(witness_lines(witness));
        } else if !report.meaning.is_empty() {
            lines.push("No events were found on which the two differ.".to_owned());
        }
        let texts: Vec<_> = report.text.iter().map(|change| format!("`{}`", change.clause)).collect();
        if !texts.is_empty() {
            lines.extend([String::new(), format!("Other text: {}", texts.join(", "))]);
        }
    }
    let on_logs = on_logs(compared);
    if !on_logs.is_empty() {
        lines.extend([String::new(), "```".to_owned()]);
        lines.extend(on_logs.into_iter().map(|line| line.replace('`', "'")));
        lines.push("```".to_owned());
    }
    printed(&lines)
}

fn row(change: &Change) -> String {
    let (old, new) = shortened(change);
    let cell = |text: Option<String>| match text {
        Some(text) => format!("`{}`", text.replace('|', "\\|").replace('`', "'")),
        None => String::new(),
    };
    format!("| {} | {} | {} |", change.clause.replace('|', "\\|").replace('`', "'"), cell(old), cell(new))
}

fn witness_lines(witness: &Witness) -> Vec<String> {
    let mut lines =
        vec![format!("The two differ on {}:", plural(witness.events.len(), "event")), String::new()];
    lines.push("```".to_owned());
    lines.extend(witness.events.iter().map(|event| shown(event).replace('`', "'")));
    lines.push(format!("before: {}; now: {}", alerts(&witness.old), alerts(&witness.new)));
    lines.push("```".to_owned());
    lines
}
