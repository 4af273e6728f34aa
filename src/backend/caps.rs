//! Features a rule may need, and the words in which a target says how it carries each.
//!
//! In: a rule. Out: its features with the clause that needs each; the gate asks the target about them.
//! Must not know: any particular target.

use crate::backend::shape;
use crate::catalog::Catalog;
use crate::ir::{Alert, Case, Chain, FieldTest, Link, Pred, Rule, Step, TestKind, Type};
use crate::source::Span;

/// Something a rule may need that not every target can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the title of each feature is its documentation")]
pub enum Feature {
    SingleStep,
    OrderedSteps,
    EqualTimes,
    GapWindow,
    TotalWindow,
    KeyChange,
    KeyChangeInScope,
    FieldPair,
    RepeatedGroup,
    SharedEvent,
    CaseSensitive,
    IgnoreCase,
    Wildcards,
    RegularExpression,
    Ipv4Network,
    Ipv6Network,
    NumberOrder,
    TimeOrder,
    FieldComparison,
    Presence,
    Negation,
    Allowlist,
}

impl Feature {
    /// Every feature, in the order of the documentation.
    pub const ALL: &'static [Feature] = &[
        Self::SingleStep,
        Self::OrderedSteps,
        Self::EqualTimes,
        Self::GapWindow,
        Self::TotalWindow,
        Self::KeyChange,
        Self::KeyChangeInScope,
        Self::FieldPair,
        Self::RepeatedGroup,
        Self::SharedEvent,
        Self::CaseSensitive,
        Self::IgnoreCase,
        Self::Wildcards,
        Self::RegularExpression,
        Self::Ipv4Network,
        Self::Ipv6Network,
        Self::NumberOrder,
        Self::TimeOrder,
        Self::FieldComparison,
        Self::Presence,
        Self::Negation,
        Self::Allowlist,
    ];

    /// In words, to follow "cannot express".
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleStep => "a rule of one step",
            Self::OrderedSteps => "steps in order",
            Self::EqualTimes => "steps at the same instant",
            Self::GapWindow => "a window between neighbours that is shorter than the total",
            Self::TotalWindow => "a total window that is shorter than the sum of the gaps",
            Self::KeyChange => "a join key that changes along the chain, without a scope",
            Self::KeyChangeInScope => "a join key that changes along the chain, within a scope",
            Self::FieldPair => "a link between differently named fields",
            Self::RepeatedGroup => "the items of one event seen one by one",
            Self::SharedEvent => "neighbouring steps that one event could match both",
            Self::CaseSensitive => "case-sensitive text",
            Self::IgnoreCase => "text compared ignoring case",
            Self::Wildcards => "wildcard patterns",
            Self::RegularExpression => "regular expressions",
            Self::Ipv4Network => "IPv4 networks",
            Self::Ipv6Network => "IPv6 networks",
            Self::NumberOrder => "numbers compared by size",
            Self::TimeOrder => "instants compared",
            Self::FieldComparison => "two fields of one record compared",
            Self::Presence => "presence of a field",
            Self::Negation => "negation that holds when a field is missing",
            Self::Allowlist => "allowlists",
        }
    }
}

/// How a target carries a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// The language has it.
    Native,
    /// Exact, by other means: how.
    Emulated(&'static str),
    /// The query may add: why.
    Widened(&'static str),
    /// The query may miss: why.
    Narrowed(&'static str),
    /// Left to the engine that runs the query: what to know.
    Engine(&'static str),
    /// Not at all.
    No {
        /// Why.
        reason: &'static str,
        /// The best way round.
        help: &'static str,
    },
}

/// The features a rule needs, each with the first clause that needs it.
#[must_use]
pub fn features_of(rule: &Rule, catalog: &Catalog) -> Vec<(Feature, Span)> {
    // Taken apart without `..`, here and below: what a target is not asked for, it would drop in silence.
    let Rule { name: _, meta: _, params: _, lists: _, chain, alert, playbook: _, tests: _, span: _ } = rule;
    // Every target can show fields and group alerts; how, is for its plan to say.
    let Alert { entities: _, show: _, dedupe: _ } = alert;
    let mut found = Found::default();
    chain_features(rule, catalog, &mut found);
    for (index, step) in chain.steps.iter().enumerate() {
        let Step { name: _, source: _, filter, excepts, span } = step;
        if uses_group(rule, index, step, catalog) {
            found.add(Feature::RepeatedGroup, *span);
        }
        pred_features(filter, rule, &mut found);
        for except in excepts {
            found.add(Feature::Negation, except.span());
            pred_features(except, rule, &mut found);
        }
    }
    found.0
}

/// Whether the step reads its source's repeated group: in its condition or as a join key.
fn uses_group(rule: &Rule, index: usize, step: &Step, catalog: &Catalog) -> bool {
    let Some(source) = catalog.source(&step.source.node) else { return false };
    let fields = rule.chain.fields_read(index);
    fields.iter().any(|name| source.field(name).is_some_and(|field| field.in_group))
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

fn chain_features(rule: &Rule, catalog: &Catalog, found: &mut Found) {
    let chain = &rule.chain;
    let Chain { total, total_is_explicit: _, scope, steps, links } = chain;
    if links.is_empty() {
        found.add(Feature::SingleStep, rule.span);
        return;
    }
    for link in links {
        found.add(Feature::OrderedSteps, link.span);
        found.add(Feature::EqualTimes, link.span);
    }
    for gap in shape::binding_gaps(chain) {
        found.add(Feature::GapWindow, gap.span);
    }
    if shape::total_binds(chain) {
        found.add(Feature::TotalWindow, total.span);
    }
    if let Some(link) = shape::key_changes(chain).first() {
        let feature = if scope.is_empty() { Feature::KeyChange } else { Feature::KeyChangeInScope };
        found.add(feature, link.span);
    }
    for (Link { gap: _, keys, span }, pair) in links.iter().zip(steps.windows(2)) {
        if keys.iter().any(|key| key.left.name != key.right.name) {
            found.add(Feature::FieldPair, *span);
        }
        if let [before, after] = pair
            && shape::may_share_event(before, after, catalog)
        {
            found.add(Feature::SharedEvent, *span);
        }
    }
}

fn pred_features(pred: &Pred, rule: &Rule, found: &mut Found) {
    for (node, _) in pred.nodes() {
        match node {
            Pred::And(_) | Pred::Or(_) => {}
            Pred::Not(inner) => found.add(Feature::Negation, inner.span()),
            Pred::Test(test) => test_features(test, rule, found),
        }
    }
}

fn test_features(test: &FieldTest, rule: &Rule, found: &mut Found) {
    let is_text = test.field.ty == Type::String;
    let text_case = |case: Case, found: &mut Found| {
        if is_text {
            let feature = if case == Case::Ignore { Feature::IgnoreCase } else { Feature::CaseSensitive };
            found.add(feature, test.span);
        }
    };
    match &test.kind {
        TestKind::Exists => found.add(Feature::Presence, test.span),
        TestKind::Equals { case, .. } | TestKind::Substring { case, .. } => text_case(*case, found),
        TestKind::Like { case, .. } => {
            text_case(*case, found);
            found.add(Feature::Wildcards, test.span);
        }
        TestKind::InNetworks { networks } => {
            for network in networks {
                let v4 = network.addr().is_ipv4();
                found.add(if v4 { Feature::Ipv4Network } else { Feature::Ipv6Network }, test.span);
            }
        }
        TestKind::InList { list } => list_features(*list, test.span, rule, found),
        TestKind::Order { .. } => {
            let time = test.field.ty == Type::Time;
            found.add(if time { Feature::TimeOrder } else { Feature::NumberOrder }, test.span);
        }
        TestKind::Matches { .. } => found.add(Feature::RegularExpression, test.span),
        TestKind::SameAs { .. } => found.add(Feature::FieldComparison, test.span),
    }
}

fn list_features(list: usize, span: Span, rule: &Rule, found: &mut Found) {
    found.add(Feature::Allowlist, span);
    for entry in rule.lists.get(list).iter().flat_map(|list| &list.entries) {
        match &entry.value {
            crate::ir::EntryValue::Pattern(pattern) => {
                found.add(Feature::CaseSensitive, span);
                if pattern.literal().is_none() {
                    found.add(Feature::Wildcards, span);
                }
            }
            crate::ir::EntryValue::Network(network) => {
                let v4 = network.addr().is_ipv4();
                found.add(if v4 { Feature::Ipv4Network } else { Feature::Ipv6Network }, span);
            }
            crate::ir::EntryValue::Value(_) => {}
        }
    }
}
