//! A rule explained: in plain sentences, and what each target makes of it.
//!
//! In: a rule, and an emission or the reasons for none of each target. Out: an [`Explanation`], as text or as a page.
//! Must not know: files, terminals, how a query is made.

mod clauses;
mod cost;
mod english;
mod html;
mod text;

use crate::backend::{Effect, Emission, Fidelity, Level, Part, Target};
use crate::ir::{Chain, Dedupe, EntityKind, ParamValue, Rule, StepField, Together, duration};
use crate::picture::Picture;

pub use html::html;
pub use text::text;

/// A rule explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Its name.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Severity, status and what else is said in a word.
    pub facts: Vec<String>,
    /// What it detects, as its author says.
    pub description: String,
    /// What must happen for an alert.
    pub when: String,
    /// A sentence or more for each step.
    pub steps: Vec<String>,
    /// What an alert shows and when it is suppressed, and what can be set.
    pub after: Vec<String>,
    /// The chain.
    pub picture: Picture,
    /// What each target makes of it.
    pub targets: Vec<InTarget>,
}

/// A rule in a target.
#[derive(Debug, Clone, PartialEq)]
pub struct InTarget {
    /// The target, as "Splunk SPL".
    pub title: &'static str,
    /// What came of it.
    pub made: Made,
}

/// What came of a rule in a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Made {
    /// A query.
    Query(Query),
    /// None: why.
    Refused(Vec<String>),
    /// None, because its author does not mean it for this target.
    NotMeant,
}

/// What is to be said of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `exact`, `superset`, ….
    pub fidelity: &'static str,
    /// `record` or `key`.
    pub level: &'static str,
    /// How often it must run, and over how much time.
    pub schedule: String,
    /// Why it is not exact, and what depends on the engine: the kind of reason, and the reason.
    pub reasons: Vec<(&'static str, String)>,
    /// What must be set up.
    pub requires: Vec<String>,
    /// What it makes the SIEM do.
    pub cost: Vec<String>,
    /// The texts.
    pub parts: Vec<Part>,
}

impl Explanation {
    /// Explains a rule; `targets` are filled in by [`Explanation::add`].
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let meta = &rule.meta;
        let mut facts = vec![meta.severity.word().to_owned(), english::status(meta.status).to_owned()];
        facts.extend(meta.attack.iter().cloned());
        Self {
            rule: rule.name.node.clone(),
            title: meta.title.clone(),
            facts,
            description: meta.description.clone(),
            when: when(&rule.chain),
            steps: (0..rule.chain.steps.len()).filter_map(|at| clauses::step(rule, at)).collect(),
            after: after(rule),
            picture: Picture::of(rule),
            targets: Vec::new(),
        }
    }

    /// Adds what a target makes of the rule.
    pub fn add(&mut self, target: &dyn Target, made: Made) {
        self.targets.push(InTarget { title: target.title(), made });
    }
}

impl Query {
    /// What is to be said of an emission.
    #[must_use]
    pub fn of(emission: &Emission) -> Self {
        let schedule = |part: &Part| {
            let (every, over) = (duration(part.schedule.every), duration(part.schedule.look_back));
            format!("every {every} over {over}")
        };
        let mut schedules: Vec<String> = emission.parts.iter().map(schedule).collect();
        schedules.dedup();
        let word = |effect: Effect| match effect {
            Effect::Subset => "may miss",
            Effect::Conditional => "may miss in some engines",
            Effect::Superset => "may add",
            Effect::Engine => "engine",
            Effect::Shown => "note",
        };
        Self {
            fidelity: fidelity(emission.fidelity),
            level: match emission.level {
                Level::Record => "record",
                Level::Key => "key",
            },
            schedule: schedules.join(", then "),
            reasons: emission.notes.iter().map(|note| (word(note.effect), note.message.clone())).collect(),
            requires: emission.requires.clone(),
            cost: cost::of(emission),
            parts: emission.parts.clone(),
        }
    }
}

/// The word for a fidelity.
#[must_use]
pub fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "exact",
        Fidelity::Superset => "superset",
        Fidelity::Conditional => "conditional",
        Fidelity::Subset => "subset",
    }
}

fn when(chain: &Chain) -> String {
    let Chain { total, total_is_explicit, scope, steps, links: _, together } = chain;
    if let [_] = steps.as_slice() {
        return "It alerts when this happens:".to_owned();
    }
    if let Some(Together { keys, span: _ }) = together {
        let keys: Vec<String> = keys.iter().map(clauses::group).collect();
        let (most, keys) = (duration(total.seconds), english::all(&keys));
        return format!(
            "It alerts when all of these happen within {most}, in any order, with the same {keys}:"
        );
    }
    let most = total_is_explicit
        .then(|| format!(", at most {} from the first to the last", duration(total.seconds)));
    let fields: Vec<&str> = scope.iter().map(|field| field.node.as_str()).collect();
    let shared = (!fields.is_empty()).then(|| format!(", all with the same {}", english::all(&fields)));
    let (most, shared) = (most.unwrap_or_default(), shared.unwrap_or_default());
    format!("It alerts when these happen in this order{most}{shared}:")
}

fn after(rule: &Rule) -> Vec<String> {
    let name = |field: &StepField| {
        let step = rule.chain.steps.get(field.step).map_or("?", |step| step.name.node.as_str());
        format!("{step}.{}", field.field.name)
    };
    let alert = &rule.alert;
    let mut lines = Vec::new();
    let entity = |kind: EntityKind, field: &StepField| format!("the {} {}", kind.name(), name(field));
    let named: Vec<String> = alert.entities.iter().map(|one| entity(one.kind, &one.field)).collect();
    if !named.is_empty() {
        lines.push(format!("An alert is about {}.", english::all(&named)));
    }
    let shown: Vec<String> = alert.show.iter().map(name).collect();
    if !shown.is_empty() {
        lines.push(format!("It shows {}.", english::all(&shown)));
    }
    if let Some(Dedupe { window, by }) = &alert.dedupe {
        let by: Vec<String> = by.iter().map(name).collect();
        let window = duration(window.seconds);
        lines.push(format!(
            "Further alerts with the same {} are suppressed for {window} after one.",
            english::all(&by)
        ));
    }
    let value = |value: &ParamValue| match value {
        ParamValue::Duration(seconds) => duration(*seconds),
        ParamValue::Int(number) => number.to_string(),
        ParamValue::Float(number) => number.to_string(),
        ParamValue::String(text) => format!("{text:?}"),
        ParamValue::Bool(truth) => truth.to_string(),
    };
    let set = |overridden: bool| if overridden { " (set here)" } else { "" };
    let params = rule.params.iter();
    let params: Vec<String> = params
        .map(|param| format!("{} = {}{}", param.name.node, value(&param.value), set(param.overridden)))
        .collect();
    if !params.is_empty() {
        lines.push(format!("Parameters: {}.", params.join(", ")));
    }
    lines
}
