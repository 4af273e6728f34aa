//! The chain of a rule as a picture: steps as boxes, windows and keys on the arrows, exceptions as gates,
//! what must not be there as crossed boxes.
//!
//! In: a rule. Out: a [`Picture`], and from it text for a terminal or an SVG document.
//! Must not know: targets, files, where a picture is shown.

mod svg;
mod text;

use crate::backend::shape;
use crate::engine::words;
use crate::ir::{
    Absence, AbsenceKey, Chain, Comparison, Key, Link, Pred, Repetition, Rule, Selection, Step, Together,
    When, duration,
};

pub use svg::{Theme, svg};
pub use text::text;

/// What a picture shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The title of the rule.
    pub title: String,
    /// The steps, from the first to the last.
    pub steps: Vec<StepBox>,
    /// What leads from each step to the next.
    pub arrows: Vec<Arrow>,
    /// What holds for the whole chain, a line each.
    pub whole: Vec<String>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepBox {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// The parts of its condition, each with the word that joins it to those before.
    pub condition: Vec<String>,
    /// What is exempted.
    pub gates: Vec<Gate>,
    /// What must not be there beside it.
    pub absences: Vec<Absent>,
    /// How often what is left must come; it counts last.
    pub count: Option<String>,
}

/// Records that must not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// What they are, as in "no reset".
    pub name: String,
    /// Their source; none where they are like those of the step.
    pub source: String,
    /// The parts of their condition.
    pub condition: Vec<String>,
    /// Which of them are allowed.
    pub gates: Vec<Gate>,
    /// When, and what is equal.
    pub place: String,
}

/// An exception of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What is exempted, as the language writes it.
    pub text: String,
    /// How many entries the allowlist has, if that is all there is to it.
    pub entries: Option<usize>,
}

/// From one step to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The longest time between the two.
    pub window: String,
    /// What is equal on both sides.
    pub keys: Vec<String>,
    /// How other fields of the two compare.
    pub comparisons: Vec<String>,
    /// Whether the key is another than on the arrow before.
    pub changes: bool,
    /// What must not be there between the two.
    pub absences: Vec<Absent>,
}

impl Picture {
    /// The picture of a rule.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let Chain { total, total_is_explicit, scope, steps, links, together } = &rule.chain;
        let total = format!("at most {} from the first to the last", duration(total.seconds));
        let shared: Vec<&str> = scope.iter().map(|field| field.node.as_str()).collect();
        let shared = (!shared.is_empty()).then(|| format!("the same {} in every step", shared.join(", ")));
        let changes = |at: usize| {
            let pair = at.checked_sub(1).and_then(|before| Some((links.get(before)?, links.get(at)?)));
            pair.is_some_and(|(before, after)| !shape::same_key(before, after))
        };
        Self {
            title: rule.meta.title.clone(),
            steps: steps.iter().map(|step| step_box(step, rule)).collect(),
            arrows: match together {
                None => links.iter().enumerate().map(|(at, link)| arrow(link, changes(at), rule)).collect(),
                Some(together) => steps.iter().skip(1).map(|_| any_order(together, rule)).collect(),
            },
            whole: total_is_explicit.then_some(total).into_iter().chain(shared).collect(),
        }
    }
}

fn step_box(step: &Step, rule: &Rule) -> StepBox {
    let Step { name, main, others, absences, repetition, span: _ } = step;
    let selections = || std::iter::once(main).chain(others);
    StepBox {
        name: name.node.clone(),
        source: main.source.node.clone(),
        condition: conditions(selections(), rule),
        gates: selections().flat_map(|selection| gates(selection, rule)).collect(),
        absences: absences.iter().map(|absence| absent(absence, rule)).collect(),
        count: repetition.as_ref().map(repeated),
    }
}

/// The parts of the conditions of selections; the source of the first stands elsewhere.
fn conditions<'a>(selections: impl Iterator<Item = &'a Selection>, rule: &Rule) -> Vec<String> {
    let one = |(at, selection): (usize, &'a Selection)| {
        let other = (at > 0).then(|| format!("or from {}", selection.source.node));
        other.into_iter().chain(condition(selection, rule))
    };
    selections.enumerate().flat_map(one).collect()
}

fn gates(selection: &Selection, rule: &Rule) -> Vec<Gate> {
    selection.excepts.iter().map(|except| gate(except, rule)).collect()
}

/// The parts of a condition; exceptions are gates of their own.
fn condition(selection: &Selection, rule: &Rule) -> Vec<String> {
    let Selection { source: _, renames: _, filter, excepts: _, span: _ } = selection;
    match filter {
        Pred::And(parts) => joined(parts, "and", rule),
        Pred::Or(parts) => joined(parts, "or", rule),
        Pred::Not(_) | Pred::Test(_) => vec![words::pred(filter, rule)],
    }
}

fn repeated(repetition: &Repetition) -> String {
    let Repetition { least, distinct, window, by, by_is_explicit: _, span: _ } = repetition;
    let distinct =
        distinct.as_ref().map(|counted| format!(" distinct {}", counted.field.name)).unwrap_or_default();
    let by: Vec<&str> = by.iter().map(|by| by.field.name.as_str()).collect();
    format!("at least {least}{distinct} within {} by {}", duration(window.seconds), by.join(", "))
}

fn absent(absence: &Absence, rule: &Rule) -> Absent {
    let Absence { name, selections, when, keys, span: _ } = absence;
    let when = match when {
        When::Before(window) => format!("within {} before", duration(window.seconds)),
        When::After(window) => format!("within {} after", duration(window.seconds)),
        When::Between => "between".to_owned(),
    };
    let key = |AbsenceKey { of: _, left, right, case: _ }: &AbsenceKey| same(&left.name, &right.name);
    let keys: Vec<String> = keys.iter().map(key).collect();
    Absent {
        name: name.as_ref().map_or("such record", |name| name.node.as_str()).to_owned(),
        source: selections.first().map_or(String::new(), |first| first.source.node.clone()),
        condition: conditions(selections.iter(), rule),
        gates: selections.iter().flat_map(|selection| gates(selection, rule)).collect(),
        place: format!("{when}, same {}", keys.join(", ")),
    }
}

/// Two fields that are equal.
fn same(left: &str, right: &str) -> String {
    if left == right { left.to_owned() } else { format!("{left} = {right}") }
}

/// Parts of a condition, each but the first with the word that joins it.
fn joined(parts: &[Pred], word: &str, rule: &Rule) -> Vec<String> {
    let part = |(at, part): (usize, &Pred)| {
        let text = words::pred(part, rule);
        let text = match part {
            Pred::And(_) | Pred::Or(_) => format!("({text})"),
            Pred::Not(_) | Pred::Test(_) => text,
        };
        if at == 0 { text } else { format!("{word} {text}") }
    };
    parts.iter().enumerate().map(part).collect()
}

fn gate(except: &Pred, rule: &Rule) -> Gate {
    let list = match except {
        Pred::Test(test) => test.list().and_then(|list| rule.lists.get(list)),
        Pred::And(_) | Pred::Or(_) | Pred::Not(_) => None,
    };
    Gate { text: words::pred(except, rule), entries: list.map(|list| list.entries.len()) }
}

fn arrow(link: &Link, changes: bool, rule: &Rule) -> Arrow {
    let Link { gap, keys, comparisons, absences, span: _ } = link;
    let key = |Key { left, right, case: _, folds: _, any, from_scope: _ }: &Key| {
        let side = |name: &str, any| if any { format!("any({name})") } else { name.to_owned() };
        same(&side(&left.name, any.left), &side(&right.name, any.right))
    };
    // What every step shares is said once, below.
    let own: Vec<String> = keys.iter().filter(|key| !key.from_scope).map(key).collect();
    let comparison = |Comparison { left, op, right, span: _ }: &Comparison| {
        format!("{} {} {}", left.name, words::compared(*op), right.name)
    };
    Arrow {
        window: duration(gap.seconds),
        keys: if own.is_empty() { keys.iter().map(key).collect() } else { own },
        comparisons: comparisons.iter().map(comparison).collect(),
        changes,
        absences: absences.iter().map(|absence| absent(absence, rule)).collect(),
    }
}

/// Between steps that come in any order.
fn any_order(Together { keys, span: _ }: &Together, rule: &Rule) -> Arrow {
    Arrow {
        window: format!("{}, in any order", duration(rule.chain.total.seconds)),
        keys: keys.iter().map(|key| key.field.name.clone()).collect(),
        comparisons: Vec::new(),
        changes: false,
        absences: Vec::new(),
    }
}

impl Gate {
    /// In a line: `image.id in approved_images (3 entries)`.
    #[must_use]
    pub fn line(&self) -> String {
        match self.entries {
            Some(1) => format!("{} (1 entry)", self.text),
            Some(count) => format!("{} ({count} entries)", self.text),
            None => self.text.clone(),
        }
    }
}

/// Cuts a text into lines of at most `width` characters, at blanks where there are some; of more than `most` lines the
/// rest is left out.
fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        while let Some(line) = lines.last_mut() {
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.chars().count() <= width {
                line.extend((used > 0).then_some(' '));
                line.push_str(word);
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            // A word that is longer than a line.
            let at = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
            let (head, tail) = word.split_at(at);
            line.push_str(head);
            lines.push(String::new());
            word = tail;
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests;
