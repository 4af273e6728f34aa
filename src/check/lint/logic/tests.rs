//! Whatever is called impossible or certain is so for every record of a small world, by an evaluator of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::catalog::Catalog;
use crate::ir::{
    Case, Entry, EntryValue, Field, FieldTest, OrderOp, Pattern, PatternPart, Place, TestKind, Type, Value,
};
use crate::source::{Span, Spanned};

const SOURCE: &str = "
name: small
title: Small
description: A small world.
delay: 0
granularity: 1
targets: {}
fields:
  event.time: { type: time, description: d }
  s: { type: string, description: text }
  t: { type: string, description: text }
  e: { type: string, description: choice, values: [X, Y] }
  n: { type: int, description: number }
  d: { type: float, description: decimal }
  b: { type: bool, description: truth }
  a: { type: ip, description: address }
";

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty, span: Span::default() }
}

fn test(name: &str, ty: Type, kind: TestKind) -> Pred {
    Pred::Test(FieldTest { field: field(name, ty), kind, span: Span::default() })
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![2 => Just(Case::Sensitive), 1 => Just(Case::Ignore)]
}

fn some_text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "A", "ab", "ba", "aba", "Ab"]).prop_map(str::to_owned)
}

fn text_test() -> impl Strategy<Value = TestKind> {
    let glob = prop::sample::select(vec!["a*", "*a", "?", "*", "a?a", "a", "*b*", "A*", "??"]);
    let place = prop::sample::select(vec![Place::Anywhere, Place::Start, Place::End]);
    prop_oneof![
        Just(TestKind::Exists),
        (prop::collection::vec(some_text().prop_map(|t| text(&t)), 1..3), case())
            .prop_map(|(values, case)| TestKind::Equals { values, case }),
        (glob, case())
            .prop_map(|(glob, case)| TestKind::Like { pattern: Pattern::parse(glob).unwrap(), case }),
        (place.clone(), some_text(), case()).prop_map(|(place, text, case)| TestKind::Substring {
            place,
            text,
            case
        }),
        Just(TestKind::SameAs { other: field("t", Type::String) }),
        (prop::option::of(place), case()).prop_map(|(place, case)| TestKind::TextOf {
            place,
            other: field("t", Type::String),
            case
        }),
        Just(TestKind::InList { list: 0, case: Case::Sensitive }),
        Just(TestKind::Matches { regex: crate::ir::Regex::new("a").unwrap() }),
    ]
}

fn order() -> impl Strategy<Value = OrderOp> {
    prop::sample::select(vec![OrderOp::Less, OrderOp::LessEqual, OrderOp::Greater, OrderOp::GreaterEqual])
}

fn networks() -> impl Strategy<Value = TestKind> {
    let net = prop::sample::select(vec![
        "10.0.0.0/8",
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.0.1/32",
        "::/0",
        "0.0.0.0/0",
    ]);
    prop::collection::vec(net.prop_map(|net| net.parse().unwrap()), 1..3)
        .prop_map(|networks| TestKind::InNetworks { networks })
}

fn leaf() -> impl Strategy<Value = Pred> {
    let sensitive = |values| TestKind::Equals { values, case: Case::Sensitive };
    prop_oneof![
        6 => text_test().prop_map(|kind| test("s", Type::String, kind)),
        2 => (prop::sample::select(vec!["X", "Y"]), case())
            .prop_map(|(t, case)| test("e", Type::String, TestKind::Equals { values: vec![text(t)], case })),
        1 => Just(test("e", Type::String, TestKind::Like { pattern: Pattern::parse("Z*").unwrap(), case: Case::Sensitive })),
        3 => (order(), -1..4i64)
            .prop_map(|(op, n)| test("n", Type::Int, TestKind::Order { op, value: Value::Int(n) })),
        2 => (-1..4i64).prop_map(move |n| test("n", Type::Int, sensitive(vec![Value::Int(n)]))),
        2 => (order(), 0..3i32)
            .prop_map(|(op, n)| test("d", Type::Float, TestKind::Order { op, value: Value::Float(f64::from(n)) })),
        2 => any::<bool>().prop_map(move |b| test("b", Type::Bool, sensitive(vec![Value::Bool(b)]))),
        3 => networks().prop_map(|kind| test("a", Type::Ip, kind)),
        1 => Just(test("a", Type::Ip, TestKind::Exists)),
    ]
}

fn pred() -> impl Strategy<Value = Pred> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Pred::And),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Pred::Or),
            2 => inner.prop_map(|inner| Pred::Not(Box::new(inner))),
        ]
    })
}

type Record = BTreeMap<&'static str, Value>;

/// Every record over the fields that a predicate reads.
fn worlds(pred: &Pred) -> Vec<Record> {
    let texts = |all: &[&str]| all.iter().map(|t| text(t)).collect::<Vec<_>>();
    let address = |all: &[&str]| all.iter().map(|a| Value::Ip(a.parse().unwrap())).collect::<Vec<_>>();
    let domains: [(&str, Vec<Value>); 7] = [
        ("s", texts(&["a", "b", "A", "B", "ab", "ba", "aba", "Ab", "aB", "bab", "zz"])),
        ("t", texts(&["a", "ab"])),
        ("e", texts(&["X", "Y"])),
        ("n", (-2..5).map(Value::Int).collect()),
        ("d", [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 9.0].map(Value::Float).to_vec()),
        ("b", vec![Value::Bool(true), Value::Bool(false)]),
        ("a", address(&["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.9.9.9", "192.0.2.1", "::1"])),
    ];
    let mut used = Vec::new();
    names(pred, &mut used);
    let mut records = vec![Record::new()];
    for (name, values) in domains.into_iter().filter(|(name, _)| used.iter().any(|used| used == name)) {
        records = records
            .into_iter()
            .flat_map(|record| {
                let with = |value: &Value| {
                    let mut record = record.clone();
                    record.insert(name, value.clone());
                    record
                };
                let mut all: Vec<_> = values.iter().map(with).collect();
                all.push(record);
                all
            })
            .collect();
    }
    records
}

fn names(pred: &Pred, found: &mut Vec<String>) {
    found.extend(pred.fields().map(|field| field.name.clone()));
}

fn holds(pred: &Pred, record: &Record) -> bool {
    match pred {
        Pred::And(parts) => parts.iter().all(|part| holds(part, record)),
        Pred::Or(parts) => parts.iter().any(|part| holds(part, record)),
        Pred::Not(inner) => !holds(inner, record),
        Pred::Test(test) => {
            record.get(test.field.name.as_str()).is_some_and(|value| met(&test.kind, value, record))
        }
    }
}

fn cased(text: &str, case: Case) -> String {
    if case == Case::Ignore { text.to_lowercase() } else { text.to_owned() }
}

fn met(kind: &TestKind, value: &Value, record: &Record) -> bool {
    let shown = match value {
        Value::String(text) => text.clone(),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => String::new(),
    };
    match kind {
        TestKind::Exists => true,
        TestKind::Equals { values, case } => values.iter().any(|other| match (other, value) {
            (Value::String(one), Value::String(other)) => cased(one, *case) == cased(other, *case),
            (one, other) => one == other,
        }),
        TestKind::InNetworks { networks } => {
            let Value::Ip(address) = value else { return false };
            networks.iter().any(|network| network.contains(address as &IpAddr))
        }
        TestKind::InList { .. } => shown == "a" || shown == "ab",
        TestKind::Order { op, value: bound } => {
            let number = |value: &Value| match value {
                Value::Int(n) => f64::from(i32::try_from(*n).unwrap()),
                Value::Float(n) => *n,
                Value::String(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => f64::NAN,
            };
            let (one, other) = (number(value), number(bound));
            match op {
                OrderOp::Less => one < other,
                OrderOp::LessEqual => one <= other,
                OrderOp::Greater => one > other,
                OrderOp::GreaterEqual => one >= other,
            }
        }
        TestKind::Like { pattern, case } => {
            let chars: Vec<char> = cased(&shown, *case).chars().collect();
            like(&flat(pattern, *case), &chars)
        }
        TestKind::Substring { place, text, case } => {
            stands(*place, &cased(&shown, *case), &cased(text, *case))
        }
        TestKind::Matches { regex } => shown.contains(regex.written()),
        TestKind::SameAs { other } => record.get(other.name.as_str()) == Some(value),
        TestKind::TextOf { place, other, case } => record.get(other.name.as_str()).is_some_and(|other| {
            let (value, text) = (cased(&shown, *case), cased(&other.text(), *case));
            place.map_or(value == text, |place| stands(place, &value, &text))
        }),
        TestKind::Values(_) => unreachable!("records here have single values"),
    }
}

fn stands(place: Place, value: &str, text: &str) -> bool {
    match place {
        Place::Anywhere => value.contains(text),
        Place::Start => value.starts_with(text),
        Place::End => value.ends_with(text),
    }
}

fn flat(pattern: &Pattern, case: Case) -> Vec<PatternPart> {
    let mut row = Vec::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Text(text) => {
                row.extend(cased(text, case).chars().map(|c| PatternPart::Text(c.to_string())));
            }
            PatternPart::One | PatternPart::Any => row.push(part.clone()),
        }
    }
    row
}

fn like(pattern: &[PatternPart], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some((PatternPart::Any, rest)), _) => (0..=text.len()).any(|skip| like(rest, &text[skip..])),
        (Some((PatternPart::One, rest)), Some((_, text))) => like(rest, text),
        (Some((PatternPart::Text(wanted), rest)), Some((c, text))) => {
            *wanted == c.to_string() && like(rest, text)
        }
        (Some((PatternPart::One | PatternPart::Text(_), _)), None) => false,
    }
}

fn small() -> (Catalog, List) {
    let mut catalog = Catalog::default();
    catalog.add("small.yaml", SOURCE).unwrap();
    let entry = |text: &str| Entry::plain(text, EntryValue::Pattern(Pattern::parse(text).unwrap()));
    let list = List {
        name: Spanned { node: "known".to_owned(), span: Span::default() },
        ty: Type::String,
        entries: vec![entry("a"), entry("ab")],
        expired: Vec::new(),
        file: None,
        lookup: None,
    };
    (catalog, list)
}

#[test]
fn nothing_is_claimed_that_a_record_refutes() {
    let (catalog, list) = small();
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (mut claimed, mut constant) = (0, 0);
    let strategy = pred();
    for _ in 0..1_000 {
        let pred = strategy.new_tree(&mut runner).unwrap().current();
        let mut logic = Logic::new(catalog.source("small"), vec![&list]);
        let (never, always) = (logic.never(&pred), logic.always(&pred));
        let worlds = worlds(&pred);
        if worlds.len() > 1_000 {
            continue;
        }
        let count = worlds.iter().filter(|record| holds(&pred, record)).count();
        assert!(!never || count == 0, "called impossible, but holds {count} times: {pred:#?}");
        assert!(!always || count == worlds.len(), "called certain, but fails: {pred:#?}");
        constant += usize::from(count == 0 || count == worlds.len());
        claimed += usize::from(never || always);
    }
    // The small world lacks most values, so that some predicates are constant in it and nowhere else.
    assert!(constant > 50, "{constant} constant predicates are too few to mean anything");
    assert!(claimed * 10 > constant * 9, "only {claimed} of {constant} constant predicates are seen");
}

/// Every pair of tests of one text, met or not: a random search meets too few of them.
#[test]
fn pairs_of_text_tests_are_judged_right() {
    let (catalog, list) = small();
    let mut kinds = vec![TestKind::Exists];
    for case in [Case::Sensitive, Case::Ignore] {
        for known in ["a", "b", "A", "ab", "Ab", "bab"] {
            kinds.push(TestKind::Equals { values: vec![text(known)], case });
            for place in [Place::Anywhere, Place::Start, Place::End] {
                kinds.push(TestKind::Substring { place, text: known.to_owned(), case });
            }
        }
        for glob in ["a*", "*a", "A*", "?", "*", "a?a", "*b*", "ab*", "??", "Ab"] {
            kinds.push(TestKind::Like { pattern: Pattern::parse(glob).unwrap(), case });
        }
    }
    let of = |kind: &TestKind| test("s", Type::String, kind.clone());
    for one in &kinds {
        for other in &kinds {
            for pred in [
                Pred::And(vec![of(one), of(other)]),
                Pred::And(vec![of(one), Pred::Not(Box::new(of(other)))]),
            ] {
                let claimed = Logic::new(catalog.source("small"), vec![&list]).never(&pred);
                let refuted = worlds(&pred).into_iter().find(|record| holds(&pred, record));
                assert!(!claimed || refuted.is_none(), "{refuted:?} refutes {pred:#?}");
            }
        }
    }
}

#[test]
fn a_hard_condition_stays_silent_and_ends() {
    let (catalog, _) = small();
    let choice = |n: i64| {
        let not = |n| {
            Pred::Not(Box::new(test(
                "n",
                Type::Int,
                TestKind::Order { op: OrderOp::Less, value: Value::Int(n) },
            )))
        };
        Pred::Or(vec![
            not(n),
            not(n + 1),
            test("n", Type::Int, TestKind::Order { op: OrderOp::Greater, value: Value::Int(-n) }),
        ])
    };
    let pred = Pred::And((0..4_000).map(choice).collect());
    let mut logic = Logic::new(catalog.source("small"), Vec::new());
    let mut found = Vec::new();
    logic.walk(&pred, &mut found);
    assert!(found.iter().all(|finding| finding.never || finding.earlier.is_none()));
}
