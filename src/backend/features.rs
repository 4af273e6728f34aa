//! The features that a rule needs.
//!
//! In: a rule. Out: its features with the clause that needs each; the gate asks the target about them.
//! Must not know: any particular target.

use std::collections::BTreeSet;

use super::caps::Feature;
use super::shape;
use crate::catalog::Catalog;
use crate::ir::{
    Absence, AbsenceKey, Alert, Case, Chain, CompareOp, Comparison, EntryValue, Field, FieldTest, GroupField,
    Key, Link, List, Pred, Repetition, Rule, Selection, Step, TestKind, Together, Type, ValuesTest, When,
};
use crate::source::Span;

/// The features a rule needs, each with the first clause that needs it. Everything of a rule is taken apart without
/// `..`: what is new in it must become a feature, or be known to need none.
#[must_use]
pub fn of(rule: &Rule, catalog: &Catalog) -> Vec<(Feature, Span)> {
    // What an alert shows needs nothing but columns, which `bind` looks up.
    let Rule { name: _, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span } = rule;
    let Alert { entities: _, show: _, dedupe: _ } = alert;
    let mut found = Found::default();
    chain_features(chain, lists, *span, catalog, &mut found);
    for (index, step) in chain.steps.iter().enumerate() {
        let Step { name: _, main: _, others, absences, repetition, span: _ } = step;
        for selection in step.selections() {
            let fields = chain.fields_read(index, selection);
            selection_features(selection, &fields, lists, catalog, &mut found);
        }
        if let Some(other) = others.first() {
            found.add(Feature::Alternatives, other.span);
        }
        if let Some(renaming) = others.iter().find(|other| !other.renames.is_empty()) {
            found.add(Feature::RenamedField, renaming.span);
        }
        for absence in absences {
            absence_features(absence, lists, catalog, &mut found);
        }
        if let Some(repetition) = repetition {
            repetition_features(repetition, &mut found);
        }
    }
    found.0
}

fn repetition_features(repetition: &Repetition, found: &mut Found) {
    let Repetition { least: _, distinct, window: _, by, by_is_explicit: _, span } = repetition;
    found.add(if distinct.is_some() { Feature::DistinctCount } else { Feature::Count }, *span);
    if by.iter().any(GroupField::folds) {
        found.add(Feature::FoldedGroup, *span);
    }
    if distinct.as_ref().is_some_and(GroupField::folds) {
        found.add(Feature::FoldedValues, *span);
    }
}

/// `fields` are those of its source that it and the clauses around it read.
fn selection_features(
    selection: &Selection,
    fields: &BTreeSet<&str>,
    lists: &[List],
    catalog: &Catalog,
    found: &mut Found,
) {
    let Selection { source, renames: _, filter, excepts, span } = selection;
    let source = catalog.source(&source.node);
    // It reads the repeated group of its source: in its condition or as a join key.
    let in_group = |name: &&str| {
        source.and_then(|source| source.field(name)).is_some_and(|field| field.in_group.is_some())
    };
    if fields.iter().any(in_group) {
        found.add(Feature::RepeatedGroup, *span);
    }
    pred_features(filter, lists, found);
    for except in excepts {
        // An exception negates without the word `not`: a record that lacks its field is not exempt.
        found.add(Feature::Negation, except.span());
        pred_features(except, lists, found);
    }
}

fn absence_features(absence: &Absence, lists: &[List], catalog: &Catalog, found: &mut Found) {
    let Absence { name, selections, when, keys, span } = absence;
    let feature = match (name, when) {
        (None, _) => Feature::FirstSeen,
        (Some(_), When::Before(_)) => Feature::AbsenceBefore,
        (Some(_), When::After(_)) => Feature::AbsenceAfter,
        (Some(_), When::Between) => Feature::AbsenceBetween,
    };
    found.add(feature, *span);
    for selection in selections {
        let shared = keys.iter().map(|key| selection.field(&key.right.name));
        let fields =
            shared.chain(selection.conditions().flat_map(Pred::fields).map(|field| field.name.as_str()));
        selection_features(selection, &fields.collect(), lists, catalog, found);
    }
    if keys.iter().any(|AbsenceKey { of: _, left: _, right: _, case }| *case == Case::Ignore) {
        found.add(Feature::FoldedKey, *span);
    }
}

#[derive(Default)]
struct Found(Vec<(Feature, Span)>);

impl Found {
    fn add(&mut self, feature: Feature, span: Span) {
        if !self.0.iter().any(|&(known, _)| known == feature) {
            self.0.push((feature, span));
        }
    }
}

fn chain_features(chain: &Chain, lists: &[List], rule: Span, catalog: &Catalog, found: &mut Found) {
    let Chain { total, total_is_explicit: _, scope, steps, links, together } = chain;
    if let Some(Together { keys, span }) = together {
        found.add(Feature::AnyOrder, *span);
        if keys.iter().any(GroupField::folds) {
            found.add(Feature::FoldedGroup, *span);
        }
        found.add(Feature::EqualTimes, *span);
        if shape::together_shares(chain, catalog) {
            found.add(Feature::SharedEvent, *span);
        }
        return;
    }
    if links.is_empty() {
        found.add(Feature::SingleStep, rule);
        return;
    }
    for Link { gap: _, keys: _, comparisons, absences, span } in links {
        found.add(Feature::OrderedSteps, *span);
        // Whatever the link: equal instants count as in order (docs/semantics.md, 4), and CloudTrail stamps whole
        // seconds.
        found.add(Feature::EqualTimes, *span);
        for absence in absences {
            absence_features(absence, lists, catalog, found);
        }
        for Comparison { left: _, op, right: _, span } in comparisons {
            let feature = match op {
                CompareOp::NotEqual => Feature::DifferentFields,
                CompareOp::Order(_) => Feature::OrderedFields,
            };
            found.add(feature, *span);
        }
    }
    for gap in shape::binding_gaps(chain) {
        found.add(Feature::GapWindow, gap.span);
    }
    if shape::total_binds(chain) {
        found.add(Feature::TotalWindow, total.span);
    }
    if let Some(link) = shape::key_changes(chain).first() {
        // A target with one key for all steps can fall back to the scope, and finds too much rather than too little.
        let feature = if scope.is_empty() { Feature::KeyChange } else { Feature::KeyChangeInScope };
        found.add(feature, link.span);
    }
    for (link, pair) in links.iter().zip(steps.windows(2)) {
        let Link { gap: _, keys, comparisons: _, absences: _, span } = link;
        for Key { left, right, case, folds, any, from_scope: _ } in keys {
            if any.of_one() {
                found.add(Feature::AnyKey, *span);
            }
            if left.name != right.name {
                found.add(Feature::FieldPair, *span);
            }
            if *case == Case::Ignore {
                found.add(if *folds { Feature::FoldedField } else { Feature::FoldedKey }, *span);
            }
        }
        if let [before, after] = pair
            && shape::may_share_event(before, after, catalog)
        {
            found.add(Feature::SharedEvent, *span);
        }
    }
}

fn pred_features(pred: &Pred, lists: &[List], found: &mut Found) {
    for (node, _) in pred.nodes() {
        match node {
            Pred::And(_) | Pred::Or(_) => {}
            Pred::Not(inner) => found.add(Feature::Negation, inner.span()),
            Pred::Test(test) => test_features(test, lists, found),
        }
    }
}

fn test_features(test: &FieldTest, lists: &[List], found: &mut Found) {
    let FieldTest { field, kind, span } = test;
    kind_features(kind, (field, *span), lists, found);
}

fn kind_features(kind: &TestKind, (field, span): (&Field, Span), lists: &[List], found: &mut Found) {
    let is_text = field.ty == Type::String;
    let text_case = |case: Case, found: &mut Found| {
        // Only text has case: an equality of numbers must not need a target that tells letters apart.
        if is_text {
            let feature = if case == Case::Ignore { Feature::IgnoreCase } else { Feature::CaseSensitive };
            found.add(feature, span);
        }
    };
    match kind {
        TestKind::Exists => found.add(Feature::Presence, span),
        TestKind::Equals { case, .. } | TestKind::Substring { case, .. } => text_case(*case, found),
        TestKind::Like { case, .. } => {
            text_case(*case, found);
            found.add(Feature::Wildcards, span);
        }
        TestKind::InNetworks { networks } => {
            for network in networks {
                let v4 = network.addr().is_ipv4();
                found.add(if v4 { Feature::Ipv4Network } else { Feature::Ipv6Network }, span);
            }
        }
        TestKind::InList { list, case: _ } => list_features(lists.get(*list), span, found),
        TestKind::Order { .. } => {
            let time = field.ty == Type::Time;
            found.add(if time { Feature::TimeOrder } else { Feature::NumberOrder }, span);
        }
        TestKind::Matches { .. } => found.add(Feature::RegularExpression, span),
        TestKind::SameAs { .. } => found.add(Feature::FieldComparison, span),
        TestKind::TextOf { place, other: _, case } => {
            if place.is_some() {
                found.add(Feature::FieldText, span);
            }
            let folds = *case == Case::Ignore;
            found.add(if folds { Feature::FoldedText } else { Feature::FieldComparison }, span);
        }
        TestKind::Values(ValuesTest { quantifier: _, negated: _, tests }) => {
            found.add(Feature::SeveralValues, span);
            for kind in tests {
                kind_features(kind, (field, span), lists, found);
            }
        }
    }
}

fn list_features(list: Option<&List>, span: Span, found: &mut Found) {
    found.add(Feature::Allowlist, span);
    for entry in list.into_iter().flat_map(|list| &list.entries) {
        match &entry.value {
            EntryValue::Pattern(pattern) => {
                found.add(Feature::CaseSensitive, span);
                if pattern.literal().is_none() {
                    found.add(Feature::Wildcards, span);
                }
            }
            EntryValue::Network(network) => {
                let v4 = network.addr().is_ipv4();
                found.add(if v4 { Feature::Ipv4Network } else { Feature::Ipv6Network }, span);
            }
            // Whether a target can hold the value is told at the test: Sigma has no timestamps, EQL none finer than a
            // millisecond.
            EntryValue::Value(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fixture::{an1318, catalog, equals, field, link, named, rule, step, test};
    use crate::ir::{Entry, Pattern};

    fn needed(rule: &Rule) -> Vec<Feature> {
        of(rule, &catalog()).into_iter().map(|(feature, _)| feature).collect()
    }

    #[test]
    fn a_chain_needs_what_its_windows_and_keys_say() {
        use Feature::{
            CaseSensitive, EqualTimes, FieldPair, GapWindow, KeyChange, KeyChangeInScope, OrderedSteps,
            SharedEvent, SingleStep, TotalWindow,
        };
        let step = |name: &str| step(name, "aws.cloudtrail", equals("event.provider", "x"), vec![]);
        let one = rule(vec![step("a")], vec![], 0, &[]);
        assert_eq!(needed(&one), [SingleStep, CaseSensitive]);
        let two = rule(vec![step("a"), step("b")], vec![link(60, &["actor.id"], &[])], 60, &[]);
        assert_eq!(needed(&two), [OrderedSteps, EqualTimes, SharedEvent, CaseSensitive]);
        let three = |keys: [&str; 2], total, scope: &[&str]| {
            let links = keys.map(|key| link(60, &[key], scope)).into();
            needed(&rule(vec![step("a"), step("b"), step("c")], links, total, scope))
        };
        let rest = [SharedEvent, CaseSensitive];
        assert_eq!(three(["actor.id"; 2], 120, &[])[2..], [&[GapWindow][..], &rest].concat());
        assert_eq!(three(["actor.id"; 2], 60, &[])[2..], [&[TotalWindow][..], &rest].concat());
        assert_eq!(
            three(["actor.id", "event.id"], 60, &[])[2..],
            [&[TotalWindow, KeyChange][..], &rest].concat()
        );
        let changes = three(["actor.id", "event.id"], 60, &["cloud.region"]);
        assert_eq!(changes[2..], [&[TotalWindow, KeyChangeInScope][..], &rest].concat());
        let mut pair = two;
        pair.chain.links[0].keys[0].right = field("actor.name", Type::String);
        assert!(needed(&pair).contains(&FieldPair));
    }

    #[test]
    fn a_condition_needs_what_its_tests_say() {
        use Feature::{
            Allowlist, CaseSensitive, FieldComparison, IgnoreCase, Ipv6Network, Negation, Presence,
            RepeatedGroup, SingleStep, Wildcards,
        };
        let of = |filter, excepts| rule(vec![step("s", "aws.cloudtrail", filter, excepts)], vec![], 0, &[]);
        let exists = |name: &str| test(name, Type::String, TestKind::Exists);
        assert_eq!(needed(&of(exists("instance.eni"), vec![])), [SingleStep, RepeatedGroup, Presence]);
        assert_eq!(
            needed(&of(exists("event.id"), vec![exists("actor.id")])),
            [SingleStep, Presence, Negation]
        );
        let same = TestKind::SameAs { other: field("actor.id", Type::String) };
        assert_eq!(needed(&of(test("event.id", Type::String, same), vec![])), [SingleStep, FieldComparison]);
        let like = TestKind::Like { pattern: Pattern::parse("a*").unwrap(), case: Case::Ignore };
        assert_eq!(
            needed(&of(test("event.id", Type::String, like), vec![])),
            [SingleStep, IgnoreCase, Wildcards]
        );
        let mut listed =
            of(test("event.id", Type::String, TestKind::InList { list: 0, case: Case::Sensitive }), vec![]);
        let entries =
            [EntryValue::Pattern(Pattern::exactly("a")), EntryValue::Network("::/0".parse().unwrap())];
        let name = named("list");
        let entries = entries.into_iter().map(|value| Entry::plain("", value)).collect();
        listed.lists =
            vec![List { name, ty: Type::String, entries, expired: Vec::new(), file: None, lookup: None }];
        assert_eq!(needed(&listed), [SingleStep, Allowlist, CaseSensitive, Ipv6Network]);
    }

    #[test]
    fn each_feature_is_named_once() {
        let features = needed(&an1318());
        assert!(
            features.iter().enumerate().all(|(at, feature)| !features[..at].contains(feature)),
            "{features:?}"
        );
    }
}
