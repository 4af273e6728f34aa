//! Snapshots of whole searches and of every kind of test; what is refused; what a base search may hold.
//!
//! In: rules built by hand. Out: verdicts. Must not know: the grammar, the checker.

use super::*;
use crate::backend::{Emission, Fidelity, ListDelivery, Options, compile, fixture};
use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::ir::{Case, Entry, EntryValue, List, OrderOp, Pattern, Place, Pred, Regex, TestKind, Type, Value};

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => "../../../snapshots/spl_units", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

fn emission(rule: &ir::Rule, options: &Options) -> Result<Emission, Vec<String>> {
    emission_of(&fixture::catalog(), rule, options)
}

fn emission_of(catalog: &Catalog, rule: &ir::Rule, options: &Options) -> Result<Emission, Vec<String>> {
    let mut diags = Diagnostics::default();
    let job = Job { rule, catalog, schemas: &fixture::schemas(catalog), options };
    compile(&job, &Spl, &mut diags)
        .ok_or_else(|| diags.into_sorted().into_iter().map(|found| format!("{found:?}")).collect())
}

#[test]
fn an1318() {
    let emission = emission(&fixture::an1318(), &Options::default()).unwrap();
    snapshot("an1318", &emission.parts[0].text);
}

fn field(name: &str) -> (&str, Type) {
    let ty = match name {
        "event.read_only" => Type::Bool,
        "source.ip" | "destination.ip" => Type::Ip,
        "destination.port" => Type::Int,
        "session.created" | "event.time" => Type::Time,
        _ => Type::String,
    };
    (name, ty)
}

fn one(name: &str, kind: TestKind) -> Pred {
    let (name, ty) = field(name);
    fixture::test(name, ty, kind)
}

fn texts(values: &[&str], case: Case) -> TestKind {
    TestKind::Equals { values: values.iter().map(|value| Value::String((*value).to_owned())).collect(), case }
}

fn list(name: &str, ty: Type, entries: Vec<Entry>) -> List {
    List { name: fixture::named(name), ty, entries, expired: Vec::new(), file: None, lookup: None }
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// A rule of one step, with three lists.
fn single(source: &str, pred: Pred) -> ir::Rule {
    let mut rule = fixture::rule(vec![fixture::step("hit", source, pred, vec![])], vec![], 60, &[]);
    let network = |text: &str| Entry::plain(text, EntryValue::Network(text.parse().unwrap()));
    let wild = |text: &str| Entry::plain(text, EntryValue::Pattern(pattern(text)));
    rule.lists = vec![
        list("roles", Type::String, vec![wild("arn:a"), wild("007"), wild("arn:*:b?")]),
        list(
            "nets",
            Type::Ip,
            vec![network("10.0.0.0/8"), network("192.0.2.1/32"), network("2001:db8::/32")],
        ),
        list("empty", Type::String, vec![]),
    ];
    rule
}

/// The arguments of the only `where`, on one line.
fn condition(rule: &ir::Rule, options: &Options) -> String {
    let text = emission(rule, options).unwrap().parts.remove(0).text;
    let (_, rest) = text.split_once("| where ").unwrap();
    rest.split_once("\n|").unwrap().0.replace("\n            ", " ")
}

fn kinds() -> Vec<Pred> {
    let order = |op, value| TestKind::Order { op, value };
    let substring = |place, text: &str, case| TestKind::Substring { place, text: text.to_owned(), case };
    let address = |text: &str| Value::Ip(text.parse().unwrap());
    let equals = |values| TestKind::Equals { values, case: Case::Sensitive };
    let networks = |texts: &[&str]| TestKind::InNetworks {
        networks: texts.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let instant = "2026-01-01T00:00:00.5Z".parse().unwrap();
    vec![
        one("actor.id", TestKind::Exists),
        one("actor.id", texts(&["a"], Case::Sensitive)),
        one("actor.id", texts(&["a", "b\"\\", "`id`", "$x$", "0123"], Case::Sensitive)),
        one("actor.id", texts(&["Älice", "B"], Case::Ignore)),
        one("event.read_only", equals(vec![Value::Bool(false)])),
        one("destination.port", equals(vec![Value::Int(443), Value::Int(-1)])),
        one("source.ip", equals(vec![address("192.0.2.1"), address("2001:db8::1")])),
        one("source.ip", networks(&["10.0.0.0/8", "172.16.0.0/12", "fc00::/7"])),
        one("actor.id", TestKind::InList { list: 0, case: Case::Sensitive }),
        one("source.ip", TestKind::InList { list: 1, case: Case::Sensitive }),
        one("actor.id", TestKind::InList { list: 2, case: Case::Sensitive }),
        one("destination.port", order(OrderOp::GreaterEqual, Value::Int(1024))),
        one("session.created", order(OrderOp::Less, Value::Time(instant))),
        one("actor.id", TestKind::Like { pattern: pattern("*A.b\\*?"), case: Case::Ignore }),
        one("actor.id", TestKind::Like { pattern: pattern("*"), case: Case::Sensitive }),
        one("actor.id", substring(Place::Anywhere, "a$b", Case::Sensitive)),
        one("actor.id", substring(Place::Start, "C:\\", Case::Ignore)),
        one("actor.id", substring(Place::End, "^`", Case::Sensitive)),
        one("actor.id", TestKind::Matches { regex: Regex::new(r"^\w+\.[^\d\s]{2,}$").unwrap() }),
        one("actor.id", TestKind::SameAs { other: fixture::field("actor.name", Type::String) }),
    ]
}

fn source_of(pred: &Pred) -> &'static str {
    if format!("{pred:?}").contains("destination.port") { "aws.vpcflow" } else { "aws.cloudtrail" }
}

#[test]
fn every_test_kind() {
    let mut shown = String::new();
    for pred in kinds() {
        let source = source_of(&pred);
        for pred in [pred.clone(), Pred::Not(Box::new(pred.clone()))] {
            shown.push_str(&condition(&single(source, pred), &Options::default()));
            shown.push('\n');
        }
        let below_or = Pred::Or(vec![pred.clone(), Pred::Not(Box::new(pred))]);
        shown.push_str(&condition(&single(source, below_or), &Options::default()));
        shown.push_str("\n\n");
    }
    snapshot("test_kinds", &shown);
}

#[test]
fn long_lists_are_looked_up() {
    let options = Options { lists: ListDelivery::Lookup, ..Options::default() };
    let pred = one("actor.id", TestKind::InList { list: 0, case: Case::Sensitive });
    let rule = single("aws.cloudtrail", Pred::Not(Box::new(pred)));
    assert_eq!(
        condition(&rule, &options),
        "isnull(chain_hit1_actor_id) AND \
         (isnull(chain_f_actor_id) OR NOT match(chain_f_actor_id, \"(?s)^arn:.*:b.(?!.)\"))"
    );
    let emission = emission(&rule, &options).unwrap();
    let reads = "| lookup roles value AS chain_f_actor_id OUTPUT value AS chain_hit1_actor_id until AS chain_until1_actor_id\n\
                 | eval chain_hit1_actor_id = if(isnull(chain_until1_actor_id) OR chain_until1_actor_id=\"\" OR \
                 strptime(chain_until1_actor_id . \"+0000\", \"%Y-%m-%d%z\") + 86400 > now(), chain_hit1_actor_id, null())\n";
    assert!(emission.parts[0].text.contains(reads), "{}", emission.parts[0].text);
    assert!(emission.requires.iter().any(|what| what.contains("case_sensitive_match = true")));
}

#[test]
fn a_large_last_log_is_read_in_two_stages() {
    let options = Options { staged: true, ..Options::default() };
    let rule = fixture::an1318();
    let emission = emission(&rule, &options).unwrap();
    let roles: Vec<_> = emission.parts.iter().map(|part| part.role).collect();
    assert_eq!((roles, emission.fidelity), (vec![Role::Keys, Role::Query], Fidelity::Conditional));
    let [keys, query] = [0, 1].map(|at| emission.parts[at].text.as_str());
    assert!(keys.contains("| outputlookup override_if_empty=false ") && !keys.contains("step 3"), "{keys}");
    assert!(query.contains(" OUTPUT open_until AS chain_open\n"), "{query}");
}

#[test]
fn what_cannot_be_staged_is_refused_with_the_reason() {
    let options = Options { staged: true, ..Options::default() };
    let refused = |rule: &ir::Rule| emission(rule, &options).unwrap_err().concat();
    assert!(
        refused(&single("aws.cloudtrail", fixture::equals("event.action", "A"))).contains("it has one step")
    );
    let mut rule = fixture::an1318();
    let cloudtrail = rule.chain.steps[0].main.source.node.clone();
    rule.chain.steps[2].main.source.node = cloudtrail;
    rule.chain.steps[2].main.filter = fixture::equals("event.action", "A");
    rule.chain.steps[2].main.excepts.clear();
    assert!(emission(&rule, &options).is_err());
}

#[test]
fn a_lookup_holds_a_value_once() {
    let options = Options { lists: ListDelivery::Lookup, ..Options::default() };
    let mut rule =
        single("aws.cloudtrail", one("actor.id", TestKind::InList { list: 0, case: Case::Sensitive }));
    let entries = rule.lists[0].entries.clone();
    let before = emission(&rule, &options).unwrap();
    rule.lists[0].entries.extend(entries);
    let twice = emission(&rule, &options).unwrap();
    let requirement = |emission: &Emission| {
        emission.requires.iter().find(|what| what.contains("exact values")).cloned().unwrap()
    };
    assert_eq!(requirement(&twice), requirement(&before));
}

#[test]
fn what_cannot_be_carried_is_refused() {
    for kind in [
        texts(&["a\u{2028}b"], Case::Sensitive),
        TestKind::Substring { place: Place::Anywhere, text: "a\0".to_owned(), case: Case::Sensitive },
    ] {
        let found = emission(&single("aws.cloudtrail", one("actor.id", kind)), &Options::default());
        assert!(found.unwrap_err()[0].contains("NotExpressible"));
    }
    let kind = TestKind::Equals { values: vec![Value::Int(i64::MAX)], case: Case::Sensitive };
    assert!(emission(&single("aws.vpcflow", one("destination.port", kind)), &Options::default()).is_err());
}

/// The base search of a step.
fn base(pred: Pred) -> String {
    let text = emission(&single("aws.cloudtrail", pred), &Options::default()).unwrap().parts.remove(0).text;
    text.lines().next().unwrap().to_owned()
}

#[test]
fn prefilters_only_widen() {
    let is = |field: &str, value: &str| fixture::equals(field, value);
    let not = |pred| Pred::Not(Box::new(pred));
    let all = |parts| Pred::And(parts);
    let any = |parts| Pred::Or(parts);
    let plain = "search `cloudtrail`";
    assert_eq!(
        base(all(vec![is("event.action", "A"), any(vec![is("actor.id", "x"), is("cloud.region", "y")])])),
        format!("{plain} eventName=\"A\" (userIdentity.arn=\"x\" OR awsRegion=\"y\")")
    );
    assert_eq!(
        base(any(vec![is("event.action", "A"), is("actor.id", "x y")])),
        format!("{plain} (eventName=\"A\" OR userIdentity.arn=\"x y\")")
    );
    assert_eq!(base(any(vec![is("event.action", "A"), is("actor.id", "x\\y")])), plain);
    assert_eq!(base(any(vec![is("event.action", "A"), not(is("actor.id", "x"))])), plain);
    let values = ["A", "B"].map(|text| Value::String(text.to_owned())).to_vec();
    let one_of =
        fixture::test("event.action", Type::String, TestKind::Equals { values, case: Case::Sensitive });
    assert_eq!(base(one_of), format!("{plain} (eventName=\"A\" OR eventName=\"B\")"));
    assert_eq!(base(not(is("event.action", "A"))), plain);
    assert_eq!(base(is("event.outcome", "success")), plain, "an expression is no field");
    assert_eq!(
        base(is("cloud.account.id", "1")),
        format!("{plain} recipientAccountId \"1\""),
        "the field may lie past what Splunk extracts, but the raw event holds it"
    );
    assert_eq!(
        base(any(vec![is("event.action", "A"), is("cloud.account.id", "1/2")])),
        format!("{plain} (eventName=\"A\" OR (recipientAccountId \"1\" \"2\"))"),
        "a slash may be escaped in the raw event"
    );
    assert_eq!(base(not(is("cloud.account.id", "1"))), plain);
    assert_eq!(base(is("event.action", "A*")), plain, "a star is a wildcard there");
    assert_eq!(base(is("event.action", "a/../b")), plain, "Splunk may drop the dots");
    let starts = |text: &str| {
        let kind = TestKind::Like { pattern: pattern(text), case: Case::Sensitive };
        base(fixture::test("event.action", Type::String, kind))
    };
    assert_eq!(starts("Describe*"), format!("{plain} eventName=\"Describe*\""));
    assert_eq!(starts("De-scribe*"), plain, "a wildcard beside punctuation may miss");
    assert_eq!(starts("*Describe"), plain);
}

/// The base searches of a rule of two steps of one source.
fn searches(steps: [Pred; 2]) -> Vec<String> {
    let [one, two] = steps;
    let steps = [("one", one), ("two", two)]
        .map(|(name, pred)| fixture::step(name, "aws.cloudtrail", pred, vec![]))
        .to_vec();
    let rule = fixture::rule(steps, vec![fixture::link(60, &["actor.id"], &[])], 60, &[]);
    let text = emission(&rule, &Options::default()).unwrap().parts.remove(0).text;
    let starts = |line: &&str| line.starts_with("search ") || line.starts_with("    [ search ");
    text.lines().filter(starts).map(|line| line.trim_start().to_owned()).collect()
}

#[test]
fn steps_that_exclude_each_other_share_a_search_where_it_costs_nothing() {
    let is = fixture::equals;
    let both = |one, other| Pred::And(vec![one, other]);
    let shared = [both(is("event.action", "A"), is("cloud.region", "x")), is("event.action", "B")];
    let text = "search `cloudtrail` ((eventName=\"A\" awsRegion=\"x\") OR eventName=\"B\")";
    assert_eq!(searches(shared), [text]);
    let apart = |steps| assert_eq!(searches(steps).len(), 2);
    // One event could be both.
    apart([is("event.action", "A"), is("cloud.region", "x")]);
    apart([is("event.action", "A"), is("event.action", "A")]);
    // A path that only one of them asks for.
    apart([both(is("event.action", "A"), is("cloud.account.id", "1")), is("event.action", "B")]);
    // A field that their actions keep in different places.
    let worked = |action| both(is("event.action", action), is("event.outcome", "success"));
    apart([worked("ConsoleLogin"), worked("B")]);
    // Items of one of them.
    apart([both(is("event.action", "RunInstances"), is("image.id", "ami-1")), is("event.action", "B")]);
}

#[test]
fn prefilters_of_numbers_and_networks() {
    let flows = |pred| {
        let text = emission(&single("aws.vpcflow", pred), &Options::default()).unwrap().parts.remove(0).text;
        text.lines().next().unwrap().replace("search `cloudwatchlogs_vpcflow`", "")
    };
    let port = |kind| one("destination.port", kind);
    let networks = |texts: &[&str]| {
        one(
            "source.ip",
            TestKind::InNetworks { networks: texts.iter().map(|text| text.parse().unwrap()).collect() },
        )
    };
    let least = |number| port(TestKind::Order { op: OrderOp::GreaterEqual, value: Value::Int(number) });
    let is = |value| TestKind::Equals { values: vec![value], case: Case::Sensitive };
    assert_eq!(flows(least(1024)), " dest_port>=1024");
    assert_eq!(flows(least(-1)), "");
    assert_eq!(flows(port(is(Value::Int(443)))), " (dest_port>=443 dest_port<=443)", "0443 is 443");
    assert_eq!(
        flows(networks(&["10.0.0.0/8", "192.0.2.0/24"])),
        " (src_ip=\"10.0.0.0/8\" OR src_ip=\"192.0.2.0/24\")"
    );
    assert_eq!(flows(networks(&["10.0.0.0/8", "fc00::/7"])), "");
    assert_eq!(flows(one("source.ip", is(Value::Ip("192.0.2.1".parse().unwrap())))), " src_ip=\"192.0.2.1\"");
    assert_eq!(flows(one("source.ip", is(Value::Ip("2001:db8::1".parse().unwrap())))), "");
}

/// Fields in every place and stored in every way, in two groups.
const STORES: &str = r#"
name: test.stores
title: Stores
description: Every type, stored in every way.
delay: 0
granularity: 1
placeholder: "-"
group: { path: items, inner: parts, key: [item] }
targets:
  spl: { from: "index=stores", filter: "kind=1 OR kind=2", time: tonumber(when) }
fields:
  event.time: { type: time, description: d, raw: t }
  event.action: { type: string, description: d, raw: action, columns: { spl: action } }
  text: { type: string, description: d, columns: { spl: "odd name" } }
  made: { type: string, description: d, columns: { spl: { expr: lower(deep), needs: { deep: deep.text } } } }
  kind: { type: string, description: d, values: [a, b], columns: { spl: { expr: 'if(kind=1, "a", "b")' } } }
  own.none: { type: string, description: d, columns: { spl: { field: own, placeholder: none } } }
  number: { type: int, description: d, columns: { spl: number } }
  flag: { type: bool, description: d, columns: { spl: { path: flag } } }
  at: { type: time, description: d, columns: { spl: { path: at } } }
  text.time: { type: time, description: d, columns: { spl: { field: ats, stored: string } } }
  epoch: { type: time, description: d, columns: { spl: { path: atn, stored: number } } }
  ip: { type: ip, description: d, columns: { spl: ip } }
  item: { type: string, description: d, in_group: true, columns: { spl: { item: name.first } } }
  part.at: { type: time, description: d, in_group: true, columns: { spl: { item: ">at" } } }
  item.port: { type: int, description: d, in_group: true, raw: [{ for_actions: [A], path: port }, { path: port, from_event: true }], columns: { spl: [
    { for_actions: [A], item: port }, { for_actions: [B, C], field: Port }, { expr: fallback + 1 }] } }
"#;

fn stores(text: &str) -> Catalog {
    let mut catalog = fixture::catalog();
    catalog.add("stores.yaml", text).unwrap();
    catalog
}

#[test]
fn every_stored_form() {
    let catalog = stores(STORES);
    let fields = &catalog.source("test.stores").unwrap().fields;
    let there = |name: &str| fixture::test(name, fields[name].ty, TestKind::Exists);
    let named = |wanted: &[&str]| Pred::And(wanted.iter().map(|name| there(name)).collect());
    let all: Vec<_> = fields
        .keys()
        .filter(|name| *name != "event.time" && *name != "event.action")
        .map(String::as_str)
        .collect();
    let steps = vec![
        fixture::step("items", "test.stores", named(&["text", "item.port"]), vec![]),
        // Nothing is assigned to an instant that is stored as one, and yet its group must be expanded.
        fixture::step("parts", "test.stores", named(&["text", "part.at"]), vec![]),
        fixture::step("all", "test.stores", named(&all), vec![]),
    ];
    let links = vec![fixture::link(60, &["text"], &[]), fixture::link(60, &["text"], &[])];
    let rule = fixture::rule(steps, links, 120, &[]);
    let emission = emission_of(&catalog, &rule, &Options::default()).unwrap();
    snapshot("stored_forms", &emission.parts[0].text);
}

#[test]
fn what_spl_cannot_read_is_an_error_of_the_source_file() {
    for (old, new, fault) in [
        ("\"odd name\"", "\"it's\"", "the column of `text` is invalid in Splunk SPL"),
        ("path: flag", "path: 'fl`g'", "the column of `flag` is invalid in Splunk SPL"),
        ("needs: { deep:", "needs: { 'd$p':", "the column of `made` is invalid in Splunk SPL"),
        ("lower(deep)", "lower(deep", "the column of `made` is invalid in Splunk SPL"),
        ("path: items,", "path: 'it\"ms',", "the `group` of `test.stores` is invalid in Splunk SPL"),
        ("inner: parts, ", "", "the column of `part.at` is invalid in Splunk SPL"),
        ("tonumber(when)", "tonumber(when", "the `time` of `test.stores` is invalid in Splunk SPL"),
    ] {
        assert!(STORES.contains(old), "{old}");
        let mut diags = Diagnostics::default();
        let _ = crate::backend::schemas(&stores(&STORES.replacen(old, new, 1)), &mut diags);
        let titles: Vec<_> = diags.into_sorted().into_iter().map(|found| found.title).collect();
        assert_eq!(titles, [fault], "{new}");
    }
}
