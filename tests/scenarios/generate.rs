//! Random rules and scenarios, small enough to search and narrow enough that chains, ties and near misses are common.

mod clauses;

use std::sync::Arc;

use catena::catalog::Catalog;
use catena::engine::record::{Identity, Record, Schemas};
use catena::engine::value::Value;
use catena::ir::{
    self, Alert, AnyOf, Case, Chain, Dedupe, Entry, EntryValue, Field, FieldTest, Key, Link, List, Meta,
    OrderOp, Pattern, Place, Pred, Quantifier, Regex, Rule, Severity, Status, Step, StepField, TestKind,
    Type, ValuesTest, Window,
};
use catena::source::{Span, Spanned};
use proptest::collection::vec;
use proptest::prelude::*;

use clauses::{More, Other, busy_link, comparison, group_field, more, of, repetition, selection};

const SOURCE: &str = "
name: NAME
title: Test
description: A source of random scenarios.
delay: 0
granularity: 1
targets: {}
fields:
  event.time: { type: time, description: Time }
  user: { type: string, description: A key }
  host: { type: string, description: Another key }
  zone: { type: string, description: The scope }
  size: { type: int, description: A number }
  ratio: { type: float, description: A number that can equal an int }
  address: { type: ip, description: An address }
  flag: { type: bool, description: A boolean }
  tags: { type: string, many: true, description: Several values }
";

const TEXTS: [&str; 3] = ["Ann", "ann", "bob*"];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.0.1.1", "::ffff:10.0.0.1", "2001:db8::1"];
/// As a key: any of the tags.
const TAGS: usize = 4;
const SOURCES: [&str; 2] = ["test.one", "test.two"];

pub(super) fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for name in SOURCES {
        catalog.add(name, &SOURCE.replace("NAME", name)).unwrap();
    }
    catalog
}

/// A rule and the records it runs over, still as choices.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    steps: Vec<(usize, Choice, Vec<Choice>)>,
    links: Vec<(u64, Vec<(usize, usize)>)>,
    scope: bool,
    total: u64,
    dedupe: Option<(u64, Vec<(usize, usize)>)>,
    /// Event: source, time; its records come one by one.
    events: Vec<(usize, i64)>,
    records: Vec<(usize, Row)>,
    more: More,
}

/// Values by index; `None` is missing. `own_time` moves a record away from its event's time, which logs never do.
#[derive(Debug, Clone)]
struct Row {
    texts: [Option<usize>; 3],
    size: Option<i64>,
    ratio: Option<i64>,
    address: Option<usize>,
    flag: Option<bool>,
    own_time: Option<i64>,
    tags: Vec<usize>,
}

/// A predicate as a choice.
#[derive(Debug, Clone)]
enum Choice {
    True,
    And(Vec<Choice>),
    Or(Vec<Choice>),
    Not(Box<Choice>),
    Test(usize, usize, bool),
}

fn choice() -> impl Strategy<Value = Choice> {
    let leaf = prop_oneof![
        1 => Just(Choice::True),
        3 => (0..17_usize, 0..4_usize, any::<bool>()).prop_map(|(kind, value, flag)| Choice::Test(kind, value, flag)),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Choice::And),
            vec(inner.clone(), 1..3).prop_map(Choice::Or),
            inner.prop_map(|inner| Choice::Not(Box::new(inner))),
        ]
    })
}

fn filter() -> impl Strategy<Value = Choice> {
    prop_oneof![3 => Just(Choice::True), 2 => choice()]
}

fn row() -> impl Strategy<Value = Row> {
    let text = || proptest::option::weighted(0.9, prop_oneof![3 => Just(0), 1 => 0..3_usize]);
    let number = || proptest::option::weighted(0.8, 0..4_i64);
    let place = proptest::option::weighted(0.8, 0..4_usize);
    let flag = proptest::option::weighted(0.8, any::<bool>());
    let own_time = proptest::option::weighted(0.05, 0..10_i64);
    let tags = vec(0..3_usize, 0..4);
    ([text(), text(), text()], number(), number(), place, flag, own_time, tags).prop_map(
        |(texts, size, ratio, address, flag, own_time, tags)| Row {
            texts,
            size,
            ratio,
            address,
            flag,
            own_time,
            tags,
        },
    )
}

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let chain = (1..=4_usize).prop_flat_map(|n| {
        let excepts = prop_oneof![2 => Just(Vec::new()), 1 => vec(choice(), 1..2)];
        let step = (prop_oneof![5 => Just(0_usize), 1 => Just(1)], filter(), excepts);
        let keys = vec(prop_oneof![4 => Just((0, 0)), 1 => (0..4_usize, 0..4_usize)], 1..=2);
        let by = vec((0..n, 0..3_usize), 1..3);
        let dedupe = proptest::option::weighted(0.5, (0..8_u64, by));
        (vec(step, n), vec((0..7_u64, keys), n - 1), proptest::bool::weighted(0.2), 0..14_u64, dedupe)
    });
    let time = prop_oneof![0..3_i64, 0..10_i64];
    let events = vec((prop_oneof![5 => Just(0_usize), 1 => Just(1)], time), 1..7);
    (chain, events, vec((0..6_usize, row()), 0..14)).prop_map(|(chain, events, records)| {
        let (steps, links, scope, total, dedupe) = chain;
        Scenario { steps, links, scope, total, dedupe, events, records, more: More::default() }
    })
}

/// Scenarios of rules with everything beyond steps and links, and enough records for it.
pub(super) fn second_stage() -> impl Strategy<Value = Scenario> {
    let time = prop_oneof![0..3_i64, 0..16_i64];
    let events = vec((prop_oneof![4 => Just(0_usize), 1 => Just(1)], time), 4..14);
    let short = scenario().prop_filter("at most three steps", |scenario| scenario.steps.len() <= 3);
    let any = vec(0..6_usize, 3);
    let records = vec((0..14_usize, row()), 4..18);
    (short, more(), events, records, any).prop_map(|(scenario, more, events, records, any)| {
        let mut scenario = scenario;
        for ((_, keys), kind) in scenario.links.iter_mut().zip(any) {
            let by_any = [(TAGS, 0), (0, TAGS), (TAGS, TAGS)].get(kind);
            keys.splice(..0, by_any.copied());
        }

        // An event has one time.
        let one_time = |(event, row): (usize, Row)| (event, Row { own_time: None, ..row });
        let records = records.into_iter().map(one_time).collect();
        // A set is known by its time alone, so its alerts are not told apart by their last record.
        let dedupe = scenario.dedupe.filter(|_| !more.together);
        let total = scenario.total.max(3);
        Scenario { total, dedupe, events, records, more, ..scenario }
    })
}

/// Scenarios in which records of different steps alternate under one key, so that chains have a choice of ways.
pub(super) fn crossing() -> impl Strategy<Value = Scenario> {
    let events = vec((Just(0_usize), 0..16_i64), 20);
    (scenario(), events, vec(row(), 12..20)).prop_map(|(scenario, events, rows)| {
        let steps = (0..scenario.steps.len()).map(|step| (0, Choice::Test(1, step, false), Vec::new()));
        let row = |mut row: Row| {
            row.texts = [Some(0); 3];
            row.own_time = None;
            row
        };
        let records = rows.into_iter().map(row).enumerate().collect();
        let links = scenario.links.iter().map(|(gap, _)| (*gap, vec![(0, 0)])).collect();
        Scenario { steps: steps.collect(), links, events, records, ..scenario }
    })
}

/// Scenarios with one busy key, on which nearly every record has values of its own that links compare.
pub(super) fn busy() -> impl Strategy<Value = Scenario> {
    let step = |step: usize| [Choice::Test(0, 0, true), Choice::Test(0, 2, true), Choice::True][step].clone();
    let numbers = (proptest::option::weighted(0.95, 0..40_i64), proptest::option::weighted(0.95, 0..80_i64));
    let rows = vec((row(), prop_oneof![Just(0_usize), Just(2)], numbers), 14..24);
    let events = vec((Just(0_usize), 0..16_i64), 24);
    (second_stage(), vec(busy_link(), 3), events, rows).prop_map(move |(scenario, links, events, rows)| {
        let of_step = |at: usize| (0, step((at + scenario.steps.len()) % 3), Vec::new());
        let steps: Vec<_> = (0..scenario.steps.len()).map(of_step).collect();
        let row = |(row, host, (size, ratio)): (Row, usize, _)| {
            let texts = [Some(0), Some(host), row.texts[2]];
            Row { texts, size, ratio, own_time: None, ..row }
        };
        let records = rows.into_iter().map(row).enumerate().collect();
        let gaps = scenario.links.iter().map(|(gap, _)| (gap * 2 + 1, vec![(0, 0)])).collect();
        let more = More { comparisons: links, others: Vec::new(), together: false, ..scenario.more };
        Scenario { steps, links: gaps, scope: false, total: 16, events, records, more, ..scenario }
    })
}

impl Scenario {
    pub(super) fn build(&self, schemas: &Schemas) -> (Rule, Vec<Record>) {
        let records = self.records.iter().map(|(event, row)| self.record(*event, row, schemas));
        (self.rule(), records.collect())
    }

    fn record(&self, event: usize, row: &Row, schemas: &Schemas) -> Record {
        let event = event % self.events.len();
        let (source, time) = self.events[event];
        let schema = schemas.get(SOURCES[source]).unwrap();
        let time = row.own_time.unwrap_or(time) * 500_000;
        let text = |at: usize| row.texts[at].map(|text| Value::Text(TEXTS[text].into()));
        let mut values = schema.empty();
        let mut set = |name: &str, value| values[schema.place(name).unwrap()] = value;
        set("event.time", Some(Value::Time(time)));
        set("user", text(0));
        set("host", text(1));
        set("zone", row.texts[2].filter(|zone| *zone < 2).map(|zone| Value::Text(TEXTS[zone].into())));
        set("size", row.size.map(Value::Int));
        set("ratio", row.ratio.map(|number| Value::Float(f64::from(i32::try_from(number).unwrap()) / 2.0)));
        set("address", row.address.map(|address| Value::Ip(ADDRESSES[address].parse().unwrap())));
        set("flag", row.flag.map(Value::Bool));
        let tags: Vec<_> = row.tags.iter().map(|tag| Value::Text(TEXTS[*tag].into())).collect();
        set("tags", (!tags.is_empty()).then(|| Value::Many(tags.into())));
        let event = Identity::of(SOURCES[source], event);
        Record { schema: Arc::clone(schema), time, event, values: values.into() }
    }

    fn rule_steps(&self) -> Vec<Step> {
        let name = |text: String| Spanned { node: text, span: Span::default() };
        self.steps
            .iter()
            .enumerate()
            .map(|(index, (source, filter, excepts))| {
                let step = Step {
                    name: name(format!("s{index}")),
                    main: selection(*source, filter, excepts, None),
                    others: of(&self.more.others, index).iter().map(Other::selection).collect(),
                    absences: Vec::new(),
                    repetition: self.more.repetitions.get(index).and_then(Option::as_ref).map(repetition),
                    span: Span::default(),
                };
                let absences = of(&self.more.absences, index).iter();
                let selections: Vec<_> = step.selections().cloned().collect();
                let absences = absences.map(|absence| absence.absence(&selections, false)).collect();
                Step { absences, ..step }
            })
            .collect()
    }

    fn rule(&self) -> Rule {
        let name = |text: &str| Spanned { node: text.to_owned(), span: Span::default() };
        let window = |seconds| Window { seconds, span: Span::default() };
        let steps = self.rule_steps();
        let scope_key = || Key {
            left: field("zone", Type::String),
            right: field("zone", Type::String),
            case: Case::Sensitive,
            any: AnyOf::default(),
            folds: false,
            from_scope: true,
        };
        let links = self.links.iter().enumerate().map(|(index, (gap, keys))| {
            let case = Case::folding(self.more.folded.get(index) == Some(&true));
            let keys = keys.iter().map(|(l, r)| Key { case, ..key(*l, *r) });
            let nothing = [selection(0, &Choice::True, &[], None)];
            let between = of(&self.more.between, index).iter();
            Link {
                gap: window(*gap),
                keys: keys.chain(self.scope.then(scope_key)).collect(),
                comparisons: of(&self.more.comparisons, index).iter().map(comparison).collect(),
                absences: between.map(|absence| absence.absence(&nothing, true)).collect(),
                span: Span::default(),
            }
        });
        let links = if self.more.together && steps.len() > 1 { Vec::new() } else { links.collect() };
        let folds = self.more.folded.first() == Some(&true);
        let shared = || ir::Together { keys: vec![group_field((0, folds))], span: Span::default() };
        let step_field = |(step, at): &(usize, usize)| StepField { step: *step, field: text_field(*at) };
        let dedupe = self.dedupe.as_ref().map(|(seconds, by)| Dedupe {
            window: window(*seconds),
            by: by.iter().map(step_field).collect(),
        });
        Rule {
            name: name("random"),
            meta: meta(),
            params: Vec::new(),
            lists: lists(),
            chain: Chain {
                total: window(self.total),
                total_is_explicit: true,
                scope: self.scope.then(|| name("zone")).into_iter().collect(),
                links,
                together: (self.more.together && steps.len() > 1).then(shared),
                steps,
            },
            alert: Alert { entities: Vec::new(), show: Vec::new(), dedupe },
            playbook: None,
            tests: Vec::new(),
            span: Span::default(),
        }
    }
}

fn meta() -> Meta {
    Meta {
        title: String::new(),
        id: String::new(),
        description: String::new(),
        author: None,
        date: None,
        modified: None,
        status: Status::Test,
        severity: Severity::Low,
        attack: Vec::new(),
        references: Vec::new(),
        false_positives: Vec::new(),
        targets: None,
        allow: Vec::new(),
    }
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty, span: Span::default() }
}

fn text_field(at: usize) -> Field {
    field(["user", "host", "zone", "", "tags"][at], Type::String)
}

/// Text keys of the same or different fields; the last choice joins an int with a decimal, by value.
fn key(left: usize, right: usize) -> Key {
    let any = AnyOf { left: left == TAGS, right: right == TAGS };
    let (left, right) = match (left, right) {
        (3, _) | (_, 3) => (field("size", Type::Int), field("ratio", Type::Float)),
        (left, right) => (text_field(left), text_field(right)),
    };
    Key { left, right, case: Case::Sensitive, folds: false, any, from_scope: false }
}

fn lists() -> Vec<List> {
    let pattern = |text: &str| Entry::plain(text, EntryValue::Pattern(Pattern::parse(text).unwrap()));
    let network = |text: &str| Entry::plain(text, EntryValue::Network(text.parse().unwrap()));
    let list = |ty, entries| List {
        name: Spanned { node: "list".to_owned(), span: Span::default() },
        ty,
        entries,
        expired: Vec::new(),
        file: None,
        lookup: None,
    };
    vec![
        list(Type::String, vec![pattern("a*"), pattern("bob\\*")]),
        list(Type::Ip, vec![network("10.0.1.0/24"), network("2001:db8::/64")]),
        list(Type::Int, vec![Entry::plain("2", EntryValue::Value(ir::Value::Int(2)))]),
    ]
}

impl Choice {
    fn pred(&self) -> Pred {
        let all = |parts: &[Choice]| parts.iter().map(Choice::pred).collect();
        match self {
            // Always true: `size` is missing or it is not.
            Choice::True => Pred::Or(vec![exists("size"), Pred::Not(Box::new(exists("size")))]),
            Choice::And(parts) => Pred::And(all(parts)),
            Choice::Or(parts) => Pred::Or(all(parts)),
            Choice::Not(inner) => Pred::Not(Box::new(inner.pred())),
            Choice::Test(kind, value, flag) => test(*kind, *value, *flag),
        }
    }
}

fn exists(name: &str) -> Pred {
    pred(field(name, Type::Int), TestKind::Exists)
}

fn pred(field: Field, kind: TestKind) -> Pred {
    Pred::Test(FieldTest { field, kind, span: Span::default() })
}

fn text_equals(text: &str, case: Case) -> TestKind {
    TestKind::Equals { values: vec![ir::Value::String(text.to_owned())], case }
}

/// `any` or `all` of the tags.
fn values(value: usize, negated: bool, tests: Vec<TestKind>) -> Pred {
    let quantifier = if value.is_multiple_of(2) { Quantifier::Any } else { Quantifier::All };
    pred(field("tags", Type::String), TestKind::Values(ValuesTest { quantifier, negated, tests }))
}

fn test(kind: usize, value: usize, flag: bool) -> Pred {
    let text = TEXTS[value % TEXTS.len()].to_owned();
    let case = if flag { Case::Ignore } else { Case::Sensitive };
    let user = || field(if flag { "host" } else { "user" }, Type::String);
    let number = i64::try_from(value).unwrap();
    let op = [OrderOp::Less, OrderOp::LessEqual, OrderOp::Greater, OrderOp::GreaterEqual][value];
    let part = ["a", "n", "B", "ob"][value].to_owned();
    match kind {
        0 => pred(user(), TestKind::Equals { values: vec![ir::Value::String(text)], case }),
        1 => pred(field("size", Type::Int), TestKind::Equals { values: vec![ir::Value::Int(number)], case }),
        2 => {
            let bound = if flag { ir::Value::Int(1) } else { ir::Value::Float(1.5) };
            pred(field("size", Type::Int), TestKind::Order { op, value: bound })
        }
        3 => pred(field("ratio", Type::Float), TestKind::Order { op, value: ir::Value::Float(0.5) }),
        4 => pred(user(), TestKind::Exists),
        5 => {
            let networks = [["10.0.0.0/24"], ["0.0.0.0/0"], ["::/0"], ["::ffff:0:0/96"]][value];
            let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
            pred(field("address", Type::Ip), TestKind::InNetworks { networks })
        }
        6 => pred(user(), TestKind::InList { list: 0, case: Case::Sensitive }),
        7 => pred(field("address", Type::Ip), TestKind::InList { list: 1, case: Case::Sensitive }),
        8 => pred(field("size", Type::Int), TestKind::InList { list: 2, case: Case::Sensitive }),
        9 => {
            let pattern = Pattern::parse(["A*", "?n*", "*b*", "???"][value]).unwrap();
            pred(user(), TestKind::Like { pattern, case })
        }
        10 => {
            let place = [Place::Anywhere, Place::Start, Place::End, Place::Anywhere][value];
            pred(user(), TestKind::Substring { place, text: part, case })
        }
        11 => pred(
            user(),
            TestKind::Matches { regex: Regex::new(["^a", "n{2}", "(?i)BOB", "b.b"][value]).unwrap() },
        ),
        12 | 13 => values(value, flag, vec![text_equals(&text, Case::Sensitive)]),
        14 => {
            let like = TestKind::Like { pattern: Pattern::parse("?nn").unwrap(), case: Case::Sensitive };
            values(value, flag, vec![text_equals(&text, Case::Ignore), like])
        }
        15 => {
            let place = [None, Some(Place::Anywhere), Some(Place::Start), Some(Place::End)][value];
            // Without a place and case it is `SameAs`.
            let case = if place.is_none() { Case::Ignore } else { case };
            pred(
                field("user", Type::String),
                TestKind::TextOf { place, other: field("host", Type::String), case },
            )
        }
        _ => pred(field("user", Type::String), TestKind::SameAs { other: field("host", Type::String) }),
    }
}
