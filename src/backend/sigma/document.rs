//! The YAML documents of a plan: metadata, identifiers, and the order of keys.
//!
//! In: a rule, its [`Plan`] and the notes found so far. Out: the text of one file.
//! Must not know: predicates, and how a plan is found.

use serde::ser::{Serialize, SerializeMap, Serializer};
use uuid::Uuid;

use crate::backend::print::phrase;
use crate::backend::{Effect, Fidelity, Job, Report, Target, columns};
use crate::ir::{Rule, Severity, Status};
use crate::yaml::{self, Prose};

use super::Sigma;
use super::attack::Attack;
use super::detection::Detection;
use super::plan::{Alias, Base, Correlation, Operand, Plan};
use super::title::{name_in_title_case, sentence_start, title, words};

/// Namespace of the identifiers that are derived from a rule's own: a random UUID that never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0b_6a3e_37c4_4d0b_9a5e_c1a3_0ca7_e7a0);

/// One document. The order of the fields is the order in `SigmaHQ`'s rules.
#[derive(serde::Serialize)]
struct Document {
    title: Text,
    id: String,
    name: String,
    status: Status,
    description: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Text>,
    author: Text,
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

#[derive(serde::Serialize)]
struct Logsource {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Text>,
}

#[derive(serde::Serialize)]
struct Join {
    r#type: &'static str,
    rules: Vec<String>,
    #[serde(rename = "group-by")]
    group_by: Vec<String>,
    timespan: String,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    aliases: Pairs<Pairs<String>>,
    condition: Pairs<usize>,
}

/// A mapping in the order in which it was filled.
struct Pairs<T>(Vec<(String, T)>);

impl<T> Pairs<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for Pairs<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// Text for people.
struct Text(String);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Prose(&self.0).serialize(serializer)
    }
}

/// All documents of a plan as one text.
///
/// # Errors
/// What YAML cannot say.
pub(super) fn print(job: &Job<'_>, plan: Plan, report: &Report) -> Result<String, String> {
    let Plan { bases, correlations } = plan;
    let writer = Writer { job, rule: job.rule, report };
    let steps = bases.len();
    let mut documents: Vec<_> =
        bases.into_iter().enumerate().map(|(index, base)| writer.base(index, steps, base)).collect();
    documents.extend(
        correlations.iter().enumerate().map(|(index, found)| writer.correlation(index, found, &correlations)),
    );
    if let Some(last) = documents.pop() {
        documents.push(writer.alerting(last));
    }
    yaml::write(&documents)
}

struct Writer<'a> {
    job: &'a Job<'a>,
    rule: &'a Rule,
    report: &'a Report,
}

impl Writer<'_> {
    fn base(&self, index: usize, steps: usize, base: Base) -> Document {
        let rule = &self.rule.name.node;
        let step = self.rule.chain.steps.get(index);
        let name = step.map_or("", |step| step.name.node.as_str());
        let source = step.and_then(|step| columns::source(self.job, step));
        let source_title = source.map_or("", |source| source.title.as_str());
        let number = index + 1;
        let suffix = format!("Step {number} {}", name_in_title_case(name));
        let description = phrase!(
            "Step {name} ({number} of {steps}) of the rule {rule}, in {source_title}. Not meant to alert alone."
        );
        let home = source.and_then(|source| source.targets.get(Sigma.name()));
        let word = |key: &str| home.and_then(|home| home.words.get(key)).cloned();
        let needs = (!base.requires.is_empty()).then(|| phrase!("Needs {}", base.requires.join("; ")));
        let stated = word("definition").map(|text| text.trim_end_matches('.').to_owned());
        let definition: Vec<_> = stated.into_iter().chain(needs).collect();
        let logsource = Logsource {
            category: word("category"),
            product: word("product"),
            service: word("service"),
            definition: (!definition.is_empty()).then(|| Text(definition.join(". "))),
        };
        Document {
            logsource: Some(logsource),
            detection: Some(base.detection),
            ..self.document(self.part_name(&[index]), &phrase!("step/{name}"), &suffix, description)
        }
    }

    fn correlation(&self, index: usize, found: &Correlation, all: &[Correlation]) -> Document {
        let (first, last) = found.covers;
        let suffix = phrase!(
            "Link {} {} to {}",
            index + 1,
            name_in_title_case(self.step_name(first)),
            name_in_title_case(self.step_name(last))
        );
        let description = phrase!(
            "Steps {} to {} of the rule {}, in order and with the same keys. Not meant to alert alone.",
            self.step_name(first),
            self.step_name(last),
            self.rule.name.node
        );
        let role = phrase!("steps/{}/{}", self.step_name(first), self.step_name(last));
        Document {
            correlation: Some(self.join(found, all)),
            ..self.document(self.part_name(&[first, last]), &role, &suffix, description)
        }
    }

    fn join(&self, found: &Correlation, all: &[Correlation]) -> Join {
        let operand = |operand: &Operand| match operand {
            Operand::Step(step) => self.part_name(&[*step]),
            Operand::Correlation(index) => {
                let (first, last) = all.get(*index).map_or((0, 0), |inner| inner.covers);
                self.part_name(&[first, last])
            }
        };
        let fields = |alias: &Alias| {
            let of = |(step, field): &(usize, super::literal::FieldName)| {
                (self.part_name(&[*step]), field.text().to_owned())
            };
            Pairs(alias.fields.iter().map(of).collect())
        };
        let with_fields = found.group_by.iter().filter(|alias| !alias.fields.is_empty());
        Join {
            r#type: "temporal_ordered",
            rules: found.rules.iter().map(operand).collect(),
            group_by: found.group_by.iter().map(|alias| alias.name.clone()).collect(),
            timespan: timespan(found.seconds),
            aliases: Pairs(with_fields.map(|alias| (alias.name.clone(), fields(alias))).collect()),
            condition: Pairs(vec![("gte".to_owned(), found.rules.len())]),
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
            Fidelity::Subset => format!("It may miss what the rule means: {}.", self.reasons(Effect::Subset)),
        });
        lines.join("\n")
    }

    fn reasons(&self, effect: Effect) -> String {
        let notes = self.report.notes.iter().filter(|note| note.effect == effect);
        notes.map(|note| note.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// A hyphen can stand in no name of a rule or step, so no two parts of any rules have the same name.
    fn part_name(&self, steps: &[usize]) -> String {
        let names = steps.iter().map(|step| self.step_name(*step));
        std::iter::once(self.rule.name.node.as_str()).chain(names).collect::<Vec<_>>().join("-")
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
pub(super) fn file_name(rule: &Rule) -> String {
    const LONGEST: usize = 90;
    let name = &rule.name.node;
    let full = match rule.chain.links.is_empty() {
        true if name.len() >= 10 && name.contains('_') => name.clone(),
        true => phrase!("detection_{name}"),
        false => phrase!("correlation_{name}"),
    };
    if full.len() <= LONGEST {
        return full;
    }
    let hash = Uuid::new_v5(&NAMESPACE, name.as_bytes()).simple().to_string();
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
