//! The rules under test: the shipped ones, every case of the corpus that compiles, and random ones.
//!
//! In: how many random rules are wanted. Out: rules with names. Must not know: targets, scenarios.

use catena::backend::ListDelivery;
use catena::catalog::Catalog;
use catena::ir::{Case, Rule, Type};

use super::random_rules::RuleGenerator;
use crate::program::root;
use crate::{corpus, rules};

/// A rule, and how its allowlists reach the query.
pub(super) struct Subject {
    pub(super) name: String,
    /// The text of a random rule; the path of another.
    pub(super) origin: String,
    pub(super) rule: Rule,
    pub(super) delivery: ListDelivery,
    /// Of a random rule.
    pub(super) seed: Option<u64>,
}

/// The logs of which the harnesses know how each engine stores them. What targets make of other logs is checked by the
/// vendors' own tools alone.
const MODELLED: [&str; 2] = ["aws.cloudtrail", "aws.vpcflow"];

fn is_modelled(rule: &Rule) -> bool {
    rule.chain.selections().all(|selection| MODELLED.contains(&selection.source.node.as_str()))
}

/// Every rule of the corpus over logs that the engines can be given, AN1318 on AWS among them; those with allowlists
/// once more by look-up.
pub(super) fn of_files() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for path in corpus::compiling() {
        for rule in rules::from_file(&root().join(&path)).into_iter().filter(is_modelled) {
            let deliveries: &[ListDelivery] = if rule.lists.is_empty() {
                &[ListDelivery::Auto]
            } else {
                &[ListDelivery::Auto, ListDelivery::Lookup]
            };
            subjects.extend(deliveries.iter().map(|delivery| Subject {
                name: rule.name.node.clone(),
                origin: path.clone(),
                rule: rule.clone(),
                delivery: *delivery,
                seed: None,
            }));
            subjects.extend(subjects.last().and_then(folded));
        }
    }
    subjects
}

/// The same rule as if its sources folded every text that records share or of which values are counted: those that are
/// modelled fold none. `None` for a rule that groups no records by a text.
fn folded(subject: &Subject) -> Option<Subject> {
    let mut rule = subject.rule.clone();
    let chain = &mut rule.chain;
    let counts = chain.steps.iter_mut().filter_map(|step| step.repetition.as_mut());
    let counted = counts.flat_map(|count| count.by.iter_mut().chain(&mut count.distinct));
    let mut groups: Vec<_> =
        counted.chain(chain.together.iter_mut().flat_map(|together| &mut together.keys)).collect();
    groups.retain(|group| group.field.ty == Type::String);
    if groups.is_empty() {
        return None;
    }
    for group in groups {
        group.case = Case::Ignore;
    }
    for key in chain.links.iter_mut().flat_map(|link| &mut link.keys) {
        if key.case == Case::Sensitive && [&key.left, &key.right].iter().all(|side| side.ty == Type::String) {
            (key.case, key.folds) = (Case::Ignore, true);
        }
    }
    rule.name.node.push_str("_folded");
    let (name, origin) = (rule.name.node.clone(), subject.origin.clone());
    Some(Subject { name, origin, rule, delivery: subject.delivery, seed: subject.seed })
}

/// Random rules in the order of their seeds, without those that the checker refuses.
pub(super) fn random(catalog: &Catalog) -> impl Iterator<Item = Subject> + '_ {
    (0..).filter_map(move |seed: u64| {
        let name = format!("random_{seed}");
        let text = RuleGenerator::new(catalog, seed).rule(&name);
        let rule = rules::try_from_text(&text).ok()?.pop()?;
        let delivery = if seed.is_multiple_of(5) { ListDelivery::Lookup } else { ListDelivery::Auto };
        let subject = Subject { name, origin: text, rule, delivery, seed: Some(seed) };
        if seed % 4 == 3 { folded(&subject).or(Some(subject)) } else { Some(subject) }
    })
}
