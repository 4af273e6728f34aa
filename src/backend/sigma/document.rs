//! The YAML documents of a plan: metadata, identifiers, and the order of keys.
//!
//! In: a bound rule, its [`Plan`] and the notes found so far. Out: the text of one file.
//! Must not know: predicates, and how a plan is found.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::Sigma;
use super::attack::Attack;
use super::column::Mapping;
use super::detection::Detection;
use super::literal::FieldName;
use super::plan::{Correlation, Kind, Plan, Steps};
use super::title::{name_in_title_case, sentence_start, title, words};
use crate::backend::bind::{Bound, BoundStep};
use crate::backend::print::phrase;
use crate::backend::{Effect, Fidelity, Job, Part, Report, Role, Schedule};
use crate::ir::{Rule, Severity, Status};
use crate::yaml::{self, Prose};

/// Namespace of the identifiers that are derived from a rule's own: a random UUID that never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0b_6a3e_37c4_4d0b_9a5e_c1a3_0ca7_e7a0);

/// One document. The order of the fields is the order in `SigmaHQ`'s rules.
#[derive(Serialize)]
struct Document {
    title: Text,
    // Both, always: correlations refer to names, and rsigma correlates no base rule without an id.
    id: String,
    name: String,
    status: Status,
    description: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Text>,
    author: Text,
    // Dates are written as texts: bare ones are of another type to readers of YAML 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logsource: Option<Logsource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<Join>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detection: Option<Detection>,
    falsepositives: Vec<Text>,
    level: Severity,
}

#[derive(Serialize)]
struct Logsource {
    #[serde(flatten)]
    words: IndexMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Text>,
}

#[derive(Serialize)]
struct Join {
    r#type: &'static str,
    rules: Vec<String>,
    #[serde(rename = "group-by")]
    group_by: Vec<String>,
    timespan: String,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    aliases: IndexMap<String, IndexMap<String, String>>,
    // Always written: left out, it is 1 to rsigma and the number of rules to pySigma. There is no `generate`: the
    // schema has it at the root of the document, pySigma reads it below `correlation`, and its default is the one to
    // have.
    condition: Condition,
}

#[derive(Serialize)]
struct Condition {
    gte: usize,
    // The field whose values are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// Text for people.
struct Text(String);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Prose(&self.0).serialize(serializer)
    }
}

/// The documents of a plan as files: all in one, or on request each base rule that a correlation names in its own.
///
/// # Errors
/// What YAML cannot say.
pub(super) fn print(
    job: &Job<'_>,
    bound: &Bound<'_, Sigma>,
    plan: Plan,
    report: &Report,
) -> Result<Vec<Part>, String> {
    let rule = job.rule;
    let schedule = Schedule::without_absences(bound, job);
    let Plan { detections, correlations } = plan;
    let bursts = correlations.iter().filter(|found| found.is_burst()).map(|found| found.covers.0).collect();
    let writer = Writer { rule, schedule, report, bursts };
    let steps = bound.steps.iter().zip(detections).enumerate();
    let bases = steps.map(|(index, (step, detection))| writer.base(index, step, detection));
    let joins = correlations.iter().enumerate().map(|(index, found)| writer.correlation(index, found));
    // What is referred to comes first: pySigma 1.5.1 fails on some other orders.
    let mut documents: Vec<_> = bases.chain(joins).collect();
    if let Some(last) = documents.pop() {
        documents.push(writer.alerting(last));
    }
    let apart = if job.options.split && !correlations.is_empty() { bound.steps.len() } else { 0 };
    let rest = documents.split_off(apart.min(documents.len()));
    let mut parts = Vec::with_capacity(apart + 1);
    for (index, document) in documents.into_iter().enumerate() {
        let name = base_file_name(rule, index, writer.step_name(index));
        let id = document.id.clone();
        parts.push(part((name, id, Role::Stage), schedule, &[document])?);
    }
    let (name, id) = (file_name(rule), rule.meta.id.clone());
    parts.push(part((name, id, Role::Query), schedule, &rest)?);
    Ok(parts)
}

/// A file of documents.
fn part(
    (name, id, role): (String, String, Role),
    schedule: Schedule,
    documents: &[Document],
) -> Result<Part, String> {
    let (indexes, keys) = (Vec::new(), Vec::new());
    Ok(Part { name, id, role, schedule, indexes, keys, lake: None, text: yaml::write(documents)? })
}

/// The log source of a step, with what its fields require.
fn logsource(step: &BoundStep<'_, Sigma>) -> Logsource {
    let Mapping { words, definition } = &step.main.schema.mapping;
    let stated = definition.as_ref().map(|text| text.trim_end_matches('.').to_owned());
    let needs = (!step.main.requires.is_empty()).then(|| phrase!("Needs {}", step.main.requires.join("; ")));
    let definition: Vec<_> = stated.into_iter().chain(needs).collect();
    let definition = (!definition.is_empty()).then(|| Text(definition.join(". ")));
    Logsource { words: words.clone(), definition }
}

struct Writer<'a> {
    rule: &'a Rule,
    schedule: Schedule,
    report: &'a Report,
    /// The steps for which the correlations of others take one that counts.
    bursts: Vec<usize>,
}

impl Writer<'_> {
    fn base(&self, index: usize, step: &BoundStep<'_, Sigma>, detection: Detection) -> Document {
        let name = &step.name.node;
        let suffix = phrase!("Step {} {}", index + 1, name_in_title_case(name));
        let description = phrase!(
            "Step {name} ({} of {}) of the rule {}, in {}. Not meant to alert alone.",
            index + 1,
            self.rule.chain.steps.len(),
            self.rule.name.node,
            step.main.source.title
        );
        Document {
            logsource: Some(logsource(step)),
            detection: Some(detection),
            ..self.document(self.part_name((index, index)), &phrase!("step/{name}"), &suffix, description)
        }
    }

    fn correlation(&self, index: usize, found: &Correlation) -> Document {
        let [from, to] = <[usize; 2]>::from(found.covers).map(|step| self.step_name(step));
        let rule = &self.rule.name.node;
        let number = index + 1;
        let (suffix, description) = if found.is_burst() {
            let suffix = phrase!("Burst {number} {}", name_in_title_case(from));
            (suffix, phrase!("Step {from} of the rule {rule}, so often. Not meant to alert alone."))
        } else {
            let suffix = phrase!("Link {number} {} to {}", name_in_title_case(from), name_in_title_case(to));
            let what = phrase!("Steps {from} to {to} of the rule {rule}");
            (suffix, phrase!("{what}, in order and with the same keys. Not meant to alert alone."))
        };
        let seed = phrase!("steps/{from}/{to}");
        let name =
            if found.is_burst() { self.burst_name(found.covers.0) } else { self.part_name(found.covers) };
        Document { correlation: Some(self.join(found)), ..self.document(name, &seed, &suffix, description) }
    }

    fn join(&self, found: &Correlation) -> Join {
        let Correlation { kind, rules, group_by, seconds, covers: _ } = found;
        let field =
            |(step, field): &(usize, FieldName)| (self.part_name((*step, *step)), field.text().to_owned());
        let fields = group_by.iter().filter(|(_, fields)| !fields.is_empty());
        let (gte, counted) = match kind {
            Kind::Ordered | Kind::Together => (rules.len(), None),
            Kind::Events(least) => (*least as usize, None),
            Kind::Values(least, field) => (*least as usize, Some(field.text().to_owned())),
        };
        // A step that repeats is the correlation that counts it, but for that correlation itself.
        let name = |steps: &Steps| match *steps {
            (first, last) if first == last && !found.is_burst() && self.bursts.contains(&first) => {
                self.burst_name(first)
            }
            steps => self.part_name(steps),
        };
        Join {
            r#type: kind.word(),
            rules: rules.iter().map(name).collect(),
            group_by: group_by.iter().map(|(name, _)| name.clone()).collect(),
            timespan: timespan(*seconds),
            aliases: fields
                .map(|(name, fields)| (name.clone(), fields.iter().map(field).collect()))
                .collect(),
            condition: Condition { gte, field: counted },
        }
    }

    /// A building block.
    fn document(&self, name: String, role: &str, suffix: &str, description: String) -> Document {
        let meta = &self.rule.meta;
        let seed = phrase!("{}/sigma/{role}", meta.id);
        Document {
            title: Text(title(&words(&self.rule.name.node), suffix)),
            id: Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string(),
            name,
            status: meta.status,
            description: Text(description),
            references: Vec::new(),
            author: Text(meta.author.clone().unwrap_or_else(|| "Catena".to_owned())),
            date: meta.date.map(|date| Text(date.to_string())),
            modified: meta.modified.map(|date| Text(date.to_string())),
            tags: Vec::new(),
            logsource: None,
            correlation: None,
            detection: None,
            falsepositives: vec![Text("Unknown".to_owned())],
            level: Severity::Informational,
        }
    }

    /// The last document is the one that alerts: it has the rule's own identity.
    fn alerting(&self, document: Document) -> Document {
        let meta = &self.rule.meta;
        let attack = Attack::of(&meta.attack);
        // SigmaHQ wants tags in place of links to ATT&CK; the ids without a tag are in the description.
        let references = meta.references.iter().filter(|link| !link.starts_with("https://attack.mitre.org/"));
        let mut falsepositives: Vec<_> =
            meta.false_positives.iter().map(|text| Text(sentence_start(text))).collect();
        if falsepositives.is_empty() {
            falsepositives.push(Text("Unknown".to_owned()));
        }
        Document {
            title: Text(title(&meta.title, "")),
            id: meta.id.clone(),
            // No document refers to this one, so it need not keep the name of a part.
            name: self.rule.name.node.clone(),
            description: Text(self.description(&attack)),
            references: references.cloned().map(Text).collect(),
            tags: attack.tags,
            falsepositives,
            level: meta.severity,
            ..document
        }
    }

    fn description(&self, attack: &Attack) -> String {
        let mut lines: Vec<String> =
            self.rule.meta.description.trim().lines().map(|line| line.trim_end().to_owned()).collect();
        if !attack.others.is_empty() {
            lines.push(phrase!("ATT&CK: {}.", attack.others.join(", ")));
        }
        lines.push(match self.report.fidelity() {
            Fidelity::Exact => "Exact: it matches what the rule it was compiled from means.".to_owned(),
            Fidelity::Superset => phrase!(
                "It misses nothing, but may match more than the rule means: {}.",
                self.reasons(Effect::Superset)
            ),
            Fidelity::Conditional => phrase!(
                "It may miss what the rule means in some engines: {}.{}",
                self.reasons(Effect::Conditional),
                match self.reasons(Effect::Superset).as_str() {
                    "" => String::new(),
                    reasons => phrase!(" It may match more: {reasons}."),
                }
            ),
            Fidelity::Subset => format!("It may miss what the rule means: {}.", self.reasons(Effect::Subset)),
        });
        let (engine, shown) = (self.reasons(Effect::Engine), self.reasons(Effect::Shown));
        let differ = [("Engines differ in this", engine), ("Note", shown)].into_iter();
        lines.extend(
            differ.filter(|(_, reasons)| !reasons.is_empty()).map(|(what, why)| phrase!("{what}: {why}.")),
        );
        lines.push(phrase!("{}.", sentence_start(&self.schedule.remark())));
        lines.join("\n")
    }

    fn reasons(&self, effect: Effect) -> String {
        let notes = self.report.notes.iter().filter(|note| note.effect == effect);
        notes.map(|note| note.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// A hyphen can stand in no name of a rule or step, so no two parts of any rules have the same name.
    fn part_name(&self, (first, last): Steps) -> String {
        let name = phrase!("{}-{}", self.rule.name.node, self.step_name(first));
        if first == last { name } else { phrase!("{name}-{}", self.step_name(last)) }
    }

    /// Two hyphens, which no other part has.
    fn burst_name(&self, step: usize) -> String {
        phrase!("{}--burst", self.part_name((step, step)))
    }

    fn step_name(&self, index: usize) -> &str {
        self.rule.chain.steps.get(index).map_or("", |step| &step.name.node)
    }
}

/// One number and one unit: the largest that divides.
fn timespan(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, 's'));
    phrase!("{}{unit}", seconds / size)
}

/// File name without extension, in the form that `sigma check` wants: `[a-z0-9_]{10,90}`.
fn file_name(rule: &Rule) -> String {
    let name = &rule.name.node;
    let is_one_rule =
        rule.chain.steps.len() == 1 && rule.chain.steps.iter().all(|step| step.repetition.is_none());
    let full = match is_one_rule {
        true if name.len() >= 10 && name.contains('_') => name.clone(),
        true => phrase!("detection_{name}"),
        false => phrase!("correlation_{name}"),
    };
    short_enough(full)
}

/// File name of a base rule that has a file of its own.
fn base_file_name(rule: &Rule, index: usize, step: &str) -> String {
    short_enough(phrase!("{}_step_{}_{step}", rule.name.node, index + 1))
}

fn short_enough(full: String) -> String {
    const LONGEST: usize = 90;
    if full.len() <= LONGEST {
        return full;
    }
    let hash = Uuid::new_v5(&NAMESPACE, full.as_bytes()).simple().to_string();
    let kept: String = full.chars().take(LONGEST - 9).collect();
    phrase!("{kept}_{}", hash.get(..8).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_one_unit() {
        let spans = [1, 59, 60, 90, 900, 3_600, 5_400, 86_400, 90_000].map(timespan);
        assert_eq!(spans, ["1s", "59s", "1m", "90s", "15m", "1h", "90m", "1d", "25h"]);
    }
}
