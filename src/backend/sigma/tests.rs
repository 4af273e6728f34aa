//! Whole files and single tests, as text.

use crate::backend::fixture::{
    an1318, catalog, equals, field, link, named, networks, rule, schemas, step, test,
};
use crate::backend::{Cased, Effect, Emission, Fidelity, Job, Level, Options, Role};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::{
    Case, Entry, EntryValue, Key, List, OrderOp, Pattern, Place, Pred, Regex, Rule, TestKind, Type, Value,
};

/// A source that stores each type in every way, and what Sigma cannot read.
const STORES: &str = r#"
name: test.stores
title: Stores
description: Every type, stored in every way.
delay: 0
granularity: 1
placeholder: "-"
targets:
  sigma: { words: { category: test, product: stores } }
fields:
  event.time: { type: time, description: d }
  event.action: { type: string, description: d, columns: { sigma: Action } }
  text: { type: string, description: d, columns: { sigma: Text } }
  lower: { type: string, description: d, spelling: lower, columns: { sigma: Lower } }
  upper: { type: string, description: d, spelling: upper, columns: { sigma: Upper } }
  one: { type: string, description: d, spelling: one, columns: { sigma: { field: One, placeholder: none } } }
  text.other: { type: string, description: d, columns: { sigma: Other } }
  number: { type: int, description: d, columns: { sigma: Number } }
  number.other: { type: int, description: d, columns: { sigma: NumberOther } }
  text.number: { type: int, description: d, columns: { sigma: { field: NumberS, stored: string } } }
  real: { type: float, description: d, columns: { sigma: Real } }
  flag: { type: bool, description: d, columns: { sigma: Flag } }
  text.flag: { type: bool, description: d, columns: { sigma: { field: FlagS, stored: string } } }
  digit.flag: { type: bool, description: d, columns: { sigma: { field: FlagN, stored: number } } }
  wide.flag: { type: bool, description: d, columns: { sigma: { field: Wide, superset: it also counts x } } }
  ip: { type: ip, description: d, columns: { sigma: Ip } }
  own.none: { type: string, description: d, columns: { sigma: { field: Own, placeholder: none } } }
  at: { type: time, description: d, columns: { sigma: At } }
  derived: { type: string, description: d, columns: { sigma: { cases: [
    { value: good, when: { Code: null, Kind: A } }, { value: bad, when: { Kind: A } }, { value: odd }] } } }
  placed: { type: string, description: d, columns: { sigma: [
    { for_actions: [A], field: PlaceA }, { for_actions: [B, C], field: PlaceB }, { field: PlaceRest }] } }
"#;

fn stores() -> Catalog {
    let mut catalog = catalog();
    catalog.add("stores.yaml", STORES).unwrap();
    catalog
}

fn compile(rule: &Rule, options: &Options) -> Result<Emission, Vec<Diagnostic>> {
    let (catalog, mut diags) = (stores(), Diagnostics::default());
    let job = Job { rule, catalog: &catalog, schemas: &schemas(&catalog), options };
    crate::backend::compile(&job, &super::Sigma, &mut diags).ok_or_else(|| diags.into_sorted())
}

fn emit(rule: &Rule) -> Emission {
    let options = Options { allow_subset: true, ..Options::default() };
    compile(rule, &options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn refusal(rule: &Rule) -> String {
    let errors = compile(rule, &Options::default()).unwrap_err();
    errors.iter().fold(String::new(), |all, error| all + &error.title + ": " + &error.primary.text + "\n")
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../../snapshots/sigma_units",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

/// The detection of a one-step rule, and what it does to the fidelity.
fn detection(pred: &Pred, lists: &[List]) -> String {
    let mut rule = rule(vec![step("s", "test.stores", pred.clone(), vec![])], vec![], 60, &[]);
    rule.lists = lists.to_vec();
    let emission = emit(&rule);
    let lines = emission.parts[0].text.lines().skip_while(|line| *line != "detection:").skip(1);
    let body: String = lines.take_while(|line| line.starts_with(' ')).flat_map(|line| [line, "\n"]).collect();
    let fidelity = match emission.fidelity {
        Fidelity::Exact => "",
        Fidelity::Superset => "    (superset)\n",
        Fidelity::Conditional => "    (conditional)\n",
        Fidelity::Subset => "    (subset)\n",
    };
    format!("{fidelity}{body}")
}

fn both_ways(title: &str, pred: &Pred) -> String {
    let negated = Pred::Not(Box::new(pred.clone()));
    let lists = lists();
    format!("{title}\n{}  not\n{}", detection(pred, &lists), detection(&negated, &lists))
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn one_of(values: Vec<Value>, case: Case) -> TestKind {
    TestKind::Equals { values, case }
}

fn like(text: &str, case: Case) -> TestKind {
    TestKind::Like { pattern: Pattern::parse(text).unwrap(), case }
}

fn order(op: OrderOp, value: Value) -> TestKind {
    TestKind::Order { op, value }
}

fn lists() -> Vec<List> {
    let list = |name: &str, ty, values: Vec<EntryValue>| List {
        name: named(name),
        ty,
        entries: values.into_iter().map(|value| Entry::plain("", value)).collect(),
        expired: Vec::new(),
        file: None,
        lookup: None,
    };
    let pattern = |text: &str| EntryValue::Pattern(Pattern::parse(text).unwrap());
    let network = |text: &str| EntryValue::Network(text.parse().unwrap());
    vec![
        list(
            "mixed",
            Type::String,
            vec![pattern("a"), pattern("b*"), pattern("*c?"), pattern("a"), pattern("-")],
        ),
        list("prefixes", Type::String, vec![pattern("a*"), pattern("-*")]),
        list("networks", Type::Ip, vec![network("10.1.2.3/8"), network("192.0.2.1/32"), network("::/0")]),
        list("numbers", Type::Int, vec![EntryValue::Value(Value::Int(5)), EntryValue::Value(Value::Int(7))]),
        list("empty", Type::String, vec![]),
    ]
}

#[test]
fn tests_of_text() {
    let substring = |place, text: &str, case| TestKind::Substring { place, text: text.to_owned(), case };
    let matches = |regex: &str| TestKind::Matches { regex: Regex::new(regex).unwrap() };
    let (exact, fold) = (Case::Sensitive, Case::Ignore);
    let kinds = [
        ("exists", TestKind::Exists),
        ("== \"a\"", one_of(vec![string("a")], exact)),
        ("== \"7\"", one_of(vec![string("7")], exact)),
        ("== \"-\"", one_of(vec![string("-")], exact)),
        ("in (a, b, a)", one_of(vec![string("a"), string("b"), string("a")], exact)),
        ("in~ (a, A)", one_of(vec![string("a"), string("A")], fold)),
        ("hostile", one_of(vec![string("it's"), string("a\nb"), string(r"*?\"), string("no")], exact)),
        ("contains \"a\"", substring(Place::Anywhere, "a", exact)),
        ("contains~ \"a\"", substring(Place::Anywhere, "a", fold)),
        ("starts_with \"-\"", substring(Place::Start, "-", exact)),
        ("ends_with \"\\\"", substring(Place::End, "\\", exact)),
        ("like \"*\"", like("*", exact)),
        ("like \"\"", like("", exact)),
        ("like \"a*\"", like("a*", exact)),
        ("like~ \"a*b?\"", like("a*b?", fold)),
        ("like \"?\"", like("?", exact)),
        ("matches \"a+\"", matches("a+")),
        ("matches \"a*\"", matches("a*")),
        ("in mixed", TestKind::InList { list: 0, case: Case::Sensitive }),
        ("in prefixes", TestKind::InList { list: 1, case: Case::Sensitive }),
        ("in empty", TestKind::InList { list: 4, case: Case::Sensitive }),
        ("== text.other", TestKind::SameAs { other: field("text.other", Type::String) }),
    ];
    let shown: Vec<_> =
        kinds.into_iter().map(|(title, kind)| both_ways(title, &test("text", Type::String, kind))).collect();
    snapshot("text", &shown.concat());
}

#[test]
fn tests_of_other_types() {
    let truth = |truth| one_of(vec![Value::Bool(truth)], Case::Sensitive);
    let number = |number| one_of(vec![Value::Int(number)], Case::Sensitive);
    let within = |texts: &[&str]| networks("ip", texts);
    let same = TestKind::SameAs { other: field("number.other", Type::Int) };
    let preds = [
        ("number exists", test("number", Type::Int, TestKind::Exists)),
        ("number == -5", test("number", Type::Int, number(-5))),
        ("number in numbers", test("number", Type::Int, TestKind::InList { list: 3, case: Case::Sensitive })),
        ("number < 5", test("number", Type::Int, order(OrderOp::Less, Value::Int(5)))),
        ("number == number.other", test("number", Type::Int, same)),
        ("text.number == 5", test("text.number", Type::Int, number(5))),
        ("real >= 2.5", test("real", Type::Float, order(OrderOp::GreaterEqual, Value::Float(2.5)))),
        ("flag", test("flag", Type::Bool, truth(true))),
        ("flag exists", test("flag", Type::Bool, TestKind::Exists)),
        ("text.flag == false", test("text.flag", Type::Bool, truth(false))),
        ("digit.flag", test("digit.flag", Type::Bool, truth(true))),
        ("wide.flag", test("wide.flag", Type::Bool, truth(true))),
        ("ip exists", test("ip", Type::Ip, TestKind::Exists)),
        ("ip in (v4)", within(&["10.0.0.1/32", "10.0.0.2/32"])),
        ("ip in (10.1.2.3/8, 2001:db8::1)", within(&["10.1.2.3/8", "2001:db8::1/128"])),
        ("ip in networks", test("ip", Type::Ip, TestKind::InList { list: 2, case: Case::Sensitive })),
        ("own.none exists", test("own.none", Type::String, TestKind::Exists)),
        ("own.none contains \"no\"", test("own.none", Type::String, like("*no*", Case::Sensitive))),
        ("own.none ==~ \"NONE\"", test("own.none", Type::String, one_of(vec![string("NONE")], Case::Ignore))),
    ];
    let shown: Vec<_> = preds.iter().map(|(title, pred)| both_ways(title, pred)).collect();
    snapshot("other_types", &shown.concat());
}

#[test]
fn logic() {
    let a = || equals("text", "a");
    let b = || equals("text.other", "b");
    let c = || equals("own.none", "c");
    let not = |pred| Pred::Not(Box::new(pred));
    let derived = |value: &str| equals("derived", value);
    let preds = [
        ("a and b and c", Pred::And(vec![a(), b(), c()])),
        ("a and (text == x)", Pred::And(vec![a(), equals("text", "x")])),
        ("a or b or (b and c)", Pred::Or(vec![a(), b(), Pred::And(vec![b(), c()])])),
        ("a or text == x", Pred::Or(vec![a(), equals("text", "x")])),
        ("a or not b", Pred::Or(vec![a(), not(b())])),
        ("a and (b or not c)", Pred::And(vec![a(), Pred::Or(vec![b(), not(c())])])),
        ("a and not (b and not c)", Pred::And(vec![a(), not(Pred::And(vec![b(), not(c())]))])),
        ("not a and not b", Pred::And(vec![not(a()), not(b())])),
        ("a or (b and (c or not a))", {
            let inner = Pred::Or(vec![c(), not(a())]);
            Pred::Or(vec![a(), Pred::And(vec![b(), inner])])
        }),
        ("derived == good", derived("good")),
        ("derived == bad", derived("bad")),
        ("derived == odd", derived("odd")),
        ("placed == x", equals("placed", "x")),
        (
            "event.action == A and placed == x",
            Pred::And(vec![equals("event.action", "A"), equals("placed", "x")]),
        ),
        (
            "event.action == D and placed == x",
            Pred::And(vec![equals("event.action", "D"), equals("placed", "x")]),
        ),
    ];
    let shown: Vec<_> = preds.iter().map(|(title, pred)| both_ways(title, pred)).collect();
    snapshot("logic", &shown.concat());
}

/// A chain of steps `s0`, `s1`, …, each an action of its own.
fn chain(gaps: &[(u64, &str)], total: u64, scope: &[&str]) -> Rule {
    let name = |index: usize| format!("s{index}");
    let steps = (0..=gaps.len())
        .map(|index| step(&name(index), "aws.cloudtrail", equals("event.action", &name(index)), vec![]))
        .collect();
    let links = gaps.iter().map(|(gap, key)| link(*gap, &[key], scope)).collect();
    rule(steps, links, total, scope)
}

fn file(rule: &Rule) -> String {
    let emission = emit(rule);
    let part = &emission.parts[0];
    let mut lines = vec![format!("# {}.yml, {:?}", part.name, emission.fidelity)];
    lines.extend(emission.notes.iter().map(|note| format!("# {:?}: {}", note.effect, note.message)));
    lines.extend(emission.requires.iter().map(|what| format!("# needs {what}")));
    lines.push(part.text.clone());
    lines.join("\n")
}

#[test]
fn every_strategy() {
    snapshot("an1318", &file(&an1318()));
    snapshot("one_step", &file(&chain(&[], 0, &[])));
    snapshot("two_steps", &file(&chain(&[(90, "actor.id")], 60, &[])));
    snapshot(
        "one_window",
        &file(&chain(&[(3600, "actor.id"), (3600, "actor.id")], 3600, &["cloud.account.id"])),
    );
    snapshot("nested", &file(&chain(&[(60, "actor.id"), (90, "actor.id"), (7200, "actor.id")], 3600, &[])));
    let keys = [(60, "actor.id"), (60, "actor.id"), (120, "actor.name")];
    snapshot("pairs_in_scope", &file(&chain(&keys, 150, &["cloud.account.id"])));
}

#[test]
fn every_key_must_be_present() {
    let keys = |names: &[(&str, Type)]| {
        let names = names.iter().map(|(name, ty)| (*name, *ty));
        let key = |(name, ty)| Key::of(field(name, ty), field(name, ty));
        let steps = ["a", "b"].map(|name| step(name, "test.stores", equals("text", name), vec![]));
        let mut rule = rule(steps.into(), vec![link(60, &[], &[])], 60, &[]);
        rule.chain.links[0].keys = names.map(key).collect();
        let text = file(&rule);
        let lines = text.lines().skip_while(|line| *line != "detection:").skip(1);
        lines.take_while(|line| line.starts_with(' ')).collect::<Vec<_>>().join("\n")
    };
    let all = [("number", Type::Int), ("flag", Type::Bool), ("own.none", Type::String)];
    snapshot("keys", &[keys(&all), keys(&[("text.flag", Type::Bool)])].join("\n"));
}

#[test]
fn no_window_is_empty() {
    let scope = ["cloud.account.id"];
    for rule in [
        chain(&[(0, "actor.id")], 0, &[]),
        chain(&[(0, "actor.id"), (60, "actor.id")], 60, &[]),
        chain(&[(60, "actor.id"), (0, "actor.name")], 60, &scope),
    ] {
        let emission = emit(&rule);
        assert_eq!((emission.fidelity, emission.promised()), (Fidelity::Conditional, Fidelity::Superset));
        assert!(emission.parts[0].text.contains("timespan: 1s\n"));
        assert!(!emission.parts[0].text.contains("timespan: 0s"));
    }
}

#[test]
fn a_path_of_keys_follows_differently_named_fields() {
    let mut rule = chain(&[(60, "actor.id"), (60, "actor.id")], 60, &[]);
    let key = |left: &str, right: &str| Key::of(field(left, Type::String), field(right, Type::String));
    rule.chain.links[0].keys = vec![key("actor.id", "actor.name"), key("actor.name", "actor.name")];
    rule.chain.links[1].keys = vec![key("actor.name", "actor.type"), key("actor.name", "cloud.region")];
    let text = file(&rule);
    let aliases = text.lines().skip_while(|line| !line.contains("group-by")).collect::<Vec<_>>().join("\n");
    snapshot("paths", &aliases);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let one = |pred| rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]);
    let at = |kind| one(test("at", Type::Time, kind));
    let instant = Value::Time("2026-01-01T00:00:00Z".parse().unwrap());
    let keyed = |name: &str| {
        let steps = ["a", "b"].map(|step_name| step(step_name, "test.stores", equals("text", "x"), vec![]));
        rule(steps.to_vec(), vec![link(60, &[name], &[])], 60, &[])
    };
    let small = order(OrderOp::Less, Value::Float(1e-9));
    let by_size = order(OrderOp::Less, Value::Int(1));
    let refused = [
        refusal(&chain(&[(60, "actor.id"), (60, "actor.name")], 60, &[])),
        refusal(&at(order(OrderOp::Less, instant.clone()))),
        refusal(&at(one_of(vec![instant], Case::Sensitive))),
        refusal(&one(test("real", Type::Float, small))),
        refusal(&one(test("text.number", Type::Int, by_size))),
        refusal(&one(test("derived", Type::String, like("g*", Case::Sensitive)))),
        refusal(&one(Pred::Not(Box::new(test("wide.flag", Type::Bool, TestKind::Exists))))),
        refusal(&keyed("derived")),
        refusal(&keyed("placed")),
    ];
    snapshot("refused", &refused.concat());
}

#[test]
fn what_a_source_cannot_state_is_an_error_there() {
    for (old, new, fault) in [
        (
            "sigma: Text }",
            "sigma: { expr: lower(Text) } }",
            "the column of `text` is invalid in Sigma: Sigma has no expressions",
        ),
        (
            "sigma: Text }",
            "sigma: \"items[0].x\" }",
            "the column of `text` is invalid in Sigma: it has an index, and no field has one in its name",
        ),
        (
            "when: { Code: null",
            "when: { a|b: null",
            "the column of `derived` is invalid in Sigma: `a|b` is not a field name: letters, digits, `_`, `.` and `-`",
        ),
        (
            "columns: { sigma: Action }",
            "columns: { sigma: { cases: [{ value: A }] } }",
            "`event.action` cannot decide between the variants of `placed` in Sigma: it is derived from several fields",
        ),
        (
            "{ category: test, product: stores }",
            "{ category: ' ' }",
            "`test.stores` has no `words` for Sigma: the query would not know where to look",
        ),
    ] {
        assert!(STORES.contains(old), "{old}");
        let (mut catalog, mut diags) = (catalog(), Diagnostics::default());
        catalog.add("stores.yaml", &STORES.replace(old, new)).unwrap();
        let _ = crate::backend::schemas(&catalog, &mut diags);
        let found = diags.into_sorted();
        let found: Vec<_> =
            found.iter().map(|fault| format!("{}: {}", fault.title, fault.primary.text)).collect();
        assert_eq!(found, [fault]);
    }
}

#[test]
fn file_names_fit() {
    for (name, steps, file) in [
        ("a", 0, "detection_a"),
        ("aws_root_login", 0, "aws_root_login"),
        ("awsrootlogin", 0, "detection_awsrootlogin"),
        ("a", 1, "correlation_a"),
    ] {
        let mut rule = chain(&vec![(60, "actor.id"); steps], 60, &[]);
        rule.name = named(name);
        assert_eq!(emit(&rule).parts[0].name, file);
    }
    let mut rule = chain(&[(60, "actor.id")], 60, &[]);
    rule.name = named(&"long_".repeat(40));
    assert_eq!(emit(&rule).parts[0].name.len(), 90);
}

#[test]
fn letters_are_told_apart_only_where_that_makes_a_difference() {
    let substring = |field: &str, place, text: &str, case| {
        test(field, Type::String, TestKind::Substring { place, text: text.to_owned(), case })
    };
    let one_like = |text: &str| test("one", Type::String, like(text, Case::Sensitive));
    let preds = [
        ("lower == a", equals("lower", "a")),
        ("lower == A", equals("lower", "A")),
        ("lower in mixed", test("lower", Type::String, TestKind::InList { list: 0, case: Case::Sensitive })),
        ("upper like \"*A?\"", test("upper", Type::String, like("*A?", Case::Sensitive))),
        ("one == a", equals("one", "a")),
        ("one like \"a*b\"", one_like("a*b")),
        ("one like \"*b\"", one_like("*b")),
        ("one exists", test("one", Type::String, TestKind::Exists)),
        ("lower contains a and lower contains~ b", {
            let first = substring("lower", Place::Anywhere, "a", Case::Sensitive);
            Pred::And(vec![first, substring("lower", Place::Anywhere, "b", Case::Ignore)])
        }),
    ];
    let shown: Vec<_> = preds.iter().map(|(title, pred)| both_ways(title, pred)).collect();
    snapshot("letters", &shown.concat());
}

#[test]
fn without_cased_a_rule_matches_more_and_its_exceptions_except_more() {
    let not = |pred| Pred::Not(Box::new(pred));
    let options = Options { allow_subset: true, cased: Cased::Never, ..Options::default() };
    let said = |pred: Pred| {
        let rule = rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]);
        let emission = compile(&rule, &options).unwrap();
        assert!(!emission.parts[0].text.contains("cased"), "{}", emission.parts[0].text);
        let notes = emission.notes.iter().filter(|note| note.message.contains("ignoring case"));
        (emission.fidelity, notes.map(|note| note.effect).collect::<Vec<_>>())
    };
    assert_eq!(said(equals("text", "a")), (Fidelity::Superset, vec![Effect::Superset]));
    assert_eq!(said(not(equals("text", "a"))), (Fidelity::Subset, vec![Effect::Subset]));
    assert_eq!(said(not(not(equals("text", "a")))), (Fidelity::Superset, vec![Effect::Superset]));
    assert_eq!(said(not(equals("lower", "a"))), (Fidelity::Exact, vec![]));
    // Each keeps a place of its own: the keys of their items no longer differ.
    let both = |text: &str, case| TestKind::Substring { place: Place::Anywhere, text: text.to_owned(), case };
    let both = [both("a", Case::Sensitive), both("b", Case::Ignore)];
    let both = Pred::And(both.map(|kind| test("text", Type::String, kind)).into());
    assert_eq!(said(both), (Fidelity::Superset, vec![Effect::Superset]));
}

#[test]
fn base_rules_apart_are_the_same_documents() {
    let whole = emit(&an1318());
    let options = Options { split: true, ..Options::default() };
    let apart = compile(&an1318(), &options).unwrap();
    let texts: Vec<_> = apart.parts.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(texts.join("---\n"), whole.parts[0].text);
    let names: Vec<_> = apart.parts.iter().map(|part| (part.name.as_str(), part.role)).collect();
    assert_eq!(
        names,
        [
            ("aws_untrusted_image_launch_step_1_console", Role::Stage),
            ("aws_untrusted_image_launch_step_2_launch", Role::Stage),
            ("aws_untrusted_image_launch_step_3_egress", Role::Stage),
            ("correlation_aws_untrusted_image_launch", Role::Query),
        ]
    );
    let one = compile(&chain(&[], 0, &[]), &options).unwrap();
    assert_eq!(one.parts, emit(&chain(&[], 0, &[])).parts);
}

#[test]
fn one_step_answers_with_records() {
    assert_eq!(emit(&chain(&[], 0, &[])).level, Level::Record);
    assert_eq!(emit(&chain(&[(60, "actor.id")], 60, &[])).level, Level::Key);
}

#[test]
fn identifiers_depend_on_nothing_but_the_rule() {
    let rule = an1318();
    assert_eq!(emit(&rule).parts, emit(&rule).parts);
    assert_eq!(emit(&rule).parts[0].id, rule.meta.id);
}
