//! What the checker makes of sound rules, and what it survives: in-process, on texts made here.

use std::sync::LazyLock;

use catena::catalog::Catalog;
use catena::check::{Context, Identities, check};
use catena::diag::{Code, Diagnostic, Diagnostics};
use catena::ir::{EntryValue, ExpectKind, ParamValue, Pred, Rule, TestKind, Value};
use catena::settings::Settings;
use catena::source::{SourceFile, Sources};
use catena::syntax;
use catena::unit::{NamedFiles, Unit};

use crate::program::{AS_OF, chains, root};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn checked_with(text: &str, settings: &Settings) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new("case.chain", text));
    let mut diags = Diagnostics::default();
    let file = syntax::parse(sources.get(id).unwrap(), id, &mut diags);
    let named = NamedFiles::default();
    let unit = Unit { sources: &sources, file: &file, imported: Vec::new(), named: &named };
    let context = Context { catalog: &CATALOG, settings, as_of: AS_OF.parse().unwrap() };
    let rules = check(&unit, &context, &mut diags);
    (rules, diags.into_sorted())
}

fn checked(text: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
    checked_with(text, &Settings::default())
}

fn shown(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|found| format!("{} {}", found.code.id(), found.title)).collect()
}

const META: &str =
    "title \"A rule\" id \"0D1C2A54-3A0E-4C0C-9C3E-6A9D2B7F0002\" description \"Text.\" severity low";

/// A rule of two steps with the given conditions and further clauses.
fn rule(first: &str, second: &str, more: &str) -> String {
    format!(
        "rule r {{ {META} param gap = 10m chain within 30m scope cloud.account.id {{ \
         step launch from aws.cloudtrail where {first} then within gap on instance.eni, cloud.account.id \
         step egress from aws.vpcflow where {second} }} \
         alert {{ entity account launch.actor.id dedupe 1h by egress.instance.eni }} {more} }}"
    )
}

fn sound(text: &str) -> Rule {
    let (mut rules, found) = checked(text);
    let errors: Vec<_> = found.iter().filter(|found| found.code.id().starts_with('E')).cloned().collect();
    assert!(errors.is_empty(), "{:?}", shown(&errors));
    rules.pop().unwrap()
}

#[test]
fn a_key_that_is_named_twice_is_one_key() {
    let text = std::fs::read_to_string(root().join("tests/cases/warn_W0310_repeated_key.chain")).unwrap();
    let rule = sound(&text);
    let names: Vec<&str> = rule.chain.links[0].keys.iter().map(|key| key.left.name.as_str()).collect();
    assert_eq!(names, ["actor.id", "cloud.region"]);
}

#[test]
fn scope_keys_follow_the_links_own() {
    let rule = sound(&rule("event.action == \"RunInstances\"", "flow.action == \"ACCEPT\"", ""));
    assert_eq!(rule.meta.id, "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0002");
    let [link] = rule.chain.links.as_slice() else { panic!() };
    let keys: Vec<_> = link.keys.iter().map(|key| (key.left.name.as_str(), key.from_scope)).collect();
    assert_eq!(keys, [("instance.eni", false), ("cloud.account.id", true)]);
    assert_eq!(
        (link.gap.seconds, rule.chain.total.seconds, rule.chain.total_is_explicit),
        (600, 1_800, true)
    );
}

#[test]
fn the_total_is_the_sum_of_the_gaps_when_left_out() {
    let text =
        rule("event.action == \"RunInstances\"", "flow.action == \"ACCEPT\"", "").replace(" within 30m", "");
    let chain = sound(&text.replace(", cloud.account.id step", " step")).chain;
    assert_eq!((chain.total.seconds, chain.total_is_explicit), (600, false));
    assert!(chain.links[0].keys[1].from_scope);
}

#[test]
fn settings_override_parameters() {
    let text = rule("event.action == \"RunInstances\"", "flow.action == \"ACCEPT\"", "");
    let mut settings = Settings::default();
    settings.set([("gap".to_owned(), "1h30m".to_owned())]);
    let (rules, _) = checked_with(&text, &settings);
    assert_eq!(
        (&rules[0].params[0].value, rules[0].params[0].overridden),
        (&ParamValue::Duration(5_400), true)
    );
    assert_eq!(rules[0].chain.links[0].gap.seconds, 5_400);
}

#[test]
fn events_take_what_the_condition_demands() {
    let block = "test \"t\" { \
        launch at 0s { instance.eni: \"eni-1\", event.outcome: \"\" } \
        egress at 5m { destination.port: 80 } \
        event of aws.vpcflow at 6m { } \
        expect alert at 5m expect 1 alerts }";
    let first = "event.action == \"RunInstances\" and event.outcome == \"success\" and session.mfa \
        and (event.read_only == false or actor.type == \"Root\") and not session.from_console and event.provider != \"x\"";
    let second =
        "destination.port == 443 and destination.ip == \"192.0.2.1\" and source.ip == \"10.0.0.0/8\"";
    let rule = sound(&rule(first, second, block));
    let fields = |event: usize| -> Vec<(String, Value)> {
        rule.tests[0].events[event]
            .fields
            .iter()
            .map(|(field, value)| (field.name.clone(), value.clone()))
            .collect()
    };
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(
        fields(0),
        [
            ("instance.eni".to_owned(), text("eni-1")),
            ("event.action".to_owned(), text("RunInstances")),
            ("session.mfa".to_owned(), Value::Bool(true)),
        ]
    );
    let address = Value::Ip("192.0.2.1".parse().unwrap());
    assert_eq!(
        fields(1),
        [("destination.port".to_owned(), Value::Int(80)), ("destination.ip".to_owned(), address)]
    );
    assert_eq!(fields(2), []);
    assert_eq!(rule.tests[0].events[1].at, 300);
    assert_eq!(rule.tests[0].expects[0].kind, ExpectKind::AlertAt(300));
}

#[test]
fn predicates_become_positive_tests() {
    let first = "event.action != \"A\" and session.created >= 2026-11-24 and source.ip not in (\"192.0.2.1\", \"2001:db8::/32\")";
    let rule = sound(&rule(first, "network.bytes > 5 and exists(source.port)", ""));
    let Pred::And(parts) = &rule.chain.steps[0].main.filter else { panic!() };
    let Pred::Not(inner) = &parts[0] else { panic!() };
    assert!(matches!(&**inner, Pred::Test(test) if matches!(test.kind, TestKind::Equals { .. })));
    let Pred::Test(created) = &parts[1] else { panic!() };
    let TestKind::Order { value: Value::Time(instant), .. } = &created.kind else { panic!() };
    assert_eq!(instant.to_string(), "2026-11-24T00:00:00Z");
    let Pred::Not(inner) = &parts[2] else { panic!() };
    let Pred::Test(test) = &**inner else { panic!() };
    let TestKind::InNetworks { networks } = &test.kind else { panic!() };
    assert_eq!(
        networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.1/32", "2001:db8::/32"]
    );
}

#[test]
fn lists_keep_order_of_use_and_leave_out_what_expired() {
    let lists = "allowlist b: image.id { \"ami-1\" until 2026-11-24 \"ami-2\" until 2026-11-23 \"ami-?\" } \
                 allowlist a: source.ip { \"192.0.2.7\" } ";
    let first = "event.action == \"RunInstances\" and source.ip not in a and image.id not in b and source.ip not in a";
    let rule = sound(&format!("{lists}{}", rule(first, "flow.action == \"ACCEPT\"", "")));
    assert_eq!(rule.lists.iter().map(|list| list.name.node.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let texts =
        |entries: &[catena::ir::Entry]| entries.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>();
    assert_eq!(
        (texts(&rule.lists[1].entries), texts(&rule.lists[1].expired)),
        (vec!["ami-1".to_owned(), "ami-?".to_owned()], vec!["ami-2".to_owned()])
    );
    assert!(
        matches!(&rule.lists[0].entries[0].value, EntryValue::Network(network) if network.prefix_len() == 32)
    );
}

#[test]
fn a_file_with_broken_text_gives_no_rules_and_no_guesses() {
    let text = rule("event.action == \"RunInstances\"", "flow.action == \"ACCEPT\"", "")
        .replace("step launch", "stp launch");
    let (rules, found) = checked(&text);
    assert!(rules.is_empty());
    assert!(found.iter().all(|found| found.code.id().starts_with("E01")), "{:?}", shown(&found));
}

#[test]
fn names_and_ids_are_unique_over_files() {
    let mut sources = Sources::default();
    let text = rule("event.action == \"RunInstances\"", "flow.action == \"ACCEPT\"", "");
    let ids = [
        sources.add(SourceFile::new("a.chain", text.clone())),
        sources.add(SourceFile::new("b.chain", text)),
    ];
    let mut diags = Diagnostics::default();
    let files: Vec<_> =
        ids.iter().map(|id| syntax::parse(sources.get(*id).unwrap(), *id, &mut diags)).collect();
    let mut identities = Identities::default();
    for file in &files {
        identities.add(file, &mut diags);
    }
    let found = diags.into_sorted();
    assert_eq!(
        found.iter().map(|found| found.code).collect::<Vec<_>>(),
        [Code::DefinedTwice, Code::DefinedTwice]
    );
    assert!(
        found.iter().all(|found| found.primary.span.file == ids[1] && found.secondary[0].span.file == ids[0])
    );
}

#[test]
fn long_lists_give_few_findings() {
    let entries = |entry: &dyn Fn(usize) -> String| (0..60_000).map(entry).collect::<Vec<_>>().join(" ");
    let images =
        entries(&|n| if n % 50 == 0 { format!("\"ami-{n:06}*\"") } else { format!("\"ami-{n:06}\"") });
    let networks = entries(&|n| format!("\"10.{}.{}.{}/32\"", n / 65_536, n / 256 % 256, n % 256));
    let lists = format!(
        "allowlist i: image.id {{ {images} }} allowlist n: source.ip {{ \"10.0.0.0/9\" {networks} }} "
    );
    let first = "event.action == \"RunInstances\" and image.id not in i and source.ip not in n";
    let text = format!("{lists}{}", rule(first, "flow.action == \"ACCEPT\"", ""));
    let (rules, found) = checked(&text);
    assert_eq!(rules.len(), 1, "{:?}", shown(&found));
    assert!(found.iter().filter(|found| found.code == Code::ShadowedEntry).count() <= 22);
}

/// Words of all cases, shuffled into each other: never a panic, and every finding has a place in the file.
#[test]
fn nothing_panics() {
    let texts: Vec<String> = chains("tests/cases")
        .iter()
        .map(|path| std::fs::read_to_string(root().join(path)).unwrap())
        .collect();
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split_inclusive(char::is_whitespace)).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..600 {
        let text = &texts[next(texts.len())];
        let mut parts: Vec<&str> = text.split_inclusive(char::is_whitespace).take(2_000).collect();
        for _ in 0..=next(4) {
            let at = next(parts.len());
            match next(3) {
                0 => parts[at] = words[next(words.len())],
                1 => parts.insert(at, words[next(words.len())]),
                _ => drop(parts.remove(at)),
            }
            if parts.is_empty() {
                parts.push("x");
            }
        }
        let text = parts.concat();
        for found in checked(&text).1 {
            assert!(text.get(found.primary.span.range()).is_some(), "{found:?}");
        }
    }
}
