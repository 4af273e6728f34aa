//! Rule tests, run by the engine: those of the shipped rules, and explanations of failures.

use catena::catalog::Catalog;
use catena::engine::report;
use catena::engine::trial::{Outcome, run_tests};
use catena::ir::Rule;
use catena::source::Span;

use crate::program::{chains, root};
use crate::rules;

fn outcomes(rules: &[Rule]) -> Vec<Outcome> {
    let catalog = Catalog::embedded().unwrap();
    rules.iter().flat_map(|rule| run_tests(rule, &catalog).unwrap()).collect()
}

fn nowhere(_: Span) -> String {
    "test.chain".to_owned()
}

#[test]
fn shipped_rules_pass_their_tests() {
    let mut count = 0;
    for path in chains("rules/an1318") {
        let outcomes = outcomes(&rules::from_file(&root().join(&path)));
        assert!(outcomes.iter().all(Outcome::passed), "{path}\n{}", report::text(&outcomes, &[], &nowhere));
        count += outcomes.len();
    }
    assert!(count >= 10, "{count} tests");
}

const HEAD: &str = r#"
allowlist approved_images: image.id {
  "ami-0aaa"
  "ami-0bbb"
  "ami-golden-*" reason "golden image" ticket "SEC-1"
}

rule explained {
  title "Explained" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1303" description "Shows where a chain broke."
  date 2026-11-24 status test severity low
  chain within 12m {
    step console from aws.cloudtrail where session.from_console and not event.read_only
    then within 5m on actor.id
    step launch from aws.cloudtrail where event.action == "RunInstances" and event.outcome == "success"
      except image.id in approved_images
    then within 10m on instance.eni
    step egress from aws.vpcflow where flow.action == "ACCEPT" and destination.port < 1024
  }
  alert { entity account launch.actor.id show launch.image.id dedupe 1h by launch.actor.id }
"#;

/// The report on one failing test.
fn failing(test: &str) -> String {
    let outcomes = outcomes(&rules::from_text(&format!("{HEAD} test \"t\" {{ {test} }} }}")));
    assert!(!outcomes[0].passed(), "the test passes");
    report::text(&outcomes, &[], &nowhere)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with a row for each way in which a chain can break")]
fn failures_say_where_the_chain_broke() {
    let console = r#"console at 0s { actor.id: "alice" }"#;
    let launch = r#"launch at 4m { actor.id: "alice", image.id: "ami-evil", instance.eni: "eni-1" }"#;
    let egress = r#"egress at 6m { instance.eni: "eni-1", destination.port: 443 }"#;
    let cases = [
        ("a chain that should be silent", format!("{console} {launch} {egress} expect no alert")),
        (
            "an alert at another time",
            format!(
                r#"{console} {launch} {egress} egress at 7m {{ instance.eni: "eni-2" }} expect alert at 7m"#
            ),
        ),
        (
            "alerts that count as one",
            format!(
                r#"{console} {launch} {egress} egress at 7m {{ instance.eni: "eni-1", destination.port: 443 }} expect 2 alerts"#
            ),
        ),
        (
            "another key",
            format!(
                r#"{console} launch at 4m {{ actor.id: "bob", image.id: "ami-evil", instance.eni: "eni-1" }} {egress} expect alert at 6m"#
            ),
        ),
        (
            "a gap that closed",
            format!(
                r#"{console} {launch} egress at 18m12s {{ instance.eni: "eni-1", destination.port: 443 }} expect alert at 18m12s"#
            ),
        ),
        (
            "a cause after its effect",
            format!(r#"console at 5m {{ actor.id: "alice" }} {launch} {egress} expect alert at 6m"#),
        ),
        (
            "a total exceeded",
            format!(
                r#"{console} {launch} egress at 13m {{ instance.eni: "eni-1", destination.port: 443 }} expect alert at 13m"#
            ),
        ),
        (
            "an allowlist",
            format!(
                r#"{console} launch at 4m {{ actor.id: "alice", image.id: "ami-golden-7", instance.eni: "eni-1" }} {egress} expect alert at 6m"#
            ),
        ),
        (
            "a predicate",
            format!(
                r#"console at 0s {{ actor.id: "alice", event.read_only: true }} {launch} egress at 6m {{ instance.eni: "eni-1" }} expect alert at 6m"#
            ),
        ),
        (
            "a missing key",
            format!(
                r#"{console} launch at 4m {{ actor.id: "alice", image.id: "ami-evil" }} {egress} expect alert at 6m"#
            ),
        ),
    ];
    let all: Vec<String> = cases.iter().map(|(name, test)| format!("── {name}\n{}", failing(test))).collect();
    insta::with_settings!({
        snapshot_path => "../snapshots/engine",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("explanations", all.join("\n")) });
}

#[test]
fn impossible_events_are_errors() {
    // The checker refuses these; rules that reach the engine another way must not slip through.
    let mut rules = rules::from_text(&format!(
        "{HEAD} test \"t\" {{ console at 0s {{ actor.id: \"alice\" }} expect no alert }} }}"
    ));
    let event = &mut rules[0].tests[0].events[0];
    let (mut unknown, mut wrong) = (event.fields[0].clone(), event.fields[0].clone());
    unknown.0.name = "actor.nmae".to_owned();
    wrong.1 = catena::ir::Value::Int(7);
    event.fields.extend([unknown, wrong]);
    let text = report::text(&outcomes(&rules), &[], &nowhere);
    assert!(
        text.contains("has no field `actor.nmae`") && text.contains("`actor.id` cannot hold 7"),
        "{text}"
    );
}

#[test]
fn junit_and_json_hold_hostile_names() {
    let rules = rules::from_text(&format!(
        "{HEAD} test \"a <b> & \\\"c\\\" \\u{{1}}\" {{ egress at 1s {{ instance.eni: \"e\" }} expect alert at 1s }} test \"ok\" {{ egress at 1s {{ }} expect no alert }} }}"
    ));
    let outcomes = outcomes(&rules);
    let junit = report::junit(&outcomes, &[], &nowhere);
    assert!(junit.contains("tests=\"2\" failures=\"1\""), "{junit}");
    assert!(junit.contains("name=\"a &lt;b&gt; &amp; &quot;c&quot; \u{fffd}\""), "{junit}");
    let json = report::json(&outcomes, &[], &nowhere);
    assert_eq!((json[0]["passed"].as_bool(), json[1]["passed"].as_bool()), (Some(false), Some(true)));
}

/// The events that end a chain may be of another source than the last step as it is written: of an alternative, or of
/// any step of `together`.
#[test]
fn an_alert_may_end_with_any_source_of_what_comes_last() {
    let head = "title \"T\" id \"5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1304\" description \"D.\" severity low";
    let okta = "from okta.system where event.action == \"user.session.start\"";
    let entra = "from entra.signin where event.outcome == \"success\"";
    let chains = [
        format!(
            "step other from aws.cloudtrail where event.action == \"ConsoleLogin\" then within 10m on actor.id \
             step first {okta} or {entra}"
        ),
        format!("together within 10m on actor.id {{ step first {okta} step second {entra} }}"),
    ];
    let events = [
        "other at 0s { actor.id: \"a\" } first at 5m from entra.signin { actor.id: \"a\" }",
        "second at 0s { actor.id: \"a\" } first at 5m { actor.id: \"a\" }",
    ];
    for (chain, events) in chains.iter().zip(events) {
        let rule = rules::from_text(&format!(
            "rule r {{ {head} chain {{ {chain} }} alert {{ entity account first.actor.id }} \
             test \"t\" {{ {events} expect alert at 5m }} }}"
        ));
        assert!(outcomes(&rule).iter().all(Outcome::passed), "{chain}");
    }
}
