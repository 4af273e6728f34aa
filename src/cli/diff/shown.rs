//! What differs, as text, Markdown and JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::backend::Fidelity;
use crate::cli::report::plural;
use crate::diff::{Change, Report, Shown, Witness};
use crate::ir;
use crate::source::{visible, visible_json};

/// Version of the JSON form.
const VERSION: u32 = 1;

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
    pub(super) targets: Targets,
}

impl Compared {
    /// Whether something is lost: a rule, or fidelity.
    pub(super) fn loses(&self) -> bool {
        let mut targets = self.changed.iter().flat_map(|rules| &rules.targets);
        !self.removed.is_empty() || targets.any(|(_, before, after)| is_loss(*before, *after))
    }
}

fn is_loss(before: Option<Fidelity>, after: Option<Fidelity>) -> bool {
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
    for Rules { name, report, targets } in &compared.changed {
        let kind = if report.meaning.is_empty() { "the same meaning" } else { "another meaning" };
        lines.push(format!("rule {name}: {kind}"));
        lines.extend(report.meaning.iter().map(|change| format!("  {}", sentence(change))));
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
    let meaning = compared.changed.iter().filter(|rules| !rules.report.meaning.is_empty()).count();
    format!(
        "{} with another meaning, {} with other text, {} new, {} gone, {} unchanged",
        plural(meaning, "rule"),
        compared.changed.len() - meaning,
        compared.added.len(),
        compared.removed.len(),
        compared.unchanged
    )
}

fn sentence(Change { clause, old, new }: &Change) -> String {
    match (old, new) {
        (Some(old), Some(new)) => format!("{clause}: {} → {}", short(old), short(new)),
        (None, Some(new)) => format!("{clause}: new, {}", short(new)),
        (Some(old), None) => format!("{clause}: gone, was {}", short(old)),
        (None, None) => clause.clone(),
    }
}

/// One line that a reader can take in.
fn short(text: &str) -> String {
    const LONGEST: usize = 400;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).chain(['…']).collect() }
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
    for Rules { name, report, targets } in &compared.changed {
        lines.extend([String::new(), format!("#### `{name}`"), String::new()]);
        if !report.meaning.is_empty() {
            lines.extend(["| clause | before | now |".to_owned(), "|---|---|---|".to_owned()]);
            lines.extend(report.meaning.iter().map(row));
            lines.push(String::new());
        }
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

fn row(Change { clause, old, new }: &Change) -> String {
    let cell = |text: &Option<String>| match text {
        Some(text) => format!("`{}`", short(text).replace('|', "\\|").replace('`', "'")),
        None => String::new(),
    };
    format!("| {} | {} | {} |", clause.replace('|', "\\|").replace('`', "'"), cell(old), cell(new))
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

/// For programs.
pub(super) fn json(compared: &Compared) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        loses: bool,
        added: &'a [String],
        removed: &'a [String],
        unchanged: usize,
        not_compared: &'a [String],
        files_with_errors: &'a [String],
        changed: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        alerts: Option<Value>,
    }
    let changed = compared.changed.iter().map(|Rules { name, report, targets }| {
        let Report { meaning, text, witness } = report;
        let targets: Vec<_> = targets
            .iter()
            .map(|(target, before, after)| {
                json!({ "target": target, "old": before, "new": after, "loss": is_loss(*before, *after) })
            })
            .collect();
        let witness = witness.as_ref().map(|Witness { events, old, new }| {
            let event = |Shown { source, at, fields }: &Shown| json!({ "source": source, "at": at, "fields": fields });
            let events: Vec<_> = events.iter().map(event).collect();
            json!({ "events": events, "old": old, "new": new })
        });
        json!({ "rule": name, "meaning": meaning, "text": text, "targets": targets, "witness": witness })
    });
    let document = Document {
        version: VERSION,
        loses: compared.loses(),
        added: &compared.added,
        removed: &compared.removed,
        unchanged: compared.unchanged,
        not_compared: &compared.repaired,
        files_with_errors: &compared.faulty,
        changed: changed.collect(),
        alerts: compared
            .alerts
            .as_ref()
            .map(|Alerts { new, gone, both }| json!({ "new": new, "gone": gone, "both": both })),
    };
    Ok(visible_json(format!("{}\n", serde_json::to_string_pretty(&document)?)))
}
