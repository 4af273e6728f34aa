//! What a rule exercises, for the report: the rows of its tables.
//!
//! In: a rule. Out: names of features. Must not know: targets, scenarios.

use std::collections::BTreeSet;

use catena::backend::shape;
use catena::catalog::Catalog;
use catena::ir::{Case, Pred, Rule, TestKind, Type};

use super::samples::FLOW;

/// The features of a rule, in the words of the language reference.
pub(super) fn of(rule: &Rule, catalog: &Catalog, by_lookup: bool) -> BTreeSet<&'static str> {
    let mut features = BTreeSet::new();
    shape_of(rule, catalog, &mut features);
    for step in &rule.chain.steps {
        of_pred(&step.main.filter, false, &mut features);
        step.main.excepts.iter().for_each(|except| of_pred(except, true, &mut features));
        if step.main.source.node == FLOW {
            features.insert("source: flow logs");
        }
        let in_group = |name: &str| {
            catalog
                .source(&step.main.source.node)
                .and_then(|source| source.field(name))
                .is_some_and(|def| def.in_group.is_some())
        };
        let mut fields = BTreeSet::new();
        super::satisfy::fields_of(&step.main.filter, &mut |name, _| _ = fields.insert(name));
        if fields.into_iter().any(in_group) {
            features.insert("test of an item of a repeated group");
        }
    }
    if super::scenarios::needs_wide_flows(rule, catalog) {
        features.insert("flow fields of versions 3 to 5");
    }
    if by_lookup {
        features.insert("allowlist by lookup");
    }
    features
}

fn shape_of(rule: &Rule, catalog: &Catalog, features: &mut BTreeSet<&'static str>) {
    let chain = &rule.chain;
    features.insert(match chain.steps.len() {
        1 => "steps: 1",
        2 => "steps: 2",
        3 => "steps: 3",
        4 => "steps: 4",
        _ => "steps: 5 and more",
    });
    let keys = || chain.links.iter().flat_map(|link| &link.keys);
    let facts = [
        (!chain.links.is_empty() && shape::key_changes(chain).is_empty(), "one key along the chain"),
        (!shape::key_changes(chain).is_empty(), "key that changes"),
        (!shape::binding_gaps(chain).is_empty(), "gap shorter than the total"),
        (shape::total_binds(chain), "total shorter than the gaps"),
        (!chain.scope.is_empty(), "scope"),
        (keys().any(|key| key.left.name != key.right.name), "link between different fields"),
        (chain.links.iter().any(|link| link.keys.len() > 1), "several link fields"),
        (keys().any(|key| key.right.name.starts_with("instance.")), "link on an item of a repeated group"),
        (keys().any(|key| key.any.of_one()), "link by any value of a field with several"),
        (rule.params.iter().any(|_| true), "parameter"),
        (rule.lists.iter().any(|list| list.lookup.is_some()), "column of a lookup"),
        (
            chain.steps.windows(2).any(|pair| shape::may_share_event(&pair[0], &pair[1], catalog)),
            "one event may match two neighbours",
        ),
    ];
    features.extend(facts.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name));
}

fn of_pred(pred: &Pred, negated: bool, features: &mut BTreeSet<&'static str>) {
    match pred {
        Pred::And(parts) => parts.iter().for_each(|part| of_pred(part, negated, features)),
        Pred::Or(parts) => {
            features.insert("or");
            for part in parts {
                of_pred(part, negated, features);
            }
        }
        Pred::Not(inner) => of_pred(inner, !negated, features),
        Pred::Test(test) => {
            if negated {
                features.insert("negation, with missing fields");
            }
            let ignoring = |case: &Case| *case == Case::Ignore;
            let (name, any_case) = match &test.kind {
                TestKind::Exists => ("exists", false),
                TestKind::Equals { case, .. } => (of_type(test.field.ty), ignoring(case)),
                TestKind::InNetworks { .. } => ("networks", false),
                TestKind::InList { .. } => ("allowlist", false),
                TestKind::Order { .. } => (of_type(test.field.ty), false),
                TestKind::Like { case, .. } => ("wildcards", ignoring(case)),
                TestKind::Substring { case, .. } => ("substrings", ignoring(case)),
                TestKind::Matches { .. } => ("regular expressions", false),
                TestKind::SameAs { .. } => ("comparison of two fields", false),
                TestKind::TextOf { case, .. } => ("text of one field in another", ignoring(case)),
                TestKind::Values(_) => ("fields with several values", false),
            };
            features.insert(name);
            if any_case {
                features.insert("case-insensitive");
            }
        }
    }
}

fn of_type(ty: Type) -> &'static str {
    match ty {
        Type::String => "equality of strings",
        Type::Int | Type::Float => "numbers",
        Type::Bool => "booleans",
        Type::Ip => "addresses",
        Type::Time => "timestamps",
    }
}
