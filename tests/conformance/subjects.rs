//! The rules under test: the shipped ones, every case of the corpus that compiles, and random ones.
//!
//! In: how many random rules are wanted. Out: rules with names. Must not know: targets, scenarios.

use catena::backend::ListDelivery;
use catena::catalog::Catalog;
use catena::ir::Rule;

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
        }
    }
    subjects
}

/// Random rules in the order of their seeds, without those that the checker refuses.
pub(super) fn random(catalog: &Catalog) -> impl Iterator<Item = Subject> + '_ {
    (0..).filter_map(move |seed: u64| {
        let name = format!("random_{seed}");
        let text = RuleGenerator::new(catalog, seed).rule(&name);
        let rule = rules::try_from_text(&text).ok()?.pop()?;
        let delivery = if seed.is_multiple_of(5) { ListDelivery::Lookup } else { ListDelivery::Auto };
        Some(Subject { name, origin: text, rule, delivery, seed: Some(seed) })
    })
}
