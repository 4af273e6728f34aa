//! What comes out for whole rules and for every kind of test.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Eql, literal, regex, validate};
use crate::backend::fixture::{self, an1318, equals, field, link, named, rule, step};
use crate::backend::{Effect, Emission, Fidelity, Job, Level, Options, Role, Schemas, compile};
use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::ir::{
    AnyOf, Case, Entry, EntryValue, Key, Link, List, OrderOp, Pattern, Place, Pred, Regex, Rule, TestKind,
    Type, Value, Window,
};
use crate::source::Span;

/// A source with every kind of column.
const SOURCE: &str = r#"
name: made.up
title: Made up
description: For tests.
delay: 60
granularity: 1
event_id: event.id
placeholder: "-"
group: { path: items, key: [item.id] }
targets:
  eql:
    from: logs-made.up-*
    filter: 'data_stream.dataset == "made.up"'
    time: "@timestamp"
    time_lag: 30
    time_reason: the clock is late
fields:
  event.time: { type: time, description: d }
  event.id: { type: string, description: d, columns: { eql: event.id } }
  event.action: { type: string, description: d, columns: { eql: event.action } }
  user: { type: string, description: d, columns: { eql: user.id } }
  text: { type: string, description: d, columns: { eql: made.text } }
  number: { type: int, description: d, columns: { eql: made.number } }
  number_text: { type: int, description: d, columns: { eql: { field: made.number_text, stored: string } } }
  decimal: { type: float, description: d, columns: { eql: made.decimal } }
  truth: { type: bool, description: d, columns: { eql: made.truth } }
  truth_text: { type: bool, description: d, columns: { eql: { field: made.truth_text, stored: string } } }
  address: { type: ip, description: d, columns: { eql: source.ip } }
  instant: { type: time, description: d, columns: { eql: made.instant } }
  either: { type: string, description: d, columns: { eql: [{ for_actions: [Run], field: made.one }, { field: made.other }] } }
  wider: { type: string, description: d, columns: { eql: { field: made.wider, superset: the column holds more } } }
  poorer: { type: string, description: d, columns: { eql: { field: made.poorer, subset: the column lacks some } } }
  item.id: { type: string, description: d, in_group: true, columns: { eql: { field: related.entity, multi: true } } }
  item.image:
    type: string
    description: d
    in_group: true
    columns:
      eql:
        field: related.entity
        multi: true
        text: { field: made.request, key: imageId }
        single: { prefix: ami-, only_if: { event.action: Run } }
  item.odd:
    type: string
    description: d
    in_group: true
    columns: { eql: { field: related.entity, multi: true, single: { prefix: odd-, only_if: { number: "1" } } } }
"#;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = fixture::catalog();
    catalog.add("made.up.yaml", SOURCE).unwrap();
    catalog
});

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| fixture::schemas(&CATALOG));

fn compiled(rule: &Rule) -> Result<Emission, Vec<String>> {
    let options = Options { allow_subset: true, ..Options::default() };
    let mut diags = Diagnostics::default();
    let job = Job { rule, catalog: &CATALOG, schemas: &SCHEMAS, options: &options };
    let emission = compile(&job, &Eql, &mut diags);
    emission.ok_or_else(|| {
        let found =
            diags.into_sorted().into_iter().filter(|found| found.severity() == crate::diag::Severity::Error);
        found
            .map(|found| format!("{}: {} ({})", found.title, found.primary.text, found.help.join(" ")))
            .collect()
    })
}

fn emitted(rule: &Rule) -> Emission {
    compiled(rule).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn effects(emission: &Emission, effect: Effect) -> Vec<&str> {
    let notes = emission.notes.iter().filter(|note| note.effect == effect);
    notes.map(|note| note.message.as_str()).collect()
}

fn shown(emission: &Emission) -> String {
    let parts =
        emission.parts.iter().map(|part| format!("{} {:?} {}\n{}", part.name, part.role, part.id, part.text));
    let notes = emission.notes.iter().map(|note| format!("{:?}: {}\n", note.effect, note.message));
    let requires = emission.requires.iter().map(|what| format!("requires: {what}\n"));
    format!(
        "{:?}\n{}{}\n{}",
        emission.fidelity,
        notes.collect::<String>(),
        requires.collect::<String>(),
        parts.collect::<Vec<_>>().join("\n")
    )
}

macro_rules! snapshot {
    ($name:literal, $value:expr) => {
        insta::with_settings!({ snapshot_path => "../../../snapshots/eql_units", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, $value);
        });
    };
}

#[test]
fn columns_that_eql_cannot_read_are_findings() {
    for (column, problem) in [
        ("{ expr: x }", "EQL only reads fields of a document"),
        ("{ path: a.b }", "EQL only reads fields of a document"),
        ("{ field: x, stored: number }", "Elasticsearch cannot compare it"),
    ] {
        let (from, to) = ("eql: user.id }", format!("eql: {column} }}"));
        let mut catalog = Catalog::default();
        catalog.add("made.up.yaml", &SOURCE.replace(from, &to)).unwrap();
        let mut diags = Diagnostics::default();
        let _ = crate::backend::schemas(&catalog, &mut diags);
        let found = diags.into_sorted();
        assert!(found.len() == 1 && found[0].primary.text.contains(problem), "{column}: {found:?}");
    }
}

#[test]
fn an1318_becomes_two_parts() {
    let emission = emitted(&an1318());
    assert_eq!((emission.fidelity, emission.promised()), (Fidelity::Conditional, Fidelity::Superset));
    assert_eq!(emission.parts.iter().map(|part| part.role).collect::<Vec<_>>(), [Role::Stage, Role::Query]);
    snapshot!("an1318", shown(&emission));
}

#[test]
fn searches_become_whole_value_matches() {
    let portable = [
        "abc",
        "^abc",
        "abc$",
        "^abc$",
        "a|b",
        "^a|b$",
        "(?:^|/)x",
        "^(a|b)$",
        "a.b",
        r"\d+",
        r"[\w.-]+@x",
        "(?i)Ks",
        r"\bfoo",
        "(?m)^a",
        "a{2,3}(bc)?",
        "[^,]+",
        "a|",
        "",
        "^$",
        r"é\x{1F600}",
        r#"a"b#c@d&e<f>g~h"#,
        "[a&&b]",
        r"\S",
        "x^y",
        "(?s).",
        r"[\D.]x",
        "(a|^b)c",
        "(ab)*c+?",
    ];
    let lines = portable.map(|portable| {
        let found = regex::search(Regex::new(portable).unwrap().exact())
            .unwrap_or_else(|reason| format!("refused: {reason}"));
        format!("{portable:24} {found:?}")
    });
    snapshot!("regex", lines.join("\n"));
}

/// The test and its negation, as they stand in a rule of one step.
fn both(name: &str, ty: Type, kind: TestKind, list: Option<&List>) -> String {
    let test = fixture::test(name, ty, kind);
    let show = |filter: Pred| {
        let mut rule = rule(vec![step("one", "made.up", filter, vec![])], vec![], 0, &[]);
        rule.lists = list.cloned().into_iter().collect();
        match compiled(&rule) {
            Err(problems) => format!("refused: {}", problems.join("; ")),
            Ok(emission) => {
                let shown = emission.parts[0].text.split_once("\"made.up\"").unwrap().1.replace('\n', " ");
                let shown = shown.trim().trim_start_matches("and ").trim();
                let shown = if shown.is_empty() { "(always)" } else { shown };
                let effects = [Effect::Superset, Effect::Subset].map(|effect| effects(&emission, effect));
                let notes: Vec<_> =
                    effects.iter().flatten().filter(|note| !note.starts_with("Elastic keeps one")).collect();
                if notes.is_empty() { shown.to_owned() } else { format!("{shown}\n     {notes:?}") }
            }
        }
    };
    format!("+ {}\n- {}", show(test.clone()), show(Pred::Not(Box::new(test))))
}

fn texts(values: &[&str], case: Case) -> TestKind {
    TestKind::Equals { values: values.iter().map(|text| Value::String((*text).to_owned())).collect(), case }
}

fn like(text: &str, case: Case) -> TestKind {
    TestKind::Like { pattern: Pattern::parse(text).unwrap(), case }
}

fn list(ty: Type, entries: Vec<EntryValue>) -> List {
    let entries = entries.into_iter().map(|value| Entry::plain("", value)).collect();
    List { name: named("known"), ty, entries, expired: vec![], file: None, lookup: None }
}

fn patterns(texts: &[&str]) -> List {
    list(Type::String, texts.iter().map(|text| EntryValue::Pattern(Pattern::parse(text).unwrap())).collect())
}

#[test]
fn tests_of_text() {
    use Case::{Ignore, Sensitive};
    let substring = |place, text: &str, case| TestKind::Substring { place, text: text.to_owned(), case };
    let matches = |regex: &str| TestKind::Matches { regex: Regex::new(regex).unwrap() };
    let kinds = vec![
        ("exists", TestKind::Exists),
        ("== a", texts(&["a"], Sensitive)),
        ("in", texts(&["a", "b\"\\", "c*"], Sensitive)),
        ("== placeholder", texts(&["-"], Sensitive)),
        ("=~ a", texts(&["a"], Ignore)),
        ("=~ é", texts(&["é?"], Ignore)),
        ("like a*b", like("a*b", Sensitive)),
        ("like *", like("*", Sensitive)),
        ("like a?", like("a?", Sensitive)),
        ("like a\\**", like(r"a\**", Sensitive)),
        ("like~ a*", like("a*", Ignore)),
        ("contains", substring(Place::Anywhere, "x%_", Sensitive)),
        ("starts_with~", substring(Place::Start, "x", Ignore)),
        ("ends_with", substring(Place::End, "*", Sensitive)),
        ("matches", matches("^a[0-9]+$")),
        ("matches optional", matches("a*")),
        ("matches word", matches(r"\bfoo")),
        ("order", TestKind::Order { op: OrderOp::Less, value: Value::String("a".to_owned()) }),
    ];
    let shown =
        kinds.into_iter().map(|(name, kind)| format!("{name}\n{}", both("text", Type::String, kind, None)));
    snapshot!("text", shown.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn tests_of_other_types() {
    let equals = |values: Vec<Value>| TestKind::Equals { values, case: Case::Sensitive };
    let order = |op, value| TestKind::Order { op, value };
    let networks = |texts: &[&str]| TestKind::InNetworks {
        networks: texts.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let ip = |text: &str| Value::Ip(text.parse().unwrap());
    let time = |text: &str| Value::Time(text.parse().unwrap());
    let cases = vec![
        ("number", Type::Int, equals(vec![Value::Int(-5)])),
        ("number", Type::Int, equals(vec![Value::Int(1), Value::Int(2)])),
        ("number", Type::Int, order(OrderOp::GreaterEqual, Value::Int(32_768))),
        ("number", Type::Int, TestKind::Exists),
        ("number_text", Type::Int, equals(vec![Value::Int(6)])),
        ("number_text", Type::Int, order(OrderOp::Less, Value::Int(6))),
        ("decimal", Type::Float, order(OrderOp::Less, Value::Float(1.5))),
        ("truth", Type::Bool, equals(vec![Value::Bool(true)])),
        ("truth_text", Type::Bool, equals(vec![Value::Bool(false)])),
        ("address", Type::Ip, equals(vec![ip("10.0.0.1")])),
        ("address", Type::Ip, equals(vec![ip("10.0.0.1"), ip("2001:db8::1")])),
        ("address", Type::Ip, networks(&["10.0.0.1/8", "fc00::/7"])),
        ("address", Type::Ip, networks(&["::/0"])),
        ("address", Type::Ip, networks(&["::ffff:10.0.0.0/104"])),
        ("address", Type::Ip, TestKind::Exists),
        ("instant", Type::Time, order(OrderOp::Greater, time("2026-01-01T00:00:00Z"))),
        ("instant", Type::Time, order(OrderOp::Greater, time("2026-01-01T00:00:00.0001Z"))),
        ("instant", Type::Time, equals(vec![time("2026-01-01T00:00:00Z")])),
        ("number", Type::Int, TestKind::SameAs { other: field("decimal", Type::Int) }),
        ("either", Type::String, texts(&["a"], Case::Sensitive)),
        ("wider", Type::String, texts(&["a"], Case::Sensitive)),
        ("poorer", Type::String, texts(&["a"], Case::Sensitive)),
    ];
    let shown = cases
        .into_iter()
        .map(|(name, ty, kind)| format!("{name} {kind:?}\n{}", both(name, ty, kind.clone(), None)));
    snapshot!("types", shown.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn tests_of_lists() {
    let kind = || TestKind::InList { list: 0, case: Case::Sensitive };
    let network = |text: &str| EntryValue::Network(text.parse().unwrap());
    let cases = vec![
        ("text", Type::String, patterns(&[])),
        ("text", Type::String, patterns(&["a", "b", "c*", "d?", "-*"])),
        ("address", Type::Ip, list(Type::Ip, vec![network("10.0.0.0/8"), network("::1/128")])),
        ("number", Type::Int, list(Type::Int, vec![EntryValue::Value(Value::Int(1))])),
        ("item.image", Type::String, patterns(&["ami-1", "ami-0a*"])),
        ("item.image", Type::String, patterns(&["ami-1", "ami-*-prod", "a,b"])),
        ("item.image", Type::String, patterns(&["*-prod"])),
        ("item.image", Type::String, patterns(&[])),
        ("item.id", Type::String, patterns(&["i-1"])),
        ("item.odd", Type::String, patterns(&["a"])),
    ];
    let shown = cases.into_iter().map(|(name, ty, list)| {
        let entries = list.entries.iter().map(|entry| format!("{:?}", entry.value));
        format!(
            "{name} in {}\n{}",
            entries.collect::<Vec<_>>().join(", "),
            both(name, ty, kind(), Some(&list))
        )
    });
    snapshot!("lists", shown.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn tests_of_many_values() {
    let regex = TestKind::Matches { regex: Regex::new("a").unwrap() };
    let mut shown = Vec::new();
    for name in ["item.id", "item.image"] {
        for kind in [
            TestKind::Exists,
            texts(&["a"], Case::Sensitive),
            texts(&["é*", "b"], Case::Ignore),
            like("a*", Case::Sensitive),
            like("a*b", Case::Sensitive),
            texts(&["ami-1", "a"], Case::Sensitive),
            like("ami-*-old", Case::Ignore),
            regex.clone(),
        ] {
            shown.push(format!("{name} {kind:?}\n{}", both(name, Type::String, kind.clone(), None)));
        }
    }
    snapshot!("many_values", shown.join("\n\n"));
}

fn pair(seconds: u64, left: &str, right: &str) -> Link {
    let key = Key {
        left: field(left, Type::String),
        right: field(right, Type::String),
        case: Case::Sensitive,
        any: AnyOf::default(),
        folds: false,
        from_scope: false,
    };
    Link {
        gap: Window { seconds, span: Span::default() },
        keys: vec![key],
        comparisons: Vec::new(),
        absences: Vec::new(),
        span: Span::default(),
    }
}

#[test]
fn chains_of_one_key_are_one_sequence() {
    let steps = |sources: &[&str]| {
        let named = sources.iter().enumerate().map(|(at, source)| {
            step(&format!("s{at}"), source, equals("event.action", &format!("a{at}")), vec![])
        });
        named.collect::<Vec<_>>()
    };
    let trail = "aws.cloudtrail";
    let one = emitted(&rule(steps(&[trail]), vec![], 0, &[]));
    assert_eq!((one.fidelity, one.level), (Fidelity::Exact, Level::Record));
    let two = emitted(&rule(steps(&[trail, trail]), vec![link(900, &["actor.id"], &[])], 900, &[]));
    assert_eq!(
        (two.fidelity, two.promised(), two.level),
        (Fidelity::Conditional, Fidelity::Exact, Level::Key)
    );
    let links = vec![link(900, &["actor.id"], &[]), pair(600, "actor.id", "actor.principal_id")];
    let three = emitted(&rule(steps(&[trail, trail, trail]), links, 1200, &[]));
    assert_eq!((three.fidelity, three.promised()), (Fidelity::Conditional, Fidelity::Superset));
    let late =
        emitted(&rule(steps(&["made.up", trail]), vec![pair(60, "user", "actor.principal_id")], 60, &[]));
    assert_eq!(
        effects(&late, Effect::Subset),
        ["the clock is late; an event of `s0` may be ordered after that of the next step"]
    );
    snapshot!("sequences", [one, two, three, late].iter().map(shown).collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn a_window_of_zero_is_widened() {
    let steps =
        ["a", "b"].map(|name| step(name, "aws.cloudtrail", equals("event.action", name), vec![])).to_vec();
    let zero = emitted(&rule(steps, vec![link(0, &["actor.id"], &[])], 0, &[]));
    assert!(zero.parts[0].text.contains("maxspan=1s"));
    assert_eq!((zero.fidelity, zero.promised()), (Fidelity::Conditional, Fidelity::Superset));
    assert_eq!(
        effects(&zero, Effect::Superset),
        ["Elasticsearch has no window of zero, so events up to a second apart are joined"]
    );
}

/// a – user – b – item – c – text – d: three parts, each reading the alerts of the one before.
fn three_keys(middle: &str) -> Rule {
    let actions = ["a", "b", "c", "d"];
    let steps = actions.map(|name| step(name, "made.up", equals("event.action", name), vec![])).to_vec();
    let links = vec![pair(60, "user", "user"), pair(60, middle, "user"), pair(60, "event.id", "text")];
    rule(steps, links, 180, &[])
}

#[test]
fn every_change_of_key_is_a_stage() {
    let emission = emitted(&three_keys("item.id"));
    assert_eq!(
        emission.parts.iter().map(|part| part.role).collect::<Vec<_>>(),
        [Role::Stage, Role::Stage, Role::Query]
    );
    assert!(emission.parts[1].text.contains(&emission.parts[0].id));
    assert!(emission.parts[2].text.contains(&emission.parts[1].id));
    assert_eq!(emission.parts[2].id, an1318().meta.id);
    snapshot!("three_keys", shown(&emission));
}

#[test]
fn a_later_key_that_several_events_share_may_miss() {
    let found = emitted(&three_keys("text"));
    let lost =
        effects(&found, Effect::Subset).into_iter().find(|note| note.starts_with("of several")).unwrap();
    assert_eq!(
        lost,
        "of several `b` events with the same `text`, Elastic keeps the latest, and the chain may need another"
    );
}

#[test]
fn a_key_that_alerts_do_not_carry_cannot_be_the_earlier_one() {
    let mut rule = three_keys("item.id");
    rule.chain.links[0] = pair(60, "text", "text");
    let problems = compiled(&rule).unwrap_err();
    assert!(problems[0].contains("the alerts of Elastic do not carry `text`"), "{problems:?}");
}

#[test]
fn a_test_on_a_joined_field_is_fenced_unless_the_key_is_meant() {
    let text = |tested: &str| {
        let filter = Pred::And(vec![equals("event.action", "a"), equals(tested, "x")]);
        let steps = vec![
            step("a", "made.up", filter, vec![]),
            step("b", "made.up", equals("event.action", "b"), vec![]),
        ];
        let mut rule = rule(steps, vec![pair(60, "item.id", "text")], 60, &[]);
        rule.chain.links[0].keys[0].left.name =
            if tested == "item.id" { "item.image" } else { "item.id" }.to_owned();
        emitted(&rule).parts[0].text.clone()
    };
    assert!(text("item.id").contains("(related.entity == \"x\" or event.kind == \"never\")"));
    assert!(!text("item.image").contains("never"));
}

proptest! {
    #[test]
    fn a_literal_reads_back_as_itself(text in r#"([a\\"'`*?%$|\[\](){}#&\r\n\t\u{0}\u{1}\u{8}\u{c}\u{85}\u{2028}\u{202e}]|\\u\{41\}|""""|//|.){0,12}"#) {
        let query = format!("any where a == {}", literal::string(&text).text());
        prop_assert_eq!(validate::literals(&query), Ok(vec![text]));
    }
}
