//! What a rule says to whoever reads its alerts.
//!
//! In: a rule. Out: [`Shown`]: its title, severity and playbook, and the order in which fields of a step are of
//! interest. Must not know: output formats.

use crate::engine::alert::Alert;
use crate::engine::record::Record;
use crate::engine::value::{Value, instant_text};
use crate::ir::{self, Case, Playbook, PlaybookPart, Pred, Rule, Severity, StepField, TestKind};
use crate::source::visible;

/// What a rule says to whoever reads its alerts.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its title.
    pub title: String,
    /// How bad an alert is.
    pub severity: Severity,
    playbook: Option<Playbook>,
    steps: Vec<Order>,
}

/// The fields of a step that do not stand where the alphabet puts them.
#[derive(Debug, Clone, Default)]
struct Order {
    /// First what `entity` and `show` name, then the keys of links; each in the order of the rule.
    first: Vec<String>,
    /// Last what the step demands to be one value: it says nothing new.
    last: Vec<String>,
    /// What `entity` and `show` name.
    named: usize,
}

impl Shown {
    /// What `rule` says.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let steps = (0..rule.chain.steps.len()).map(|step| Order::of(rule, step)).collect();
        let (title, severity) = (rule.meta.title.clone(), rule.meta.severity);
        Self { title, severity, playbook: rule.playbook.clone(), steps }
    }

    /// The fields of the record of a step that have a value, the most telling first. The time stands beside them, and
    /// the identity of an event is of interest only where the rule asks for it.
    pub(super) fn fields<'r>(&self, step: usize, record: &'r Record) -> Vec<(&'r str, &'r Value<'static>)> {
        let none = Order::default();
        let order = self.steps.get(step).unwrap_or(&none);
        let present = record.present().filter(|(field, _)| order.shows(field));
        let mut fields: Vec<_> = present.collect();
        // In order of name where the rule says nothing.
        fields.sort_by_key(|(field, _)| order.rank(field));
        fields
    }

    /// The playbook, with the values of an alert's records in the place of its placeholders; `path` are its records.
    pub(super) fn playbook(&self, path: &[&Record], alert: &Alert) -> Option<String> {
        let value = |StepField { step, field }: &StepField| {
            let found = match (field.name.as_str(), alert.burst(*step)) {
                (ir::COUNT, Some(burst)) => Some(burst.count.to_string()),
                (ir::FIRST_TIME, Some(burst)) => Some(instant_text(burst.first_time)),
                (name, _) => path.get(*step).and_then(|record| record.get(name)).map(ToString::to_string),
            };
            found.map_or_else(|| "(missing)".to_owned(), |value| visible(&value).into_owned())
        };
        let part = |part: &PlaybookPart| match part {
            PlaybookPart::Text(text) => text.clone(),
            PlaybookPart::Field(field) => value(field),
        };
        Some(self.playbook.as_ref()?.parts.iter().map(part).collect())
    }
}

impl Order {
    fn of(rule: &Rule, step: usize) -> Self {
        let mut order = Self::default();
        let entities = rule.alert.entities.iter().map(|entity| &entity.field);
        for StepField { step: of, field } in entities.chain(&rule.alert.show) {
            if *of == step {
                order.add(&field.name);
            }
        }
        order.named = order.first.len();
        let before = step.checked_sub(1).and_then(|before| rule.chain.links.get(before));
        let after = rule.chain.links.get(step);
        before.iter().flat_map(|link| &link.keys).for_each(|key| order.add(&key.right.name));
        after.iter().flat_map(|link| &link.keys).for_each(|key| order.add(&key.left.name));
        let conjuncts =
            rule.chain.steps.get(step).map(|step| step.main.filter.conjuncts()).unwrap_or_default();
        order.last = conjuncts.into_iter().filter_map(demanded).map(str::to_owned).collect();
        order
    }

    fn add(&mut self, field: &str) {
        if !self.first.iter().any(|known| known == field) {
            self.first.push(field.to_owned());
        }
    }

    fn shows(&self, field: &str) -> bool {
        !matches!(field, "event.time" | "event.id")
            || self.first.iter().take(self.named).any(|named| named == field)
    }

    fn rank(&self, field: &str) -> (u8, usize) {
        match self.first.iter().position(|known| known == field) {
            Some(place) => (0, place),
            None if self.last.iter().any(|known| known == field) => (2, 0),
            None => (1, 0),
        }
    }
}

/// The field that a condition demands to be one value.
fn demanded(pred: &Pred) -> Option<&str> {
    let Pred::Test(test) = pred else { return None };
    match &test.kind {
        TestKind::Equals { values, case: Case::Sensitive } if values.len() == 1 => Some(&test.field.name),
        TestKind::Equals { .. }
        | TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::InList { .. }
        | TestKind::Order { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => None,
    }
}
