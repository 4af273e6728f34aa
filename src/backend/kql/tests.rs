//! Whole queries and single tests, as text.

use crate::backend::fixture::{
    an1318, catalog, equals, field, is_true, link, named, rule, schemas, shown, step, test,
};
use crate::backend::{Effect, Emission, Fidelity, Job, ListDelivery, Options};
use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::ir::{
    AnyOf, Case, Entry, EntryValue, Key, List, OrderOp, Pattern, Place, Pred, Regex, Rule, TestKind, Type,
    Value,
};
use crate::source::Span;

/// A table that stores each type in every way, with a group and without an event id.
const STORES: &str = r#"
name: test.stores
title: Stores
description: Every type, stored in every way.
delay: 0
granularity: 1
placeholder: "-"
group: { path: items, key: [item] }
targets:
  kql: { from: Stores_CL, filter: "Kind == 1 or Kind == 2", time: todatetime(When), time_lag: 60, words: { group: todynamic(Items) } }
fields:
  event.time: { type: time, description: d, raw: t }
  event.action: { type: string, description: d, raw: action, columns: { kql: Action } }
  text: { type: string, description: d, columns: { kql: Text } }
  number.text: { type: string, description: d, columns: { kql: { field: TextN, stored: number } } }
  number: { type: int, description: d, columns: { kql: Number } }
  text.number: { type: int, description: d, columns: { kql: { field: NumberS, stored: string } } }
  real: { type: float, description: d, columns: { kql: { field: RealS, stored: string } } }
  flag: { type: bool, description: d, columns: { kql: Flag } }
  text.flag: { type: bool, description: d, columns: { kql: { field: FlagS, stored: string } } }
  wide.flag: { type: bool, description: d, columns: { kql: { expr: Flag or Text == "x", superset: it also counts x } } }
  at: { type: time, description: d, columns: { kql: At } }
  text.time: { type: time, description: d, columns: { kql: { field: AtS, stored: string } } }
  epoch: { type: time, description: d, columns: { kql: { field: AtN, stored: number } } }
  ip: { type: ip, description: d, columns: { kql: Ip } }
  ip.other: { type: ip, description: d, columns: { kql: { path: Raw.where.a-b.ip } } }
  own.none: { type: string, description: d, columns: { kql: { field: Own, placeholder: none } } }
  item: { type: string, description: d, in_group: true, columns: { kql: { item: "name.first" } } }
  item.port: { type: int, description: d, in_group: true, raw: [{ for_actions: [A], path: port }, { path: port, from_event: true }], columns: { kql: [
    { for_actions: [A], item: port }, { for_actions: [B, C], field: Port }, { expr: Fallback + 1 }] } }
"#;

fn stores() -> Catalog {
    let mut catalog = catalog();
    catalog.add("stores.yaml", STORES).unwrap();
    catalog
}

fn compile(rule: &Rule, options: &Options) -> Result<Emission, Vec<crate::diag::Diagnostic>> {
    let (catalog, mut diags) = (stores(), Diagnostics::default());
    let job = Job { rule, catalog: &catalog, schemas: &schemas(&catalog), options };
    crate::backend::compile(&job, &super::Kql, &mut diags).ok_or_else(|| diags.into_sorted())
}

fn emit(rule: &Rule, options: &Options) -> Emission {
    compile(rule, options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../../snapshots/kql_units",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

fn subset() -> Options {
    Options { allow_subset: true, ..Options::default() }
}

/// The lines of a one-step query that depend on its condition.
fn condition(pred: Pred, lists: Vec<List>, options: &Options) -> String {
    let mut rule = rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]);
    rule.lists = lists;
    let text = emit(&rule, options).parts[0].text.clone();
    let constant =
        |line: &&str| !line.starts_with("//") && !line.starts_with("let ") && !line.contains("Kind == 1");
    let lines = text.lines().take_while(|line| !line.starts_with("| project")).filter(constant);
    let lines = lines.filter(|line| !line.starts_with("| mv-expand"));
    lines.flat_map(|line| ["    ", line, "\n"]).collect()
}

fn both_ways(title: &str, pred: &Pred, lists: &[List], options: &Options) -> String {
    let positive = condition(pred.clone(), lists.to_vec(), options);
    let negative = condition(Pred::Not(Box::new(pred.clone())), lists.to_vec(), options);
    format!("{title}\n{positive}  not\n{negative}")
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

fn instant(text: &str) -> Value {
    Value::Time(text.parse().unwrap())
}

fn text_tests() -> Vec<(&'static str, TestKind)> {
    let substring = |place, text: &str, case| TestKind::Substring { place, text: text.to_owned(), case };
    let matches = |regex: &str| TestKind::Matches { regex: Regex::new(regex).unwrap() };
    let (exact, fold) = (Case::Sensitive, Case::Ignore);
    vec![
        ("exists", TestKind::Exists),
        ("== \"a\"", one_of(vec![string("a")], exact)),
        ("== \"-\"", one_of(vec![string("-")], exact)),
        ("in (a, b)", one_of(vec![string("a"), string("b"), string("a")], exact)),
        ("=~ \"a\"", one_of(vec![string("a")], fold)),
        ("in~ (a, b)", one_of(vec![string("a"), string("b")], fold)),
        ("in~ (a, É)", one_of(vec![string("A"), string("É")], fold)),
        ("contains \"a\"", substring(Place::Anywhere, "a", exact)),
        ("contains~ \"É\"", substring(Place::Anywhere, "É", fold)),
        ("starts_with \"-\"", substring(Place::Start, "-", exact)),
        ("ends_with~ \"a\"", substring(Place::End, "a", fold)),
        ("like \"*\"", like("*", exact)),
        ("like \"\"", like("", exact)),
        ("like \"a\"", like("a", exact)),
        ("like \"a*\"", like("a*", exact)),
        ("like \"*a\"", like("*a", exact)),
        ("like~ \"*a*\"", like("*a*", fold)),
        ("like \"*-*\"", like("*-*", exact)),
        ("like \"a.*b?$\"", like("a.*b?$", exact)),
        ("like~ \"A*É?\"", like("A*É?", fold)),
        ("matches \"^a\"", matches("^a")),
        ("matches \"a*\"", matches("a*")),
        ("== other", TestKind::SameAs { other: field("own.none", Type::String) }),
    ]
}

#[test]
fn tests_of_text() {
    let mut out = String::new();
    for (title, kind) in text_tests() {
        out += &both_ways(title, &test("text", Type::String, kind), &[], &subset());
    }
    for name in ["number.text", "own.none", "item"] {
        let kind = one_of(vec![string("1")], Case::Sensitive);
        out += &both_ways(&format!("{name} == \"1\""), &test(name, Type::String, kind), &[], &subset());
    }
    snapshot("text", &out);
}

fn typed_tests(ty: Type) -> Vec<(&'static str, TestKind)> {
    let order = |op, value| TestKind::Order { op, value };
    let equal = |values| one_of(values, Case::Sensitive);
    let networks = |texts: &[&str]| TestKind::InNetworks {
        networks: texts.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let ip = |text: &str| Value::Ip(text.parse().unwrap());
    match ty {
        Type::Int => vec![
            ("== -5", equal(vec![Value::Int(-5)])),
            ("in (1, 2)", equal(vec![Value::Int(1), Value::Int(2), Value::Int(1)])),
            (">= least", order(OrderOp::GreaterEqual, Value::Int(i64::MIN))),
            ("< 7", order(OrderOp::Less, Value::Int(7))),
            ("== other", TestKind::SameAs { other: field("item.port", Type::Int) }),
        ],
        Type::Float => vec![
            ("== 0.5", equal(vec![Value::Float(0.5)])),
            ("> 5.0", order(OrderOp::Greater, Value::Float(5.0))),
            ("<= -1e300", order(OrderOp::LessEqual, Value::Float(-1e300))),
        ],
        Type::Bool => {
            vec![("== true", equal(vec![Value::Bool(true)])), ("== false", equal(vec![Value::Bool(false)]))]
        }
        Type::Time => vec![
            ("== instant", equal(vec![instant("2026-01-01T00:00:00.000001Z")])),
            ("> year 0", order(OrderOp::Greater, instant("0000-01-01T00:00:00Z"))),
        ],
        Type::Ip => vec![
            ("== v4", equal(vec![ip("10.0.0.1")])),
            ("in (v4, v6)", equal(vec![ip("10.0.0.1"), ip("10.0.0.2"), ip("2001:db8::1")])),
            ("in v4 network", networks(&["10.1.2.3/8"])),
            (
                "in networks",
                networks(&["10.0.0.0/8", "192.168.0.0/16", "8.8.8.8/32", "2001:db8::/32", "fe80::/10"]),
            ),
            ("== other", TestKind::SameAs { other: field("ip.other", Type::Ip) }),
        ],
        Type::String => Vec::new(),
    }
}

#[test]
fn tests_of_other_types() {
    let fields = [
        ("number", Type::Int),
        ("text.number", Type::Int),
        ("item.port", Type::Int),
        ("real", Type::Float),
        ("flag", Type::Bool),
        ("text.flag", Type::Bool),
        ("at", Type::Time),
        ("text.time", Type::Time),
        ("epoch", Type::Time),
        ("ip", Type::Ip),
        ("ip.other", Type::Ip),
    ];
    let mut out = String::new();
    for (name, ty) in fields {
        for (title, kind) in [("exists", TestKind::Exists)].into_iter().chain(typed_tests(ty)) {
            out += &both_ways(&format!("{name} {title}"), &test(name, ty, kind), &[], &subset());
        }
    }
    snapshot("other_types", &out);
}

fn list(name: &str, ty: Type, entries: Vec<EntryValue>) -> List {
    let (reason, owner, ticket, until) = (None, None, None, None);
    let entry = |value| Entry {
        value,
        text: String::new(),
        reason: reason.clone(),
        owner: owner.clone(),
        ticket: ticket.clone(),
        until,
        row: 1,
        span: Span::default(),
    };
    let entries = entries.into_iter().map(entry).collect();
    List { name: named(name), ty, entries, expired: Vec::new(), file: None, lookup: None }
}

fn patterns(texts: &[&str]) -> Vec<EntryValue> {
    texts.iter().map(|text| EntryValue::Pattern(Pattern::parse(text).unwrap())).collect()
}

fn some_lists() -> Vec<List> {
    let networks = ["10.0.0.0/8", "8.8.8.8/32", "2001:db8::/32"];
    let networks = networks.iter().map(|text| EntryValue::Network(text.parse().unwrap())).collect();
    let numbers = vec![EntryValue::Value(Value::Int(22)), EntryValue::Value(Value::Int(443))];
    vec![
        list("images", Type::String, patterns(&["ami-1", "ami-2", "ami-1", "ami-x*", "\\*"])),
        list("internal", Type::Ip, networks),
        list("ports", Type::Int, numbers),
        list("empty", Type::String, Vec::new()),
        list("dash", Type::String, patterns(&["?"])),
    ]
}

#[test]
fn lists_inline_and_in_watchlists() {
    let fields = [
        ("text", Type::String),
        ("ip", Type::Ip),
        ("number", Type::Int),
        ("text", Type::String),
        ("text", Type::String),
    ];
    let mut out = String::new();
    for delivery in [ListDelivery::Inline, ListDelivery::Lookup] {
        let options = Options { lists: delivery, ..Options::default() };
        for (index, (name, ty)) in fields.into_iter().enumerate() {
            let lists = some_lists();
            let title = format!("{delivery:?}: {name} in {}", lists[index].name.node);
            out += &both_ways(
                &title,
                &test(name, ty, TestKind::InList { list: index, case: Case::Sensitive }),
                &lists,
                &options,
            );
        }
    }
    snapshot("lists", &out);
}

#[test]
fn a_watchlist_is_a_requirement() {
    let pred = test("text", Type::String, TestKind::InList { list: 0, case: Case::Sensitive });
    let mut rule = rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]);
    rule.lists = some_lists();
    let emission = emit(&rule, &Options { lists: ListDelivery::Lookup, ..Options::default() });
    let [wanted] = emission.requires.as_slice() else { panic!("{:?}", emission.requires) };
    assert!(
        wanted.contains("watchlist `images` with `value` as its SearchKey, from `images.csv`"),
        "{wanted}"
    );
    assert!(wanted.contains("3 exact values of allowlist `images`"), "{wanted}");
    let rows = "value,until,reason,owner,ticket\nami-1,,,,\nami-2,,,,\n*,,,,\n";
    assert!(matches!(emission.lists.as_slice(), [list] if list.text == rows), "{:?}", emission.lists);
}

#[test]
fn logic_keeps_and_and_or_apart() {
    let [a, b, c] = ["a", "b", "c"].map(|text| equals("text", text));
    let order = test("number", Type::Int, TestKind::Order { op: OrderOp::Less, value: Value::Int(7) });
    let never = test("text", Type::String, like("", Case::Sensitive));
    let mixed = Pred::Or(vec![
        Pred::And(vec![a.clone(), order.clone()]),
        Pred::Or(vec![b.clone(), never.clone()]),
        Pred::Not(Box::new(Pred::Or(vec![c, order.clone()]))),
    ]);
    let all = Pred::And(vec![a.clone(), order, Pred::Or(vec![b, never.clone()]), is_true("flag"), a]);
    let out = both_ways("or", &mixed, &[], &subset())
        + &both_ways("and", &all, &[], &subset())
        + &both_ways("never", &never, &[], &subset());
    snapshot("logic", &out);
}

#[test]
fn an_untrue_column_widens_or_narrows() {
    let wide = |negated: bool, value: bool| {
        let kind = one_of(vec![Value::Bool(value)], Case::Sensitive);
        let pred = test("wide.flag", Type::Bool, kind);
        let pred = if negated { Pred::Not(Box::new(pred)) } else { pred };
        emit(&rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]), &subset())
    };
    assert_eq!(wide(false, true).fidelity, Fidelity::Superset);
    assert_eq!(wide(true, true).fidelity, Fidelity::Subset);
    assert_eq!(wide(false, false).fidelity, Fidelity::Subset);
    assert!(wide(false, true).parts[0].text.contains("// may add: it also counts x\n"));
}

/// Which events alert is not touched by what the answer shows of them.
#[test]
fn an_untrue_column_that_is_only_shown_is_noted() {
    let mut rule = rule(vec![step("s", "test.stores", all("text"), vec![])], vec![], 60, &[]);
    rule.alert.show = vec![shown(0, "wide.flag", Type::Bool), shown(0, "flag", Type::Bool)];
    let emission = emit(&rule, &Options::default());
    assert_eq!(emission.fidelity, Fidelity::Exact);
    let notes: Vec<_> = emission.notes.iter().map(|note| (note.effect, note.message.as_str())).collect();
    let message = "`wide.flag` in an answer may differ from the log: it also counts x";
    assert_eq!(notes, [(Effect::Shown, message)]);
    assert!(emission.parts[0].text.contains(&format!("// note: {message}\n")));
}

fn key(left: (&str, Type), right: (&str, Type)) -> Key {
    Key {
        left: field(left.0, left.1),
        right: field(right.0, right.1),
        case: Case::Sensitive,
        any: AnyOf::default(),
        folds: false,
        from_scope: false,
    }
}

fn all(field: &str) -> Pred {
    test(field, Type::String, TestKind::Exists)
}

#[test]
fn an1318_on_aws() {
    snapshot("an1318", &emit(&an1318(), &Options::default()).parts[0].text);
}

#[test]
fn an1318_with_time_buckets() {
    let options = Options { time_buckets: true, ..Options::default() };
    snapshot("an1318_time_buckets", &emit(&an1318(), &options).parts[0].text);
}

/// Late clocks, a total that binds, keys of every type, one event in both steps, no event id.
#[test]
fn four_steps_over_a_late_clock() {
    let [one, two, three, four] =
        ["where", "b", "c", "d"].map(|name| step(name, "test.stores", all("text"), vec![]));
    let keys = [
        vec![
            key(("number", Type::Int), ("item.port", Type::Int)),
            key(("ip", Type::Ip), ("ip.other", Type::Ip)),
        ],
        vec![
            key(("real", Type::Float), ("real", Type::Float)),
            key(("item", Type::String), ("text", Type::String)),
        ],
        vec![
            key(("text.flag", Type::Bool), ("flag", Type::Bool)),
            key(("epoch", Type::Time), ("at", Type::Time)),
        ],
    ];
    let links = keys.map(|keys| crate::ir::Link { keys, ..link(5400, &[], &[]) });
    let mut rule = rule(vec![one, two, three, four], links.into(), 7200, &[]);
    rule.alert.show = vec![shown(3, "item", Type::String), shown(0, "own.none", Type::String)];
    let emission = emit(&rule, &Options { time_buckets: true, ..Options::default() });
    assert_eq!(emission.fidelity, Fidelity::Superset);
    snapshot("four_steps", &emission.parts[0].text);
}

#[test]
fn two_steps_have_one_window() {
    let steps = ["a", "b"].map(|name| step(name, "aws.vpcflow", equals("flow.action", "ACCEPT"), vec![]));
    let text =
        emit(&rule(steps.into(), vec![link(600, &["instance.eni"], &[])], 300, &[]), &Options::default());
    let text = &text.parts[0].text;
    assert!(
        text.contains("let a_to_b = 5m;\n")
            && text
                .contains("| where b_time between (a_time .. (a_time + a_to_b)) and _b_event != _a_event\n"),
        "{text}"
    );
}

#[test]
fn equal_column_names_are_refused() {
    let one = step("a", "test.stores", all("text.number"), vec![]);
    let other = step("a_text", "test.stores", all("text"), vec![]);
    let mut rule = rule(vec![one, other], vec![link(60, &["text"], &[])], 60, &[]);
    rule.alert.show = vec![shown(0, "text.number", Type::Int), shown(1, "number", Type::Int)];
    let errors = compile(&rule, &Options::default()).unwrap_err();
    assert_eq!(errors[0].title, "two columns of the query would have one name");
}

#[test]
fn a_group_without_a_place_is_refused() {
    let mut catalog = stores();
    catalog.source_mut("test.stores").unwrap().targets.get_mut("kql").unwrap().words.clear();
    let mut diags = Diagnostics::default();
    let schemas = crate::backend::schemas(&catalog, &mut diags);
    let found = diags.into_sorted();
    let titles: Vec<_> = found.iter().map(|fault| fault.title.as_str()).collect();
    assert_eq!(titles, ["`test.stores` has no `words: group` for Microsoft Sentinel KQL"]);
    let rule = rule(vec![step("s", "test.stores", all("text"), vec![])], vec![], 60, &[]);
    let (options, mut diags) = (Options::default(), Diagnostics::default());
    let job = Job { rule: &rule, catalog: &catalog, schemas: &schemas, options: &options };
    assert_eq!(crate::backend::compile(&job, &super::Kql, &mut diags), None);
    assert_eq!(
        diags.into_sorted()[0].title,
        "the mapping of `test.stores` for Microsoft Sentinel KQL is invalid"
    );
}

#[test]
fn a_query_past_the_limit_says_so() {
    let values = (0..900).map(|n| string(&format!("value-{n}"))).collect();
    let pred = test("text", Type::String, one_of(values, Case::Sensitive));
    let emission =
        emit(&rule(vec![step("s", "test.stores", pred, vec![])], vec![], 60, &[]), &Options::default());
    assert_eq!(emission.fidelity, Fidelity::Exact);
    assert!(
        emission.notes.iter().any(|note| note.effect == Effect::Engine && note.message.contains("10000"))
    );
}

#[test]
fn the_head_stays_a_comment() {
    let mut rule = rule(vec![step("s", "test.stores", all("text"), vec![])], vec![], 60, &[]);
    rule.meta.title = "a\nb\u{2028}| take 1 \u{202e}\r// \u{85} c".to_owned();
    let text = emit(&rule, &Options::default()).parts[0].text.clone();
    assert!(text.starts_with("// a b | take 1 // c\n// Catena: "), "{text}");
}

/// A field of a step is one column, however often it is named.
#[test]
fn fields_named_twice_appear_once() {
    let mut rule = an1318();
    rule.alert.show.push(shown(1, "actor.id", Type::String));
    let text = emit(&rule, &Options::default()).parts[0].text.clone();
    let passed_on = text.lines().find(|line| line.contains("launch_actor_id = ")).unwrap();
    assert_eq!(passed_on.matches("launch_actor_id").count(), 1, "{passed_on}");
}
