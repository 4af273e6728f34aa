//! Lists inside of raw events, in SQL: items chosen by a key, and the values of fields with several, in every shape
//! that JSON allows. The worlds of the comparison have logs in which lists are well formed; here they are not.
//!
//! In: rules and raw events of sources that a lake stores as JSON. Out: what differs from the engine. Must not know:
//! how a target reads a list.

use catena::backend::{ListDelivery, SqlDialect};
use serde_json::{Value, json};

use super::harness::Harness;
use super::judge::{Answer, judge};
use super::mappings::Mappings;
use super::raw::Event;
use super::scenarios::Maker;
use super::subjects::Subject;
use super::{BEGIN, Lane, emit, every_lane};
use crate::rules;

const CHOSEN: &str = r#"rule chosen {
  title "A rule forwards mail"
  id "0a7c1a50-7a0e-4bd5-9d6c-1f0d5c9a0b01"
  description "A parameter chosen by its name."
  severity low
  chain {
    step made from m365.audit
      where rule.forward_to != "own" and (exists(rule.forward_to) or rule.redirect_to == "b")
  }
  alert { show made.rule.forward_to, made.rule.redirect_to }
}"#;

/// The items of a list of parameters.
fn parameters() -> Vec<Value> {
    let one = |name: Value, value: Value| json!({ "Name": name, "Value": value });
    let to = |value: Value| one(json!("ForwardTo"), value);
    vec![
        json!([to(json!("a@b.c"))]),
        json!([to(json!("own")), to(json!("later"))]),
        json!([one(json!("X"), json!("x")), to(json!("behind"))]),
        json!([{ "Name": "ForwardTo" }, to(json!("second"))]),
        json!([to(Value::Null), to(json!("after null"))]),
        // What is empty is there, and is a missing field.
        json!([to(json!("")), to(json!("never")), one(json!("RedirectTo"), json!("b"))]),
        json!([to(json!(7))]),
        json!([to(json!(true))]),
        json!([to(json!("it's \"quoted\" \\ {x} \u{212a}\n"))]),
        json!([3, "ForwardTo", null, [to(json!("nested"))], to(json!("among others"))]),
        json!([one(json!("RedirectTo"), json!("b")), one(json!("forwardto"), json!("other case"))]),
        json!([one(json!("RedirectTo"), json!("c"))]),
        json!({ "Name": "ForwardTo", "Value": "no list" }),
        json!("ForwardTo"),
        json!([]),
        Value::Null,
    ]
}

/// Lists of groups.
fn groups() -> Vec<Value> {
    vec![
        json!(["a"]),
        json!(["a", "b"]),
        json!(["a", "c"]),
        json!(["c"]),
        json!(["p-1"]),
        json!(["p-1", "a"]),
        json!(["p-1", "c", "c"]),
        json!(["", "a"]),
        json!(["", "c"]),
        json!([""]),
        json!([null]),
        json!([null, "a", null]),
        json!([1, true, "a"]),
        json!([["a"], "c"]),
        json!([]),
        json!({ "a": "b" }),
        json!("a"),
        Value::Null,
    ]
}

/// Every way to ask an allowlist about several values, and values that are no texts.
fn asked() -> Vec<String> {
    let tests = [
        "any(actor.groups) in own",
        "any(actor.groups) not in own",
        "all(actor.groups) in own",
        "all(actor.groups) not in own",
        "not all(actor.groups) in own",
        "not any(actor.groups) not in own",
        "all(actor.groups) in single and any(actor.groups) != \"c\"",
        "any(container.privileged) == true or all(container.privileged) != true",
    ];
    let rule = |(number, test): (usize, &&str)| {
        format!(
            r#"allowlist own: actor.groups {{ "a" "b" "p-*" }}
allowlist single: actor.groups {{ "a" "c" }}
rule asked_{number} {{
  title "Groups"
  id "0a7c1a50-7a0e-4bd5-9d6c-1f0d5c9a0c{number:02}"
  description "Several values."
  severity low
  chain {{ step call from kubernetes.audit where event.action == "create" and ({test}) }}
  alert {{ show call.actor.id }}
}}"#
        )
    };
    tests.iter().enumerate().map(rule).collect()
}

fn event(source: &str, number: usize, raw: Value) -> (i64, Vec<Event>) {
    let begin = BEGIN + i64::try_from(number).unwrap() * 86_400;
    let time = jiff::Timestamp::from_second(begin).unwrap().to_string();
    let mut raw = raw;
    for (key, value) in [("CreationTime", time.clone()), ("requestReceivedTimestamp", time)] {
        raw[key] = json!(value);
    }
    raw["Id"] = json!(format!("id-{number}"));
    raw["auditID"] = json!(format!("id-{number}"));
    (begin, vec![Event { source: source.to_owned(), raw }])
}

fn worlds(source: &str) -> Vec<(i64, Vec<Event>)> {
    if source == "m365.audit" {
        let raw = |(number, list)| {
            event(source, number, json!({ "Operation": "New-InboxRule", "Parameters": list }))
        };
        return parameters().into_iter().enumerate().map(raw).collect();
    }
    let raw = |(number, list): (usize, Value)| {
        let flag = [json!(true), json!("TRUE"), json!(false), json!("no"), json!(1), Value::Null][number % 6]
            .clone();
        let containers = json!([{ "securityContext": { "privileged": flag } }, { "image": "x" }, 3]);
        let user = json!({ "username": "jo", "groups": list });
        let spec = json!({ "spec": { "containers": containers } });
        event(
            source,
            number,
            json!({ "stage": "ResponseComplete", "verb": "create", "user": user, "requestObject": spec }),
        )
    };
    groups().into_iter().enumerate().map(raw).collect()
}

fn subjects() -> Vec<Subject> {
    let subject = |text: &String, delivery| {
        let rule = rules::from_text(text).pop().unwrap();
        Subject { name: rule.name.node.clone(), origin: text.clone(), rule, delivery, seed: None }
    };
    let mut all = vec![subject(&CHOSEN.to_owned(), ListDelivery::Auto)];
    for delivery in [ListDelivery::Auto, ListDelivery::Lookup] {
        all.extend(asked().iter().map(|text| subject(text, delivery)));
    }
    all
}

/// What differs, and how many alerts there were; with a fault in the text what differs in the first rule that shows it.
fn differences(lane: &Lane, mappings: &Mappings, fault: Option<(&str, &str)>) -> (Vec<String>, usize) {
    let mut harness = Harness::start(lane.name);
    let (mut found, mut alerts) = (Vec::new(), 0);
    // Spark takes seconds for every statement: there the lists of the lake are asked, and nothing twice.
    let is_spark = lane.dialect == SqlDialect::Spark;
    let twice = ["asked_0", "asked_4", "asked_5"];
    let wanted = |subject: &Subject| {
        let in_lake = subject.delivery == ListDelivery::Lookup || subject.rule.lists.is_empty();
        !is_spark || in_lake && !twice.contains(&subject.name.as_str())
    };
    for subject in subjects().iter().filter(|subject| wanted(subject)) {
        let mut emission = emit(subject, mappings, lane).unwrap().emission;
        if let Some((find, replace)) = fault {
            let text = emission.parts[0].text.replace(find, replace);
            if !found.is_empty() || text == emission.parts[0].text {
                continue;
            }
            emission.parts[0].text = text;
        }
        let maker = Maker::new(&subject.rule, &mappings.documented.0);
        let mut worlds = worlds(&subject.rule.chain.steps[0].main.source.node);
        // There a list in place of a text is a text, as the head of the query says.
        worlds.retain(|(_, world)| !is_spark || !world[0].raw["user"]["groups"][0].is_array());
        let rows = match harness.ask(&emission, &worlds) {
            Ok(rows) => rows,
            Err(problem) => {
                found.push(format!("{}: {problem}\n{}", lane.name, emission.parts[0].text));
                continue;
            }
        };
        for ((_, world), rows) in worlds.iter().zip(&rows) {
            let answer = Answer::of(&maker, world);
            alerts += answer.alerts.len();
            if let Err(differs) = judge(&maker, &emission, &answer, rows) {
                let text = &emission.parts[0].text;
                found.push(format!("{} of {}: {}\n{differs}\n{text}", subject.name, lane.name, world[0].raw));
            }
        }
    }
    (found, alerts)
}

#[test]
fn lists_in_documents_are_read_as_the_engine_reads_them() {
    let mappings = Mappings::read();
    let sql: Vec<Lane> = every_lane().into_iter().filter(|lane| lane.target.name() == "sql").collect();
    assert_eq!(sql.len(), 3);
    std::thread::scope(|scope| {
        for lane in &sql {
            let mappings = &mappings;
            scope.spawn(move || {
                let (found, alerts) = differences(lane, mappings, None);
                assert!(found.is_empty(), "{} differences\n{}", found.len(), found[0]);
                assert!(alerts > 40, "{alerts} alerts of {}", lane.name);
            });
        }
    });
    // Faults that this comparison must see, in DuckDB's words.
    for fault in [
        ("lambda x: (json_value(x, '$.\"Name\"') ->> '$') = 'ForwardTo'", "lambda x: TRUE"),
        ("lambda x: x IS NOT NULL)[1]", "lambda x: x IS NOT NULL)[-1]"),
        ("lambda x: x IS NOT NULL)[1]", "lambda x: TRUE)[1]"),
        ("lambda x: x IS NOT NULL)[1]", "lambda x: x <> '')[1]"),
        ("lambda x: x <> '')", "lambda x: TRUE)"),
        ("lambda x: NOT list_contains(v, x)", "lambda x: TRUE"),
        ("list_has_any(", "list_has_all("),
        ("len(actor_groups) > 0 AND", "TRUE AND"),
        ("CASE lower(x) WHEN 'true'", "CASE x WHEN 'true'"),
    ] {
        let (found, _) = differences(&sql[0], &mappings, Some(fault));
        assert!(!found.is_empty(), "nothing saw {fault:?}");
    }
}
